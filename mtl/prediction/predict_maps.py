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
from mtl.prediction.html_report import PICTURE, from_json, shown, write_gallery, write_pair
from mtl.prediction.writers import write_prediction
from targets.common.csv_tables import write_csv
from targets.common.parallel import HERE, Farm
from targets.common.resume import each_unfinished
from targets.errors import UserError
from targets.io.catalogue import MapSource, Reading, list_maps, read_map
from targets.io.tgs_salt import SUBMISSION, encode_runs, write_table
from targets.truth.traps import closures_of

REPORT = "report.html"


def predict_maps(
    options: PredictorOptions,
    paths: Sequence[str],
    out: Path,
    how: Reading,
    folders: bool = True,
    cut: float = THRESHOLD,
    masks: str | None = None,
    farm: Farm = HERE,
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
    farm : Farm, default HERE
        Who predicts; each process loads the network once.
    resume : bool, default False
        Do not repeat maps that an earlier call with these settings finished.

    Yields
    ------
    (place, name, folder) of a map that was predicted, (place, name, error) of one that could not be, as they come.
    """
    sources = list_maps(paths, how.layout)
    chosen = for_maps(options, len(sources), farm.alone and not resume)
    predictor = loaded(chosen)
    masks = masks or next((output.name for output in predictor.outputs if output.submitted), None)
    work = partial(
        predict_map, options=chosen, threads=threads_of(farm), out=out, how=how, folders=folders, masks=masks, cut=cut
    )
    settings = (options, states_of(options), how, folders, masks, cut)

    def there(source: MapSource, gave: dict[str, Any]) -> bool:
        return not folders or (out / source.name / (PICTURE if "shown" in gave else "")).exists()

    told: dict[int, dict[str, Any]] = {}
    failed: dict[int, tuple[str, UserError]] = {}
    bar = "" if folders else "maps"
    for number, outcome in each_unfinished(work, sources, out, settings, resume, farm, there, bar):
        name = sources[number].name
        if isinstance(outcome, UserError):
            failed[number] = name, outcome
            yield number, name, outcome
        else:
            told[number] = outcome
            yield number, name, out / name
    ordered = [(sources[number].name, told[number]) for number in sorted(told)]
    if masks is not None and ordered:
        write_table({name: one["code"] for name, one in ordered}, "rle_mask", out / SUBMISSION)
    if folders and masks is None:
        maps = [from_json(one["shown"]) for _, one in ordered]
        write_gallery(maps, [failed[number] for number in sorted(failed)], out / REPORT)
    if ordered and predictor.looks.several:
        columns = list(ordered[0][1]["spread"])
        rows = [[name, *(one["spread"][column] for column in columns)] for name, one in ordered]
        write_csv(out / "spread.csv", ["map", *columns], rows)


def predict_map(
    source: MapSource,
    options: PredictorOptions,
    threads: int | None,
    out: Path,
    how: Reading,
    folders: bool,
    masks: str | None,
    cut: float,
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
    scene = read_map(source, how.fill, how.elevation)
    values = predictor(scene)
    told: dict[str, Any] = {"spread": relative_spread(values)}
    if masks is not None:
        told["code"] = encode_runs(np.nan_to_num(values[masks][0]) > cut)
    if folders:
        exact = closures_of(scene, predictor.config.targets.traps) if scene.has_depth else None
        found = write_prediction(scene, values, predictor.outputs, out / source.name, exact)
        if masks is None:
            write_pair(scene, found, out / source.name)
            told["shown"] = asdict(shown(scene, found))
    return told
