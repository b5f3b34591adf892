#!/usr/bin/env python
"""Draw a trap larger than a tile, as judged from tiles and from tiles with what lies around them.

Train the two networks first: the commands are in docs/experiments/ablations/reach.md.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mtl.inference.predictor import load_predictor
from targets.common.atomic_write import atomic_write
from targets.common.cli import run
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import build_ground_truth


def main(
    *,
    tiles: str = "runs/reach/tiles/best.ckpt",
    context: str = "runs/reach/context/best.ckpt",
    seed: int = 38500003,
    size: int = 384,
    out: str = "docs/images",
) -> None:
    """Draw reach.png.

    Parameters
    ----------
    tiles : checkpoint of a network that is shown tiles alone.
    context : checkpoint of one that is shown what lies around them too.
    seed : of the synthetic map.
    size : of the synthetic map, in cells.
    out : folder of the picture.
    """
    scene = make_structure_map(seed, size)
    truth = build_ground_truth(scene)
    assert scene.rgb is not None
    figure = Figure(figsize=(13, 7), dpi=80, layout="constrained")
    for axis, checkpoint, title in zip(
        figure.subplots(1, 2), (tiles, context), ("tiles alone", "tiles with a context"), strict=True
    ):
        predictor = load_predictor(checkpoint, device="cpu", stride=32)
        view = predictor.tile_view(scene)
        axis.imshow(150 + scene.rgb.astype(int) * 105 // 255)
        probability = np.nan_to_num(predictor(scene)["trap"][0])
        axis.contourf(probability, levels=[0.5, 1.01], colors=["magenta"], alpha=0.4)
        axis.contour(truth.labels > 0, levels=[0.5], colors=["black"], linewidths=1.8)
        middle = size / 2
        for side, style in {view.visible_side: "--", view.tile_side: "-"}.items():
            axis.add_patch(Rectangle((middle - side / 2,) * 2, side, side, fill=False, linewidth=2, linestyle=style))
        axis.set(xticks=[], yticks=[], xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
        axis.set_title(f"{title}: predicted traps (magenta), exact traps (black line)")
    figure.suptitle("square: a tile; dashed: what the network is shown with it")
    with atomic_write(Path(out) / "reach.png") as temporary:
        figure.savefig(temporary)
    print(f"look at {Path(out) / 'reach.png'}")


if __name__ == "__main__":
    run(main)
