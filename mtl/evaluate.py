"""How good a trained network is on whole maps: every output's figures per map and pooled, as CSV and Markdown."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from mtl.heads import Output
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
    outputs = predictor.outputs
    pooled = {output.name: dict.fromkeys(output.score.sums, 0.0) for output in outputs}
    for source in list_maps(data, how.layout):
        scene = read_map(source, how.fill, how.elevation)
        truth, values = find_truth(scene, predictor.config.targets), predictor(scene)
        sums = {output.name: output.score.count(values[output.name], *output.target(truth)) for output in outputs}
        for name, own in sums.items():
            pooled[name] = {key: pooled[name][key] + own[key] for key in own}
        rows.append({"map": scene.name, **figures(outputs, sums)})
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
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if value != value else value for key, value in row.items()})
    return text.getvalue()


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


def _number(value: str | float) -> str:
    return "–" if value != value else f"{value:.3f}"
