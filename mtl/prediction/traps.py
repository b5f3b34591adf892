"""Records of predicted traps: place, confidence, uncertainty, polygon and the matching exact closure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray
from scipy import ndimage

from mtl.config import THRESHOLD
from mtl.inference.tta import std_name
from mtl.prediction.compare_exact import ExactComparison, best_matches, compare_with_exact
from mtl.prediction.instances import find_instances, instance_confidences, planes_by_role
from mtl.prediction.own_closure import closed_inside
from mtl.tasks.base import Output
from mtl.tasks.heads import trap_outputs
from targets.closure import Closures, areas_of_labels
from targets.scene import Float, Scene
from targets.surface.polygonize import Ring

SAME_TRAP_IOU = 0.5  # below it a closure is another trap, which this one touches
EXACT_COLUMNS = ("height", "area", "volume", "spill_depth")


@dataclass(frozen=True)
class UncertaintyMeasure:
    """A measure of predictive uncertainty.

    Attributes
    ----------
    description : str
        Its definition, as the end of a sentence "Uncertainty is ...".
    unit : str
        Unit of its values.
    maximum : float
        Largest possible value; 0 is certainty.
    """

    description: str
    unit: str
    maximum: float


ENTROPY = UncertaintyMeasure("the entropy of trap or not trap in bits: 0 = sure, 1 = as likely as not", "bits", 1.0)
STANDARD_DEVIATION = UncertaintyMeasure(
    "the standard deviation of the probability of trap over networks and symmetries: 0 = all agree, 0.5 = half say yes "
    "and half say no",
    "standard deviation",
    0.5,
)


@dataclass(frozen=True)
class PredictedTrap:
    """One predicted trap, and the exact closure that shares most of its cells.

    Areas, volumes and depths are in the units of `GeoReference.units`, depths positive down, None without a depth.

    Attributes
    ----------
    id : int
        Number from 1, the label of its cells.
    confidence : float
        Mean probability of trap inside.
    uncertainty : float
        Mean uncertainty inside, in the sense of `TrapPrediction.measure`.
    cells : int
        Area in cells.
    area : float
        Area of its own outline.
    height, volume, spill_depth : float | None
        What closes inside its own outline, see `mtl.prediction.own_closure.closed_inside`: height and volume are 0, and
        the spill depth None, where nothing closes.
    crest_x, crest_y : float
        Map coordinates of the crest; column and row on a map without a location.
    crest_depth : float | None
        Depth of the crest.
    exact_id : int
        The matching closure; 0 when it shares no cell with one, or the map has no depth.
    exact_iou : float
        Intersection over union with that closure, 0 without one.
    exact_height, exact_area, exact_volume, exact_spill_depth : float | None
        Properties of that closure, None unless the IoU is at least `SAME_TRAP_IOU`.
    """

    id: int
    confidence: float
    uncertainty: float
    cells: int
    area: float
    height: float | None
    volume: float | None
    spill_depth: float | None
    crest_x: float
    crest_y: float
    crest_depth: float | None
    exact_id: int
    exact_iou: float
    exact_height: float | None
    exact_area: float | None
    exact_volume: float | None
    exact_spill_depth: float | None


@dataclass(frozen=True, eq=False)
class TrapPrediction:
    """All predicted traps of one map.

    Attributes
    ----------
    traps : list[PredictedTrap]
        Their records, in the order of their labels.
    labels : (H, W) int32
        0 = none, k = traps[k - 1].
    probability : (H, W) float32
        Probability of trap, 0 outside the map.
    uncertainty : (H, W) float32
        Uncertainty of each cell, NaN outside the map.
    measure : UncertaintyMeasure
        What uncertainty means here.
    crests : (N, 2) int64
        Row and column of each crest.
    comparison : ExactComparison | None
        Comparison with the closures of the map's depth, None without a depth.
    names : tuple[str, ...], default ()
        Of the traps, after the wells or places in them; empty where none were asked for.
    naming : str, default ''
        How many of these wells or places lie in no trap.
    """

    traps: list[PredictedTrap]
    labels: NDArray[np.int32]
    probability: Float
    uncertainty: Float
    measure: UncertaintyMeasure
    crests: NDArray[np.int64]
    comparison: ExactComparison | None
    names: tuple[str, ...] = ()
    naming: str = ""


def extract_traps(
    scene: Scene, maps: Mapping[str, Float], outputs: Sequence[Output], exact: Closures | None
) -> TrapPrediction:
    """Extract trap instances from a prediction and match them with exact closures.

    The crest of a trap is the shallowest cell of the predicted depth; without one the shallowest cell of the map's own
    depth, the highest peak of the crest head, or the most probable cell.

    Parameters
    ----------
    scene : Scene
        The predicted map.
    maps : Mapping[str, Float]
        {output: (C, H, W) float32}, NaN outside the map.
    outputs : Sequence[Output]
        Outputs of the run; at least one has the role mask or boundary.
    exact : Closures | None
        Closures of the map's depth, None to compare with nothing.
    """
    labels, probability = find_instances(maps, outputs, scene.cell_sides)
    measure, uncertainty = trap_uncertainty(scene, maps, outputs, probability)
    planes = planes_by_role(maps, outputs)
    height = -scene.depth if scene.has_depth else planes.get("keypoint", probability)
    height = planes.get("elevation", height)
    confidences, count = instance_confidences(labels, probability), int(labels.max(initial=0))
    numbers = np.arange(1, count + 1)
    crests = np.array(ndimage.maximum_position(height, labels, numbers), np.int64).reshape(count, 2)
    cells = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    uncertainties = ndimage.mean(uncertainty, labels, numbers)
    xs, ys = scene.geo.xy(crests[:, 0], crests[:, 1])
    comparison = None if exact is None else compare_with_exact(labels, exact, scene.geo)
    ids, iou = (np.zeros(count, np.int64), np.zeros(count)) if exact is None else best_matches(labels, exact.labels)
    cell_areas = scene.geo.cell_areas(scene.shape)
    areas = areas_of_labels(labels, cell_areas, count)
    own = None if exact is None else closed_inside(labels, exact, cell_areas * scene.geo.height_factor)
    traps = []
    for i, (row, col) in enumerate(crests):
        is_same = comparison is not None and ids[i] > 0 and iou[i] >= SAME_TRAP_IOU
        closure = comparison.table[ids[i] - 1] if comparison is not None and is_same else None
        traps.append(PredictedTrap(
            id=i + 1, confidence=float(confidences[i]), uncertainty=float(uncertainties[i]), cells=int(cells[i]),
            area=float(areas[i]), **_known(None if own is None else own[i], ("height", "volume", "spill_depth")),
            crest_x=float(xs[i]), crest_y=float(ys[i]),
            crest_depth=float(scene.depth[row, col]) if scene.has_depth else None,
            exact_id=int(ids[i]), exact_iou=float(iou[i]), **_known(closure, EXACT_COLUMNS, "exact_"),
        ))  # fmt: skip
    return TrapPrediction(traps, labels, probability, uncertainty, measure, crests, comparison)


def _known(row: Any, names: Sequence[str], prefix: str = "") -> dict[str, Any]:
    """Some columns of a row of a table; None of no row, and for what is not a number."""
    values = {name: None if row is None else float(row[name]) for name in names}
    return {f"{prefix}{name}": None if value is None or np.isnan(value) else value for name, value in values.items()}


def trap_uncertainty(
    scene: Scene, maps: Mapping[str, Float], outputs: Sequence[Output], probability: Float
) -> tuple[UncertaintyMeasure, Float]:
    """Uncertainty (H, W) of each cell, NaN outside the map, and its measure.

    The standard deviation over networks and symmetries where the prediction has one, else the entropy of the
    probability of trap (Shannon 1948).
    """
    deviations = [maps[name] for output in trap_outputs(outputs) if (name := std_name(output.name)) in maps]
    if deviations:
        return STANDARD_DEVIATION, deviations[-1][0]
    p = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    entropy = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return ENTROPY, np.where(scene.map_valid, entropy, np.nan).astype(np.float32)


def trap_polygons(prediction: TrapPrediction) -> list[list[Ring]]:
    """Trace every trap as a polygon.

    Returns
    -------
    list[list[Ring]]
        For each trap its rings (n, 2) of rows and columns, the outer one first, where the probability crosses 0.5;
        beside another trap the ring follows the line between them.
    """
    positive = (prediction.probability > THRESHOLD).astype(np.int32)
    polygons = []
    for number, box in enumerate(ndimage.find_objects(prediction.labels), start=1):
        rows, cols = (slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        own = prediction.labels[rows, cols] == number
        field = np.where(own | (positive[rows, cols] == 0), prediction.probability[rows, cols], 0)
        corner = np.array([rows.start, cols.start])
        polygons.append([ring + corner for ring in threshold_rings(field)])
    return polygons


def threshold_rings(field: NDArray) -> list[Ring]:
    """Trace the largest part of a field (H, W) above the threshold: its rings (n, 2), the outer one first."""
    padded = np.pad(field, 1)  # a trap at the array's edge is closed there
    lines = contour_generator(z=padded, fill_type=FillType.OuterOffset).filled(THRESHOLD, np.inf)
    points, offsets = max(zip(*lines, strict=True), key=lambda polygon: len(polygon[0]))
    return [points[start:end, ::-1] - 1 for start, end in pairwise(offsets)]
