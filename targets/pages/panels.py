"""Panels of a page: maps side by side, each with its frame and title, of which one shows depth."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from targets.errors import UserError
from targets.pages.map_body import Box, Part
from targets.pages.numbers import name_quantity
from targets.pages.text import TextBox
from targets.scene import Bool

MIN_PANEL_SHARE = 0.3  # of the largest map's cells
MAX_MISALIGNMENT = 0.06  # of a panel's sides, between the edges of two panels of a row or column
FRAME_COVER = 0.95  # of a side of a frame that is drawn
TITLE_REACH = 0.25  # of a panel's height, above and below it
STRUCTURE = re.compile(r"struct|\bhorizon|\btop\b|\bbase\b|surface")


@dataclass(frozen=True, eq=False)
class Panel:
    """One map of a page.

    Attributes
    ----------
    part : Part
        Its cells.
    frame : Box
        The frame around it, or where none is drawn its bounding box.
    title : str, default ''
        What is written above or beside it.
    """

    part: Part
    frame: Box
    title: str = ""

    @property
    def shows_depth(self) -> bool | None:
        """Whether its title speaks of depth; None where it speaks of nothing that is known."""
        quantity = name_quantity(self.title)
        if quantity.is_other:
            return False
        return True if quantity.grows or STRUCTURE.search(self.title.casefold()) else None


def find_frame(ground: Bool, part: Part) -> Box:
    """Find the frame around a part: the nearest drawn lines on its four sides, or its bounding box."""
    top, left, bottom, right = part.box
    drawn = ~ground
    height, width = drawn.shape
    rows = drawn[:, left:right].mean(axis=1) >= FRAME_COVER
    above, below = np.flatnonzero(rows[: top + 3]), np.flatnonzero(rows[bottom - 3 :]) + bottom - 3
    if not len(above) or not len(below):
        return part.box
    first, last = int(above[-1]), int(below[0])
    cols = drawn[first : last + 1].mean(axis=0) >= FRAME_COVER
    before, behind = np.flatnonzero(cols[: left + 3]), np.flatnonzero(cols[right - 3 :]) + right - 3
    if not len(before) or not len(behind):
        return part.box
    frame = (min(top, first), min(left, int(before[-1])), max(bottom, last + 1), max(right, int(behind[0]) + 1))
    return frame if frame[2] <= height and frame[3] <= width else part.box


def list_panels(ground: Bool, maps: Sequence[Part], texts: Sequence[TextBox]) -> list[Panel]:
    """List the panels of a page in reading order; parts of one map in one frame are one panel.

    Parameters
    ----------
    ground : (H, W) bool
        Of the page.
    maps : Sequence[Part]
        Its parts that show maps, the largest first.
    texts : Sequence[TextBox]
        What is written on it.
    """
    large = [part for part in maps if part.cells >= MIN_PANEL_SHARE * maps[0].cells]
    frames = [find_frame(ground, part) for part in large]
    panels = [Panel(part, frame) for part, frame in zip(large, frames, strict=True) if _is_aligned(frame, frames[0])]
    panels = [panel for k, panel in enumerate(panels) if all(panel.frame != other.frame for other in panels[:k])]
    titled = [Panel(panel.part, panel.frame, _title(panel.frame, frames, texts)) for panel in panels]
    return sorted(titled, key=lambda panel: (round(panel.frame[0] / max(1, _height(frames[0]) / 2)), panel.frame[1]))


def choose_panel(panels: Sequence[Panel], asked: str | None) -> tuple[Panel, str]:
    """Choose the panel that shows depth.

    Parameters
    ----------
    panels : Sequence[Panel]
        Of the page; at least one.
    asked : str | None
        Number from 1 in reading order, or a part of the title; None: the only one whose title speaks of depth.

    Returns
    -------
    panel : Panel
    sentence : str
        Which was taken and why; empty where there is one.

    Raises
    ------
    UserError
        No panel, or several ones, answer.
    """
    names = ", ".join(f"{k} {panel.title!r}" if panel.title else f"{k}" for k, panel in enumerate(panels, 1))
    if asked is not None:
        number = int(asked) if re.fullmatch(r"\d+", asked.strip()) else 0
        found = [panel for k, panel in enumerate(panels, 1)
                 if k == number or (not number and asked.lower() in panel.title.lower())]  # fmt: skip
        if len(found) != 1:
            raise UserError("--panel", f"{asked!r}", f"one of the page's panels: {names}")
        return found[0], f"panel {_name(panels, found[0])} as asked" if len(panels) > 1 else ""
    if len(panels) == 1:
        return panels[0], ""
    depths = [panel for panel in panels if panel.shows_depth]
    if len(depths) != 1:
        raise UserError("page", f"{len(panels)} panels: {names}", "one map of depth",
                        "say which: --panel NUMBER or a word of its title, or panel in map.yaml")  # fmt: skip
    return depths[0], f"panel {_name(panels, depths[0])} by its title, of {names}"


def _name(panels: Sequence[Panel], panel: Panel) -> str:
    number = next(k for k, other in enumerate(panels, 1) if other is panel)
    return f"{number} {panel.title!r}" if panel.title else f"{number}"


def _height(box: Box) -> int:
    return box[2] - box[0]


def _is_aligned(box: Box, other: Box) -> bool:
    """Whether two boxes stand in one row or column, or are as large as each other."""
    limit = MAX_MISALIGNMENT * max(other[2] - other[0], other[3] - other[1])
    in_row = abs(box[0] - other[0]) <= limit and abs(box[2] - other[2]) <= limit
    in_column = abs(box[1] - other[1]) <= limit and abs(box[3] - other[3]) <= limit
    same = abs(_height(box) - _height(other)) <= limit and abs(box[3] - box[1] - other[3] + other[1]) <= limit
    return in_row or in_column or same


def _title(frame: Box, frames: Sequence[Box], texts: Sequence[TextBox]) -> str:
    """The words nearest above the middle of a frame, and where there are none those below it."""
    top, left, bottom, right = frame
    height = bottom - top
    found: list[tuple[float, str]] = []
    for text in texts:
        row, col = text.centre
        if text.angle or not left <= col <= right or not re.search(r"[^\W\d_]{3}", text.text):
            continue
        if any(box != frame and box[0] <= row <= box[2] and box[1] <= col <= box[3] for box in frames):
            continue
        distance = top - row if row < top else (2 * (row - bottom) if row > bottom else np.inf)
        if 0 <= distance <= TITLE_REACH * height:
            found.append((float(distance), text.text))
    return min(found)[1] if found else ""
