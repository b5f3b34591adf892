"""Files of an inventory: for each map contact outlines and area-depth tables, for all maps together table and pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from targets.analysis.options import NO_DEPTH_ERROR, ClosureOptions, DepthError
from targets.analysis.writers import analyse_source
from targets.common.atomic_write import atomic_write, remove_half_written
from targets.errors import UserError
from targets.io.catalogue import MapSource
from targets.io.describe import MapDescription, describe_map
from targets.io.map_folder.results import check_results_lie_apart, write_result_file
from targets.io.outline_files import OutlineOptions, VectorFormat, write_outlines
from targets.io.read_options import ReadOptions
from targets.prospects.contact_table import ContactRow
from targets.prospects.contacts import Contact
from targets.prospects.inventory import EVERYTHING, MapProspects, find_prospects
from targets.prospects.options import ProspectOptions
from targets.prospects.report.figures import draw_overview, draw_prospect
from targets.prospects.report.layers import ProspectOutlines, make_contact_layers, outline_prospects
from targets.prospects.report.pages import ListedProspect, MapSection, Overview, list_prospect, render_inventory
from targets.prospects.report.tables import write_area_depth_table, write_inventory_csv, write_inventory_sheet
from targets.prospects.scenarios.options import NO_SCENARIOS, ScenarioOptions
from targets.prospects.scenarios.report import ScenarioSection
from targets.prospects.scenarios.writers import write_scenarios

MAX_OVERVIEWS = 12  # maps on the first page


class ProspectSettings(NamedTuple):
    """All options of an inventory.

    Attributes
    ----------
    closures : ClosureOptions
        Which closures are found.
    error : DepthError
        Of the depth.
    prospects : ProspectOptions
        Contacts and reservoir.
    outlines : OutlineOptions
        Format and kind of contact outlines.
    reading : ReadOptions
        How files are read.
    scenarios : ScenarioOptions, default NO_SCENARIOS
        A charge, and other rules of faults.
    """

    closures: ClosureOptions
    error: DepthError
    prospects: ProspectOptions
    outlines: OutlineOptions
    reading: ReadOptions
    scenarios: ScenarioOptions = NO_SCENARIOS


class ListedMap(NamedTuple):
    """What the inventory of all maps takes from one.

    Attributes
    ----------
    description : MapDescription
        What was understood of its files.
    notes : tuple[str, ...]
        What was assumed of its prospects.
    scenarios : tuple[str, ...]
        What was found of its charge and its faults, a line each.
    prospects : list[ListedProspect]
        The most promising first.
    overview : bytes
        Picture of the map with all of them; empty where no pages are asked for.
    sections : list[MapSection]
        What the page says of its scenarios.
    depth_unit : str
        Of the map.
    """

    description: MapDescription
    notes: tuple[str, ...]
    scenarios: tuple[str, ...]
    prospects: list[ListedProspect]
    overview: bytes
    sections: list[MapSection]
    depth_unit: str


def make_map_prospects(
    source: MapSource, out: Path, settings: ProspectSettings, table: Sequence[ContactRow] = ()
) -> ListedMap:
    """Read a map, find its prospects, and write its own files into a folder of its name.

    ``contacts`` (outlines of the contacts, in the format that was asked for) and ``area_depth/ID.csv`` for every
    closure; files of scenarios as `targets.prospects.scenarios.writers.write_scenarios` writes them.

    Parameters
    ----------
    source : MapSource
        The map.
    out : Path
        Folder for the folder of the map.
    settings : ProspectSettings
        All options.
    table : Sequence[ContactRow], default ()
        Contacts of single closures.

    Returns
    -------
    ListedMap

    Raises
    ------
    UserError
        What is wrong with the map or an option.
    """
    folder = out / source.name
    check_results_lie_apart(source.path, source.input_files, folder, "prospects")
    remove_half_written(folder)
    analysis, named = analyse_source(
        source, settings.closures, NO_DEPTH_ERROR, settings.reading, settings.prospects.names
    )
    found = find_prospects(analysis, settings.prospects, settings.closures, settings.error, table)
    outlines = outline_prospects(found, settings.outlines)
    write_map_files(found, folder, settings.prospects, outlines, settings.outlines.vectors)
    scenarios = write_scenarios(
        analysis, settings.closures, settings.scenarios, settings.prospects.reservoir, folder, settings.reading,
        settings.prospects.units,
    )  # fmt: skip
    listed = []
    for number, prospect in enumerate(found.prospects):
        pictures = None
        if number < settings.prospects.pages:
            pictures = draw_prospect(found, prospect, settings.prospects, outlines)
            with atomic_write(folder / "area_depth" / f"{prospect.id}.png") as temporary:
                temporary.write_bytes(pictures["curve"])
        listed.append(
            list_prospect(found, prospect, settings.prospects, pictures, scenarios.facts.get(prospect.id, []))
        )
    overview = draw_overview(found, outlines) if settings.prospects.pages and found.prospects else b""
    notes, lines = (
        tuple(f"{analysis.scene.name}: {note}" for note in said if note)
        for said in ((analysis.rules_text, named, *found.notes), scenarios.lines)
    )
    sections = [_load_pictures(section, folder) for section in scenarios.sections]
    depth_unit = analysis.scene.geo.depth_unit or ""
    return ListedMap(describe_map(analysis.scene), notes, lines, listed, overview, sections, depth_unit)


def _load_pictures(section: ScenarioSection, folder: Path) -> MapSection:
    """A section of the page with its pictures."""
    pictures = [((folder / name).read_bytes(), text) for name, text in section.pictures]
    return MapSection(section.title, section.text, section.header, section.rows, pictures)


def write_map_files(
    found: MapProspects, folder: Path, options: ProspectOptions, outlines: ProspectOutlines,
    vectors: VectorFormat = "gpkg",
) -> None:  # fmt: skip
    """Write contact outlines and area-depth tables of a map.

    Parameters
    ----------
    found : MapProspects
        Of the map.
    folder : Path
        The folder of the map.
    options : ProspectOptions
        Contacts and reservoir.
    outlines : ProspectOutlines
        Of the prospects.
    vectors : VectorFormat, default 'gpkg'
        Format of the contact outlines.

    Raises
    ------
    UserError
        A library is missing, or a file cannot be written.
    """
    scene = found.analysis.scene
    write_result_file(scene, "prospects", folder)
    layers = make_contact_layers(found.prospects, found.units, outlines)
    write_outlines(layers, scene.geo, folder / "contacts", vectors)
    tables = folder / "area_depth"
    tables.mkdir(parents=True, exist_ok=True)
    for old in tables.glob("[0-9]*.*"):
        old.unlink()
    thickness = options.thickness.median if options.thickness else np.inf
    for prospect in found.prospects:
        write_area_depth_table(prospect.curve, found.units, thickness, tables / f"{prospect.id}.csv")


def write_inventory(maps: Sequence[ListedMap], out: Path, options: ProspectOptions) -> list[str]:
    """Write the inventory of all maps: inventory.csv, inventory.html and, where openpyxl is installed, inventory.xlsx.

    Parameters
    ----------
    maps : Sequence[ListedMap]
        All maps that could be read.
    out : Path
        The folder.
    options : ProspectOptions
        Contacts and reservoir.

    Returns
    -------
    list[str]
        What was assumed or left out, one sentence each.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    listed = sorted((one for map_ in maps for one in map_.prospects), key=lambda one: one.order)
    rows = [one.row | {"rank": rank} for rank, one in enumerate(listed, 1)]
    lead = _assumptions(maps, options)
    notes = [*_conventions(listed), *(note for map_ in maps for note in map_.notes)]
    write_inventory_csv(rows, out / "inventory.csv")
    said, scenarios = [], [line for map_ in maps for line in map_.scenarios]
    try:
        write_inventory_sheet(rows, out / "inventory.xlsx", [*lead, *notes, *scenarios])
    except UserError as problem:
        if "openpyxl" not in problem.found:
            raise
        (out / "inventory.xlsx").unlink(missing_ok=True)
        said.append("no inventory.xlsx: it needs pip install 'trapmtl[sheets]'")
    pictures = [map_.overview for map_ in maps if map_.overview][:MAX_OVERVIEWS]
    overview = Overview(lead, notes, pictures, [section for map_ in maps for section in map_.sections])
    with atomic_write(out / "inventory.html") as temporary:
        temporary.write_text(render_inventory(listed, overview, options), "utf-8")
    return said


def _assumptions(maps: Sequence[ListedMap], options: ProspectOptions) -> list[str]:
    """What is assumed of the contacts and the reservoir, and what ranks; depths are in the units of the maps."""
    units = {map_.depth_unit for map_ in maps}
    unit = f" {units.pop()}" if len(units) == 1 else ""
    reservoir = ", ".join(
        f"{name.replace('_', ' ')} {value}{unit if name == 'thickness' else ''}"
        for name, value in options.reservoir.items()
    )

    def typed(contact: Contact) -> str:
        return contact + ("" if contact.kind == "share" or contact == "spill" else unit)

    contact = f"Contact: {typed(options.contact or EVERYTHING)}"
    contact += f", gas–oil {typed(options.gas_oil)}" if options.gas_oil else ""
    if options.contacts:
        contact += f"; of single closures as in {options.contacts.name}"
    by = {"rock": "rock volume", "pore": "hydrocarbon pore volume", "oil": "oil in place", "gas": "gas in place",
          "co2": "mass of CO2"}[options.main_quantity]  # fmt: skip
    return [
        f"{contact}. Reservoir: {reservoir or 'none given, so rock volumes alone'}"
        + ("." if options.thickness else "; no thickness: it reaches below every contact."),
        f"Ranked by {by}: its mean, times the probability of closure where one is given.",
    ]


def _conventions(listed: Sequence[ListedProspect]) -> list[str]:
    """What every reader of an inventory has to know."""
    notes = ["Depths are positive down. Cells count as level columns, as in closures.csv."]
    if any("probability" in one.row and one.row["probability"] is not None for one in listed) or any(
        "_p90_" in column for one in listed for column in one.row
    ):
        notes.append(
            "P90 is the low case: 90 % of the draws exceed it. Draws in which the closure does not exist are left out "
            "of the percentiles; the probability counts them. Percentiles of prospects do not add up."
        )
    return notes
