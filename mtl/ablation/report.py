"""Report of an ablation: Markdown tables, a picture per test set, and one HTML file that can be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl.ablation.bootstrap import CONFIDENCE_LEVEL, RESAMPLE_COUNT, ComparisonRow, ComparisonTable, compare_rows
from mtl.ablation.examples import draw_examples
from mtl.ablation.grid import AblationRun
from mtl.ablation.options import Ablation
from mtl.ablation.results import RunKey, RunResult
from mtl.visualization.tensorboard import write_summary_run
from targets.common.atomic_write import atomic_write, safe_file_name
from targets.common.html_report import Cell, png_of_figure, render_report
from targets.errors import UserError

TEMPLATE = Path(__file__).parent / "templates" / "ablation.html.j2"
CONFIDENCE_TEXT = f"{100 * CONFIDENCE_LEVEL:g} %"
UNDEFINED = "–"
NOTE = (
    "Metrics are pooled over the maps of the test set: mean ± standard deviation over seeds. "
    f"Differences are from the first row, with the {CONFIDENCE_TEXT} interval of a paired bootstrap "
    f"({RESAMPLE_COUNT} resamples with replacement of groups of maps, the same for both rows, and of seeds; "
    "percentiles; Efron & Tibshirani 1993); "
    "bold: the interval excludes zero. "
    "Time is that of a training step, with loading and without validation, over the first row's."
)


@dataclass(frozen=True, eq=False)
class TableSection:
    """One table of the HTML report: title, header and rows of cells, and the PNG of its examples (b"": none)."""

    title: str
    header: list[str]
    rows: list[list[Cell]]
    examples: bytes


@dataclass(frozen=True, eq=False)
class SetSection:
    """One test set in the HTML report: its name, the PNG of its comparison, and its tables."""

    test_set: str
    picture: bytes
    tables: list[TableSection]


def write_report(
    ablation: Ablation, grid: Sequence[AblationRun], results: Mapping[RunKey, RunResult], out: Path
) -> str:
    """Write the report of an ablation, as far as its runs are finished.

    Leaves comparison.md, comparison_TEST.png of every test set, examples_TEST_CONDITION.png, report.html, and a
    summary run for TensorBoard.

    Parameters
    ----------
    ablation : Ablation
        The ablation.
    grid : Sequence[AblationRun]
        Its runs.
    results : Mapping[RunKey, RunResult]
        Finished runs.
    out : Path
        Folder of the ablation.

    Returns
    -------
    str
        Text of comparison.md.

    Raises
    ------
    UserError
        No run is finished, or a file cannot be written.
    """
    tables = compare_rows(grid, results, ablation.metrics)
    if not tables:
        raise UserError(out, "no run is finished", "at least one", "leave --report_only away")
    finished = sum(any(key[:3] == (run.row, run.condition, run.seed) for key in results) for run in grid)
    note = f"{finished} of {len(grid)} runs are finished. {NOTE}"
    pictures, files = {}, {}
    for test_set in dict.fromkeys(table.test_set for table in tables):
        figure = draw_comparison([table for table in tables if table.test_set == test_set], ablation.metrics)
        pictures[test_set] = png_of_figure(figure)
        files[test_set] = out / f"comparison_{safe_file_name(test_set)}.png"
        with atomic_write(files[test_set]) as temporary:
            temporary.write_bytes(pictures[test_set])
    examples: dict[tuple[str, str], bytes] = {}
    for table in tables:
        if (examples_figure := draw_examples(grid, table.test_set, table.condition)) is not None:
            path = out / f"examples_{safe_file_name(table.test_set)}_{safe_file_name(table.condition)}.png"
            examples[table.test_set, table.condition] = png_of_figure(examples_figure)
            files[f"{table.test_set}, {table.condition}, examples"] = path
            with atomic_write(path) as temporary:
                temporary.write_bytes(examples[table.test_set, table.condition])
    markdown = "\n\n".join(table_as_markdown(table, ablation.metrics) for table in tables)
    text = f"# {ablation.name}\n\n{note}\n\n{markdown}\n"
    with atomic_write(out / "comparison.md") as temporary:
        temporary.write_text(text, "utf-8")
    with atomic_write(out / "report.html") as temporary:
        temporary.write_text(report_as_html(ablation, note, tables, pictures, examples), "utf-8")
    write_summary_run(out, text, files)
    return text


def table_title(table: ComparisonTable) -> str:
    """Title of a table: test set, condition, and what was counted."""
    groups = "" if table.groups == table.maps else f" of {table.groups} groups"
    return f"{table.test_set} · {table.condition} ({table.maps} maps{groups})"


def table_cells(table: ComparisonTable, metrics: Sequence[str]) -> list[list[Cell]]:
    """Cells of a table, its header first; differences whose interval excludes zero are bold."""
    header = ["row", *(part for metric in metrics for part in (metric, "difference")), "time"]
    rows = [[Cell(row.name), *_metric_cells(row, metrics), Cell(_time(row))] for row in table.rows]
    return [[Cell(name) for name in header], *rows]


def _metric_cells(row: ComparisonRow, metrics: Sequence[str]) -> list[Cell]:
    """Value and difference of every metric."""
    cells = []
    for metric in metrics:
        values, interval = row.values[metric], row.differences.get(metric)
        deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        cells.append(Cell(f"{np.mean(values):.3f}{deviation}" if np.isfinite(values).all() else UNDEFINED))
        if interval is None:
            cells.append(Cell(""))
        elif np.isnan(interval.difference):
            cells.append(Cell(UNDEFINED))
        else:
            text = f"{interval.difference:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
            cells.append(Cell(text, "bold" if interval.excludes_zero else ""))
    return cells


def _time(row: ComparisonRow) -> str:
    """Relative time of a training step."""
    return UNDEFINED if np.isnan(row.relative_step_time) else f"{row.relative_step_time:.2f}×"


def table_as_markdown(table: ComparisonTable, metrics: Sequence[str]) -> str:
    """A heading and the table in Markdown."""
    header, *rows = [[_as_markdown(cell) for cell in row] for row in table_cells(table, metrics)]
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([f"## {table_title(table)}", "", lines[0], "|---|" + "---:|" * (len(header) - 1), *lines[1:]])


def _as_markdown(cell: Cell) -> str:
    """A cell in Markdown."""
    return f"**{cell.text}**" if cell.style == "bold" else cell.text


def draw_comparison(tables: Sequence[ComparisonTable], metrics: Sequence[str]) -> Figure:
    """Draw the tables of one test set.

    Parameters
    ----------
    tables : Sequence[ComparisonTable]
        One per condition.
    metrics : Sequence[str]
        Metrics that are drawn.

    Returns
    -------
    Figure
        A panel per condition and metric, a line per row; a row that a condition lacks is left blank.
    """
    names = row_names(tables)
    size = (2.2 + 3.4 * len(tables), 1.1 + len(metrics) * (0.75 + 0.3 * len(names)))
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots(len(metrics), len(tables), squeeze=False, sharex="row")
    for panels, metric in zip(axes, metrics, strict=True):
        for axis, table in zip(panels, tables, strict=True):
            _draw_panel(axis, table.rows, names, metric)
            axis.set_xlabel(metric)
            if metric == metrics[0]:
                axis.set_title(table_title(table).replace(" (", "\n("), fontsize=10)
            if table is not tables[0]:
                axis.set_yticklabels([])
    legend = f"dots: seeds · bar: mean · line: {CONFIDENCE_TEXT} interval of the difference from the first row"
    figure.suptitle(legend, fontsize=9)
    return figure


def row_names(tables: Sequence[ComparisonTable]) -> list[str]:
    """Names of the rows of all tables, merged in their order."""
    names: list[str] = []
    for table in tables:
        place = 0
        for row in table.rows:
            if row.name not in names:
                names.insert(place, row.name)
            place = names.index(row.name) + 1
    return names


def _draw_panel(axis: Axes, rows: Sequence[ComparisonRow], names: Sequence[str], metric: str) -> None:
    """Draw seeds as dots, means as bars, and intervals of differences as lines around the first row's mean."""
    reference = np.mean(rows[0].values[metric])
    axis.axvline(float(reference), color="0.5", linestyle="--", linewidth=1)
    for row in rows:
        place, interval = names.index(row.name), row.differences.get(metric)
        colour = "0.35"
        if interval is not None:
            if interval.excludes_zero:
                colour = "tab:green" if interval.difference > 0 else "tab:red"
            ends = [reference + interval.low, reference + interval.high]
            axis.plot(ends, [place, place], color=colour, linewidth=2.5, alpha=0.55, solid_capstyle="butt")
        values = row.values[metric]
        axis.plot(values, [place] * len(values), "o", markersize=4, color=colour, alpha=0.7, markeredgewidth=0)
        axis.plot([np.mean(values)], [place], "|", markersize=14, markeredgewidth=2, color=colour)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)


def report_as_html(
    ablation: Ablation,
    note: str,
    tables: Sequence[ComparisonTable],
    pictures: Mapping[str, bytes],
    examples: Mapping[tuple[str, str], bytes],
) -> str:
    """Render the HTML report.

    Parameters
    ----------
    ablation : Ablation
        Its rows and conditions are listed.
    note : str
        Explanation above the tables.
    tables : Sequence[ComparisonTable]
        All tables.
    pictures : Mapping[str, bytes]
        {test set: PNG of its comparison}.
    examples : Mapping[tuple[str, str], bytes]
        {(test set, condition): PNG of its examples}.
    """
    sections = []
    for test_set, picture in pictures.items():
        own = []
        for table in tables:
            if table.test_set == test_set:
                header, *rows = table_cells(table, ablation.metrics)
                shown = examples.get((test_set, table.condition), b"")
                own.append(TableSection(table_title(table), [cell.text for cell in header], rows, shown))
        sections.append(SetSection(test_set, picture, own))
    changed = [
        (kind, name, ", ".join(f"{key} = {value}" for key, value in settings.items()) or "as the base")
        for kind, group in (("row", ablation.rows), ("condition", ablation.conditions))
        for name, settings in group.items()
    ]
    return render_report(TEMPLATE, ablation.name, note=note, sections=sections, changed=changed, base=ablation.base)
