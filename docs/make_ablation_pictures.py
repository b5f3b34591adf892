#!/usr/bin/env python
"""Draw docs/images/legend.png: what a picture's colours alone tell of depth and traps, without a network."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from targets.cli import run
from targets.files import written_whole
from targets.legend import scene_of_picture
from targets.synth import make_scene
from targets.truth import TrapRules, computed_traps


def main(*, seed: int = 1_200_003, size: int = 256, out: str = "docs/images/legend.png") -> None:
    """Draw a synthetic map's picture, the depth that is read back from it, and the traps of both.

    Parameters
    ----------
    seed : of the map.
    size : rows and columns of the map.
    out : the picture to write.
    """
    scene = make_scene(seed, size)
    told = scene_of_picture(scene)
    traps, seen = (computed_traps(one, TrapRules())[0] > 0 for one in (scene, told))
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
        (
            "closures: grey in both, blue only true,\nred only in the picture",
            _verdict(traps, seen, outside),
            None,
        ),
    ]
    figure = Figure(figsize=(15, 4.45), dpi=80, layout="constrained")
    for axis, (title, picture, colours) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        axis.imshow(picture, cmap=colours)
        axis.set_title(title, fontsize=11)
        axis.set(xticks=[], yticks=[])
    with written_whole(out) as temporary:
        figure.savefig(temporary)
    print(f"look at {out}")


def _verdict(true: np.ndarray, seen: np.ndarray, outside: np.ndarray) -> np.ndarray:
    colours = np.full((*true.shape, 3), 0.93)
    colours[outside] = 1
    colours[true & seen] = 0.55
    colours[true & ~seen] = (0.15, 0.35, 0.8)
    colours[~true & seen] = (0.8, 0.2, 0.15)
    return colours


if __name__ == "__main__":
    run(main)
