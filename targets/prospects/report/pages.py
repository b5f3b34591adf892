"""HTML inventory: a table of all prospects, and a page for each of the first ones, that prints on A4."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from targets.common.html_report import Cell, render_report
from targets.prospects.display_units import WORDS
from targets.prospects.in_place import QUANTITIES
from targets.prospects.inventory import MapProspects, Prospect
from targets.prospects.options import ProspectOptions
from targets.prospects.report.tables import inventory_row

TEMPLATE = Path(__file__).parent / "templates" / "inventory.html.j2"
MAX_ROWS = 200  # of the table on the page; the files hold all


class Page(NamedTuple):
    """The page of a prospect, ready to be written.

    Attributes
    ----------
    title : str
        Heading, without the rank.
    facts : list[tuple[str, str]]
        What is said of it, a name and a text each.
    quantities : list[tuple[str, ...]]
        Rows of the table of what it holds.
    header : tuple[str, ...]
        Heading of that table.
    notes : tuple[str, ...]
        What became of its contacts.
    pictures : dict[str, bytes]
        Of `targets.prospects.report.figures.draw_prospect`.
    scenarios : list[tuple[str, str]]
        What a charge and other rules of faults do to it, a name and a text each.
    """

    title: str
    facts: list[tuple[str, str]]
    quantities: list[tuple[str, ...]]
    header: tuple[str, ...]
    notes: tuple[str, ...]
    pictures: dict[str, bytes]
    scenarios: list[tuple[str, str]]


class Shown(NamedTuple):
    """A number of the first table, and its unit.

    Attributes
    ----------
    text : str
        The number, or the three of its cases.
    unit : str, default ''
        Its unit; of a column with one unit it stands in the heading.
    """

    text: str
    unit: str = ""


class MapSection(NamedTuple):
    """What the page says of the scenarios of a map, as `ScenarioSection`, with the pictures themselves.

    Attributes
    ----------
    title, text : str
        Heading, and a sentence or two.
    header : tuple[str, ...]
        Heading of the table.
    rows : list[tuple[str, ...]]
        Its rows.
    pictures : list[tuple[bytes, str]]
        Each with what it shows.
    """

    title: str
    text: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    pictures: list[tuple[bytes, str]]


class Overview(NamedTuple):
    """What the page says of all maps.

    Attributes
    ----------
    lead : list[str]
        What is assumed of all prospects, ahead of the table.
    notes : list[str]
        What else was assumed, at the end of the page.
    pictures : list[bytes]
        Of the maps with all prospects.
    sections : list[MapSection]
        Of charges and rules of faults.
    """

    lead: list[str]
    notes: list[str]
    pictures: list[bytes]
    sections: list[MapSection]


class ListedProspect(NamedTuple):
    """A prospect in an inventory of several maps.

    Attributes
    ----------
    order : tuple[bool, float]
        Ranks compare this: those with volumes first, then by falling expected size.
    row : dict[str, Any]
        Of `inventory_row`.
    short : tuple[Shown, ...]
        Its row in the table of the page, without the rank.
    page : Page | None
        Its page.
    """

    order: tuple[bool, float]
    row: dict[str, Any]
    short: tuple[Shown, ...]
    page: Page | None


HEADER = (
    "rank",
    "prospect",
    "crest",
    "contact",
    "spill",
    "column",
    "area at contact",
    "rock volume",
    "in place",
    "probability of closure",
)
CASES = "P90 – P50 – P10"


def list_prospect(
    found: MapProspects, prospect: Prospect, options: ProspectOptions, pictures: Mapping[str, bytes] | None,
    scenarios: Sequence[tuple[str, str]] = (),
) -> ListedProspect:  # fmt: skip
    """Write down what an inventory says of a prospect.

    Parameters
    ----------
    found : MapProspects
        Of the map.
    prospect : Prospect
        One of them.
    options : ProspectOptions
        Contacts and reservoir.
    pictures : Mapping[str, bytes] | None
        Of `targets.prospects.report.figures.draw_prospect`; None: it gets no page.
    scenarios : Sequence[tuple[str, str]], default ()
        What a charge and other rules of faults do to it.

    Returns
    -------
    ListedProspect
    """
    units = found.units
    main = found.main
    sure = "" if prospect.probability != prospect.probability else f"{prospect.probability:.0%}"

    def shown(quantity: str, *values: float) -> Shown:
        unit = units.unit(quantity)
        return Shown(" – ".join(units.number(quantity, value) for value in values), unit.symbol if unit else "")

    def spread(quantity: str) -> Shown:
        if quantity not in prospect.held:
            return Shown("")
        cases = prospect.cases.get(quantity)
        return shown(quantity, *((prospect.held[quantity],) if cases is None else cases[:3]))

    fluids = {quantity: spread(quantity) for quantity in ("oil", "gas", "co2") if quantity in prospect.held}
    in_place = next(iter(fluids.values()), Shown(""))
    if len(fluids) > 1:
        in_place = Shown("; ".join(f"{quantity} {one.text} {one.unit}" for quantity, one in fluids.items()))
    contact = _contact_text(found, prospect)
    short = (
        Shown(prospect.title),
        shown("contact", prospect.curve.crest),
        Shown(contact) if contact == "dry" else shown("contact", prospect.contact),
        shown("contact", prospect.curve.spill),
        shown("column", prospect.contact - prospect.curve.crest),
        spread("area"),
        spread("rock") if units.has_volume else Shown(""),
        in_place,
        Shown(sure),
    )
    page = None if pictures is None else Page(
        prospect.title,
        _facts(found, prospect, sure),
        _quantities(found, prospect),
        ("", "middle case", "P90 (low)", "P50", "P10 (high)", "mean") if prospect.cases else ("", ""),
        prospect.notes,
        dict(pictures),
        list(scenarios),
    )  # fmt: skip
    order = (not units.has_volume, -prospect.expected(main))
    return ListedProspect(order, inventory_row(prospect, units, options), short, page)


def _facts(found: MapProspects, prospect: Prospect, sure: str) -> list[tuple[str, str]]:
    """What is said of a prospect beside its volumes."""
    units, row, curve = found.units, prospect.row, prospect.curve
    crs = found.analysis.scene.geo.crs
    facts = [
        ("crest", f"{units.text('contact', curve.crest)} at x {row['crest_x']:.0f}, y {row['crest_y']:.0f}"),
        ("spill point", f"{units.text('contact', curve.spill)} at x {row['spill_x']:.0f}, y {row['spill_y']:.0f}"),
        ("contact", _contact_text(found, prospect)),
    ]
    if prospect.gas_oil == prospect.gas_oil:
        facts.append(("gas–oil contact", units.text("contact", prospect.gas_oil)))
    facts += [
        ("from contact down to spill point", units.text("height_left", curve.spill - prospect.contact)),
        ("closure down to the spill point", f"{units.text('height', float(row['height']))} high, "
                                            f"{units.text('area', float(curve.area(curve.limit)))}"),
        ("parts above the contact", str(prospect.pools)),
        ("outline on faults", f"{float(row['fault_share']):.0%}"),
        ("drains", units.text("catchment", float(row["catchment"]))),
        ("when full, spills into", _chain_text(prospect)),
    ]  # fmt: skip
    if sure:
        facts.append(("exists in", f"{sure} of the depth realisations"))
    if crs:
        facts.append(("coordinates", crs[:60]))
    return facts


def _contact_text(found: MapProspects, prospect: Prospect) -> str:
    """The contact, or that there is none in the closure."""
    if prospect.contact <= prospect.curve.crest:
        return "dry"
    full = " (full)" if prospect.contact >= prospect.curve.limit else ""
    return found.units.text("contact", prospect.contact) + full


def _chain_text(prospect: Prospect) -> str:
    """Where a full closure spills, and what that means at the edge of the map."""
    if not prospect.chain and prospect.row["leak_row"] < 0:
        return "over the edge of the map: what is known of it is the least it can be"
    return " → ".join([*map(str, prospect.chain), "out of the map"])


def _quantities(found: MapProspects, prospect: Prospect) -> list[tuple[str, ...]]:
    """What a prospect holds, a row a quantity."""
    units = found.units
    rows = []
    for quantity in QUANTITIES:
        if quantity in prospect.held and (units.has_volume or quantity in ("area", "column")):
            values = (prospect.held[quantity], *prospect.cases.get(quantity, ()))
            rows.append((WORDS[quantity], *(units.text(quantity, value) for value in values)))
    return rows


def render_inventory(listed: Sequence[ListedProspect], overview: Overview, options: ProspectOptions) -> str:
    """Write the inventory of all maps as one HTML page.

    Parameters
    ----------
    listed : Sequence[ListedProspect]
        In the order of their ranks.
    overview : Overview
        What is said of all maps.
    options : ProspectOptions
        Contacts and reservoir.

    Returns
    -------
    str
        The page.
    """
    pages = [(rank, one.page) for rank, one in enumerate(listed, 1) if one.page is not None][: options.pages]
    shown, header = listed[:MAX_ROWS], [HEADER[0]]
    rows: list[list[str | Cell]] = [[str(rank)] for rank in range(1, len(shown) + 1)]
    for name, *column in zip(HEADER[1:], *(one.short for one in shown), strict=True):
        if not any(cell.text for cell in column):
            continue
        units = {cell.unit for cell in column if cell.text and cell.unit}
        unit = units.pop() if len(units) == 1 else ""
        with_cases = any(" – " in cell.text for cell in column)
        header.append(name + (f" ({unit})" if unit else "") + (f", {CASES}" if with_cases else ""))
        for row, cell in zip(rows, column, strict=True):
            row.append(cell.text if unit or not cell.text else f"{cell.text} {cell.unit}".rstrip())
    return render_report(
        TEMPLATE,
        "Prospect inventory",
        header=header,
        rows=rows,
        omitted=max(0, len(listed) - MAX_ROWS),
        overview=overview,
        pages=pages,
    )
