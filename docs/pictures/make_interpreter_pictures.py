"""Makes the picture of docs/explanation/interpreters.md: one map, as each interpreter draws its traps."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from targets.rendering.map import with_rendered_picture
from targets.rendering.style import Style
from targets.scene import Bool, Scene
from targets.synthetic.interpreters.registry import INTERPRETERS, with_drawn_traps
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

IMAGE = Path(__file__).parents[1] / "images" / "interpreters.png"
SEED, SIZE = 4100013, 160
STYLE = Style(palette="spectral")


def main() -> None:
    """Make it; with --all a sheet of several maps for one's own eyes instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, help="file that gets all interpreters' drawings of the maps of --seeds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    given = parser.parse_args()
    scenes = [with_rendered_picture(make_structure_map(seed, SIZE), STYLE) for seed in given.seeds]
    columns = 4 if given.all is None else len(scenes)
    rows = len(INTERPRETERS) * len(scenes) // columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(2.6 * columns, 2.75 * rows), layout="constrained", squeeze=False
    )
    panels = [(name, scene) for name in INTERPRETERS for scene in scenes]
    for axis, (name, scene) in zip(axes.flat, panels, strict=True):
        drawn = with_drawn_traps(scene, name, seed=41).traps
        exact = compute_traps(scene, TrapCriteria()).labels > 0
        draw(axis, scene, drawn, exact)
        held_out = " (held out)" if INTERPRETERS[name].held_out else ""
        axis.set_title(f"{name}{held_out}", fontsize=10)
    path = given.all or IMAGE
    figure.savefig(path, dpi=100)
    plt.close(figure)
    if given.all is None:
        Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def draw(axis: Axes, scene: Scene, drawn: Bool, exact: Bool) -> None:
    """Draw a pale map with the drawn traps filled, and the exact closures by default rules as a dashed line."""
    axis.imshow(scene.rgb, alpha=0.55)
    for mask, options in ((exact, {"colors": "black", "linestyles": "dashed", "linewidths": 0.9}),
                          (drawn, {"colors": "magenta", "linewidths": 1.8})):  # fmt: skip
        if mask.any():
            axis.contour(mask.astype(float), [0.5], **options)
    axis.set_xticks([])
    axis.set_yticks([])


if __name__ == "__main__":
    main()
