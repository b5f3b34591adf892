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
    """

    title: str
    facts: list[tuple[str, str]]
    quantities: list[tuple[str, ...]]
    header: tuple[str, ...]
    notes: tuple[str, ...]
    pictures: dict[str, bytes]


class ListedProspect(NamedTuple):
    """A prospect in an inventory of several maps.

    Attributes
    ----------
    order : tuple[bool, float]
        Ranks compare this: those with volumes first, then by falling expected size.
    row : dict[str, Any]
        Of `inventory_row`.
    short : tuple[str, ...]
        Its row in the table of the page, without the rank.
    page : Page | None
        Its page.
    """

    order: tuple[bool, float]
    row: dict[str, Any]
    short: tuple[str, ...]
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
    "sure",
)


def list_prospect(
    found: MapProspects, prospect: Prospect, options: ProspectOptions, pictures: Mapping[str, bytes] | None
) -> ListedProspect:
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

    Returns
    -------
    ListedProspect
    """
    units = found.units
    main = found.main
    sure = "" if prospect.probability != prospect.probability else f"{prospect.probability:.0%}"

    def text(quantity: str) -> str:
        if quantity not in prospect.held:
            return ""
        spread = prospect.cases.get(quantity)
        if spread is None:
            return units.text(quantity, prospect.held[quantity])
        low, middle, high = (units.text(quantity, value) for value in spread[:3])
        unit = units.unit(quantity)
        bare = [value.removesuffix(unit.symbol).rstrip() if unit else value for value in (low, middle)]
        return f"{bare[0]} – {bare[1]} – {high}"

    in_place = "; ".join(
        (f"{WORDS[q]}: " if main == "pore" else "") + text(q) for q in ("oil", "gas", "co2") if q in prospect.held
    )
    short = (
        prospect.title,
        units.text("contact", prospect.curve.crest),
        _contact_text(found, prospect),
        units.text("contact", prospect.curve.spill),
        units.text("column", prospect.contact - prospect.curve.crest),
        text("area"),
        text("rock") if units.has_volume else "",
        in_place,
        sure,
    )
    page = None if pictures is None else Page(
        prospect.title,
        _facts(found, prospect, sure),
        _quantities(found, prospect),
        ("", "middle case", "P90 (low)", "P50", "P10 (high)", "mean") if prospect.cases else ("", ""),
        prospect.notes,
        dict(pictures),
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


def render_inventory(
    listed: Sequence[ListedProspect], notes: Sequence[str], options: ProspectOptions, overviews: Sequence[bytes] = ()
) -> str:
    """Write the inventory of all maps as one HTML page.

    Parameters
    ----------
    listed : Sequence[ListedProspect]
        In the order of their ranks.
    notes : Sequence[str]
        What was assumed, one sentence each.
    options : ProspectOptions
        Contacts and reservoir.
    overviews : Sequence[bytes], default ()
        Pictures of the maps.

    Returns
    -------
    str
        The page.
    """
    pages = [(rank, one.page) for rank, one in enumerate(listed, 1) if one.page is not None][: options.pages]
    used = [k for k in range(len(HEADER)) if k < 2 or any(one.short[k - 1] for one in listed)]
    rows = []
    for rank, one in enumerate(listed[:MAX_ROWS], 1):
        cells: list[str | Cell] = [str(rank), *one.short]
        rows.append([cells[k] for k in used])
    return render_report(
        TEMPLATE,
        "Prospect inventory",
        header=[HEADER[k] for k in used],
        rows=rows,
        omitted=max(0, len(listed) - MAX_ROWS),
        notes=list(notes),
        pages=pages,
        overviews=list(overviews),
    )
