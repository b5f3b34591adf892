"""Makes the pictures of docs/howto/salt.md: generated images, inputs and targets of one, windows, metrics."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from mtl.config import SmallMapMode
from mtl.data.channels import INPUTS
from mtl.data.resize import Resizer
from mtl.metrics.tgs import my_iou_metric, tgs_precision
from mtl.tasks.heads import HEADS
from targets.scene import Scene
from targets.synthetic.seismic_salt import OUTLINE_COLOUR, make_salt_image, salt_contact_sheet
from targets.truth.traps import build_ground_truth

IMAGES = Path(__file__).parents[1] / "images"
EXAMPLE = 6  # a dome with layers that rise towards it
HEADS_SHOWN = ("salt", "boundary", "dist", "crest")
FILLS: dict[SmallMapMode, str] = {
    "pad": "pad: nothing is known beyond",
    "reflect": "reflect: its mirror images",
    "resize": "resize: enlarged",
}


def main() -> None:
    """Make all four."""
    sheet = Image.fromarray(salt_contact_sheet([make_salt_image(seed) for seed in range(16)], columns=8))
    greys = Image.new("P", (1, 1))
    greys.putpalette([level for i in range(64) for level in [round(i * 255 / 63)] * 3] + list(OUTLINE_COLOUR))
    few = sheet.quantize(palette=greys, dither=Image.Dither.NONE)
    few.save(IMAGES / "salt_images.png", optimize=True)
    scene = make_salt_image(EXAMPLE)
    inputs_and_targets(scene).savefig(IMAGES / "salt_inputs_targets.png")
    windows(scene).savefig(IMAGES / "salt_windows.png")
    metrics().savefig(IMAGES / "salt_metrics.png")


def inputs_and_targets(scene: Scene) -> Figure:
    """The planes of `salt_depth_abs` and `ramp`, and what the heads are taught, of one image."""
    figure = Figure(figsize=(12, 6.4), dpi=80, layout="constrained")
    axes = figure.subplots(2, 4)
    planes = [*INPUTS["salt_depth_abs"].compute(scene), *INPUTS["ramp"].compute(scene)]
    names = ("grey", "|Δrow + Δcolumn|", "grey × ramp", "ramp")
    for axis, plane, name in zip(axes[0], planes, names, strict=True):
        _shown(axis, plane, f"input: {name}", "gray")
    truth = build_ground_truth(scene)
    for axis, head in zip(axes[1], HEADS_SHOWN, strict=True):
        record = HEADS[head]
        target, valid = record.target(truth)
        _shown(axis, np.where(valid, target[0], np.nan), f"target: {head}", record.drawing.colour_map)
    return figure


def _shown(axis: Axes, plane: np.ndarray, title: str, colours: str) -> None:
    """One plane with its scale; grey where it is not known."""
    drawn = axis.imshow(plane, cmap=colours, interpolation="nearest")
    axis.figure.colorbar(drawn, ax=axis, shrink=0.75)
    axis.set_facecolor("0.85")
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=11)


def windows(scene: Scene) -> Figure:
    """How 101 cells fill a window of 128, and the cells of it that losses and scores see."""
    figure = Figure(figsize=(11, 4.2), dpi=80, layout="constrained")
    grey = INPUTS["salt_depth_abs"].compute(scene)[:1]
    for axis, (how, title) in zip(figure.subplots(1, 3), FILLS.items(), strict=True):
        frame = Resizer(scene.shape, 128, how)
        plane = frame.forward(grey, smooth=True)[0]
        axis.imshow(plane, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        rows, cols = np.nonzero(frame.own_cells())
        box = ((cols.min(), cols.max()), (rows.min(), rows.max()))
        _outline(axis, *box)
        axis.set(xlim=(-1, 128), ylim=(128, -1), xticks=[0, 64, 127], yticks=[0, 64, 127])
        axis.set_title(title, fontsize=11)
    figure.suptitle("101 × 101 cells in a window of 128 (yellow: what losses and scores see)", fontsize=12)
    return figure


def _outline(axis: Axes, cols: Sequence[int], rows: Sequence[int]) -> None:
    (left, right), (top, bottom) = cols, rows
    axis.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color="gold", linewidth=2)


def metrics() -> Figure:
    """What one image with salt is worth by both metrics, over the IoU of its mask."""
    figure = Figure(figsize=(7.5, 4.4), dpi=90, layout="constrained")
    axis = figure.subplots()
    ious = np.arange(1000) / 1000
    for metric, colour, width, label in (
        (my_iou_metric, "tab:orange", 7, "my_iou_metric, the notebooks'"),
        (tgs_precision, "tab:blue", 2, "tgs, the official metric"),
    ):
        worth = [metric(right, 1000 - right, 0) for right in range(1000)]
        axis.step(ious, worth, where="post", color=colour, linewidth=width, label=label)
        axis.plot(1, metric(1000, 0, 0), "o", color=colour, markersize=9)
    axis.annotate("a perfect mask: 1.1", (0.985, 1.1), ha="right", va="center", fontsize=10)
    axis.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="IoU itself")
    axis.set(
        xlabel="IoU of the predicted and the true mask",
        ylabel="what the image is worth",
        xlim=(0.4, 1.01),
        ylim=(-0.05, 1.18),
    )
    axis.grid(color="0.9")
    axis.legend(fontsize=10)
    return figure


if __name__ == "__main__":
    main()
