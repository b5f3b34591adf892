"""How an ablation's comparison is told: Markdown, a picture per test set, and one HTML file that can be sent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl.ablation.bootstrap import CONFIDENCE_LEVEL, RESAMPLE_COUNT, ComparisonRow, ComparisonTable, compare_rows
from mtl.ablation.examples import draw_examples
from mtl.ablation.grid import Ablation, AblationRun
from mtl.ablation.results import RunKey, RunResult
from mtl.visualization.tensorboard import write_summary_run
from targets.common.atomic_write import atomic_write, safe_file_name
from targets.common.html_report import element, page, picture, png_of_figure
from targets.common.html_report import table as html_table
from targets.errors import UserError

CONFIDENCE_TEXT = f"{100 * CONFIDENCE_LEVEL:g} %"
NOTE = (
    "Figures are pooled over the maps of the test set: mean over seeds ± standard deviation over seeds. "
    f"Differences are against the first row, with the {CONFIDENCE_TEXT} interval of a paired bootstrap "
    f"({RESAMPLE_COUNT} resamples, percentiles; "
    "drawn anew with replacement: groups of maps, the same for both rows, and seeds; Efron & Tibshirani 1993); "
    "bold: the interval excludes zero. "
    "Time is that of a training step, loading included and validation excluded, over the first row's."
)


def write_report(
    ablation: Ablation, grid: Sequence[AblationRun], results: Mapping[RunKey, RunResult], out: Path
) -> str:
    """Write comparison.md, comparison_TEST.png of every test set, examples_TEST_CONDITION.png, and report.html; show
    table and pictures in TensorBoard too; returns the Markdown.

    Raises
    ------
    UserError
        No run is finished.
    """
    tables = compare_rows(grid, results, ablation.metrics)
    if not tables:
        raise UserError(out, "no run is finished", "at least one", "leave --report_only away")
    done = sum(any(key[:3] == (j.row, j.condition, j.seed) for key in results) for j in grid)
    head = f"{done} of {len(grid)} runs are finished. {NOTE}"
    pictures, files = {}, {}
    for test in dict.fromkeys(table.test_set for table in tables):
        pictures[test] = png_of_figure(
            draw_comparison([table for table in tables if table.test_set == test], ablation.metrics)
        )
        files[test] = out / f"comparison_{safe_file_name(test)}.png"
        with atomic_write(files[test]) as temporary:
            temporary.write_bytes(pictures[test])
    examples: dict[tuple[str, str], bytes] = {}
    for table in tables:
        if (figure := draw_examples(grid, table.test_set, table.condition)) is not None:
            name = f"examples_{safe_file_name(table.test_set)}_{safe_file_name(table.condition)}"
            examples[table.test_set, table.condition] = png_of_figure(figure)
            files[f"{table.test_set}, {table.condition}, examples"] = out / f"{name}.png"
            with atomic_write(out / f"{name}.png") as temporary:
                temporary.write_bytes(examples[table.test_set, table.condition])
    text = (
        f"# {ablation.name}\n\n{head}\n\n" + "\n\n".join(table_as_markdown(t, ablation.metrics) for t in tables) + "\n"
    )
    with atomic_write(out / "comparison.md") as temporary:
        temporary.write_text(text)
    with atomic_write(out / "report.html") as temporary:
        temporary.write_text(report_as_html(ablation, head, tables, pictures, examples))
    write_summary_run(out, text, files)
    return text


# -- tables ------------------------------------------------------------------------------------------------------


def table_title(table: ComparisonTable) -> str:
    """What a table was counted on."""
    groups = "" if table.groups == table.maps else f" of {table.groups} groups"
    return f"{table.test_set} · {table.condition} ({table.maps} maps{groups})"


def table_cells(table: ComparisonTable, figures: Sequence[str]) -> list[list[str]]:
    """The table as text, its header first; **bold** as in Markdown."""
    header = ["row", *(part for figure in figures for part in (figure, "difference")), "time"]
    return [header, *([line.name, *_figures(line, figures), _time(line)] for line in table.rows)]


def _figures(line: ComparisonRow, figures: Sequence[str]) -> list[str]:
    found = []
    for figure in figures:
        values, against = line.values[figure], line.differences.get(figure)
        spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        found.append(f"{np.mean(values):.3f}{spread}" if np.isfinite(values).all() else "–")
        if against is None:
            found.append("")
        elif np.isnan(against.difference):
            found.append("–")
        else:
            told = f"{against.difference:+.3f} [{against.low:+.3f}, {against.high:+.3f}]"
            found.append(f"**{told}**" if against.excludes_zero else told)
    return found


def _time(line: ComparisonRow) -> str:
    return "–" if np.isnan(line.relative_step_time) else f"{line.relative_step_time:.2f}×"


def table_as_markdown(table: ComparisonTable, figures: Sequence[str]) -> str:
    """A heading and the table."""
    header, *rows = table_cells(table, figures)
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([f"## {table_title(table)}", "", lines[0], "|---|" + "---:|" * (len(header) - 1), *lines[1:]])


# -- picture -----------------------------------------------------------------------------------------------------


def draw_comparison(tables: Sequence[ComparisonTable], figures: Sequence[str]) -> Figure:
    """One test set: a panel per condition and figure, a line per row; a row that a condition lacks is left blank."""
    names = row_names(tables)
    size = (2.2 + 3.4 * len(tables), 1.1 + len(figures) * (0.75 + 0.3 * len(names)))
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    axes = figure.subplots(len(figures), len(tables), squeeze=False, sharex="row")
    for row, name in enumerate(figures):
        for column, table in enumerate(tables):
            _panel(axes[row, column], table.rows, names, name)
            axes[row, column].set_xlabel(name)
            if row == 0:
                axes[row, column].set_title(table_title(table).replace(" (", "\n("), fontsize=10)
            if column:
                axes[row, column].set_yticklabels([])
    legend = f"dots: seeds · bar: mean · line: {CONFIDENCE_TEXT} interval of the difference against the first row"
    figure.suptitle(legend, fontsize=9)
    return figure


def row_names(tables: Sequence[ComparisonTable]) -> list[str]:
    """The names of the rows that any of the tables has, in their order."""
    names: list[str] = []
    for table in tables:
        place = 0
        for line in table.rows:
            if line.name not in names:
                names.insert(place, line.name)
            place = names.index(line.name) + 1
    return names


def _panel(axis: Axes, lines: Sequence[ComparisonRow], names: Sequence[str], figure: str) -> None:
    """Seeds as dots, their mean as a bar, and the first row's mean plus the interval of the difference as a line."""
    reference = np.mean(lines[0].values[figure])
    axis.axvline(float(reference), color="0.5", linestyle="--", linewidth=1)
    for line in lines:
        place, against = names.index(line.name), line.differences.get(figure)
        colour = "0.35"
        if against is not None:
            if against.excludes_zero:
                colour = "tab:green" if against.difference > 0 else "tab:red"
            ends = [reference + against.low, reference + against.high]
            axis.plot(ends, [place, place], color=colour, linewidth=2.5, alpha=0.55, solid_capstyle="butt")
        values = line.values[figure]
        axis.plot(values, [place] * len(values), "o", markersize=4, color=colour, alpha=0.7, markeredgewidth=0)
        axis.plot([np.mean(values)], [place], "|", markersize=14, markeredgewidth=2, color=colour)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)


# -- one file ----------------------------------------------------------------------------------------------------


def report_as_html(
    ablation: Ablation,
    head: str,
    tables: Sequence[ComparisonTable],
    pictures: Mapping[str, bytes],
    examples: Mapping[tuple[str, str], bytes],
) -> str:
    """Pictures, tables, examples by test set and condition, and what each row changes, in one file that needs no
    other."""
    parts = [element("p", head)]
    for test, data in pictures.items():
        parts += [element("h2", test), picture(data, f"{test}: every row beside the first")]
        for table in tables:
            if table.test_set == test:
                header, *rows = table_cells(table, ablation.metrics)
                body = [[_bold(cell) for cell in row] for row in rows]
                parts += [element("h3", table_title(table)), html_table(header, body, numbers=True)]
                if shown := examples.get((table.test_set, table.condition)):
                    parts.append(picture(shown, f"{table_title(table)}: some maps, and what every row answers"))
    changed = [
        [kind, name, ", ".join(f"{key} = {value}" for key, value in settings.items()) or "as the base"]
        for kind, group in (("row", ablation.rows), ("condition", ablation.conditions))
        for name, settings in group.items()
    ]
    parts += [element("h2", "What each row and condition sets"), html_table(["", "name", "settings"], changed)]
    parts.append(element("p", "All else as in ", element("code", ablation.base), "."))
    return page(ablation.name, parts)


def _bold(cell: str) -> str:
    """A cell of `cells` as HTML knows it."""
    return element("b", cell.strip("*")) if cell.startswith("**") else cell
