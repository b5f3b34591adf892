"""Files of a closure analysis: table, vector layers, grids, training targets, pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from targets.analysis.closures_of_map import (
    DEFAULT,
    EXACT,
    Analysis,
    ClosureOptions,
    DepthError,
    Grids,
    Vectors,
    analyse,
    summary,
)
from targets.analysis.layers import vector_layers, write_table
from targets.analysis.pictures import write_closure_picture, write_probability_picture
from targets.common.atomic_write import remove_half_written, atomic_write
from targets.io.catalogue import MapSource, read_map
from targets.io.fault_names import name_faults
from targets.io.grids.registry import write_grid
from targets.io.images import write_picture
from targets.io.vectors import write_geojson, write_geopackage
from targets.scene import Float
from targets.truth.rasters import (
    boundary_band,
    crest_distance,
    crest_heatmap,
    fault_mask,
    relative_depth,
    root_relative_height,
    trap_classes,
    trap_mask,
)
from targets.truth.traps import GroundTruth, GroundTruthOptions

DIST_STEPS = 100  # grey levels of a cell's width in the distance target


def analyse_map(
    source: MapSource,
    out: Path,
    options: ClosureOptions = DEFAULT,
    error: DepthError = EXACT,
    elevation: bool = False,
    grids: Grids = "tif",
    vectors: Vectors = "gpkg",
) -> str:
    """Read a map of a list, analyse it into out/NAME (`write_analysis`), and return the summary.

    Raises
    ------
    UserError
        What is wrong with the map or an option.
    """
    folder = out / source.name
    remove_half_written(folder)
    scene = read_map(source, elevation=elevation)
    analysis = analyse(scene, options, error, name_faults(scene, source.faults))
    write_analysis(analysis, folder, grids, vectors)
    return summary(analysis)


def write_analysis(analysis: Analysis, folder: Path, grids: Grids = "tif", vectors: Vectors = "gpkg") -> None:
    """Write what an interpreter takes along.

    ``closures.csv``; ``closures.gpkg`` or ``.geojson``; ``labels``, ``height`` and ``catchments`` (and ``probability``)
    as grids; ``target_trap.png``, ``_boundary``, ``_crest``, ``_dist``; ``closures.png`` (and ``probability.png``). A
    map without a location always gets GeoJSON in columns and rows, and one ``closures.npz`` for the grids.

    Raises
    ------
    UserError
        A library is missing, the format cannot hold the map, or a file cannot be written.
    """
    geo = analysis.scene.geo
    write_table(analysis.table, folder / "closures.csv")
    layers = vector_layers(analysis)
    if geo.located and vectors == "gpkg":
        write_geopackage(layers, geo, folder / "closures.gpkg")
    else:
        write_geojson(layers, geo, folder / "closures.geojson")
    _write_grids(analysis, folder, grids if geo.located else "npz")
    _write_targets(analysis, folder)
    write_closure_picture(analysis, layers, folder / "closures.png")
    if analysis.probability is not None:
        write_probability_picture(analysis, analysis.probability, folder / "probability.png")


def _write_grids(analysis: Analysis, folder: Path, grids: Grids) -> None:
    arrays: dict[str, Any] = {
        "labels": analysis.closures.labels,
        "height": analysis.closures.height,
        "catchments": analysis.catchments,
    }
    if analysis.probability is not None:
        inside = analysis.scene.map_valid
        arrays["probability"] = np.where(inside, analysis.probability.probability, np.float32(np.nan))
    geo = analysis.scene.geo
    if grids == "npz":
        place: dict[str, Any] = (
            {key: getattr(geo, key) for key in ("x0", "y0", "dx", "dy", "rotation")} if geo.located else {}
        )
        with atomic_write(folder / "closures.npz") as temporary:
            np.savez_compressed(temporary, **arrays, **place, units=geo.depth_unit or "", crs=geo.crs or "")
        return
    for name, values in arrays.items():
        unit = geo.depth_unit if name == "height" else None
        write_grid(values, replace(geo, depth_unit=unit), folder / f"{name}.{grids}")


def _write_targets(analysis: Analysis, folder: Path) -> None:
    """What the heads are taught, one picture each: white = 1, in 16 bits where it is more than a mask.

    The distance has `DIST_STEPS` grey levels a cell, the depth runs from deepest (black) to shallowest, the three
    classes are red (background), green (inside) and blue (rim).
    """
    labels, table = analysis.closures.labels, analysis.closures.table
    table = table[table["parent"] == 0]
    crests = np.stack([table["crest_row"], table["crest_col"]], axis=1).astype(np.int64)
    truth = GroundTruth(analysis.scene, GroundTruthOptions(), labels, crests, analysis.closures.height)
    masks = [("trap", trap_mask), ("boundary", boundary_band), ("crest", crest_heatmap), ("fault", fault_mask)]
    for name, raster in masks:
        write_picture(np.rint(raster(truth) * 255).astype(np.uint8), folder / f"target_{name}.png")
    shares: dict[str, Float] = {"height": root_relative_height(truth), "depth": np.float32(0.5) * (1 + relative_depth(truth))}
    for name, share in shares.items():
        write_picture(np.rint(share * 65535).astype(np.uint16), folder / f"target_{name}.png")
    classes = np.moveaxis(trap_classes(truth) * 255, 0, -1).astype(np.uint8)
    write_picture(np.ascontiguousarray(classes), folder / "target_fused.png")
    distance = np.clip(np.rint(crest_distance(truth) * DIST_STEPS), 0, 65535).astype(np.uint16)
    write_picture(distance, folder / "target_dist.png")
