"""How good a trained network is on whole maps: every output's figures per map and pooled, as CSV and Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from mtl.inference.loading import PredictorOptions, for_maps, loaded, threads_of
from mtl.metrics.base import State, add_states
from mtl.metrics.by_size import count_by_size, metrics_by_size
from mtl.prediction.instances import add_instance_planes, instance_outputs
from mtl.tasks.base import Output
from mtl.tasks.heads import trap_outputs
from targets.common.atomic_write import atomic_write
from targets.common.csv_tables import csv_text
from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError
from targets.io.catalogue import MapSource, ReadOptions, list_maps, read_map
from targets.scene import Float, Scene
from targets.truth.traps import GroundTruth, GroundTruthOptions, build_ground_truth

POOLED = "pooled"
Row = dict[str, str | float]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class MapScore:
    """What was counted on one map.

    Attributes
    ----------
    group : str
        The larger map it was cut from.
    sums : dict[str, Sums]
        {output: its score's additive sums}.
    """

    name: str
    group: str
    sums: dict[str, State]


def evaluate(
    options: PredictorOptions,
    data: Sequence[str],
    out: Path,
    reading: ReadOptions,
    tile: float | None = None,
    workers: Workers = THIS_PROCESS,
) -> str:
    """Write metrics.csv, metrics.md and sizes.md (traps by size over tile), and return both Markdown texts.

    Beside every output, the traps as objects are judged: of all heads together, and of the mask alone.

    Parameters
    ----------
    options : PredictorOptions
        The network; each process that evaluates loads it once.
    data : Sequence[str]
        Maps, folders of maps, or grids.
    tile : float | None, default None
        Side in cells that the sizes of traps are held against; none: of the network's own tiles.

    Raises
    ------
    UserError
        A map cannot be read.
    """
    sources = list_maps(data, reading.layout)
    options = for_maps(options, len(sources), workers.is_serial)
    outputs = loaded(options).outputs
    work = partial(evaluate_map, options=options, threads=threads_of(workers), reading=reading, tile=tile)
    done = dict[int, tuple[MapScore, dict[str, list[State]]]]()
    for number, outcome in map_unordered(work, sources, workers, "maps"):
        if isinstance(outcome, UserError):
            raise outcome
        done[number] = outcome
    scores, counts = zip(*(done[number] for number in sorted(done)), strict=True)
    sizes = {output.name: metrics_by_size([count[output.name] for count in counts]) for output in trap_outputs(outputs)}
    text = sizes_as_markdown(sizes)
    with atomic_write(out / "sizes.md") as temporary:
        temporary.write_text(text)
    return write_scores(scores, (*outputs, *instance_outputs(outputs)), out) + "\n" + text


def evaluate_map(
    source: MapSource, options: PredictorOptions, threads: int | None, reading: ReadOptions, tile: float | None
) -> tuple[MapScore, dict[str, list[State]]]:
    """Count on one map of a list how right the network is: of every output, and {output: sums by size of the trap}."""
    predictor = loaded(options, threads)
    outputs = predictor.outputs
    truth, values = predict_map_with_truth(predictor, predictor.config.targets, source, reading)
    view = predictor.view(truth.scene)
    sizes = {
        output.name: count_by_size(
            values[output.name], *output.target(truth), truth.scene, view, tile or view.tile_side
        )
        for output in trap_outputs(outputs)
    }
    return score_map(truth, add_instance_planes(values, outputs), (*outputs, *instance_outputs(outputs))), sizes


def score_maps(
    predict: Callable[[Scene], Mapping[str, Float]],
    outputs: Sequence[Output],
    options: GroundTruthOptions,
    data: Sequence[str],
    reading: ReadOptions,
) -> list[MapScore]:
    """Count on every map how right `answer` is, be it a predictor or another function from a scene to {output: values}.

    The truth is made as in training: traps that an interpreter drew, else exact closures.
    """
    return [score_map(truth, values, outputs) for truth, values in predict_with_truth(predict, options, data, reading)]


def predict_with_truth(
    predict: Callable[[Scene], Answer], options: GroundTruthOptions, data: Sequence[str], reading: ReadOptions
) -> Iterator[tuple[GroundTruth, Answer]]:
    """Every map with what is true of it and what is answered."""
    for source in list_maps(data, reading.layout):
        yield predict_map_with_truth(predict, options, source, reading)


def predict_map_with_truth(
    predict: Callable[[Scene], Answer], options: GroundTruthOptions, source: MapSource, reading: ReadOptions
) -> tuple[GroundTruth, Answer]:
    """What is true of a map of a list, and what is answered."""
    scene = read_map(source, reading.fill, reading.elevation)
    return build_ground_truth(scene, options), predict(scene)


def score_map(truth: GroundTruth, values: Mapping[str, Float], outputs: Sequence[Output]) -> MapScore:
    """Count on one map."""
    sums = {output.name: output.metric.update(values[output.name], *output.target(truth)) for output in outputs}
    return MapScore(truth.scene.name, truth.scene.group, sums)


def write_scores(scores: Sequence[MapScore], outputs: Sequence[Output], out: Path) -> str:
    """Write metrics.csv and metrics.md, and return the Markdown text."""
    rows: list[Row] = [{"map": score.name, **metric_columns(outputs, score.sums)} for score in scores]
    pooled = {output.name: add_states([score.sums[output.name] for score in scores]) for output in outputs}
    rows.append({"map": POOLED, **metric_columns(outputs, pooled)})
    with atomic_write(out / "metrics.csv") as temporary:
        temporary.write_text(scores_as_csv(rows))
    text = scores_as_markdown(rows, outputs)
    with atomic_write(out / "metrics.md") as temporary:
        temporary.write_text(text)
    return text


def metric_columns(outputs: Sequence[Output], sums: dict[str, State]) -> Row:
    """{OUTPUT/FIGURE: value} of all outputs."""
    return {f"{o.name}/{name}": value for o in outputs for name, value in o.metric.compute(sums[o.name]).items()}


def scores_as_csv(rows: Sequence[Row]) -> str:
    """One line per map, the pooled one last; a figure that is not defined is empty."""
    return csv_text(list(rows[0]), (["" if value != value else value for value in row.values()] for row in rows))


def scores_as_markdown(rows: Sequence[Row], outputs: Sequence[Output]) -> str:
    """One table per output, the pooled line last and bold; – where a figure is not defined."""
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


def sizes_as_markdown(figures: Mapping[str, Mapping[str, dict[str, float]]]) -> str:
    """One table per output that says where the traps are: {output: {class of size: figures}}."""
    parts = []
    for name, classes in figures.items():
        lines = [f"## {name} by size of the trap", ""]
        lines.append("| diameter / tile | traps | spill point not shown | found | recall | iou |")
        lines.append("|---|" + "---:|" * 5)
        for size, own in classes.items():
            shares = " | ".join(_number(own[key]) for key in ("beyond", "found", "recall", "iou"))
            lines.append(f"| {size} | {own['traps']:.0f} | {shares} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _number(value: str | float) -> str:
    return "–" if value != value else f"{value:.3f}"
