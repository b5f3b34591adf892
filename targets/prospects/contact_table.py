"""Table of contacts: a row per closure, which is found by its id, by a place in it, or by its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from targets.analysis.analyse import Analysis
from targets.analysis.place_names import JOINED
from targets.closure import Closures
from targets.errors import UserError
from targets.io.text_tables.headings import parse_heading
from targets.io.text_tables.small_table import SmallTable, read_small_table
from targets.prospects.contacts import FORMS, Contact
from targets.prospects.in_place import Contacts
from targets.scene import Scene
from targets.units.names import parse_unit

WORDS = {
    "id": "id closure closureid fid",
    "name": "name prospect well place region",
    "map": "map surface horizon",
    "contact": "contact owc gwc hwc fwl hcwc co2contact contactdepth oilwater gaswater",
    "gas_oil": "gasoil goc gasoilcontact",
}  # spellings of headings, in lower case, letters and digits alone
ROLES = {word: role for role, words in WORDS.items() for word in words.split()}
UNIT = re.compile(r"(?:[_ ]|\s*[(\[])(m|ft|ms|s|ftus)[)\]]?\Z", re.IGNORECASE)
EXPECTED = "headings id (or x and y, or name) and contact"


@dataclass(frozen=True)
class ContactRow:
    """One row of a table of contacts.

    Attributes
    ----------
    line : int
        Its line in the file.
    contacts : Contacts
        What it says.
    id : int | None, default None
        Of a closure.
    xy : tuple[float, float] | None, default None
        A place in the closure, in map coordinates.
    name : str, default ''
        Of the prospect.
    map : str, default ''
        Of the map that the row is about; "": every map.
    unit : str | None, default None
        Unit of depth that a heading names.
    """

    line: int
    contacts: Contacts
    id: int | None = None
    xy: tuple[float, float] | None = None
    name: str = ""
    map: str = ""
    unit: str | None = None


def read_contact_table(path: Path) -> list[ContactRow]:
    """Read a table of contacts: text in any usual dialect, with headings in any order.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list[ContactRow]

    Raises
    ------
    UserError
        The file is missing or no such table, or a cell is not understood.
    """
    table = read_small_table(path, "a table of contacts", EXPECTED)
    names, units = _headings(path, table.headings)
    rows = [(line, {name: word for name, word in zip(names, words, strict=True) if name and word})
            for line, words in table.rows]  # fmt: skip
    return [_parse_row(path, line, row, table, units) for line, row in rows]


def _headings(path: Path, headings: Sequence[str]) -> tuple[list[str], str | None]:
    """The roles of the columns ("" for others), and the unit of depth that headings of contacts name."""
    names, units = [], set[str]()
    for heading in headings:
        bare = UNIT.sub("", heading.strip())
        role = ROLES.get("".join(letter for letter in bare.casefold() if letter.isalnum()), "")
        if not role and (place := parse_heading(heading).role) in ("x", "y"):
            role = place
        if role in ("contact", "gas_oil") and (unit := UNIT.search(heading.strip())):
            units.add(parse_unit(unit[1]) or "")
        names.append("" if role in names else role)
    if "contact" not in names or not ({"id", "name"} & set(names) or {"x", "y"} <= set(names)):
        raise UserError(path, f"headings {', '.join(headings)[:200]}", "contact, and id, or x and y, or name",
                        "such as: id,contact or x,y,name,contact")  # fmt: skip
    if len(units) > 1:
        raise UserError(path, "contacts in several units", "one")
    return names, next(iter(units), None)


def _parse_row(path: Path, line: int, row: dict[str, str], table: SmallTable, unit: str | None) -> ContactRow:
    def number(name: str) -> float:
        value = table.dialect.to_number(row[name])
        if value is None or not np.isfinite(value):
            raise UserError(path, f"line {line}: {name} is {row[name][:80]!r}", "a number")
        return value

    def contact(name: str) -> Contact:
        try:
            return Contact(table.plain(row[name]))
        except ValueError as error:
            raise UserError(path, f"line {line}: {name} is {row[name][:80]!r}", FORMS) from error

    if "contact" not in row:
        raise UserError(path, f"line {line} has no contact", FORMS)
    key = None
    if "id" in row and (not (key_value := number("id")).is_integer() or (key := int(key_value)) < 1):
        raise UserError(path, f"line {line}: id is {row['id'][:80]!r}", "a whole number from 1")
    xy = (number("x"), number("y")) if "x" in row and "y" in row else None
    if key is None and xy is None and not row.get("name"):
        raise UserError(path, f"line {line} names no closure", "an id, or x and y, or a name")
    contacts = Contacts(contact("contact"), contact("gas_oil") if "gas_oil" in row else None)
    return ContactRow(line, contacts, key, xy, row.get("name", ""), row.get("map", ""), unit)


@dataclass(frozen=True)
class AssignedContacts:
    """Rows of a table of contacts, by the closure they are about.

    Attributes
    ----------
    contacts : dict[int, Contacts]
        {id: contacts}.
    names : dict[int, str]
        {id: name}; several names of one closure with commas.
    notes : tuple[str, ...]
        What found no closure, one sentence each.
    """

    contacts: dict[int, Contacts]
    names: dict[int, str]
    notes: tuple[str, ...]


def assign_contacts(path: Path, rows: Sequence[ContactRow], analysis: Analysis) -> AssignedContacts:
    """Find the outermost closure that each row of a table of contacts is about.

    Parameters
    ----------
    path : Path
        The table, for errors.
    rows : Sequence[ContactRow]
        Of `read_contact_table`.
    analysis : Analysis
        Of the map; its table may have names.

    Returns
    -------
    AssignedContacts

    Raises
    ------
    UserError
        There is no closure of an id, a name without a place stands for none, contacts of one closure differ, or they
        are in another unit than the map's depths.
    """
    closures, scene = analysis.closures, analysis.scene
    ids = {int(key) for key in closures.table["id"][closures.table["parent"] == 0]}
    said: dict[int, tuple[ContactRow, list[str]]] = {}
    outside: list[str] = []
    own = [row for row in rows if not row.map or row.map.casefold() == scene.name.casefold()]
    for row in own:
        if row.unit is not None and row.unit != scene.geo.depth_unit:
            raise UserError(path, f"contacts in {row.unit}", f"{scene.geo.depth_unit}, the unit of {scene.name}")
        key = row.id
        if key is None:
            key = _closure_at(closures, scene, row.xy) if row.xy else _closure_named(path, analysis, row)
        if key not in ids:
            if row.id is not None:
                listed = ", ".join(map(str, sorted(ids))) if len(ids) < 20 else f"1 to {max(ids)}"
                raise UserError(path, f"line {row.line}: closure {row.id} of {scene.name}", listed or "no closure",
                                "ids are those of inventory.csv under the same options")  # fmt: skip
            outside.append(row.name or f"line {row.line}")
            continue
        if key not in said:
            said[key] = (row, [row.name] if row.name else [])
            continue
        other, names = said[key]
        if row.contacts != other.contacts:
            one, two = (f"{r.contacts.water} ({r.name or f'line {r.line}'})" for r in (other, row))
            raise UserError(path, f"closure {key} of {scene.name} has the contacts {one} and {two}", "one",
                            "or a range such as 1650..1660; or make its parts closures of their own: --faults sealing, "
                            "--culminations single")  # fmt: skip
        if row.name and row.name not in names:
            names.append(row.name)
    notes: tuple[str, ...] = ()
    if outside:
        named = ", ".join(outside[:4]) + (f" and {len(outside) - 4} more" if len(outside) > 4 else "")
        notes = (f"{len(outside)} of {len(own)} rows of {path.name} about {scene.name} lie in no closure: {named}",)
    return AssignedContacts(
        {key: row.contacts for key, (row, _) in said.items()},
        {key: ", ".join(names) for key, (_, names) in said.items() if names},
        notes,
    )


def _closure_at(closures: Closures, scene: Scene, xy: tuple[float, float]) -> int:
    """The outermost closure at a place, 0 = none."""
    row, col = (float(np.rint(place)) for place in scene.geo.rowcol(*xy))
    inside = 0 <= row < scene.shape[0] and 0 <= col < scene.shape[1]
    return int(closures.labels[int(row), int(col)]) if inside else 0


def _closure_named(path: Path, analysis: Analysis, row: ContactRow) -> int:
    """The outermost closure of a name, 0 = none."""
    table = analysis.table
    if "name" not in (table.dtype.names or ()):
        raise UserError(path, f"line {row.line} has the name {row.name[:60]!r} without a place", "id, or x and y",
                        "or name the closures by wells or places: --names wells.csv")  # fmt: skip
    for key, names in table[table["parent"] == 0][["id", "name"]].tolist():
        if row.name.casefold() in (name.casefold() for name in names.split(JOINED)):
            return int(key)
    return 0
