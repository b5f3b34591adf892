"""Fault scenarios: how closures change when faults seal or leak, all of them and each by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis, analyse
from targets.analysis.options import ClosureOptions
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.faults.names import NamedFaults
from targets.scene import Scene

CHANGES = ("unchanged", "larger", "smaller", "joined", "gone", "part", "new")
AS_GIVEN = "as given"


@dataclass(frozen=True)
class ClosureChange:
    """What becomes of one outermost closure in one scenario; NaN where there is nothing.

    Attributes
    ----------
    scenario : str
        Such as "all sealing" or "F3 leaking".
    change : str
        One of `CHANGES`. joined: the crests of several closures lie in one; part: a further piece of a closure that
        falls apart, beside the one that holds its crest.
    id : int
        Of the closure under the rules as given; 0 = there is none.
    scenario_id : int
        Of the closure in the scenario that holds its crest (or most of its cells, where a fault took the crest out);
        0 = none.
    crest_x, crest_y, crest_depth : float
        Crest of the closure as given; of a part or a new one that of the scenario.
    spill_depth, height, area, volume : float
        In the scenario.
    spill_depth_change, height_change, area_change, volume_change : float
        What the scenario adds; NaN of a part, and of the spill depth where there is none to compare.
    """

    scenario: str
    change: str
    id: int
    scenario_id: int
    crest_x: float
    crest_y: float
    crest_depth: float
    spill_depth: float
    height: float
    area: float
    volume: float
    spill_depth_change: float
    height_change: float
    area_change: float
    volume_change: float


@dataclass(frozen=True, eq=False)
class FaultScenarios:
    """The closures of a map under several fault rules.

    Attributes
    ----------
    analyses : Mapping[str, Analysis]
        Name of a scenario to its analysis; the first is "as given".
    changes : list[ClosureChange]
        Scenario after scenario, the first left out: each closure as given, then new ones.
    """

    analyses: Mapping[str, Analysis]
    changes: list[ClosureChange]


def list_scenarios(faults: NamedFaults, options: ClosureOptions) -> dict[str, ClosureOptions]:
    """List what may be true of the faults of a map: the rules as given, all of one kind, each fault by itself.

    Parameters
    ----------
    faults : NamedFaults
        The faults of the map.
    options : ClosureOptions
        Rules of closure; the faults that a scenario does not name keep the rules they have here.

    Returns
    -------
    dict[str, ClosureOptions]
        Name of a scenario to its options; scenarios that say the same as an earlier one are left out.

    Raises
    ------
    UserError
        The map has no fault.

    Examples
    --------
    >>> faults = NamedFaults(np.array([[1, 0, 2]], np.int32), ("F1", "F2"))
    >>> list(list_scenarios(faults, ClosureOptions()))
    ['as given', 'all sealing', 'all leaking', 'F1 sealing', 'F1 leaking', 'F2 sealing', 'F2 leaking']
    >>> list(list_scenarios(faults, ClosureOptions(fault_rules=Names("F1=sealing,F2=leaking"))))[4:]
    ['F1 transparent', 'F2 transparent']
    """
    if not faults.labels.any():
        raise UserError("--fault-scenarios", "a map without faults", "faults in the map folder, or fault files")
    present = [faults.names[k - 1] for k in np.unique(faults.labels[faults.labels > 0])]
    asked = {AS_GIVEN: options}
    for rule in ("transparent", "sealing", "leaking"):
        asked[f"all {rule}"] = replace(options, faults=rule, fault_rules=None)
    for name in present:
        others = [kept for kept in options.fault_rules or () if kept.rpartition("=")[0] != name]
        for rule in ("transparent", "sealing", "leaking"):
            title = f"{'fault ' if name.isdigit() else ''}{name} {rule}"
            asked[title] = replace(options, fault_rules=Names([*others, f"{name}={rule}"]))
    said: list[dict[int, str]] = []
    scenarios = {}
    for name, scenario in asked.items():
        rules = faults.rules(scenario.faults, scenario.fault_rules or ())
        if rules not in said:
            said.append(rules)
            scenarios[name] = scenario
    return scenarios


def compare_fault_rules(scene: Scene, faults: NamedFaults, options: ClosureOptions) -> FaultScenarios:
    """Find the closures of a map under each scenario of its faults, and what changes.

    Parameters
    ----------
    scene : Scene
        The map.
    faults : NamedFaults
        Its faults.
    options : ClosureOptions
        Rules of closure, as given.

    Returns
    -------
    FaultScenarios

    Raises
    ------
    UserError
        The map has no fault or no depth, or an option makes no sense.
    """
    scenarios = list_scenarios(faults, options)
    analyses = {name: analyse(scene, scenario, faults=faults) for name, scenario in scenarios.items()}
    given = analyses[AS_GIVEN]
    changes = [
        change for name, analysis in analyses.items() if name != AS_GIVEN
        for change in list_changes(name, given, analysis)
    ]  # fmt: skip
    return FaultScenarios(analyses, changes)


def list_changes(name: str, given: Analysis, other: Analysis) -> list[ClosureChange]:
    """Compare the outermost closures of two analyses of one map, crest by crest.

    Parameters
    ----------
    name : str
        Of the scenario.
    given : Analysis
        Under the rules as given.
    other : Analysis
        In the scenario.

    Returns
    -------
    list[ClosureChange]
        A row per closure of `given`, then those of `other` that hold no crest of these.
    """
    rows = given.table[given.table["parent"] == 0]
    match = [find_again(given.closures.labels, other.closures.labels, row) for row in rows]
    found = []
    for row, id in zip(rows, match, strict=True):
        if id == 0:
            found.append(_change(name, "gone", row, None))
            continue
        now = other.table[id - 1]
        grown = float(now["volume"] - row["volume"])
        is_same = now["area"] == row["area"] and np.isclose(grown, 0, atol=1e-9 * float(row["volume"]))
        change = "unchanged" if is_same else "larger" if grown > 0 else "smaller"
        found.append(_change(name, "joined" if match.count(id) > 1 else change, row, now))
    for row in other.table[other.table["parent"] == 0]:
        if row["id"] not in match:
            whole = int(given.closures.labels[row["crest_row"], row["crest_col"]])
            found.append(_part(_change(name, "new", None, row), whole) if whole else _change(name, "new", None, row))
    return found


def find_again(labels: NDArray[np.int32], others: NDArray[np.int32], row: np.void) -> int:
    """The outermost closure of another scenario in which the crest of a closure lies, 0 = none.

    Where the crest's cell is in none, as in a fault that was taken out, it is the one with the most cells in common.
    """
    there = int(others[row["crest_row"], row["crest_col"]])
    if there:
        return there
    common = np.bincount(others[labels == row["id"]])
    common[0] = 0
    return int(common.argmax())


def _part(change: ClosureChange, whole: int) -> ClosureChange:
    """A row of what is new as a part of a closure as given."""
    return replace(
        change, change="part", id=whole,
        spill_depth_change=np.nan, height_change=np.nan, area_change=np.nan, volume_change=np.nan,
    )  # fmt: skip


MEASURES = ("spill_depth", "height", "area", "volume")


def _change(name: str, change: str, given: np.void | None, now: np.void | None) -> ClosureChange:
    """A row from those of both tables."""
    of = given if given is not None else now
    assert of is not None
    measured = {key: float(now[key]) if now is not None else np.nan for key in MEASURES}
    added = {f"{key}_change": measured[key] - (float(given[key]) if given is not None else 0.0) for key in MEASURES}
    if given is None or now is None:
        added["spill_depth_change"] = np.nan
    if now is None:
        added |= {f"{key}_change": -float(of[key]) for key in ("height", "area", "volume")}
    return ClosureChange(
        name, change, 0 if given is None else int(given["id"]), 0 if now is None else int(now["id"]),
        float(of["crest_x"]), float(of["crest_y"]), float(of["crest_depth"]), **measured, **added,
    )  # fmt: skip
