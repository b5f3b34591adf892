"""Noise of a depth: found by how its roughness grows with distance; what the surface without it does not confirm."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.closure import Closures
from targets.scene import Bool, Float, Scene
from targets.truth.selection import keep_traps

ROUGH = 0.0024  # of the relief, over two cells: smoother depths have no noise that matters
MOST_GROWTH = 2.05  # of roughness from two cells to four: 4 on a smooth surface, 2 on a fractal one, 1 for single cells
LARGEST_LEFT_OUT = 0.1  # of the differences: faults are no noise
WIDTH = 5.0  # cells, σ of the Gaussian
CONFIRMED = 0.3  # of a closure, in closures of the smooth surface


def noise_std(scene: Scene) -> float:
    """Measure the noise of a map's depth; `docs/experiments/noise.md` tells how the limits were found.

    Roughness over a distance is the standard deviation that noise of single cells would have to give such second
    differences. It is noise if it is large for the relief and grows slowly with distance. Noise of longer waves than
    some ten cells looks like structure.

    Parameters
    ----------
    scene : Scene
        A map with a depth.

    Returns
    -------
    float
        Roughness over two cells, in depth units; 0.0 where no noise is found.

    Examples
    --------
    >>> depth = np.add.outer(np.zeros(40), np.cos(np.arange(40.0) / 9)).astype(np.float32)
    >>> wave = Scene("wave", depth, depth < 9, depth < 9, depth > 9)
    >>> noise = np.random.default_rng(0).normal(0, 0.05, (40, 40)).astype(np.float32)
    >>> noise_std(wave), round(noise_std(wave.replace(depth=depth + noise)), 2)
    (0.0, 0.05)
    """
    low, high = scene.relief
    near, far = (_roughness(scene.depth, scene.map_valid, cells) for cells in (2, 4))
    is_noise = near > ROUGH * (high - low) and far < MOST_GROWTH * near
    return near if is_noise else 0.0


def _roughness(depth: Float, valid: Bool, cells: int) -> float:
    """Standard deviation of independent errors with the second differences of a depth; 0 on maps that are too small."""
    found = []
    for values, inside in ((depth.astype(np.float64), valid), (depth.astype(np.float64).T, valid.T)):
        before, here, after = (slice(None, -2 * cells), slice(cells, -cells), slice(2 * cells, None))
        known = inside[before] & inside[here] & inside[after]
        found.append(np.abs(values[before] - 2 * values[here] + values[after])[known])
    differences = np.sort(np.concatenate(found))
    differences = differences[: int((1 - LARGEST_LEFT_OUT) * differences.size)]
    # 0.65 is the mean of the smaller nine tenths of |normal|; 6 = 1 + 4 + 1 is the variance of a second difference.
    return float(differences.mean() / 0.65 / np.sqrt(6)) if differences.size else 0.0


def smooth_noise(scene: Scene) -> Scene | None:
    """The map with a smoothed depth, None where no noise is found."""
    if noise_std(scene) == 0:
        return None
    width, low = WIDTH / scene.coarsening, scene.relief[0]
    known = scene.map_valid.astype(np.float64)
    weight = ndimage.gaussian_filter(known, width)
    depth = ndimage.gaussian_filter(np.where(scene.map_valid, scene.depth - low, 0).astype(np.float64), width)
    smooth = low + depth / np.maximum(weight, 1e-9)
    return scene.replace(depth=np.where(scene.map_valid, smooth, scene.depth).astype(np.float32))


def leave_out_noise(closures: Closures, smooth: Closures) -> Closures:
    """Keep the outermost closures that the smoothed surface confirms.

    Parameters
    ----------
    closures : Closures
        Of a map with noise.
    smooth : Closures
        Of the smoothed map under the same rules.

    Returns
    -------
    Closures
        Their outlines, heights and volumes are those of the depth as it is.
    """
    return keep_traps(closures, _confirmed(closures.labels, smooth.labels)[1:])


def widen_traps(labels: NDArray[np.int32], closures: Closures, smooth: Closures) -> NDArray[np.int32]:
    """Widen traps by the closures of the smoothed surface that those of the depth as it is confirm.

    Parameters
    ----------
    labels : (H, W) int32
        Traps 1 to N, 0 = none, as `leave_out_noise` kept them.
    closures, smooth : Closures
        As of `leave_out_noise`.

    Returns
    -------
    (H, W) int32
        Cells of no trap that lie in such a closure are part of the trap that fills most of it, if there is one.
    """
    columns = int(labels.max(initial=0)) + 1
    rows = int(smooth.labels.max(initial=0)) + 1
    pairs = smooth.labels.ravel().astype(np.int64) * columns + labels.ravel()
    shared = np.bincount(pairs, minlength=rows * columns).reshape(rows, columns)
    shared[:, 0] = 0
    owner = np.where(_confirmed(smooth.labels, closures.labels), shared.argmax(axis=1), 0)
    return np.where(labels == 0, owner[smooth.labels], labels).astype(np.int32)


def _confirmed(labels: NDArray[np.int32], other: NDArray[np.int32]) -> Bool:
    """(N + 1,) whether enough of each closure lies in others; the first, that of no closure, is not."""
    count = int(labels.max(initial=0)) + 1
    area = np.bincount(labels.ravel(), minlength=count)
    is_confirmed = np.bincount(labels[other > 0], minlength=count) >= CONFIRMED * area
    is_confirmed[0] = False
    return np.asarray(is_confirmed)
