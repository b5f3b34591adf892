"""Files of a closure analysis: table, vector layers, grids, training targets and figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from targets.analysis.analyse import Analysis, analyse, summarise
from targets.analysis.closure_table import write_closure_table
from targets.analysis.figures import write_closure_figure, write_probability_figure
from targets.analysis.layers import make_vector_layers
from targets.analysis.options import (
    DEFAULT_OPTIONS,
    NO_DEPTH_ERROR,
    ClosureOptions,
    DepthError,
    GridFormat,
)
from targets.analysis.place_names import name_closures
from targets.common.atomic_write import atomic_write, remove_half_written
from targets.io.catalogue import MapSource, read_map
from targets.io.describe import MapDescription, describe_map
from targets.io.faults.names import name_faults
from targets.io.grids.registry import write_grid
from targets.io.images import write_picture
from targets.io.map_folder.results import check_results_lie_apart, write_result_file
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions, write_outlines
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.scene import Float
from targets.truth.criteria import GroundTruthOptions
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
from targets.truth.traps import GroundTruth

TARGETS = "training_targets"  # folder of the pictures that networks learn from
GREY_LEVELS_PER_CELL = 100  # grey levels of a cell's width in the distance target


class AnalysedMap(NamedTuple):
    """What is said about an analysed map; JSON keeps it as a list.

    Attributes
    ----------
    description : MapDescription
        What was understood of its files.
    summary : str
        What was found, one line.
    """

    description: MapDescription
    summary: str


def analyse_map(
    source: MapSource,
    out: Path,
    options: ClosureOptions = DEFAULT_OPTIONS,
    error: DepthError = NO_DEPTH_ERROR,
    reading: ReadOptions = DEFAULT_READING,
    grids: GridFormat = "tif",
    outlines: OutlineOptions = DEFAULT_OUTLINES,
    names: Path | None = None,
) -> AnalysedMap:
    """Read a map, analyse it, and write the results into a folder of its name.

    Parameters
    ----------
    source : MapSource
        The map.
    out : Path
        Folder for the folder of the map.
    options : ClosureOptions, default DEFAULT_OPTIONS
        Rules of closure.
    error : DepthError, default NO_DEPTH_ERROR
        Of the depth.
    reading : ReadOptions, default DEFAULT_READING
        How its files are read.
    grids : GridFormat, default 'tif'
        As in `write_analysis`.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        Likewise.
    names : Path | None, default None
        Points whose names closures take, see `targets.analysis.place_names.name_closures`.

    Returns
    -------
    AnalysedMap

    Raises
    ------
    UserError
        What is wrong with the map or an option.
    """
    folder = out / source.name
    check_results_lie_apart(source.path, source.input_files, folder, "closures")
    remove_half_written(folder)
    analysis, named = analyse_source(source, options, error, reading, names)
    write_analysis(analysis, folder, grids, outlines)
    return AnalysedMap(describe_map(analysis.scene), "; ".join(filter(None, (summarise(analysis), named))))


def analyse_source(
    source: MapSource, options: ClosureOptions, error: DepthError, reading: ReadOptions, names: Path | None
) -> tuple[Analysis, str]:
    """Read a map with its faults, and analyse it.

    Parameters
    ----------
    source, options, error, reading, names
        As in `analyse_map`.

    Returns
    -------
    analysis : Analysis
        Of the map, with the names that its closures take.
    sentence : str
        How many points named closures; "" without `names`.

    Raises
    ------
    UserError
        What is wrong with the map or an option.
    """
    scene = read_map(source, reading)
    analysis = analyse(scene, options, error, name_faults(scene, source.fault_files))
    return (analysis, "") if names is None else name_closures(analysis, names)


def write_analysis(
    analysis: Analysis, folder: Path, grids: GridFormat = "tif", outlines: OutlineOptions = DEFAULT_OUTLINES
) -> None:
    """Write the results of an analysis into a folder.

    ``closures.csv``; vector layers as `targets.io.outline_files.write_outlines` writes them, ``closures.gpkg`` by
    default; ``labels``, ``height`` and ``catchments`` (and ``probability``) as grids; ``closures.png`` (and
    ``probability.png``); in ``training_targets/`` what networks learn from, ``target_trap.png`` and so on. A map
    without a location always gets GeoJSON in columns and rows, and one ``closures.npz`` for the grids.

    Parameters
    ----------
    analysis : Analysis
        Of a map.
    folder : Path
        The folder of the map.
    grids : GridFormat, default 'tif'
        Format of labels, height, catchments and probability.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        Polygons, points and lines: their format, and how closures are outlined.

    Raises
    ------
    UserError
        A library is missing, the format cannot hold the map, or a file cannot be written.
    """
    geo = analysis.scene.geo
    write_result_file(analysis.scene, "closures", folder)
    write_closure_table(analysis.table, folder / "closures.csv", geo.units)
    layers = make_vector_layers(analysis, outlines)
    write_outlines(layers, geo, folder / "closures", outlines.vectors)
    _write_grids(analysis, folder, grids if geo.located else "npz")
    _write_targets(analysis, folder / TARGETS)
    write_closure_figure(analysis, layers, folder / "closures.png")
    if analysis.probability is not None:
        write_probability_figure(analysis, analysis.probability, folder / "probability.png")


def _write_grids(analysis: Analysis, folder: Path, grids: GridFormat) -> None:
    """Labels, height, catchments and probability, each a file, or all in one .npz."""
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
            {key: getattr(geo, key) for key in ("x0", "y0", "dx", "dy", "rotation")}
            if geo.located
            else {"first_row": geo.first_row, "first_col": geo.first_col}
        )
        with atomic_write(folder / "closures.npz") as temporary:
            np.savez_compressed(temporary, **arrays, **place, units=geo.depth_unit or "", xy_unit=geo.xy_unit or "",
                                crs=geo.crs or "")  # fmt: skip
        return
    for name, values in arrays.items():
        unit = geo.depth_unit if name == "height" else None
        write_grid(values, replace(geo, depth_unit=unit), folder / f"{name}.{grids}")


def _write_targets(analysis: Analysis, folder: Path) -> None:
    """Training targets of the heads, one picture each: white = 1, in 16 bits where it is more than a mask.

    The distance has `DIST_STEPS` grey levels a cell, the depth runs from deepest (black) to shallowest, the three
    classes are red (background), green (inside) and blue (rim).
    """
    folder.mkdir(exist_ok=True)
    labels, table = analysis.closures.labels, analysis.closures.table
    table = table[table["parent"] == 0]
    crests = np.stack([table["crest_row"], table["crest_col"]], axis=1).astype(np.int64)
    truth = GroundTruth(analysis.scene, GroundTruthOptions(), labels, crests, analysis.closures.height)
    masks = [("trap", trap_mask), ("boundary", boundary_band), ("crest", crest_heatmap), ("fault", fault_mask)]
    for name, raster in masks:
        write_picture(np.rint(raster(truth) * 255).astype(np.uint8), folder / f"target_{name}.png")
    shares: dict[str, Float] = {
        "height": root_relative_height(truth),
        "depth": np.float32(0.5) * (1 + relative_depth(truth)),
    }
    for name, share in shares.items():
        write_picture(np.rint(share * 65535).astype(np.uint16), folder / f"target_{name}.png")
    classes = np.moveaxis(trap_classes(truth) * 255, 0, -1).astype(np.uint8)
    write_picture(np.ascontiguousarray(classes), folder / "target_fused.png")
    distance = np.clip(np.rint(crest_distance(truth) * GREY_LEVELS_PER_CELL), 0, 65535).astype(np.uint16)
    write_picture(distance, folder / "target_dist.png")
