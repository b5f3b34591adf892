#!/usr/bin/env python
"""Draw docs/images/gallery_*.png: what the model that comes with the package says of real maps it never saw."""

from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mtl.config import THRESHOLD
from mtl.evaluation.benchmark import CASES, TRUTH_OPTIONS, input_sets_for, make_case_scene, overlay_agreement
from mtl.evaluation.evaluate import predict_with_truth
from mtl.inference.predictor import Predictor, load_predictor
from mtl.metrics.masks import TRAP_METRIC
from mtl.prediction.compare_exact import agreement_classes
from mtl.prediction.traps import extract_traps
from targets.common.cli import run
from targets.io.catalogue import ReadOptions
from targets.rendering.map import ensure_picture
from targets.rendering.overlays import CREST_MARKER
from targets.scene import Float, Scene
from targets.truth.rasters import trap_mask
from targets.truth.traps import GroundTruth

ROW = CASES[1]  # pictures in palettes that no program knows
COLUMNS = (
    "picture of the map",
    "depth that the model reads from it",
    "traps: green found, blue false, red missed\ncrests: + true, triangle predicted",
)


def main(
    surfaces: tuple[str, ...], *, checkpoint: str | None = None, out: Path = Path("docs/images"), seed: int = 0
) -> None:
    """Draw every map of some surfaces, best first, on two pictures.

    Parameters
    ----------
    surfaces : grids, or folders of them.
    checkpoint : a trained model; none: the one that comes with the package.
    out : folder of the pictures.
    seed : of the styles.
    """
    predictor = load_predictor(checkpoint, device="cpu")
    predictor = predictor.with_input_sets(input_sets_for(predictor, ROW))
    pairs = predict_with_truth(partial(make_case_scene, ROW, seed), TRUTH_OPTIONS, surfaces, ReadOptions())
    drawn = sorted((say(predictor, *pair) for pair in pairs), key=lambda one: -one[0])
    drawn = [one for one in drawn if one[0] == one[0]]  # maps without a trap have no figure
    half = (len(drawn) + 1) // 2
    for name, maps in (("good", drawn[:half]), ("bad", drawn[half:])):
        figure = Figure(figsize=(8.4, 2.5 * len(maps) + 0.3), dpi=72, layout="constrained")
        for axes, one in zip(figure.subplots(len(maps), 3, squeeze=False), maps, strict=True):
            draw(axes, *one)
        for axis, title in zip(figure.axes, COLUMNS, strict=False):
            axis.set_title(title, fontsize=8)
        figure.savefig(out / f"gallery_{name}.png")
    print(f"look at {out}/gallery_good.png and gallery_bad.png")


def say(
    predictor: Predictor, truth: GroundTruth, given: Scene
) -> tuple[float, GroundTruth, Scene, Float, Float, NDArray]:
    """Trap IoU of one map, the map, and its depth, probability of trap and crests as the model says."""
    values = predictor(given)
    final = values[predictor.outputs[-1].name]
    sums = TRAP_METRIC.update(final, trap_mask(truth)[None], given.map_valid)
    crests = extract_traps(given, values, predictor.outputs, None).crests
    return TRAP_METRIC.compute(sums)["iou"], truth, given, values["depth"][0], final[0], crests


def draw(
    axes: list[Axes], iou: float, truth: GroundTruth, given: Scene, depth: Float, final: Float, crests: NDArray
) -> None:
    """One map: picture, depth, and where the model is right and wrong."""
    picture = ensure_picture(given).rgb
    assert picture is not None
    called, true = (final > THRESHOLD) & given.map_valid, (truth.labels > 0) & given.map_valid
    axes[0].imshow(picture)
    axes[1].imshow(depth, cmap="Spectral_r")
    axes[2].imshow(overlay_agreement(picture, agreement_classes(called, true)))
    axes[2].plot(*truth.crests.T[::-1], "k+", markersize=7)
    axes[2].plot(*crests.T[::-1], **CREST_MARKER | {"markersize": 4})
    axes[0].set_ylabel(f"{truth.scene.name}\nIoU {iou:.2f}", fontsize=8)
    for axis in axes:
        axis.set(xticks=[], yticks=[])


if __name__ == "__main__":
    run(main)
