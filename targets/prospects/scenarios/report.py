"""Report of the scenarios of a map: sections of the page of an inventory, and facts of single prospects."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from targets.prospects.scenarios.charge import ChargedMap, summarise_charge
from targets.prospects.scenarios.fault_rules import AS_GIVEN, CHANGES, FaultScenarios
from targets.prospects.scenarios.units import ScenarioUnits

MAX_ROWS = 30  # of the table of a section; the files hold all
MAX_NAMED = 5  # scenarios that are named in one fact
WHEN = {"gone": "gone with", "smaller": "smaller with", "larger": "larger with", "joined": "one with others with"}


class ScenarioSection(NamedTuple):
    """A part of the page of an inventory.

    Attributes
    ----------
    title : str
        Its heading.
    text : str
        What was found, in a sentence or two.
    header : tuple[str, ...]
        Heading of its table.
    rows : list[tuple[str, ...]]
        Of its table.
    pictures : list[tuple[str, str]]
        Name of a file in the folder of the map, and what it shows.
    """

    title: str
    text: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    pictures: list[tuple[str, str]]


class ScenarioReport(NamedTuple):
    """What was found of the scenarios of a map.

    Attributes
    ----------
    lines : list[str]
        What was found and assumed, a sentence each, as the tool prints them.
    sections : list[ScenarioSection]
        Of the page.
    facts : dict[int, list[tuple[str, str]]]
        {id of a closure: name and text of what the scenarios say of it}.
    """

    lines: list[str]
    sections: list[ScenarioSection]
    facts: dict[int, list[tuple[str, str]]]


def report_charge(charged: ChargedMap, notes: Sequence[str], units: ScenarioUnits) -> ScenarioReport:
    """Report how far a charge fills the closures of a map.

    Parameters
    ----------
    charged : ChargedMap
        Of the map.
    notes : Sequence[str]
        What was assumed.
    units : ScenarioUnits
        Units that are shown.

    Returns
    -------
    ScenarioReport
    """
    scale, depth_unit = units.depth_scale()
    table, summary = charged.table, summarise_charge(charged, units)
    rows: list[tuple[str, ...]] = []
    facts = {}
    for row in table:
        filled = f"{row['filled']:.0%}"
        contact = f"{row['contact_depth'] / scale:,.1f}" if np.isfinite(row["contact_depth"]) else "–"
        full = units.format_volume(row["full_at_volume"]) if np.isfinite(row["full_at_volume"]) else "never"
        capacity = units.format_volume(row["capacity_volume"])
        rows.append((str(row["id"]), filled, contact, units.format_volume(row["stored_volume"]), capacity, full))
        said = f"{filled} of {capacity}" + ("" if contact == "–" else f", down to {contact} {depth_unit}".rstrip())
        facts[int(row["id"])] = [("the charge fills", said)]
    unit = f" ({depth_unit})" if depth_unit else ""
    section = ScenarioSection(
        f"{charged.analysis.scene.name}: charge",
        ". ".join(f"{line[0].upper()}{line[1:]}" for line in (summary, *notes)) + ".",
        ("closure", "filled", f"contact{unit}", "holds", "can hold", "is full at a charge of"),
        rows[:MAX_ROWS],
        [("charge_map.png", "height of the fluid"), ("charge.png", "what fills when")],
    )
    return ScenarioReport([summary, *notes], [section], facts)


def report_fault_rules(found: FaultScenarios, units: ScenarioUnits) -> ScenarioReport:
    """Report what changes when the faults of a map seal, leak or do nothing.

    Parameters
    ----------
    found : FaultScenarios
        Of the map.
    units : ScenarioUnits
        Units that are shown.

    Returns
    -------
    ScenarioReport
    """
    lines: list[str] = []
    rows: list[tuple[str, ...]] = []
    given = found.analyses[AS_GIVEN]
    before = _closed_area(given.table)
    for name, analysis in found.analyses.items():
        if name == AS_GIVEN:
            continue
        area = _closed_area(analysis.table)
        kinds = [change.change for change in found.changes if change.scenario == name]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in CHANGES if kind in kinds) or "no closure"
        share = f"{round(area / before - 1, 2) + 0.0:+.0%}" if before > 0 else ""  # no minus zero
        lines.append(f"{name}: {counts}; {units.format_area(area)} closed" + (f" ({share})" if share else ""))
        rows.append((name, counts, units.format_area(area), share.replace("-", "−")))
    section = ScenarioSection(
        f"{given.scene.name}: rules of faults",
        f"As given ({given.rules_text}) {units.format_area(before)} are closed. Each row is another rule.",
        ("scenario", "closures", "closed area", "change"),
        rows[:MAX_ROWS],
        [("fault_scenarios.png", "closures by fault rule"), ("faults.png", "both sides along the longest faults")],
    )
    return ScenarioReport(lines, [section], _facts_of_changes(found))


def _closed_area(table: np.ndarray) -> float:
    """The area of all outermost closures."""
    return float(table["area"][table["parent"] == 0].sum())


def _facts_of_changes(found: FaultScenarios) -> dict[int, list[tuple[str, str]]]:
    """What each closure becomes in which scenarios."""
    facts: dict[int, list[tuple[str, str]]] = {}
    for id in dict.fromkeys(change.id for change in found.changes if change.id):
        for kind, words in WHEN.items():
            own = [change for change in found.changes if change.id == id and change.change == kind]
            named = []
            for change in own[:MAX_NAMED]:
                before = change.volume - change.volume_change
                is_part = kind in ("smaller", "larger") and before > 0
                share = f" ({change.volume_change / before:+.0%})".replace("-", "−") if is_part else ""
                named.append(change.scenario + share)
            if own:
                more = f" and {len(own) - MAX_NAMED} more" if len(own) > MAX_NAMED else ""
                facts.setdefault(id, []).append((words, ", ".join(named) + more))
    return facts


def join_reports(reports: Iterable[ScenarioReport]) -> ScenarioReport:
    """Join what was found of several scenarios of one map.

    Parameters
    ----------
    reports : Iterable[ScenarioReport]
        In the order of the page.

    Returns
    -------
    ScenarioReport

    Examples
    --------
    >>> one, two = ScenarioReport(["a"], [], {1: [("x", "y")]}), ScenarioReport(["b"], [], {1: [("z", "w")]})
    >>> join_reports([one, two])
    ScenarioReport(lines=['a', 'b'], sections=[], facts={1: [('x', 'y'), ('z', 'w')]})
    """
    joined = ScenarioReport([], [], {})
    for report in reports:
        joined.lines.extend(report.lines)
        joined.sections.extend(report.sections)
        for id, facts in report.facts.items():
            joined.facts.setdefault(id, []).extend(facts)
    return joined
