#!/usr/bin/env python
"""Draw docs/images/legend.png and own_legend.png: what colours tell of depth and traps, by a legend and without one."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from targets.common.atomic_write import atomic_write
from targets.common.cli import run
from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.picture_reading.depth_from_known_palette import scene_from_picture
from targets.rendering.map import with_rendered_picture
from targets.rendering.style_families import random_style
from targets.scene import Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

ERROR = 0.05  # of the relief


def main(*, seed: int = 1_200_003, size: int = 256, out: Path = Path("docs/images")) -> None:
    """Draw a synthetic map's picture, the depth that is read back from it, and the traps of both.

    Parameters
    ----------
    seed : of the map.
    size : rows and columns of the map.
    out : folder of the pictures.
    """
    scene = make_structure_map(seed, size)
    told = scene_from_picture(scene)
    outside = ~scene.map_valid
    grey = matplotlib.colormaps["gray_r"].with_extremes(bad="tab:orange")
    shown = [
        ("picture\n(blue = deep, red = high)", scene.rgb, None),
        (
            "depth read from its colours\n(orange: not read)",
            np.where(told.depth_valid | outside, np.where(outside, 0, told.depth), np.nan),
            grey,
        ),
        ("continued under lines and faults\n(black = deepest)", np.where(outside, 0, told.depth), "gray_r"),
        ("closures: grey in both, blue only true,\nred only in the picture", _verdict(scene, told.depth), None),
    ]
    _draw(shown, out / "legend.png")

    scene = with_rendered_picture(scene, random_style(np.random.default_rng(seed), "unseen"))
    assert scene.rgb is not None
    errors = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=scene.shape), size / 50)
    guess = (scene.depth_norm() + ERROR * errors / errors.std()).astype(np.float32)
    said = depth_from_colours(scene.rgb, guess, scene.map_valid)
    assert said is not None
    shown = [
        ("picture in colours that nobody explains", scene.rgb, None),
        ("a guess of its depth, wrong by 5 % of the relief\n(black = deepest)", np.where(outside, 0, guess), "gray_r"),
        ("its closures: grey right,\nblue missed, red wrong", _verdict(scene, guess), None),
        ("what the colours say,\nthe guess being their legend", np.where(outside, 0, said.depth), "gray_r"),
        ("its closures", _verdict(scene, said.depth), None),
    ]
    _draw(shown, out / "own_legend.png")
    print(f"look at {out}/legend.png and own_legend.png")


def _draw(shown: list[tuple[str, np.ndarray, Any]], out: Path) -> None:
    figure = Figure(figsize=(3.75 * len(shown), 4.45), dpi=80, layout="constrained")
    for axis, (title, picture, colours) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        axis.imshow(picture, cmap=colours)
        axis.set_title(title, fontsize=11)
        axis.set(xticks=[], yticks=[])
    with atomic_write(out) as temporary:
        figure.savefig(temporary)


def _verdict(scene: Scene, depth: np.ndarray) -> np.ndarray:
    true, seen = (compute_traps(scene.replace(depth=d), TrapCriteria())[0] > 0 for d in (scene.depth, depth))
    colours = np.full((*true.shape, 3), 0.93)
    colours[~scene.map_valid] = 1
    colours[true & seen] = 0.55
    colours[true & ~seen] = (0.15, 0.35, 0.8)
    colours[~true & seen] = (0.8, 0.2, 0.15)
    return colours


if __name__ == "__main__":
    run(main)
