"""Doubts of fitted rules: choices that no map tells apart, maps and interpreters that follow other rules."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from targets.rules.fitted_rules import MOST_NAMED, describe_rules
from targets.rules.score_table import Choice, ScoreTable
from targets.surface.contour_interval import FEWEST, warn_of_few_contours
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import contours_of

TELLS = 0.01  # of IoU: a map on which two rules differ by more tells which of them holds
NOT_A_FEW = 0.2  # of the maps that tell
CLEARLY = 0.1  # of IoU: a map that another rule of faults explains so much better has that rule
WIDE = 4.0  # times: a threshold that may be so much larger or smaller is hardly known
BETTER = 0.05  # of IoU: an interpreter whom another rule explains so much better has rules of his own
QUESTIONS = {
    "faults": "what faults do",
    "edge": "whether the border of the map holds like a wall",
    "connectivity": "whether cells that touch at corners are neighbours",
    "culminations": "whether culminations are joined",
    "fault_contact": "whether contact with a fault matters",
}


def find_doubts(table: ScoreTable, choice: Choice) -> Iterator[str]:
    """Say what the maps cannot tell about the chosen rule, and which of them contradict it.

    Parameters
    ----------
    table : ScoreTable
        All rules that were tried; the chosen one with each of its choices turned among them.
    choice : Choice
        The chosen rule.

    Yields
    ------
    str
        One sentence.
    """
    own, count = table.iou(choice), len(table.maps)
    for name, question in QUESTIONS.items():
        others = [rule for rule in table.scores if rule != choice.rule and _like(rule, choice.rule, name)]
        if not others:
            continue
        values = np.array([table.iou(replace_rule(choice, rule)) for rule in others])
        tells = int((abs(values - own) > TELLS).any(axis=0).sum())
        against = int((values.max(axis=0) - own > TELLS).sum())
        if tells == 0:
            yield f"{tells} of {_maps(count)} tell{_s(count)} {question}: {getattr(choice.rule, name)} is assumed."
        elif against > NOT_A_FEW * tells:
            yield f"{tells} of {_maps(count)} tell{_s(count)} {question}; {against} of them against the rule."
    yield from _threshold_doubts(table, choice, own)
    yield from _contour_doubt(table, choice)
    yield from _fault_doubts(table, choice, own)
    yield from _interpreter_doubts(table, own)


def replace_rule(choice: Choice, rule: TrapCriteria) -> Choice:
    """Another rule with the thresholds of a choice."""
    return Choice(rule, choice.place, choice.score)


def _like(rule: TrapCriteria, other: TrapCriteria, name: str) -> bool:
    """Whether two rules differ in one field at most."""
    return replace(rule, **{name: getattr(other, name)}) == other


def _threshold_doubts(table: ScoreTable, choice: Choice, own: NDArray[np.float32]) -> Iterator[str]:
    """Say between which least areas and heights the maps hardly tell."""
    grid, place = table.grid, choice.place
    iou = table.scores[choice.rule].iou[:, place.kind] - own[:, None, None]
    percent = place.kind == 0
    heights = grid.heights[place.kind] * (100 if percent else 1)
    maps = "The map does not tell" if len(own) == 1 else "No map tells"
    for name, values, at, change in (
        ("area from {:.2g} to {:.2g} cells", grid.area, place.area, iou[:, :, place.height]),
        ("height from {:.2g} to {:.2g}" + " % of the relief" * percent, heights, place.height, iou[:, place.area]),
    ):
        tells = np.any(abs(change) > TELLS, axis=0).tolist()
        low, high = at, at
        while low > 0 and not tells[low - 1]:
            low -= 1
        while high < len(values) - 1 and not tells[high + 1]:
            high += 1
        if values[high] >= WIDE * values[low]:
            yield f"{maps} a least {name.format(values[low], values[high])}."


def _contour_doubt(table: ScoreTable, choice: Choice) -> Iterator[str]:
    """Say that another interval explains the maps as well, or that hardly any contour passes through some maps."""
    if choice.rule.reading != "contour":
        return
    contours = [(*drawn.scene.relief, *contours_of(drawn.scene, choice.rule)) for drawn in table.maps]
    few = [drawn.name for drawn, (low, high, interval, base) in zip(table.maps, contours, strict=True)
           if interval is not None and warn_of_few_contours(low, high, interval, base)]  # fmt: skip
    if few:
        yield f"Fewer than {FEWEST} contours pass through {_maps(len(few))}: {_names(few)}."
    own = table.iou(choice)
    without = replace(choice.rule, contour_interval=None, contour_base=None)
    alike = [rule for rule in table.scores if rule != choice.rule and rule.reading == "contour"
             and replace(rule, contour_interval=None, contour_base=None) == without
             and not (abs(table.iou(replace_rule(choice, rule)) - own) > TELLS).any()]  # fmt: skip
    steps = {rule.contour_interval for rule in alike} - {choice.rule.contour_interval}
    if steps:
        words = ", ".join(
            "the map's own" if step is None else f"{step:g}" for step in sorted(steps, key=lambda s: s or 0)
        )
        yield f"No map tells the contour interval apart from {words}."


def _fault_doubts(table: ScoreTable, choice: Choice, own: NDArray[np.float32]) -> Iterator[str]:
    """Name the maps on which another rule of faults holds."""
    for rule in table.scores:
        if rule != choice.rule and _like(rule, choice.rule, "faults"):
            better = np.flatnonzero(table.iou(replace_rule(choice, rule)) - own > CLEARLY)
            if better.size:
                names = _names([table.maps[i].name for i in better.tolist()])
                verb = {"sealing": "seal", "leaking": "leak", "transparent": "do nothing"}[rule.faults]
                yield f"On {_maps(better.size)} faults seem to {verb}: {names}."


def _interpreter_doubts(table: ScoreTable, own: NDArray[np.float32]) -> Iterator[str]:
    """Name interpreters, and larger maps, with rules of their own."""
    for kind, key in (
        ("interpreter", [m.interpreter for m in table.maps]),
        ("group", [m.scene.group for m in table.maps]),
    ):
        names = [name for name in dict.fromkeys(key) if name and key.count(name) > 1]
        for name in names if len(set(key)) > 1 else ():
            members = np.array([place for place, value in enumerate(key) if value == name])
            other = table.choose(members)
            theirs = table.iou(other)[members].mean()
            if theirs - own[members].mean() > BETTER:
                text = describe_rules(other.rule)
                yield (f"The {_maps(len(members))} of {kind} {name} follow rules of their own ({text}): IoU "
                       f"{theirs:.2f} instead of {own[members].mean():.2f}; fit them apart.")  # fmt: skip


def _maps(count: int) -> str:
    return "1 map" if count == 1 else f"{count} maps"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def _s(count: int) -> str:
    return "s" if count == 1 else ""
