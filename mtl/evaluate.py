"""How good a trained network is on whole maps: every output's figures per map and pooled, as CSV and Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mtl.heads import Output, trap_outputs
from mtl.objects import object_outputs, with_objects
from mtl.predict import Predictor
from mtl.reach import count_by_size, size_figures
from mtl.scores import Sums, pool
from targets.files import written_whole
from targets.maps import Reading, list_maps, read_map
from targets.scene import Float, Scene
from targets.tables import csv_text
from targets.truth import Truth, TruthOptions, find_truth

POOLED = "pooled"
Row = dict[str, str | float]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class MapScore:
    """What was counted on one map.

    group : the larger map it was cut from.
    sums : {output: its score's additive sums}.
    """

    name: str
    group: str
    sums: dict[str, Sums]


def evaluate(predictor: Predictor, data: Sequence[str], out: Path, how: Reading, tile: float | None = None) -> str:
    """Write metrics.csv, metrics.md and sizes.md (traps by size over tile), and return both Markdown texts.

    Beside every output, the traps as objects are judged: of all heads together, and of the mask alone.

    Parameters
    ----------
    data : maps, folders of maps, or grids.
    tile : side in cells that the sizes of traps are held against; none: of the network's own tiles.
    """
    outputs = (*predictor.outputs, *object_outputs(predictor.outputs))
    scores: list[MapScore] = []
    sizes: dict[str, list[list[Sums]]] = {output.name: [] for output in trap_outputs(predictor.outputs)}
    for truth, values in answered(predictor, predictor.config.targets, data, how):
        scores.append(score(truth, with_objects(values, predictor.outputs), outputs))
        view = predictor.view(truth.scene)
        for output in trap_outputs(predictor.outputs):
            answer = values[output.name], *output.target(truth)
            sizes[output.name].append(count_by_size(*answer, truth.scene, view, tile or view.side))
    text = sizes_as_markdown({name: size_figures(maps) for name, maps in sizes.items()})
    with written_whole(out / "sizes.md") as temporary:
        temporary.write_text(text)
    return write_scores(scores, outputs, out) + "\n" + text


def score_maps(
    answer: Callable[[Scene], Mapping[str, Float]],
    outputs: Sequence[Output],
    options: TruthOptions,
    data: Sequence[str],
    how: Reading,
) -> list[MapScore]:
    """Count on every map how right `answer` is, be it a predictor or another function from a scene to {output: values}.

    The truth is made as in training: traps that an interpreter drew, else exact closures.
    """
    return [score(truth, values, outputs) for truth, values in answered(answer, options, data, how)]


def answered(
    answer: Callable[[Scene], Answer], options: TruthOptions, data: Sequence[str], how: Reading
) -> Iterator[tuple[Truth, Answer]]:
    """Every map with what is true of it and what is answered."""
    for source in list_maps(data, how.layout):
        scene = read_map(source, how.fill, how.elevation)
        yield find_truth(scene, options), answer(scene)


def score(truth: Truth, values: Mapping[str, Float], outputs: Sequence[Output]) -> MapScore:
    """Count on one map."""
    sums = {output.name: output.score.count(values[output.name], *output.target(truth)) for output in outputs}
    return MapScore(truth.scene.name, truth.scene.group, sums)


def write_scores(scores: Sequence[MapScore], outputs: Sequence[Output], out: Path) -> str:
    """Write metrics.csv and metrics.md, and return the Markdown text."""
    rows: list[Row] = [{"map": score.name, **figures(outputs, score.sums)} for score in scores]
    pooled = {output.name: pool([score.sums[output.name] for score in scores]) for output in outputs}
    rows.append({"map": POOLED, **figures(outputs, pooled)})
    with written_whole(out / "metrics.csv") as temporary:
        temporary.write_text(as_csv(rows))
    text = as_markdown(rows, outputs)
    with written_whole(out / "metrics.md") as temporary:
        temporary.write_text(text)
    return text


def figures(outputs: Sequence[Output], sums: dict[str, Sums]) -> Row:
    """{OUTPUT/FIGURE: value} of all outputs."""
    return {f"{o.name}/{name}": value for o in outputs for name, value in o.score.ratios(sums[o.name]).items()}


def as_csv(rows: Sequence[Row]) -> str:
    """One line per map, the pooled one last; a figure that is not defined is empty."""
    return csv_text(list(rows[0]), (["" if value != value else value for value in row.values()] for row in rows))


def as_markdown(rows: Sequence[Row], outputs: Sequence[Output]) -> str:
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
