"""Evaluation on whole maps: every metric of every output, per map and pooled, as CSV and Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from mtl.inference.loading import cached_predictor, options_for_batch, threads_per_worker
from mtl.inference.options import PredictorOptions
from mtl.metrics.base import State, add_states
from mtl.metrics.by_size import count_by_size, metrics_by_size
from mtl.prediction.instances import add_instance_planes, instance_outputs
from mtl.tasks.base import Output
from mtl.tasks.heads import trap_outputs
from targets.common.atomic_write import atomic_write
from targets.common.csv_tables import csv_text
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError, raise_all
from targets.io.catalogue import MapSource, find_maps, read_map
from targets.io.describe import MapDescription, describe_map, describe_maps, print_lines, report_maps
from targets.io.read_options import ReadOptions
from targets.scene import Float, Scene
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import GroundTruth, build_ground_truth

POOLED = "pooled"
MetricsRow = dict[str, str | float]
Prediction = TypeVar("Prediction")


@dataclass(frozen=True)
class MapScore:
    """Metric states of one map.

    Attributes
    ----------
    name : str
        Name of the map.
    group : str
        The larger map it was cut from; maps of a group are not independent.
    states : dict[str, State]
        {output: state of its metric}.
    """

    name: str
    group: str
    states: dict[str, State]


def evaluate(
    options: PredictorOptions,
    data: Sequence[str],
    out: Path,
    reading: ReadOptions,
    tile: float | None = None,
    workers: Workers = THIS_PROCESS,
) -> tuple[str, dict[int, UserError]]:
    """Evaluate a network on maps whose traps are known; one bad map does not stop the others.

    Writes metrics.csv, metrics.md and sizes.md (traps by their size over a tile's). Beside every output trap instances
    are scored: those of all heads, and those of the mask alone.

    Parameters
    ----------
    options : PredictorOptions
        The network; each process loads it once.
    data : Sequence[str]
        Maps, folders of maps, or grids.
    out : Path
        Folder of the tables.
    reading : ReadOptions
        How maps are read.
    tile : float | None, default None
        Side in cells over which sizes of traps are given; None: that of the network's own tiles.
    workers : Workers, default THIS_PROCESS
        Processes that evaluate.

    Returns
    -------
    text : str
        Text of metrics.md and sizes.md.
    failed : dict[int, UserError]
        {place of the map in its list: why it could not be evaluated}.

    Raises
    ------
    UserError
        There are no maps, or none can be evaluated.
    """
    sources = report_maps(data, reading)
    options = options_for_batch(options, len(sources), workers.is_serial)
    outputs = cached_predictor(options).outputs
    work = partial(evaluate_map, options=options, threads=threads_per_worker(workers), reading=reading, tile=tile)
    results = dict[int, tuple[MapScore, dict[str, list[State]], MapDescription]]()
    failed = dict[int, UserError]()
    for index, outcome in map_unordered(work, sources, workers, "maps"):
        if isinstance(outcome, UserError):
            failed[index] = outcome
        else:
            results[index] = outcome
    if not results:
        raise_all(failed)
    scores, states, descriptions = zip(*(results[index] for index in sorted(results)), strict=True)
    print_lines(describe_maps(descriptions), reading)
    sizes = {output.name: metrics_by_size([state[output.name] for state in states]) for output in trap_outputs(outputs)}
    text = sizes_as_markdown(sizes)
    with atomic_write(out / "sizes.md") as temporary:
        temporary.write_text(text, "utf-8")
    return write_scores(scores, (*outputs, *instance_outputs(outputs)), out) + "\n" + text, failed


def evaluate_map(
    source: MapSource, options: PredictorOptions, threads: int | None, reading: ReadOptions, tile: float | None
) -> tuple[MapScore, dict[str, list[State]], MapDescription]:
    """Evaluate one map; returns its score, {output: metric state by size of the trap}, and what was understood."""
    predictor = cached_predictor(options, threads)
    outputs = predictor.outputs
    truth, values = predict_map_with_truth(predictor, predictor.config.targets, source, reading)
    view = predictor.tile_view(truth.scene)
    side = tile or view.tile_side
    sizes = {
        output.name: count_by_size(values[output.name], *output.target(truth), truth.scene, view, side)
        for output in trap_outputs(outputs)
    }
    planes = add_instance_planes(values, outputs, truth.scene.cell_sides)
    score = score_map(truth, planes, (*outputs, *instance_outputs(outputs)))
    return score, sizes, describe_map(truth.scene)


def score_maps(
    predict: Callable[[Scene], Mapping[str, Float]],
    outputs: Sequence[Output],
    options: GroundTruthOptions,
    data: Sequence[str],
    reading: ReadOptions,
) -> list[MapScore]:
    """Score predictions of every map.

    The truth is made as in training: traps that an interpreter drew, else exact closures.

    Parameters
    ----------
    predict : Callable[[Scene], Mapping[str, Float]]
        A predictor or baseline: map -> {output: (C, H, W) float32}.
    outputs : Sequence[Output]
        Outputs that are scored.
    options : GroundTruthOptions
        How the truth is made.
    data : Sequence[str]
        Maps, folders of maps, or grids.
    reading : ReadOptions
        How maps are read.
    """
    return [score_map(truth, values, outputs) for truth, values in predict_with_truth(predict, options, data, reading)]


def predict_with_truth(
    predict: Callable[[Scene], Prediction], options: GroundTruthOptions, data: Sequence[str], reading: ReadOptions
) -> Iterator[tuple[GroundTruth, Prediction]]:
    """Iterate over maps: their truth, and what `predict` makes of them."""
    for source in find_maps(data, reading).sources:
        yield predict_map_with_truth(predict, options, source, reading)


def predict_map_with_truth(
    predict: Callable[[Scene], Prediction], options: GroundTruthOptions, source: MapSource, reading: ReadOptions
) -> tuple[GroundTruth, Prediction]:
    """Read one map; returns its truth, and what `predict` makes of it."""
    scene = read_map(source, reading)
    return build_ground_truth(scene, options), predict(scene)


def score_map(truth: GroundTruth, values: Mapping[str, Float], outputs: Sequence[Output]) -> MapScore:
    """Count the metric states of one map.

    Parameters
    ----------
    truth : GroundTruth
        The map with its truth.
    values : Mapping[str, Float]
        {output: (C, H, W) float32} predictions.
    outputs : Sequence[Output]
        Outputs that are scored.
    """
    sides = truth.scene.cell_sides
    states = {o.name: o.metric.count(values[o.name], *o.target(truth), sides) for o in outputs}
    return MapScore(truth.scene.name, truth.scene.group, states)


def write_scores(scores: Sequence[MapScore], outputs: Sequence[Output], out: Path) -> str:
    """Write metrics.csv and metrics.md into a folder, and return the Markdown.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    rows: list[MetricsRow] = [{"map": score.name, **metric_columns(outputs, score.states)} for score in scores]
    pooled = {output.name: add_states([score.states[output.name] for score in scores]) for output in outputs}
    rows.append({"map": POOLED, **metric_columns(outputs, pooled)})
    with atomic_write(out / "metrics.csv") as temporary:
        temporary.write_text(scores_as_csv(rows), "utf-8")
    text = scores_as_markdown(rows, outputs)
    with atomic_write(out / "metrics.md") as temporary:
        temporary.write_text(text, "utf-8")
    return text


def metric_columns(outputs: Sequence[Output], states: dict[str, State]) -> MetricsRow:
    """{OUTPUT/METRIC: value} of all outputs."""
    return {f"{o.name}/{name}": value for o in outputs for name, value in o.metric.compute(states[o.name]).items()}


def scores_as_csv(rows: Sequence[MetricsRow]) -> str:
    """CSV with one line per map, the pooled one last; undefined values are empty."""
    return csv_text(list(rows[0]), (["" if value != value else value for value in row.values()] for row in rows))


def scores_as_markdown(rows: Sequence[MetricsRow], outputs: Sequence[Output]) -> str:
    """Markdown with one table per output, the pooled line last and bold; undefined values are –."""
    parts = []
    for output in outputs:
        names = [key for key in rows[0] if key.startswith(f"{output.name}/")]
        lines = [f"## {output.name}: {output.unit}", ""]
        lines.append("| map | " + " | ".join(name.split("/")[1] for name in names) + " |")
        lines.append("|---|" + "---:|" * len(names))
        for row in rows:
            bold = "**" if row["map"] == POOLED else ""
            cells = [f"{bold}{_number(row[name])}{bold}" for name in names]
            lines.append(f"| {bold}{row['map']}{bold} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def sizes_as_markdown(metrics: Mapping[str, Mapping[str, dict[str, float]]]) -> str:
    """Markdown with one table per trap output, from {output: {size class: metrics}}."""
    parts = []
    for name, classes in metrics.items():
        lines = [f"## {name} by size of the trap", ""]
        lines.append("| diameter / tile | traps | spill point outside the tile | found | recall | iou |")
        lines.append("|---|" + "---:|" * 5)
        for size, own in classes.items():
            shares = " | ".join(_number(own[key]) for key in ("beyond", "found", "recall", "iou"))
            lines.append(f"| {size} | {own['traps']:.0f} | {shares} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _number(value: str | float) -> str:
    return "–" if value != value else f"{value:.3f}"
