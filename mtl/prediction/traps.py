"""What is said of each predicted trap: where it is, how sure, and which exact closure it belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray
from scipy import ndimage

from mtl.inference.tta import spread_of
from mtl.metrics.base import THRESHOLD
from mtl.prediction.compare_exact import ExactComparison, best_matches, compare_with_exact
from mtl.prediction.instances import find_instances, instance_confidences, planes_by_role
from mtl.tasks.base import Output
from mtl.tasks.heads import trap_outputs
from targets.closure import Closures
from targets.scene import Float, Scene
from targets.surface.polygonize import Ring


@dataclass(frozen=True)
class UncertaintyMeasure:
    """A measure of how unsure an answer is.

    Attributes
    ----------
    told : str
        In words that end a sentence.
    unit : str
        Of its values, 0 = sure to high = as unsure as can be.
    """

    description: str
    unit: str
    maximum: float


ENTROPY = UncertaintyMeasure("the entropy of trap or not trap in bits: 0 = sure, 1 = as likely as not", "bits", 1.0)
STANDARD_DEVIATION = UncertaintyMeasure(
    "the standard deviation of the probability of trap over the looks (networks and symmetries): 0 = all say the same, "
    "0.5 = half say yes and half say no",
    "standard deviation",
    0.5,
)


@dataclass(frozen=True)
class PredictedTrap:
    """One trap as predicted, and the exact closure that shares most of it.

    Areas and volumes are in map units, cells when the spacing is unknown; depths in depth units, None without a depth.

    Attributes
    ----------
    confidence : float
        Mean predicted probability inside.
    doubt : float
        Mean inside, of what `Prediction` says.
    crest_x, crest_y : float
        Map coordinates; column and row when the map has no location.
    exact_id : int
        0 when it shares no cell with a closure, or the map has no depth.
    exact_iou : float
        Intersection over union with that closure.
    exact_height, exact_area, exact_volume, spill_depth : float | None
        Of that closure, None when there is none.
    """

    id: int
    confidence: float
    uncertainty: float
    area: float
    cells: int
    crest_x: float
    crest_y: float
    crest_depth: float | None
    exact_id: int
    exact_iou: float
    exact_height: float | None
    exact_area: float | None
    exact_volume: float | None
    spill_depth: float | None


@dataclass(frozen=True, eq=False)
class TrapPrediction:
    """The traps of one map.

    Attributes
    ----------
    labels : (H, W) int32
        0 = none, k = traps[k - 1].
    probability : (H, W)
        Of trap, 0 outside the map.
    doubt : (H, W)
        How unsure it is, NaN outside the map; measure : in which sense.
    crests : (N, 2)
        Rows and columns.
    sides : Sides | None
        Beside the closures of the map's depth, None without one.
    """

    traps: list[PredictedTrap]
    labels: NDArray[np.int32]
    probability: Float
    uncertainty: Float
    measure: UncertaintyMeasure
    crests: NDArray[np.int64]
    comparison: ExactComparison | None


def extract_traps(
    scene: Scene, maps: Mapping[str, Float], outputs: Sequence[Output], exact: Closures | None
) -> TrapPrediction:
    """The trap objects of all heads (`find_objects`), beside the closures of the depth.

    The crest of a trap is the shallowest cell of the predicted depth; without one the highest peak of the head that
    tells of crests, the shallowest cell of the map's own depth, or the most probable cell.
    """
    labels, probability = find_instances(maps, outputs)
    measure, unsure = trap_uncertainty(scene, maps, outputs, probability)
    told = planes_by_role(maps, outputs)
    rank = told.get("elevation", told.get("keypoint", -scene.depth if scene.has_depth else probability))
    sure, count = instance_confidences(labels, probability), int(labels.max(initial=0))
    numbers = np.arange(1, count + 1)
    crests = np.array(ndimage.maximum_position(rank, labels, numbers), np.int64).reshape(count, 2)
    cells = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    doubts = ndimage.mean(unsure, labels, numbers)
    xs, ys = scene.geo.xy(crests[:, 0], crests[:, 1])
    sides = None if exact is None else compare_with_exact(labels, exact, scene.geo)
    met, iou = (np.zeros(count, np.int64), np.zeros(count)) if exact is None else best_matches(labels, exact.labels)
    traps = []
    for i, (row, col) in enumerate(crests):
        closure = sides.table[met[i] - 1] if sides is not None and met[i] else None
        height, area, volume, spill = (
            None if closure is None else float(closure[name]) for name in ("height", "area", "volume", "spill_depth")
        )
        traps.append(PredictedTrap(
            id=i + 1, confidence=float(sure[i]), uncertainty=float(doubts[i]),
            area=float(cells[i] * scene.geo.cell_area), cells=int(cells[i]),
            crest_x=float(xs[i]), crest_y=float(ys[i]),
            crest_depth=float(scene.depth[row, col]) if scene.has_depth else None,
            exact_id=int(met[i]), exact_iou=float(iou[i]), exact_height=height, exact_area=area,
            exact_volume=volume, spill_depth=spill,
        ))  # fmt: skip
    return TrapPrediction(traps, labels, probability, unsure, measure, crests, sides)


def trap_uncertainty(
    scene: Scene, maps: Mapping[str, Float], outputs: Sequence[Output], probability: Float
) -> tuple[UncertaintyMeasure, Float]:
    """(H, W) how unsure the answer is, NaN outside the map, and in which sense: the spread of several looks at the
    traps where there is one, else the entropy of the answer."""
    spreads = [maps[name] for output in trap_outputs(outputs) if (name := spread_of(output.name)) in maps]
    if spreads:
        return STANDARD_DEVIATION, spreads[-1][0]
    p = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return ENTROPY, np.where(scene.map_valid, entropy, np.nan).astype(np.float32)


def trap_polygons(found: TrapPrediction) -> list[list[Ring]]:
    """Of every trap its polygon: rings (n, 2) of rows and columns where the probability crosses 0.5, the outer one
    first; where it meets another trap, along the line between them."""
    taken = (found.probability > THRESHOLD).astype(np.int32)
    polygons = []
    for number, box in enumerate(ndimage.find_objects(found.labels), start=1):
        rows, cols = (slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        own = found.labels[rows, cols] == number
        field = np.where(own | (taken[rows, cols] == 0), found.probability[rows, cols], 0)
        corner = np.array([rows.start, cols.start])
        polygons.append([ring + corner for ring in threshold_rings(field)])
    return polygons


def threshold_rings(field: NDArray) -> list[Ring]:
    """Rings around the part of a field above the threshold, the outer one first."""
    padded = np.pad(field, 1)  # a trap at the array's edge is closed there
    lines = contour_generator(z=padded, fill_type=FillType.OuterOffset).filled(THRESHOLD, np.inf)
    points, offsets = max(zip(*lines, strict=True), key=lambda polygon: len(polygon[0]))
    return [points[start:end, ::-1] - 1 for start, end in pairwise(offsets)]
