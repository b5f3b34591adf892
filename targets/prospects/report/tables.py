"""Tables of prospects: the inventory as CSV and as a spreadsheet, and area-depth tables for other programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from targets.common.atomic_write import atomic_write
from targets.common.csv_tables import write_csv
from targets.common.optional_import import import_optional
from targets.prospects.area_depth import AreaDepthCurve
from targets.prospects.display_units import SYSTEMS, DisplayUnits
from targets.prospects.in_place import QUANTITIES
from targets.prospects.inventory import Prospect
from targets.prospects.options import ProspectOptions
from targets.scene import GeoReference

CASES = ("p90", "p50", "p10", "mean")
STEPS = 50  # of an area-depth table, from the crest to the deepest contact
DIGITS = 8  # of numbers in tables


def inventory_row(prospect: Prospect, units: DisplayUnits, options: ProspectOptions) -> dict[str, Any]:
    """The row of a prospect in an inventory.

    Parameters
    ----------
    prospect : Prospect
        The prospect.
    units : DisplayUnits
        Its units, which the names of columns say.
    options : ProspectOptions
        Contacts and reservoir.

    Returns
    -------
    dict[str, Any]
        {column: value}; what is unknown is None.
    """
    row, curve = prospect.row, prospect.curve
    volume = units.has_volume
    named: dict[str, Any] = {
        "crest_depth": row["crest_depth"],
        "spill_depth": row["spill_depth"],
        "height": row["height"],
        "contact": prospect.contact,
        "gas_oil": prospect.gas_oil,
        "height_left": row["spill_depth"] - prospect.contact,
    }
    found = {"rank": prospect.rank, "map": prospect.map, "id": prospect.id, "name": prospect.name}
    found |= {units.column(name): _shown(units, name, value) for name, value in named.items()}
    found["note"] = "; ".join(prospect.notes)
    for quantity in QUANTITIES:
        if quantity not in prospect.held or (quantity not in ("area", "column") and not volume):
            continue
        found[units.column(quantity)] = _shown(units, quantity, prospect.held[quantity])
        if quantity in prospect.cases:
            for case, value in zip(CASES, prospect.cases[quantity], strict=True):
                found[units.column(quantity, case)] = _shown(units, quantity, value)
    found["probability"] = _plain(prospect.probability)
    found[units.column("full_area")] = _shown(units, "full_area", float(curve.area(curve.limit)))
    if volume:
        thickness = options.thickness.median if options.thickness else np.inf
        full = float(curve.volume(curve.limit, thickness)) * _cubic_metres(units)
        found[units.column("full_rock")] = _shown(units, "full_rock", full)
    found |= {
        "pools": prospect.pools,
        "fault_share": _plain(row["fault_share"]),
        units.column("catchment"): _shown(units, "catchment", row["catchment"]),
        "spills_into": " > ".join(map(str, prospect.chain)) or "out of the map",
    }
    return found | {name: _plain(row[name]) for name in ("crest_x", "crest_y", "spill_x", "spill_y")}


def _cubic_metres(units: DisplayUnits) -> float:
    """What m² times the unit of the map's depths is multiplied by to be m³."""
    return GeoReference(xy_unit="m", dx=1.0, dy=1.0, depth_unit=units.depth_unit).height_factor


def _shown(units: DisplayUnits, name: str, value: float) -> float | None:
    return _plain(units.convert(name, float(value)))


def _plain(value: float) -> float | None:
    """A number with as many digits as mean something; None for what is unknown."""
    return float(f"{float(value):.{DIGITS}g}") if np.isfinite(value) else None


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """All columns of some rows, in order; those that are empty everywhere are left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [name for name in names if any(row.get(name) not in (None, "") for row in rows)]


def write_inventory_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write an inventory as CSV; texts that a spreadsheet would run as formulas get an apostrophe in front.

    Parameters
    ----------
    rows : Sequence[Mapping[str, Any]]
        Of `inventory_row`.
    path : Path
        The file.
    """
    names = columns_of(rows)
    write_csv(path, names, ([_cell(row.get(name)) for name in names] for row in rows))


def _cell(value: Any) -> Any:
    return "" if value is None else f"{value:.{DIGITS}g}" if isinstance(value, float) else value


def write_inventory_sheet(rows: Sequence[Mapping[str, Any]], path: Path, notes: Sequence[str]) -> None:
    """Write an inventory as a spreadsheet (.xlsx): a sheet of prospects, and one of what was assumed.

    Parameters
    ----------
    rows : Sequence[Mapping[str, Any]]
        Of `inventory_row`.
    path : Path
        The file.
    notes : Sequence[str]
        What was assumed, one sentence each.

    Raises
    ------
    UserError
        The library openpyxl is missing, or the file cannot be written.
    """
    openpyxl = import_optional("openpyxl", path, "sheets")
    book = openpyxl.Workbook()
    sheet, names = book.active, columns_of(rows)
    sheet.title = "prospects"
    _fill_sheet(sheet, [list(names), *([row.get(name) for name in names] for row in rows)])
    _fill_sheet(book.create_sheet("notes"), [[note] for note in notes])
    for cell in sheet[1]:
        cell.font = openpyxl.styles.Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = max(10, len(str(cell.value)) + 2)
    book["notes"].column_dimensions["A"].width = 120
    sheet.freeze_panes = "E2"
    with atomic_write(path) as temporary:
        book.save(temporary)


def _fill_sheet(sheet: Any, content: Sequence[Sequence[Any]]) -> None:
    """Write rows of cells; no text becomes a formula."""
    for number, values in enumerate(content, 1):
        for column, value in enumerate(values, 1):
            cell = sheet.cell(number, column, _printable(value))
            if isinstance(value, str):
                cell.data_type = "s"


def _printable(value: Any) -> Any:
    """A text without the letters that a spreadsheet cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in value) if isinstance(value, str) else value


def write_area_depth_table(curve: AreaDepthCurve, units: DisplayUnits, thickness: float, path: Path) -> None:
    """Write the area-depth table of a closure as CSV.

    The columns depth_m, top_area_km2 and base_area_km2 are those that HCWC-Builder and SCOPE-HC read: the base is the
    top, shifted down by the thickness. Further ones are height_m, below the crest, and grv_1e6m3, the rock volume
    above that depth, exactly; integrated by trapezoids, the areas give it within about 1 %. Field units have acres, ft
    and acre-ft in the names of the columns; a map of travel times has times, and no volumes.

    Parameters
    ----------
    curve : AreaDepthCurve
        Of the closure.
    units : DisplayUnits
        Units that are shown.
    thickness : float
        Of the reservoir in the unit of depth; infinite: the base lies below.
    path : Path
        The file.
    """
    depth = np.linspace(curve.crest, curve.limit, STEPS + 1)
    top, base = curve.area(depth), curve.area(depth - thickness)
    area = SYSTEMS[units.system]["area"].column
    columns = {
        units.column("contact").replace("contact", "depth"): [units.convert("contact", d) for d in depth],
        f"top_area_{area}": [units.convert("area", a) for a in top],
        f"base_area_{area}": [units.convert("area", a) for a in base],
        units.column("height"): [units.convert("height", d - curve.crest) for d in depth],
    }
    if units.has_volume:
        volumes = curve.volume(depth, thickness) * _cubic_metres(units)
        columns[units.column("rock").replace("rock", "grv")] = [units.convert("rock", v) for v in volumes]
    rows = zip(*columns.values(), strict=True)
    write_csv(path, list(columns), ([f"{value:.10g}" for value in row] for row in rows))
