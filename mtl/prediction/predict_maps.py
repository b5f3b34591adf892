"""Prediction of a batch of maps: the files of each map, and those about all of them."""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from mtl.inference.loading import cached_predictor, checkpoint_states, options_for_batch, threads_per_worker
from mtl.inference.options import PredictorOptions
from mtl.inference.tta import relative_std
from mtl.prediction.html_report import (
    PREVIEW_FILE,
    summarise_prediction,
    summary_from_json,
    write_preview,
    write_report,
)
from mtl.prediction.options import DEFAULT_BATCH, BatchOptions
from mtl.prediction.pages import page_of, predict_scene, settle_question, write_page, write_refused_page
from mtl.prediction.picture_depth import with_depth_in_units
from mtl.prediction.writers import write_prediction
from mtl.tasks.base import Output
from targets.common.csv_tables import write_csv
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.resume import file_state, map_resumable
from targets.errors import UserError
from targets.io.catalogue import MapSource, read_map
from targets.io.describe import MapDescription, describe_map, describe_maps, print_lines, report_maps
from targets.io.map_folder.results import check_results_lie_apart
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions
from targets.io.read_options import ReadOptions
from targets.io.tgs_salt import SUBMISSION, encode_rle, write_id_table
from targets.pages.page import PageError
from targets.scene import Scene
from targets.surface.contour_interval import warn_of_few_contours
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import contours_of, find_trap_closures

REPORT_FILE = "report.html"
STD_TABLE_FILE = "relative_std.csv"
# Figures are cycles of few objects and megabytes; beside torch's million objects Python looks for such too seldom.
MAPS_PER_COLLECTION = 20

_maps_of_this_process = count(1)


def predict_maps(
    options: PredictorOptions,
    paths: Sequence[str],
    out: Path,
    reading: ReadOptions,
    batch: BatchOptions = DEFAULT_BATCH,
    workers: Workers = THIS_PROCESS,
    resume: bool = False,
    outlines: OutlineOptions = DEFAULT_OUTLINES,
) -> Iterator[tuple[int, str, Path | UserError]]:
    """Predict every map under some paths into out/NAME/; one bad map does not stop the others.

    At the end out/report.html describes all maps that have a folder; with masks for a submission out/submission.csv is
    written instead. Of an ensemble, or with test-time augmentation, out/relative_std.csv holds `relative_std` of each
    head on each map.

    Parameters
    ----------
    options : PredictorOptions
        The networks.
    paths : Sequence[str]
        Maps, folders of maps, or grids.
    out : Path
        Folder of the results.
    reading : ReadOptions
        How maps are read.
    batch : BatchOptions, default DEFAULT_BATCH
        What is written.
    workers : Workers, default THIS_PROCESS
        Processes that predict; each loads the networks once.
    resume : bool, default False
        Skip maps that an earlier call with these settings finished.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        How traps are outlined, and in which format.

    Yields
    ------
    tuple[int, str, Path | UserError]
        (index, name, folder) of a map that was predicted, (index, name, error) of one that could not be, as they come.

    Raises
    ------
    UserError
        No maps, no such networks, or a file about all maps cannot be written.
    """
    sources = report_maps(paths, reading)
    for source in sources if batch.folders else ():
        check_results_lie_apart(source.path, source.input_files, out / source.name, "predict")
    chosen = options_for_batch(options, len(sources), workers.is_serial and not resume)
    predictor = cached_predictor(chosen)
    batch = replace(batch, mask_output=batch.mask_output or _submission_output(predictor.outputs))
    work = partial(
        predict_map, options=chosen, threads=threads_per_worker(workers), out=out, reading=reading, batch=batch,
        outlines=outlines,
    )  # fmt: skip
    names = batch.names and file_state(batch.names)
    plain = replace(batch, names=None)
    settings = (options, checkpoint_states(options), replace(reading, quiet=False), plain, outlines, names)

    def is_complete(source: MapSource, record: dict[str, Any]) -> bool:
        return not batch.folders or (out / source.name / (PREVIEW_FILE if "summary" in record else "")).exists()

    records: dict[int, dict[str, Any]] = {}
    failed: dict[int, tuple[str, UserError]] = {}
    label = "" if batch.folders else "maps"
    for index, outcome in map_resumable(work, sources, out, settings, resume, workers, is_complete, label):
        name = sources[index].name
        if isinstance(outcome, UserError):
            failed[index] = name, outcome
            yield index, name, outcome
        else:
            records[index] = outcome
            if batch.folders:
                print_lines(MapDescription(*outcome["description"]).lines, reading)
            yield index, name, out / name
    if not batch.folders:
        print_lines(describe_maps(MapDescription(*records[i]["description"]) for i in sorted(records)), reading)
    ordered = [(sources[index].name, records[index]) for index in sorted(records)]
    if batch.mask_output is not None and ordered:
        codes = {name: record["run_length_code"] for name, record in ordered}
        write_id_table(codes, "rle_mask", out / SUBMISSION)
    if batch.folders and batch.mask_output is None:
        summaries = [summary_from_json(record["summary"]) for _, record in ordered]
        write_report(summaries, [failed[index] for index in sorted(failed)], out / REPORT_FILE)
    if ordered and predictor.ensemble.has_std:
        columns = list(ordered[0][1]["relative_std"])
        rows = [[name, *(record["relative_std"][column] for column in columns)] for name, record in ordered]
        write_csv(out / STD_TABLE_FILE, ["map", *columns], rows)


def predict_map(
    source: MapSource,
    options: PredictorOptions,
    threads: int | None,
    out: Path,
    reading: ReadOptions,
    batch: BatchOptions,
    outlines: OutlineOptions = DEFAULT_OUTLINES,
) -> dict[str, Any]:
    """Predict one map and write its folder.

    Parameters
    ----------
    source : MapSource
        The map.
    options : PredictorOptions
        The networks.
    threads : int | None
        Threads of torch in this process; None leaves them.
    out : Path
        Folder of the results.
    reading : ReadOptions
        How the map is read.
    batch : BatchOptions
        What is written.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        How traps are outlined, and in which format.

    Returns
    -------
    dict[str, Any]
        Parts of the files about all maps, in plain types: description (`MapDescription`); relative_std;
        run_length_code with masks for a submission;
        summary, the map's part of the report, with a folder and without such masks.

    Raises
    ------
    UserError
        The map cannot be read, or a file cannot be written.
    """
    predictor = cached_predictor(options, threads)
    try:
        scene = settle_question(predictor, read_map(source, reading))
    except PageError as error:
        if batch.folders:
            write_refused_page(error, source.name, out / source.name)
        raise
    predicted = predict_scene(predictor, scene)
    values = predicted.values
    scene = with_depth_in_units(scene, values, predictor.outputs)
    notes = [*predicted.notes, *_contour_notes(scene, predictor.config.targets.traps)]
    if notes and scene.provenance is not None:
        known = scene.provenance
        scene = scene.replace(provenance=replace(known, notes=(*known.notes, *notes)))
    record: dict[str, Any] = {"description": describe_map(scene), "relative_std": relative_std(values)}
    if batch.mask_output is not None:
        record["run_length_code"] = encode_rle(np.nan_to_num(values[batch.mask_output][0]) > batch.threshold)
    if batch.folders:
        exact = find_trap_closures(scene, predictor.config.targets.traps) if scene.has_depth else None
        prediction = write_prediction(scene, values, predictor.outputs, out / source.name, exact, outlines,
                                      predicted.confidence, batch.names)  # fmt: skip
        if prediction is not None and prediction.naming:
            known = record["description"]
            record["description"] = known._replace(notes=(*known.notes, prediction.naming))
        if (page := page_of(scene)) is not None:
            write_page(page, out / source.name)
        if batch.mask_output is None:
            write_preview(scene, prediction, out / source.name)
            summary = replace(summarise_prediction(scene, prediction), confidence=predicted.confidence)
            record["summary"] = asdict(summary)
    if next(_maps_of_this_process) % MAPS_PER_COLLECTION == 0:
        gc.collect()
    return record


def _contour_notes(scene: Scene, rules: TrapCriteria) -> list[str]:
    """Say that hardly any contour of the rules passes through a map."""
    interval, base = contours_of(scene, rules) if scene.has_depth else (None, 0.0)
    few = warn_of_few_contours(*scene.relief, interval, base) if interval else ""
    return [few] if few else []


def _submission_output(outputs: Sequence[Output]) -> str | None:
    """The output that is made for submissions, None without one."""
    return next((output.name for output in outputs if output.run_length_submission), None)
