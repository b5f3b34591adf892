"""Synthetic structure maps: folds, domes, regional dip and normal faults, known to the cell.

A map is one depth surface that is folded, then faulted, then picked:

1. regional dip, folds of several wavelengths along one regional strike, domes (`folds`);
2. normal faults, each with an elliptical displacement field (`faults`): throw that dies out at the tips, a raised
   footwall, a lowered hanging wall, and between their cutoffs the heave, a strip without the horizon that becomes the
   fault polygon; zones of overlapping segments leave relay ramps, branches abut on an older fault (`fault_systems`);
3. band-limited picking noise, and an outline made of rectangles, as surveys have.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import scipy.fft

from targets.errors import UserError
from targets.rendering.map import with_rendered_picture
from targets.rendering.style_families import CLEAN, random_style
from targets.scene import Bool, Float, GeoReference, Scene
from targets.surface.contour_interval import nice_interval, suggest_contour_count
from targets.surface.fill import fill_holes
from targets.synthetic.fault_systems import random_fault_system
from targets.synthetic.faults import fault_displacement
from targets.synthetic.folds import dipping_plane, make_folded_surface
from targets.synthetic.options import DEFAULT_STRUCTURES, StructureMapOptions
from targets.synthetic.random_fields import cell_axes, draw_log_uniform, padded_fft_shape, random_spectrum
from targets.synthetic.surface_crops import crop_surface

MAX_NOISE_SHARE = 0.005  # of the relief; rougher surfaces are smoothed before they are contoured
MIN_SIDE = 32  # cells


def make_structure_map(
    seed: int,
    size: int | tuple[int, int] = 512,
    options: StructureMapOptions = DEFAULT_STRUCTURES,
    name: str | None = None,
    style_family: str = CLEAN,
    depth_noise: float = 0.0,
    real_surfaces: Sequence[Scene] = (),
) -> Scene:
    """Make one map; the same seed, size and options give the same map.

    Parameters
    ----------
    seed : int
        0 or more.
    size : int | tuple[int, int], default 512
        Cells of a square map, or (rows, columns).
    options : StructureMapOptions, default DEFAULT_STRUCTURES
        What the map may look like.
    name : str | None, default None
        Name of the map; None takes `synth_` and the seed.
    style_family : str, default CLEAN
        The family of `targets.rendering.style_families` that the style of its picture is drawn from.
    depth_noise : float, default 0.0
        Picking noise of a poor depth (`with_picking_noise`), as a share of the relief; 0: none.
    real_surfaces : Sequence[Scene], default ()
        Real surfaces, whose crops (`targets.synthetic.surface_crops`) take the place of folds and domes, by turns.

    Returns
    -------
    Scene
        With every field but `traps`; depth in metres. Its group is its own, or that of all crops of its surface.

    Raises
    ------
    UserError
        A negative seed, or a map of fewer than 32 cells along a side.

    Examples
    --------
    >>> scene = make_structure_map(seed=3, size=64)
    >>> scene.shape, scene.geo.depth_unit, scene.name
    ((64, 64), 'm', 'synth_00003')
    >>> bool((scene.depth == make_structure_map(seed=3, size=64).depth).all())
    True
    """
    shape = (size, size) if isinstance(size, int) else size
    if seed < 0 or min(shape) < MIN_SIDE:
        expected = f"a seed of at least 0 and at least {MIN_SIDE} x {MIN_SIDE} cells"
        raise UserError("make_structure_map", f"seed {seed}, size {shape}", expected)
    name = name or f"synth_{seed:05d}"
    # Every part has a generator of its own, so that a change in one leaves the others as they are.
    folding, faulting, picking, placing, styling = (np.random.default_rng([seed, part]) for part in range(5))
    cell = max(2.5, 2.5 * round(folding.uniform(*options.extent) / max(shape) / 2.5))
    strike = folding.uniform(0, np.pi)

    surface = real_surfaces[seed % len(real_surfaces)] if real_surfaces else None
    fold = make_folded_surface if surface is None else partial(surface_from_crop, surface)
    depth = folding.uniform(*options.depth) + fold(folding, shape, cell, strike, options)
    faults = random_fault_system(faulting, (shape[0] * cell, shape[1] * cell), strike, options)
    moved, fault = fault_displacement(faults, shape, cell)
    depth += moved
    sigma = min(draw_log_uniform(picking, options.picking_noise), MAX_NOISE_SHARE * float(np.ptp(depth)))
    depth += make_picking_noise(picking, shape, sigma)
    inside = random_outline(placing, shape, options.outline_rectangles)
    fault &= inside
    depth = fill_holes(depth, inside & ~fault, inside)  # as a reader of the written map fills its voids

    low, high = float(depth[inside].min()), float(depth[inside].max())
    geo = GeoReference(
        x0=float(placing.integers(400, 600)) * 1000,
        y0=float(placing.integers(6000, 7000)) * 1000,
        dx=cell,
        dy=-cell,
        depth_unit="m",
        depth_range=(low, high),
        xy_unit="m",
    )
    scene = Scene(name, depth, inside & ~fault, inside, fault, geo=geo, group=surface.name if surface else name)
    if depth_noise:
        scene = with_picking_noise(scene, depth_noise, np.random.default_rng([seed, 5]))
    style = random_style(styling, style_family, shape)
    lines = max(1.0, suggest_contour_count(shape) * styling.uniform(*options.contour_density) * style.contour_density)
    return with_rendered_picture(scene, replace(style, contour_interval=nice_interval(low, high, lines)))


def surface_from_crop(
    surface: Scene,
    rng: np.random.Generator,
    shape: tuple[int, int],
    cell: float,
    strike: float,
    options: StructureMapOptions,
) -> Float:
    """Make a surface of a crop of a real one, as steep as folds would be, tilted by a regional dip.

    Parameters
    ----------
    surface : Scene
        The real surface.
    rng, shape, cell, strike, options
        As in `targets.synthetic.folds.make_folded_surface`.

    Returns
    -------
    (H, W) float32
        Metres about 0, positive down.
    """
    slope = np.tan(np.radians(rng.uniform(*options.fold_slope)))
    rows, cols = cell_axes(shape, cell)
    tilted = crop_surface(rng, surface, shape, slope * cell) + dipping_plane(rng, rows, cols, strike, options)
    return np.asarray(tilted - tilted.mean(), np.float32)


def make_picking_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Float:
    """Make picking noise: red noise of wavelengths from 3 to 60 cells, stronger here and weaker there.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    shape : tuple[int, int]
        Rows and columns.
    sigma : float
        Standard deviation on average, in the unit of the result.

    Returns
    -------
    (H, W) float32
        Metres, or the unit of `sigma`.
    """
    rows, cols = padded_fft_shape(shape, 60)
    k = np.hypot(scipy.fft.fftfreq(rows)[:, None], scipy.fft.rfftfreq(cols)[None, :]).astype(np.float32)
    # Amplitude k^-1.6 is the roughness of real horizons between these wavelengths: neither fizz nor hills.
    amplitude = np.where((k > 1 / 60) & (k < 1 / 3), np.maximum(k, 1 / 60) ** np.float32(-1.6), 0)
    jitter = scipy.fft.irfft2(random_spectrum(rng, amplitude), (rows, cols), norm="forward")[: shape[0], : shape[1]]
    quality = rng.normal(0, 0.4, (5, 5)).astype(np.float32)  # picks are good here, poor there
    return np.float32(sigma) * jitter * np.exp(cv2.resize(quality, shape[::-1], interpolation=cv2.INTER_CUBIC))


def with_picking_noise(scene: Scene, share: float, rng: np.random.Generator) -> Scene:
    """Add picking noise to the depth of a map, as poorer data would show it.

    Parameters
    ----------
    scene : Scene
        The map.
    share : float
        Standard deviation of the noise, as a share of the relief.
    rng : np.random.Generator
        Decides the noise.

    Returns
    -------
    Scene
        Its `true_depth` is the depth before.
    """
    low, high = scene.relief
    return scene.replace(
        depth=scene.depth + make_picking_noise(rng, scene.shape, share * (high - low)), true_depth=scene.depth
    )


def random_outline(rng: np.random.Generator, shape: tuple[int, int], rectangles: tuple[int, int]) -> Bool:
    """Draw a map's outline: one connected union of rectangles that reaches all four sides of the frame.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    shape : tuple[int, int]
        Rows and columns.
    rectangles : tuple[int, int]
        Fewest and most rectangles; 1 is the full frame.

    Returns
    -------
    (H, W) bool
        Inside the map.
    """
    count = int(rng.integers(rectangles[0], rectangles[1] + 1))
    if count <= 1:
        return np.ones(shape, bool)
    # All rectangles hold the middle of the frame, so the union is connected; together they reach every side.
    sides = rng.uniform(0.0, 0.38, (count, 4))
    sides[rng.integers(count, size=4), np.arange(4)] = 0
    inside = np.zeros(shape, bool)
    for top, bottom, left, right in sides:
        row, col = (round(top * shape[0]), round(left * shape[1]))
        inside[row : shape[0] - round(bottom * shape[0]), col : shape[1] - round(right * shape[1])] = True
    return inside
