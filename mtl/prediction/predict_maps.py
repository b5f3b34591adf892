"""What a network leaves of a folder of maps: the prediction of each, and the files about all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mtl.inference.loading import PredictorOptions, for_maps, loaded, states_of, threads_of
from mtl.inference.tta import relative_spread
from mtl.metrics.base import THRESHOLD
from mtl.prediction.html_report import (
    PREVIEW_FILE,
    summarise_prediction,
    summary_from_json,
    write_preview,
    write_report,
)
from mtl.prediction.writers import write_prediction
from targets.common.csv_tables import write_csv
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.resume import map_resumable
from targets.errors import UserError
from targets.io.catalogue import MapSource, ReadOptions, list_maps, read_map
from targets.io.tgs_salt import SUBMISSION, encode_rle, write_id_table
from targets.truth.traps import find_trap_closures

REPORT_FILE = "report.html"


def predict_maps(
    options: PredictorOptions,
    paths: Sequence[str],
    out: Path,
    reading: ReadOptions,
    folders: bool = True,
    threshold: float = THRESHOLD,
    mask_output: str | None = None,
    workers: Workers = THIS_PROCESS,
    resume: bool = False,
) -> Iterator[tuple[int, str, Path | UserError]]:
    """Predict every map under some paths into out/NAME/; one bad map does not stop the others.

    At the end out/report.html tells of the traps of all of them, if each has its folder; a network of salt leaves
    out/submission.csv instead, the run-length codes of all masks.
    Of several looks, out/spread.csv says how far they were apart on each map: `relative_spread` of each head.

    Parameters
    ----------
    folders : bool, default True
        Write out/NAME/; False: only what is written of all maps together.
    cut : float, default THRESHOLD
        A cell of a mask in submission.csv is more probable than this.
    masks : str | None, default None
        The output whose masks submission.csv holds; none: the one that is submitted, if there is any.
    workers : Workers, default THIS_PROCESS
        Who predicts; each process loads the network once.
    resume : bool, default False
        Do not repeat maps that an earlier call with these settings finished.

    Yields
    ------
    (place, name, folder) of a map that was predicted, (place, name, error) of one that could not be, as they come.
    """
    sources = list_maps(paths, reading.layout)
    chosen = for_maps(options, len(sources), workers.is_serial and not resume)
    predictor = loaded(chosen)
    mask_output = mask_output or next(
        (output.name for output in predictor.outputs if output.run_length_submission), None
    )
    work = partial(
        predict_map,
        options=chosen,
        threads=threads_of(workers),
        out=out,
        reading=reading,
        folders=folders,
        mask_output=mask_output,
        threshold=threshold,
    )
    settings = (options, states_of(options), reading, folders, mask_output, threshold)

    def there(source: MapSource, gave: dict[str, Any]) -> bool:
        return not folders or (out / source.name / (PREVIEW_FILE if "shown" in gave else "")).exists()

    told: dict[int, dict[str, Any]] = {}
    failed: dict[int, tuple[str, UserError]] = {}
    bar = "" if folders else "maps"
    for number, outcome in map_resumable(work, sources, out, settings, resume, workers, there, bar):
        name = sources[number].name
        if isinstance(outcome, UserError):
            failed[number] = name, outcome
            yield number, name, outcome
        else:
            told[number] = outcome
            yield number, name, out / name
    ordered = [(sources[number].name, told[number]) for number in sorted(told)]
    if mask_output is not None and ordered:
        write_id_table({name: one["code"] for name, one in ordered}, "rle_mask", out / SUBMISSION)
    if folders and mask_output is None:
        maps = [summary_from_json(one["shown"]) for _, one in ordered]
        write_report(maps, [failed[number] for number in sorted(failed)], out / REPORT_FILE)
    if ordered and predictor.looks.several:
        columns = list(ordered[0][1]["spread"])
        rows = [[name, *(one["spread"][column] for column in columns)] for name, one in ordered]
        write_csv(out / "spread.csv", ["map", *columns], rows)


def predict_map(
    source: MapSource,
    options: PredictorOptions,
    threads: int | None,
    out: Path,
    reading: ReadOptions,
    folders: bool,
    mask_output: str | None,
    threshold: float,
) -> dict[str, Any]:
    """Predict one map of a list; returns what the files about all maps tell of it, as JSON holds it.

    `spread`: `relative_spread`; `code`: the run-length code of the mask of the output `masks`; `shown`: the report's
    part about it, of a network without such masks.

    Raises
    ------
    UserError
        The map cannot be read, or a file cannot be written.
    """
    predictor = loaded(options, threads)
    scene = read_map(source, reading.fill, reading.elevation)
    values = predictor(scene)
    told: dict[str, Any] = {"spread": relative_spread(values)}
    if mask_output is not None:
        told["code"] = encode_rle(np.nan_to_num(values[mask_output][0]) > threshold)
    if folders:
        exact = find_trap_closures(scene, predictor.config.targets.traps) if scene.has_depth else None
        found = write_prediction(scene, values, predictor.outputs, out / source.name, exact)
        if mask_output is None:
            write_preview(scene, found, out / source.name)
            told["shown"] = asdict(summarise_prediction(scene, found))
    return told
