"""Outlines of prospects and their contacts: traced once for layers and pictures, and as vector layers."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis
from targets.analysis.layers import cell_of_map
from targets.closure.outlines import smooth_polygons
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions
from targets.io.qgis.styles import LayerStyle, label_of
from targets.io.vectors import VectorLayer
from targets.prospects.display_units import DisplayUnits
from targets.prospects.inventory import MapProspects, Prospect, cells_above
from targets.surface.polygonize import polygonize_labels
from targets.surface.simplify_outlines import Polygons, simplify_polygons

WATER_COLOUR, GAS_COLOUR = (30, 90, 200), (200, 30, 30)


class ProspectOutlines(NamedTuple):
    """Outlines of the prospects of a map, each {id: polygons in rows and columns}.

    Attributes
    ----------
    closures : dict[int, Polygons]
        Down to the deepest contact that a closure holds.
    contacts : dict[int, Polygons]
        Of the cells above the contact; dry closures have none.
    gas_oil : dict[int, Polygons]
        Of the cells above the contact of gas above oil, where there is gas.
    """

    closures: dict[int, Polygons]
    contacts: dict[int, Polygons]
    gas_oil: dict[int, Polygons]


def outline_prospects(found: MapProspects, outlines: OutlineOptions = DEFAULT_OUTLINES) -> ProspectOutlines:
    """Trace the outlines of all prospects of a map.

    Parameters
    ----------
    found : MapProspects
        Of the map.
    outlines : OutlineOptions, default DEFAULT_OUTLINES
        Smooth or along cells, and how much they are simplified.

    Returns
    -------
    ProspectOutlines

    Raises
    ------
    UserError
        The outlines cannot be simplified.
    """
    crest = {prospect.id: prospect.curve.crest for prospect in found.prospects}
    depths = (
        {prospect.id: prospect.curve.limit for prospect in found.prospects},
        {prospect.id: prospect.contact for prospect in found.prospects},
        {prospect.id: prospect.gas_oil for prospect in found.prospects},
    )
    wet = ({key: depth for key, depth in asked.items() if depth > crest[key]} for asked in depths)
    return ProspectOutlines(*(_outline_contacts(found.analysis, contacts, outlines) for contacts in wet))


def make_contact_layers(
    prospects: Sequence[Prospect], units: DisplayUnits, outlines: ProspectOutlines
) -> list[VectorLayer]:
    """Make the layers contacts and, where there is gas above oil, gas_oil_contacts.

    Parameters
    ----------
    prospects : Sequence[Prospect]
        Of a map.
    units : DisplayUnits
        Units of the attributes.
    outlines : ProspectOutlines
        Of the same prospects.

    Returns
    -------
    list[VectorLayer]
        Polygons in rows and columns; their depth is that of the contact.
    """
    layers = [_layer("contacts", prospects, units, lambda prospect: prospect.contact, outlines.contacts)]
    if outlines.gas_oil:
        layers.append(_layer("gas_oil_contacts", prospects, units, lambda prospect: prospect.gas_oil, outlines.gas_oil))
    return layers


def _layer(
    name: str, prospects: Sequence[Prospect], units: DisplayUnits, depth_of: Callable[[Prospect], float],
    outlines: Mapping[int, Polygons],
) -> VectorLayer:  # fmt: skip
    """The outlines of contacts; closures whose contact lies above their crest have none."""
    wet = sorted((p for p in prospects if p.id in outlines), key=lambda prospect: prospect.id)
    length = max([1, *(len(p.name) for p in wet)])
    columns = [("id", "i4"), ("rank", "i4"), ("name", f"U{length}")]
    columns += [(units.column(key), "f8") for key in ("contact", "column", "area", "height_left")]
    rock = "rock" if name == "contacts" else "gas_rock"
    columns += [(units.column(rock), "f8")] if units.has_volume else []
    attributes = np.zeros(len(wet), columns)
    for at, prospect in enumerate(wet):
        depth = depth_of(prospect)
        values = [("contact", depth), ("column", depth - prospect.curve.crest),
                  ("area", float(prospect.curve.area(depth))),
                  ("height_left", prospect.curve.spill - depth)]  # fmt: skip
        values += [(rock, prospect.held[rock])] if units.has_volume else []
        attributes[at] = (prospect.id, prospect.rank, prospect.name, *(units.convert(*value) for value in values))
    colour = WATER_COLOUR if name == "contacts" else GAS_COLOUR
    label = label_of([name for name, _ in columns]) if name == "contacts" else ""
    style = LayerStyle((*colour, 255), (*colour, 60), 0.5, label=label)
    return VectorLayer(
        name, "MultiPolygon", [outlines[p.id] for p in wet], attributes, style, [depth_of(p) for p in wet]
    )


def _outline_contacts(analysis: Analysis, contacts: dict[int, float], outlines: OutlineOptions) -> dict[int, Polygons]:
    """Outline the cells of outermost closures above their contacts, {id: depth}."""
    ids = sorted(contacts)
    labels: NDArray[np.int32] = np.zeros_like(analysis.closures.labels)
    for key in ids:
        labels[cells_above(analysis, key, contacts[key])] = key
    found: dict[int, Polygons] = {key: [] for key in ids}
    for polygon in polygonize_labels(labels):
        found[polygon.label].append(polygon.rings)
    if outlines.outlines == "smooth":
        levels = np.zeros(analysis.table.size)
        levels[np.array(ids, int) - 1] = [contacts[key] for key in ids]
        found = smooth_polygons(analysis.closures, found, levels)
    simple = simplify_polygons(list(found.values()), outlines.simplify, cell_of_map(analysis.scene))
    return dict(zip(found, simple, strict=True))
