"""Files of scenarios: tables, pictures and a grid of a charge, of fault rules, and of both sides of faults."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from targets.analysis.analyse import Analysis
from targets.analysis.options import ClosureOptions, GridFormat
from targets.common.csv_tables import write_csv
from targets.io.grids.registry import write_grid
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.prospects.ranges import Range
from targets.prospects.scenarios.charge import ChargedMap, charge_map
from targets.prospects.scenarios.fault_rules import AS_GIVEN, ClosureChange, FaultScenarios, compare_fault_rules
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
from targets.prospects.scenarios.report import ScenarioReport, join_reports, report_charge, report_fault_rules
from targets.prospects.scenarios.units import ScenarioUnits

FILES = ("charge.csv", "charge.png", "charge_map.png", "fault_scenarios.csv", "fault_scenarios.png",
         "fault_profiles.csv", "fault_contacts.csv", "faults.png")  # fmt: skip


def write_scenarios(
    analysis: Analysis, rules: ClosureOptions, scenarios: ScenarioOptions, reservoir: Mapping[str, Range], folder: Path,
    reading: ReadOptions = DEFAULT_READING, system: Literal["metric", "field"] = "metric",
) -> ScenarioReport:  # fmt: skip
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
    system : Literal['metric', 'field'], default 'metric'
        Units of tables and pictures.

    Returns
    -------
    ScenarioReport
        What was found and assumed; empty where nothing is asked.

    Raises
    ------
    UserError
        The charge cannot be read or does not fit the map, or a file cannot be written.
    """
    for old in (*(folder / name for name in FILES), *folder.glob("charge_height.*")):
        old.unlink(missing_ok=True)
    found, charged = [], None
    units = ScenarioUnits(analysis.scene.geo.units, system)
    median = {name: value.median for name, value in reservoir.items()}
    if scenarios.charge is not None:
        share = pore_share(median)
        charged = charge_map(analysis, scenarios.charge, share, reading)
        write_charge(charged, units, folder)
        filled = "a volume of rock, without --porosity" if share == 1 else f"in {share:.3g} of the rock (medians)"
        notes = [f"the charge is {filled}", *charged.notes]
        notes += ["the charge fills down to its contacts: --thickness is left out"] if "thickness" in median else []
        found.append(report_charge(charged, notes, units))
    if scenarios.fault_scenarios and not analysis.faults.labels.any():
        found.append(ScenarioReport(["no faults, so no scenarios of faults"], [], {}))
    elif scenarios.fault_scenarios:
        changes = compare_fault_rules(analysis.scene, analysis.faults, rules)
        write_fault_scenarios(changes, units, folder, median.get("thickness", np.inf), charged)
        found.append(report_fault_rules(changes, units))
    return join_reports(found)


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


def write_charge(charged: ChargedMap, units: ScenarioUnits, folder: Path, grids: GridFormat = "tif") -> None:
    """Write how far a charge fills the closures: charge.csv, charge.png, charge_map.png and the grid charge_height.

    Parameters
    ----------
    charged : ChargedMap
        Of a map.
    units : ScenarioUnits
        Units that are shown; the grid is in the unit of the map's depths.
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
    _write(folder / "charge.csv", table.dtype.names or (), table.tolist(), units)
    write_charge_figure(charged, units, folder / "charge.png")
    write_charge_map(charged, units, folder / "charge_map.png")
    height = charged.filling.height.astype(np.float32)
    if scene.geo.located and grids != "npz":
        write_grid(height, scene.geo, folder / f"charge_height.{grids}")
    else:
        np.savez_compressed(folder / "charge_height.npz", height=height)


def write_fault_scenarios(
    found: FaultScenarios,
    units: ScenarioUnits,
    folder: Path,
    thickness: float = np.inf,
    charged: ChargedMap | None = None,
) -> None:
    """Write what changes when faults seal or leak, and both sides along each fault.

    ``fault_scenarios.csv`` and ``.png``; ``fault_profiles.csv``: depths along each fault; ``fault_contacts.csv``: which
    closure lies against which fault, and where it could leak across; ``faults.png``.

    Parameters
    ----------
    found : FaultScenarios
        Of `compare_fault_rules`, of a map with faults.
    units : ScenarioUnits
        Units that are shown.
    folder : Path
        The folder of the map.
    thickness : float, default inf
        Of the reservoir, in the unit of depth.
    charged : ChargedMap | None, default None
        A charge, whose contacts are drawn.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    analysis = found.analyses[AS_GIVEN]
    _write_records(folder / "fault_scenarios.csv", ClosureChange, found.changes, units)
    write_scenario_figure(found, folder / "fault_scenarios.png")
    profiles = find_profiles(analysis)
    contacts = find_fault_contacts(profiles, analysis, thickness)
    _write_profiles(profiles, analysis, units, folder / "fault_profiles.csv")
    _write_records(folder / "fault_contacts.csv", FaultContact, contacts, units)
    write_fault_figure(profiles, analysis, units, folder / "faults.png", charged)


def _write_profiles(profiles: Sequence[FaultProfile], analysis: Analysis, units: ScenarioUnits, path: Path) -> None:
    """Write both sides along all faults, a row per place."""
    rows = []
    for profile in profiles:
        x, y = analysis.scene.geo.xy(profile.row, profile.col)
        for k in range(profile.distance.size):
            rows.append([profile.name, profile.distance[k], x[k], y[k], *profile.sides, *profile.depth[:, k],
                         profile.throw[k], *profile.closure[:, k].tolist()])  # fmt: skip
    names = ["fault", "distance", "x", "y", "first_side", "second_side", "first_depth", "second_depth", "throw",
             "first_closure", "second_closure"]  # fmt: skip
    _write(path, names, rows, units)


def _write_records(path: Path, kind: type, records: Iterable[Any], units: ScenarioUnits) -> None:
    """Write records of a dataclass, a row each."""
    names = [field.name for field in fields(kind)]
    if not units.map.has_volume:
        names = [name for name in names if "volume" not in name]
    _write(path, names, ([record[name] for name in names] for record in map(asdict, records)), units)


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]], units: ScenarioUnits) -> None:
    """Write a table with units in the names of its columns."""
    shown = ([_cell(units.convert(name, value)) for name, value in zip(names, row, strict=True)] for row in rows)
    write_csv(path, [units.column(name) for name in names], shown)


def _cell(value: Any) -> Any:
    """A value as it is written: numbers with ten digits, nothing for NaN, and the word for what never happens."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else "never" if np.isinf(value) else f"{value:.10g}"
    return value
