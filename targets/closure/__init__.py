"""Closed structural traps of a depth map, exactly: `find_closures` and questions to its answer.

Cells are joined at saddles into a join tree, whose closures are listed with crest, spill point, area and volume;
`targets.closure.kernels` explains the algorithm and cites its sources, `targets.closure.reference` specifies the
answer.
"""

from targets.closure.arguments import SearchOptions
from targets.closure.find import ROW, Closures, find_closures
from targets.closure.monte_carlo import ClosureProbability, closure_probability, correlated_noise
from targets.closure.out_of_core import TiledClosures, TileOptions, find_closures_tiled
from targets.closure.properties import VolumeCurve, cells_of, fault_share, in_map_units, volume_curve
from targets.closure.routing import catchments, migration_paths

__all__ = [
    "ROW",
    "ClosureProbability",
    "Closures",
    "SearchOptions",
    "TileOptions",
    "TiledClosures",
    "VolumeCurve",
    "catchments",
    "cells_of",
    "closure_probability",
    "correlated_noise",
    "fault_share",
    "find_closures",
    "find_closures_tiled",
    "in_map_units",
    "migration_paths",
    "volume_curve",
]
