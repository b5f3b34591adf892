"""Closed structural traps of a depth map, exactly: `find_closures` and questions to its answer.

Cells are joined at saddles into a join tree, whose closures are listed with crest, spill point, area and volume;
`targets.closure.kernels` explains the algorithm and cites its sources, `targets.closure.reference` specifies the
answer.
"""

from targets.closure.arguments import SearchOptions
from targets.closure.charge import (
    ChargeTree,
    Filling,
    FillingOrder,
    catchment_charge,
    fill_closures,
    grow_charge_tree,
    order_of_filling,
    point_charge,
    uniform_charge,
)
from targets.closure.find import ROW, Closures, find_closures
from targets.closure.monte_carlo import (
    ClosureProbability,
    Realisation,
    closure_probability,
    closure_realisations,
    correlated_noise,
)
from targets.closure.nesting import Nesting, find_nesting
from targets.closure.out_of_core import TiledClosures, TileOptions, find_closures_tiled
from targets.closure.outlines import contour_closures, polygonize_closures, polygonize_nested
from targets.closure.properties import VolumeCurve, areas_of_labels, cells_of, fault_share, in_map_units, volume_curve
from targets.closure.routing import (
    ChargePoint,
    Migration,
    catchments,
    find_best_charge_points,
    migration_paths,
    trace_migration,
)

__all__ = [
    "ROW",
    "ChargePoint",
    "ChargeTree",
    "ClosureProbability",
    "Closures",
    "Filling",
    "FillingOrder",
    "Migration",
    "Nesting",
    "Realisation",
    "SearchOptions",
    "TileOptions",
    "TiledClosures",
    "VolumeCurve",
    "areas_of_labels",
    "catchment_charge",
    "catchments",
    "cells_of",
    "closure_probability",
    "closure_realisations",
    "contour_closures",
    "correlated_noise",
    "fault_share",
    "fill_closures",
    "find_best_charge_points",
    "find_closures",
    "find_closures_tiled",
    "find_nesting",
    "grow_charge_tree",
    "in_map_units",
    "migration_paths",
    "order_of_filling",
    "point_charge",
    "polygonize_closures",
    "polygonize_nested",
    "trace_migration",
    "uniform_charge",
    "volume_curve",
]
