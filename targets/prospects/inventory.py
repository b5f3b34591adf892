"""Prospects of a map: each outermost closure with its contacts, what it holds, how sure it is, and its rank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.analysis.analyse import Analysis, naming_options, noise_arguments
from targets.analysis.options import ClosureOptions, DepthError
from targets.closure.monte_carlo import closure_realisations
from targets.errors import UserError
from targets.prospects.area_depth import AreaDepthCurve, find_area_depth_curves
from targets.prospects.contact_table import AssignedContacts, ContactRow, assign_contacts
from targets.prospects.contacts import Contact
from targets.prospects.display_units import DisplayUnits, display_units
from targets.prospects.in_place import Contacts, find_in_place, hold_contact
from targets.prospects.options import ProspectOptions
from targets.prospects.simulation import Simulation, Subject, Swing, Volumes, cases, simulate
from targets.scene import Scene

EVERYTHING = Contact("spill")
QUANTILES = 201  # of the main quantity, for the figure of a prospect


@dataclass(frozen=True, eq=False)
class Prospect:
    """An outermost closure as it goes into an inventory. Depths and heights are in the unit of the map's depths.

    Attributes
    ----------
    map, name : str
        Of the map, and of the prospect ("" without one).
    row : Any
        Of the table of closures.
    curve : AreaDepthCurve
        Area and volume by depth: m², and m² times the unit of depth.
    contact : float
        The deepest hydrocarbon, in the middle case, as deep as the closure holds it.
    gas_oil : float
        The contact of gas above oil; NaN without one.
    notes : tuple[str, ...]
        What became of contacts that lie outside of the closure.
    pools : int
        Parts of the closure above the contact that do not touch.
    held : dict[str, float]
        What it holds in the middle case, as of `find_in_place`.
    cases : dict[str, tuple[float, float, float, float]]
        {quantity: P90, P50, P10, mean}; empty where all is certain.
    spread : (n,) float64
        Evenly spaced quantiles of the main quantity, from the smallest; empty where all is certain.
    swings : list[Swing]
        The tornado of the main quantity.
    probability : float
        The share of depth realisations in which the closure exists; NaN without an error of the depth.
    chain : tuple[int, ...]
        Ids of the closures that fill one after the other when it is full.
    rank : int, default 0
        In the inventory.
    """

    map: str
    name: str
    row: Any
    curve: AreaDepthCurve
    contact: float
    gas_oil: float
    notes: tuple[str, ...]
    pools: int
    held: dict[str, float]
    cases: dict[str, tuple[float, float, float, float]]
    spread: NDArray[np.float64]
    swings: list[Swing]
    probability: float
    chain: tuple[int, ...]
    rank: int = 0

    @property
    def id(self) -> int:
        """Id of the closure."""
        return int(self.row["id"])

    @property
    def title(self) -> str:
        """What the prospect is called."""
        return f"{self.map} {self.id}" + (f" ({self.name})" if self.name else "")

    def expected(self, quantity: str) -> float:
        """Mean of a quantity, times the probability of closure where that is known."""
        mean = self.cases[quantity][3] if quantity in self.cases else self.held[quantity]
        sure = 1.0 if np.isnan(self.probability) else self.probability
        return 0.0 if np.isnan(mean) else mean * sure


@dataclass(frozen=True, eq=False)
class MapProspects:
    """All prospects of one map.

    Attributes
    ----------
    analysis : Analysis
        Of the map.
    units : DisplayUnits
        Units that are shown.
    main : str
        The quantity by which prospects are ranked.
    prospects : list[Prospect]
        The most promising first.
    notes : tuple[str, ...]
        What was assumed or left out, one sentence each.
    """

    analysis: Analysis
    units: DisplayUnits
    main: str
    prospects: list[Prospect]
    notes: tuple[str, ...]


def find_prospects(
    analysis: Analysis,
    options: ProspectOptions,
    closure_options: ClosureOptions,
    error: DepthError,
    table: Sequence[ContactRow] = (),
) -> MapProspects:
    """Find the prospects of a map.

    Parameters
    ----------
    analysis : Analysis
        Of the map, without an error of its depth.
    options : ProspectOptions
        Contacts and reservoir.
    closure_options : ClosureOptions
        By which the closures were found.
    error : DepthError
        Of the depth; its seed is that of all draws.
    table : Sequence[ContactRow], default ()
        Contacts of single closures.

    Returns
    -------
    MapProspects

    Raises
    ------
    UserError
        A unit is unknown, an option makes no sense on this map, or the table of contacts does not fit it.
    """
    scene, closures = analysis.scene, analysis.closures
    units = display_units(scene, options.units)
    _check_units(scene, units, options)
    areas = scene.geo.cell_areas(scene.shape)
    curves = find_area_depth_curves(closures, areas)
    assigned = assign_contacts(options.contacts, table, analysis) if options.contacts else _NOTHING
    usual = Contacts(options.contact or EVERYTHING, options.gas_oil)
    subjects = [Subject(key, curve, assigned.contacts.get(key, usual)) for key, curve in curves.items()]
    _check_contacts(scene, subjects, options, units)
    main = options.main_quantity if units.has_volume else "area"
    volumes = Volumes(options, areas, scene.geo.height_factor, main)
    simulation = _simulate(analysis, subjects, volumes, closure_options, error)
    found = [_make_prospect(analysis, units, volumes, subject, simulation, k, assigned.names)
             for k, subject in enumerate(subjects)]  # fmt: skip
    return MapProspects(analysis, units, main, rank_prospects(found, main), (*assigned.notes, *_notes(found, units)))


_NOTHING = AssignedContacts({}, {}, ())


def rank_prospects(prospects: Sequence[Prospect], quantity: str) -> list[Prospect]:
    """Number prospects from the largest mean, times the probability of closure where that is known.

    Parameters
    ----------
    prospects : Sequence[Prospect]
        Of one or several maps.
    quantity : str
        Of `targets.prospects.in_place.QUANTITIES`.

    Returns
    -------
    list[Prospect]
        In the order of their ranks.
    """
    order = sorted(prospects, key=lambda prospect: (-prospect.expected(quantity), prospect.map, prospect.id))
    return [replace(prospect, rank=rank) for rank, prospect in enumerate(order, 1)]


def _check_units(scene: Scene, units: DisplayUnits, options: ProspectOptions) -> None:
    """Refuse a reservoir on a map of travel times."""
    if not units.has_volume and options.reservoir:
        given = ", ".join(f"--{name}" for name in options.reservoir)
        raise UserError(scene.name, f"depths in {units.depth_unit}, given {given}", "a map in m or ft",
                        "a map of travel times has no volumes: convert it to depth")  # fmt: skip


def _check_contacts(scene: Scene, subjects: Sequence[Subject], options: ProspectOptions, units: DisplayUnits) -> None:
    """Refuse a contact that lies above every crest: it is in another unit, or counts upwards."""
    for name, contact in (("contact", options.contact), ("gas_oil", options.gas_oil)):
        if contact is None or contact.kind != "depth" or not subjects:
            continue
        highest, deepest = min(s.curve.crest for s in subjects), float(scene.depth[scene.map_valid].max())
        if contact.range.numbers[-1] < highest or contact.range.numbers[0] > deepest:
            where = "above every crest" if contact.range.numbers[-1] < highest else "below the whole map"
            raise UserError(f"--{name}", f"{contact} {units.depth_unit} lies {where} of {scene.name}",
                            f"{highest:g} to {deepest:g} {units.depth_unit}",
                            "depths are positive down, in the unit of the map")  # fmt: skip


def _simulate(
    analysis: Analysis, subjects: Sequence[Subject], volumes: Volumes, options: ClosureOptions, error: DepthError
) -> Simulation:
    """Draws of all closures."""
    noise = noise_arguments(analysis.scene, options, error)
    if noise is None or not subjects:
        return simulate(subjects, volumes, error.seed)
    with naming_options():
        best, realisations = closure_realisations(analysis.scene.depth, **noise, **analysis.rules)
        return simulate(subjects, volumes, error.seed, best, realisations, error.realisations)


def _make_prospect(
    analysis: Analysis, units: DisplayUnits, volumes: Volumes, subject: Subject, simulation: Simulation, at: int,
    names: dict[int, str],
) -> Prospect:  # fmt: skip
    """All that is known of one closure."""
    curve, contacts, closures = subject.curve, subject.contacts, analysis.closures
    row = analysis.table[subject.id - 1]

    def format_depth(depth: float) -> str:
        return units.text("contact", depth)

    water = hold_contact(float(contacts.water.depth(curve.crest, curve.spill)), curve, format_depth)
    notes, gas_oil = [water.note], np.nan
    if contacts.gas_oil is not None:
        is_dry = water.contact <= curve.crest
        asked = float(contacts.gas_oil.depth(curve.crest, curve.spill))
        gas_oil = float(np.clip(asked, curve.crest, water.contact))
        if asked < curve.crest and not is_dry:
            notes.append(f"no gas cap: the gas–oil contact {format_depth(asked)} lies above the crest")
        elif asked > water.contact and not is_dry:
            notes.append(f"all gas: the gas–oil contact {format_depth(asked)} lies below the contact")
    held = find_in_place(curve, contacts, volumes.options, volumes.cubic_metres, {})
    is_drawn = simulation.exists is not None or any(values.shape[1] > 1 for values in simulation.draws.values())
    drawn = simulation.draws[volumes.main][at] if is_drawn else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    return Prospect(
        map=analysis.scene.name,
        name=names.get(subject.id, "") or (str(row["name"]) if "name" in (row.dtype.names or ()) else ""),
        row=row,
        curve=curve,
        contact=water.contact,
        gas_oil=gas_oil,
        notes=tuple(filter(None, notes)),
        pools=_count_pools(analysis, subject.id, water.contact),
        held={name: float(value) for name, value in held.items()},
        cases={name: cases(values[at]) for name, values in simulation.draws.items()} if is_drawn else {},
        spread=np.quantile(drawn, np.linspace(0, 1, QUANTILES)) if drawn.size else np.empty(0),
        swings=simulation.swings[at],
        probability=np.nan if simulation.exists is None else float(simulation.exists[at]),
        chain=_chain(closures.table, subject.id),
    )


def cells_above(analysis: Analysis, id: int, contact: float) -> NDArray[np.bool_]:
    """(H, W) bool: the cells of an outermost closure above a contact."""
    return (analysis.closures.labels == id) & (analysis.closures.grid.depth < contact)


def _count_pools(analysis: Analysis, id: int, contact: float) -> int:
    """How many parts of a closure above a contact do not touch."""
    neighbours = ndimage.generate_binary_structure(2, 2 if analysis.closures.grid.eight else 1)
    return int(ndimage.label(cells_above(analysis, id, contact), neighbours)[1])


def _chain(table: NDArray[Any], id: int) -> tuple[int, ...]:
    """Ids of the closures that fill one after the other when one is full."""
    chain: list[int] = []
    key = int(table[id - 1]["spills_into"])
    while key > 0 and key not in chain and key != id:
        chain.append(key)
        key = int(table[key - 1]["spills_into"])
    return tuple(chain)


def _notes(prospects: Sequence[Prospect], units: DisplayUnits) -> list[str]:
    """How many contacts lie outside of their closures, and what a map of travel times lacks."""
    said = [note for prospect in prospects for note in prospect.notes]
    notes = []
    for word, meaning in (
        ("dry", "the contact lies above the crest: dry"),
        ("full", "the contact lies below the spill point: taken as full to it"),
        ("no gas cap", "the gas–oil contact lies above the crest: no gas cap"),
        ("all gas", "the gas–oil contact lies below the contact: all gas"),
    ):
        if count := sum(note.startswith(word + ":") for note in said):
            notes.append(f"in {count} of {len(prospects)} closures {meaning}")
    if not units.has_volume:
        notes.append(f"depths are in {units.depth_unit}: areas and heights, but no volumes")
    return notes
