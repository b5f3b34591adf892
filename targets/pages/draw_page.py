"""Picture of a page with all that was read of it: map, panels, text, colour bar, and a sentence of each stage."""

import textwrap

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from targets.pages.map_body import Box
from targets.pages.page import Page

MAP, PANEL, BAR, TEXT = "magenta", "tab:blue", "tab:orange", "tab:green"
WIDTH = 10.0  # inches of the figure
LINE_LENGTH, LINE_HEIGHT = 120, 0.2  # letters and inches of a line of text below the page
MAX_TEXTS = 200  # that are written on the page


def draw_page(page: Page) -> Figure:
    """Draw a page with what was read: the outline of its map in magenta, panels blue, colour bar orange, text green.

    Parameters
    ----------
    page : Page
        Whatever its problem is.
    """
    lines = _sentences(page)
    height, width = page.ground.shape
    shown = WIDTH * float(np.clip(height / width, 0.2, 3.0))
    below = LINE_HEIGHT * (len(lines) + 1)
    figure = Figure(figsize=(WIDTH, shown + below), dpi=100)
    axis = figure.add_axes((0.0, below / (shown + below), 1.0, shown / (shown + below)))
    axis.imshow(page.picture, interpolation="nearest" if width < 500 else "auto")
    axis.set_axis_off()
    if page.inside.any():
        axis.contour(page.inside, [0.5], colors=MAP, linewidths=1.5)
    for number, panel in enumerate(page.panels, 1):
        _draw_box(axis, panel.frame, PANEL, f"{number} {panel.title}".strip() if len(page.panels) > 1 else "")
    if page.bar is not None:
        _draw_box(axis, page.bar.box, BAR, "")
    for text in page.texts[:MAX_TEXTS]:
        _draw_box(axis, text.box, TEXT, text.text)
    figure.text(0.01, below / (shown + below) * 0.95, "\n".join(lines), va="top", fontsize=9, family="monospace",
                parse_math=False)  # fmt: skip
    return figure


def _sentences(page: Page) -> list[str]:
    """The sentences of all stages with their confidence, in lines."""
    found = [f"{stage.name} ({stage.confidence:.2f}): {stage.sentence or 'found'}" for stage in page.stages]
    found += [f"NOT READ: {error}" for error in (page.problem, page.question) if error is not None]
    printable = ("".join(letter if letter.isprintable() else "?" for letter in line) for line in found)
    return [part for line in printable for part in textwrap.wrap(line, LINE_LENGTH, subsequent_indent="   ")]


def _draw_box(axis, box: Box, colour: str, words: str) -> None:  # type: ignore[no-untyped-def]  # of matplotlib
    top, left, bottom, right = box
    axis.add_patch(
        Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color=colour, linewidth=1)
    )
    if words:
        halo = [effects.withStroke(linewidth=2, foreground="white")]
        axis.text(left, top - 1, words, color=colour, fontsize=7, va="bottom", path_effects=halo, parse_math=False,
                  clip_on=True)  # fmt: skip
