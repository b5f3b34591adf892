"""Comparison of learned traps with exact closures: matching instances, and agreement cell by cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from mtl.metrics.instances import contingency_table, pairwise_iou
from targets.closure import Closures, areas_of_labels, in_map_units
from targets.io.images import RGBA
from targets.io.qgis.styles import CategorizedStyle, LayerStyle
from targets.io.vectors import VectorLayer
from targets.scene import Bool, GeoReference
from targets.surface.polygonize import polygonize_labels

# Class k of `agreement_classes` is the k-th entry; class 0 (no trap) has no colour.
AGREEMENT_COLOURS: dict[str, RGBA] = {
    "learned only": (31, 119, 255, 255),
    "exact only": (227, 0, 27, 255),
    "both": (44, 160, 44, 255),
}
FILL_OPACITY = 110  # of 255: the map below stays visible
SHARED_COLUMNS = ("id", "crest_x", "crest_y", "crest_depth", "spill_x", "spill_y", "spill_depth", "height", "area",
                  "volume")  # fmt: skip


@dataclass(frozen=True, eq=False)
class ExactComparison:
    """Learned traps of one map beside the exact closures of its depth.

    Attributes
    ----------
    closures : Closures
        The exact closures.
    table : (N,) structured array
        One row per outermost closure, in map units, with the learned trap that shares most of its cells.
    agreement : (H, W) uint8
        Class of each cell: 0 where neither has a trap, k for the k-th entry of `AGREEMENT_COLOURS`.
    """

    closures: Closures
    table: NDArray
    agreement: NDArray[np.uint8]


def compare_with_exact(learned: NDArray[np.int32], exact: Closures, geo: GeoReference) -> ExactComparison:
    """Compare learned traps with exact closures.

    Parameters
    ----------
    learned : (H, W) int32
        Labels of learned traps, 0 = none.
    exact : Closures
        Closures of the map's depth.
    geo : GeoReference
        Location of the map, for coordinates and areas.
    """
    table = exact_trap_table(exact, learned, geo)
    return ExactComparison(exact, table, agreement_classes(learned > 0, exact.labels > 0))


def best_matches(first: NDArray[np.int32], second: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Match every instance with the instance of another labelling that shares most of its cells.

    Parameters
    ----------
    first : (H, W) integer
        Labels 1 to M, 0 = background.
    second : (H, W) integer
        Labels 1 to N, 0 = background.

    Returns
    -------
    ids : (M,) int64
        The matching label of `second`, 0 where no cell is shared.
    iou : (M,) float64
        Intersection over union of the pair.

    Examples
    --------
    >>> ids, iou = best_matches(np.array([[1, 1, 1, 0, 2]]), np.array([[2, 2, 1, 1, 0]]))
    >>> ids.tolist(), iou.round(2).tolist()
    ([2, 0], [0.67, 0.0])
    """
    shared = contingency_table(first, second)
    count = len(shared) - 1
    if shared.shape[1] == 1:
        return np.zeros(count, np.int64), np.zeros(count)
    largest = shared[1:, 1:].argmax(1)
    rows = np.arange(count)
    touches = shared[1:, 1:][rows, largest] > 0
    return np.where(touches, largest + 1, 0), np.where(touches, pairwise_iou(shared)[rows, largest], 0.0)


def exact_trap_table(exact: Closures, learned: NDArray[np.int32], geo: GeoReference) -> NDArray:
    """Tabulate the outermost closures in map units, each with its best matching learned trap.

    Parameters
    ----------
    exact : Closures
        Closures of the map's depth.
    learned : (H, W) int32
        Labels of learned traps, 0 = none.
    geo : GeoReference
        Location of the map.

    Returns
    -------
    (N,) structured array
        `SHARED_COLUMNS`, learned_id (0 = none) and learned_iou.
    """
    closures = in_map_units(exact, geo)
    closures = closures[closures["parent"] == 0]
    learned_id, iou = best_matches(exact.labels, learned)
    dtype = [(name, closures.dtype[name]) for name in SHARED_COLUMNS] + [("learned_id", "i4"), ("learned_iou", "f8")]
    table = np.zeros(len(closures), dtype)
    for name in SHARED_COLUMNS:
        table[name] = closures[name]
    table["learned_id"], table["learned_iou"] = learned_id, iou
    return table


def agreement_classes(learned: Bool, exact: Bool) -> NDArray[np.uint8]:
    """Classify cells by which of two masks hold them: 0 neither, 1 learned only, 2 exact only, 3 both.

    Examples
    --------
    >>> agreement_classes(np.array([False, True, False, True]), np.array([False, False, True, True])).tolist()
    [0, 1, 2, 3]
    """
    return (learned + 2 * exact).astype(np.uint8)


def disagreement_layer(agreement: NDArray[np.uint8], geo: GeoReference) -> VectorLayer:
    """Make a vector layer of agreement classes.

    Parameters
    ----------
    agreement : (H, W) uint8
        Of `agreement_classes`.
    geo : GeoReference
        Location of the map.

    Returns
    -------
    VectorLayer
        A polygon for each connected part (4 neighbours) of a class, with its class (``kind``) and its area.
    """
    polygons, names = polygonize_labels(agreement), list(AGREEMENT_COLOURS)
    parts = label(agreement, connectivity=1, background=0)
    areas = areas_of_labels(parts, geo.cell_areas(parts.shape))
    first_cells = [(polygon.rings[0][0] + 0.5).astype(int) for polygon in polygons]
    rows = [(names[polygon.label - 1], areas[parts[tuple(cell)] - 1])
            for polygon, cell in zip(polygons, first_cells, strict=True)]  # fmt: skip
    attributes = geo.units.named_columns(np.array(rows, [("kind", "U12"), ("area", "f8")]))
    styles = {name: LayerStyle((0, 0, 0, 0), (*colour[:3], FILL_OPACITY)) for name, colour in AGREEMENT_COLOURS.items()}
    geometries = [[polygon.rings] for polygon in polygons]
    return VectorLayer("disagreement", "MultiPolygon", geometries, attributes, CategorizedStyle("kind", styles))
