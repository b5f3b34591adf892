"""Files of scenarios: tables, pictures and a grid of a charge, of fault rules, and of both sides of faults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from targets.analysis.analyse import Analysis
from targets.analysis.options import ClosureOptions, GridFormat
from targets.common.csv_tables import write_csv
from targets.io.grids.registry import write_grid
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.prospects.ranges import Range
from targets.prospects.scenarios.charge import ChargedMap, charge_map, summarise_charge
from targets.prospects.scenarios.fault_rules import (
    AS_GIVEN,
    CHANGES,
    ClosureChange,
    FaultScenarios,
    compare_fault_rules,
)
from targets.prospects.scenarios.figures import (
    write_charge_figure,
    write_charge_map,
    write_fault_figure,
    write_scenario_figure,
)
from targets.prospects.scenarios.juxtaposition import (
    FaultContact,
    FaultProfile,
    find_fault_contacts,
    find_profiles,
)
from targets.prospects.scenarios.options import ScenarioOptions
from targets.units.columns import MapUnits

FILES = ("charge.csv", "charge.png", "charge_map.png", "fault_scenarios.csv", "fault_scenarios.png",
         "fault_profiles.csv", "fault_contacts.csv", "faults.png")  # fmt: skip
# {ending of a column: a column that is in the same unit}
LIKE = {"volume": "volume", "volume_change": "volume", "area": "area", "area_change": "area", "distance": "length",
        "length": "length", "depth": "spill_depth", "depth_change": "spill_depth", "height": "height",
        "height_change": "height", "throw": "height", "throw_min": "height", "throw_max": "height"}  # fmt: skip


def write_scenarios(
    analysis: Analysis, rules: ClosureOptions, scenarios: ScenarioOptions, reservoir: Mapping[str, Range], folder: Path,
    reading: ReadOptions = DEFAULT_READING,
) -> list[str]:  # fmt: skip
    """Write what is asked of a charge and of the faults of a map.

    Parameters
    ----------
    analysis : Analysis
        Of the map.
    rules : ClosureOptions
        Under which it was made.
    scenarios : ScenarioOptions
        What is asked.
    reservoir : Mapping[str, Range]
        Parameters of the reservoir that are given, of which medians are taken: net_to_gross, porosity,
        water_saturation, thickness.
    folder : Path
        The folder of the map; scenarios of an earlier run are removed.
    reading : ReadOptions, default DEFAULT_READING
        How a grid of charge is read.

    Returns
    -------
    list[str]
        What was found and assumed, a sentence each.

    Raises
    ------
    UserError
        The charge cannot be read or does not fit the map, or a file cannot be written.
    """
    for old in (*(folder / name for name in FILES), *folder.glob("charge_height.*")):
        old.unlink(missing_ok=True)
    said, charged = [], None
    median = {name: value.median for name, value in reservoir.items()}
    if scenarios.charge is not None:
        share = pore_share(median)
        charged = charge_map(analysis, scenarios.charge, share, reading)
        write_charge(charged, folder)
        filled = "a volume of rock, without --porosity" if share == 1 else f"in {share:.3g} of the rock (medians)"
        said += [summarise_charge(charged), f"the charge is {filled}", *charged.notes]
        said += ["the charge fills down to its contacts: --thickness is left out"] if "thickness" in median else []
    if scenarios.fault_scenarios and not analysis.faults.labels.any():
        said.append("no faults, so no scenarios of faults")
    elif scenarios.fault_scenarios:
        said += write_fault_scenarios(analysis, rules, folder, median.get("thickness", np.inf), charged)
    return said


def pore_share(median: Mapping[str, float]) -> float:
    """The share of the rock that a fluid fills, from net_to_gross, porosity and water_saturation; 1 without porosity.

    Examples
    --------
    >>> round(pore_share({"net_to_gross": 0.5, "porosity": 0.2, "water_saturation": 0.3}), 12)
    0.07
    """
    if "porosity" not in median:
        return 1.0
    return median.get("net_to_gross", 1.0) * median["porosity"] * (1 - median.get("water_saturation", 0.0))


def write_charge(charged: ChargedMap, folder: Path, grids: GridFormat = "tif") -> None:
    """Write how far a charge fills the closures: charge.csv, charge.png, charge_map.png and the grid charge_height.

    Parameters
    ----------
    charged : ChargedMap
        Of a map.
    folder : Path
        The folder of the map.
    grids : GridFormat, default 'tif'
        Format of the grid; a map without a location gets npz.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    scene, table = charged.analysis.scene, charged.table
    names, rows = table.dtype.names or (), ([_cell(value) for value in row] for row in table.tolist())
    _write(folder / "charge.csv", names, rows, scene.geo.units)
    write_charge_figure(charged, folder / "charge.png")
    write_charge_map(charged, folder / "charge_map.png")
    height = charged.filling.height.astype(np.float32)
    if scene.geo.located and grids != "npz":
        write_grid(height, scene.geo, folder / f"charge_height.{grids}")
    else:
        np.savez_compressed(folder / "charge_height.npz", height=height)


def write_fault_scenarios(
    analysis: Analysis,
    rules: ClosureOptions,
    folder: Path,
    thickness: float = np.inf,
    charged: ChargedMap | None = None,
) -> list[str]:
    """Write what changes when faults seal or leak, and both sides along each fault.

    ``fault_scenarios.csv`` and ``.png``; ``fault_profiles.csv``: depths along each fault; ``fault_contacts.csv``: which
    closure lies against which fault, and where it could leak across; ``faults.png``.

    Parameters
    ----------
    analysis : Analysis
        Of a map with faults, under the rules as given.
    rules : ClosureOptions
        These rules.
    folder : Path
        The folder of the map.
    thickness : float, default inf
        Of the reservoir, in the unit of depth.
    charged : ChargedMap | None, default None
        A charge, whose contacts are drawn.

    Returns
    -------
    list[str]
        What was found, a line each.

    Raises
    ------
    UserError
        The map has no fault, or a file cannot be written.
    """
    scene, units = analysis.scene, analysis.scene.geo.units
    found = compare_fault_rules(scene, analysis.faults, rules)
    _write_records(folder / "fault_scenarios.csv", ClosureChange, found.changes, units)
    write_scenario_figure(found, folder / "fault_scenarios.png")
    profiles = find_profiles(analysis)
    contacts = find_fault_contacts(profiles, analysis, thickness)
    _write_profiles(profiles, analysis, folder / "fault_profiles.csv")
    _write_records(folder / "fault_contacts.csv", FaultContact, contacts, units)
    write_fault_figure(profiles, analysis, folder / "faults.png", charged)
    return summarise_scenarios(found)


def summarise_scenarios(found: FaultScenarios) -> list[str]:
    """Say in a line for each scenario how many closures change, and how much area all of them have."""
    lines = []
    given = found.analyses[AS_GIVEN].table
    before = float(given["area"][given["parent"] == 0].sum())
    for name, analysis in found.analyses.items():
        if name == AS_GIVEN:
            continue
        table = analysis.table
        area = float(table["area"][table["parent"] == 0].sum())
        kinds = [change.change for change in found.changes if change.scenario == name]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in CHANGES if kind in kinds) or "no closure"
        change = f" ({round(area / before - 1, 2) + 0.0:+.0%})" if before > 0 else ""  # no minus zero
        lines.append(f"{name}: {counts}; {analysis.scene.geo.units.format_area(area)} closed{change}")
    return lines


def _write_profiles(profiles: Sequence[FaultProfile], analysis: Analysis, path: Path) -> None:
    """Write both sides along all faults, a row per place."""
    rows = []
    for profile in profiles:
        x, y = analysis.scene.geo.xy(profile.row, profile.col)
        for k in range(profile.distance.size):
            rows.append([profile.name, profile.distance[k], x[k], y[k], *profile.sides, *profile.depth[:, k],
                         profile.throw[k], *profile.closure[:, k].tolist()])  # fmt: skip
    names = ["fault", "distance", "x", "y", "first_side", "second_side", "first_depth", "second_depth", "throw",
             "first_closure", "second_closure"]  # fmt: skip
    _write(path, names, ([_cell(value) for value in row] for row in rows), analysis.scene.geo.units)


def _write_records(path: Path, kind: type, records: Iterable[Any], units: MapUnits) -> None:
    """Write records of a dataclass, a row each."""
    names = [field.name for field in fields(kind)]
    if not units.has_volume:
        names = [name for name in names if "volume" not in name]
    rows = ([_cell(record[name]) for name in names] for record in map(asdict, records))
    _write(path, names, rows, units)


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]], units: MapUnits) -> None:
    """Write a table with units in the names of its columns."""
    write_csv(path, [name_with_unit(name, units) for name in names], rows)


def name_with_unit(name: str, units: MapUnits) -> str:
    """The name of a column and its unit.

    Examples
    --------
    >>> units = MapUnits(True, "m")
    >>> [name_with_unit(name, units) for name in ("stored_volume", "area_change", "throw_max", "crest_x", "closure")]
    ['stored_volume_m3', 'area_change_m2', 'throw_max_m', 'crest_x', 'closure']
    """
    for ending, like in LIKE.items():
        if name == ending or name.endswith("_" + ending):
            return name + (units.column_name(like) or like).removeprefix(like)
    return name


def _cell(value: Any) -> Any:
    """A value as it is written: numbers with ten digits, nothing for NaN, and the word for what never happens."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else "never" if np.isinf(value) else f"{value:.10g}"
    return value
