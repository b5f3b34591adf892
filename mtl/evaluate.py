"""How good a trained network is on whole maps: every head's figures per map and pooled, as CSV and Markdown."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from mtl.heads import Head
from mtl.predict import Predictor
from mtl.scores import Sums
from targets.files import written_whole
from targets.maps import Reading, list_maps, read_map
from targets.truth import find_truth

POOLED = "pooled"
Row = dict[str, str | float]


def evaluate(predictor: Predictor, data: Sequence[str], out: Path, how: Reading) -> str:
    """Write metrics.csv and metrics.md, and return the Markdown text.

    The truth is made as in training: traps that an interpreter drew, else exact closures.

    Parameters
    ----------
    data : maps, folders of maps, or grids.
    """
    rows: list[Row] = []
    pooled = {head.name: dict.fromkeys(head.score.sums, 0.0) for head in predictor.heads}
    for source in list_maps(data, how.layout):
        scene = read_map(source, how.fill, how.elevation)
        truth, values = find_truth(scene, predictor.config.targets), predictor(scene)
        sums = {head.name: head.score.count(values[head.name], *head.target(truth)) for head in predictor.heads}
        for name, own in sums.items():
            pooled[name] = {key: pooled[name][key] + own[key] for key in own}
        rows.append({"map": scene.name, **figures(predictor.heads, sums)})
    rows.append({"map": POOLED, **figures(predictor.heads, pooled)})
    with written_whole(out / "metrics.csv") as temporary:
        temporary.write_text(as_csv(rows))
    text = as_markdown(rows, predictor.heads)
    with written_whole(out / "metrics.md") as temporary:
        temporary.write_text(text)
    return text


def figures(heads: Sequence[Head], sums: dict[str, Sums]) -> Row:
    """{HEAD/FIGURE: value} of all heads."""
    return {f"{h.name}/{name}": value for h in heads for name, value in h.score.ratios(sums[h.name]).items()}


def as_csv(rows: Sequence[Row]) -> str:
    """One line per map, the pooled one last; a figure that is not defined is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if value != value else value for key, value in row.items()})
    return text.getvalue()


def as_markdown(rows: Sequence[Row], heads: Sequence[Head]) -> str:
    """One table per head, the pooled line last and bold; – where a figure is not defined."""
    parts = []
    for head in heads:
        names = [key for key in rows[0] if key.startswith(f"{head.name}/")]
        lines = [f"## {head.name}: {head.unit}", ""]
        lines.append("| map | " + " | ".join(name.split("/")[1] for name in names) + " |")
        lines.append("|---|" + "---:|" * len(names))
        for row in rows:
            bold = "**" if row["map"] == POOLED else ""
            cells = [f"{bold}{_number(row[name])}{bold}" for name in names]
            lines.append(f"| {bold}{row['map']}{bold} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _number(value: str | float) -> str:
    return "–" if value != value else f"{value:.3f}"
