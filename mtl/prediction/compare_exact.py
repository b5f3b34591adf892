"""Learned and exact traps side by side: which belongs to which, and where the two disagree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl.metrics.instances import pairwise_iou, contingency_table
from targets.closure import Closures, in_map_units
from targets.io.images import RGBA
from targets.io.vectors import CategorizedStyle, LayerStyle, VectorLayer
from targets.scene import Bool, GeoReference
from targets.surface.polygonize import polygonize_labels

AGREEMENT_COLOURS: dict[str, RGBA] = {"learned only": (31, 119, 255, 255), "exact only": (227, 0, 27, 255),
                          "both": (44, 160, 44, 255)}  # fmt: skip
FILL_OPACITY = 110  # of 255, where the map below is to be seen


@dataclass(frozen=True, eq=False)
class ExactComparison:
    """Learned and exact traps of one map.

    Attributes
    ----------
    exact : Closures
        The closures of its depth.
    table : (N,)
        Structured array, the outermost in map units, each with the learned trap that shares most of it.
    kinds : (H, W) uint8
        0 where neither sees a trap, k for the k-th of `KINDS`.
    """

    closures: Closures
    table: NDArray
    agreement: NDArray[np.uint8]


def compare_with_exact(learned: NDArray[np.int32], exact: Closures, geo: GeoReference) -> ExactComparison:
    """Put learned traps (H, W), numbered, beside exact ones."""
    return ExactComparison(
        exact, exact_trap_table(exact, learned, geo), agreement_classes(learned > 0, exact.labels > 0)
    )


def best_matches(first: NDArray[np.int32], second: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of each object of the first labels, the object of the second with which it shares most cells (0 = none), and
    the intersection over union of the two."""
    shared = contingency_table(first, second)
    count = len(shared) - 1
    if shared.shape[1] == 1:
        return np.zeros(count, np.int64), np.zeros(count)
    most = shared[1:, 1:].argmax(1)
    each = np.arange(count)
    met = shared[1:, 1:][each, most] > 0
    return np.where(met, most + 1, 0), np.where(met, pairwise_iou(shared)[each, most], 0.0)


def exact_trap_table(exact: Closures, learned: NDArray[np.int32], geo: GeoReference) -> NDArray:
    """The table of `Sides`."""
    plain = in_map_units(exact, geo)
    plain = plain[plain["parent"] == 0]
    learned_id, iou = best_matches(exact.labels, learned)
    names = ["id", "crest_x", "crest_y", "crest_depth", "spill_x", "spill_y", "spill_depth", "height", "area", "volume"]
    kind = [(name, plain.dtype[name]) for name in names] + [("learned_id", "i4"), ("learned_iou", "f8")]
    table = np.zeros(len(plain), kind)
    for name in names:
        table[name] = plain[name]
    table["learned_id"], table["learned_iou"] = learned_id, iou
    return table


def agreement_classes(learned: Bool, exact: Bool) -> NDArray[np.uint8]:
    """The kinds of `Sides`."""
    return (learned + 2 * exact).astype(np.uint8)


def disagreement_layer(kinds: NDArray[np.uint8], geo: GeoReference) -> VectorLayer:
    """A polygon for each connected part (4 neighbours) of a kind, with its kind and area in squared map units."""
    polygons, names = polygonize_labels(kinds), list(AGREEMENT_COLOURS)
    rows = [(names[polygon.label - 1], polygon.area * geo.cell_area) for polygon in polygons]
    table = np.array(rows, [("kind", "U12"), ("area", "f8")])
    looks = {name: LayerStyle((0, 0, 0, 0), (*colour[:3], FILL_OPACITY)) for name, colour in AGREEMENT_COLOURS.items()}
    return VectorLayer("disagreement", "MultiPolygon", [[polygon.rings] for polygon in polygons], table,
                 CategorizedStyle("kind", looks))  # fmt: skip
