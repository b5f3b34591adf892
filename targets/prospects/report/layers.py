"""Contact outlines of prospects as vector layers."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis
from targets.closure.outlines import smooth_polygons
from targets.io.qgis.styles import LayerStyle
from targets.io.vectors import VectorLayer
from targets.prospects.display_units import DisplayUnits
from targets.prospects.inventory import Prospect, cells_above
from targets.surface.polygonize import Ring, polygonize_labels

WATER_COLOUR, GAS_COLOUR = (30, 90, 200), (200, 30, 30)


def make_contact_layers(
    analysis: Analysis, prospects: Sequence[Prospect], units: DisplayUnits, smooth: bool = True
) -> list[VectorLayer]:
    """Make the layers contacts and, where there is gas above oil, gas_oil_contacts.

    Parameters
    ----------
    analysis : Analysis
        Of the map.
    prospects : Sequence[Prospect]
        Of the map.
    units : DisplayUnits
        Units of the attributes.
    smooth : bool, default True
        Outlines along contours of the depth; False: along the sides of cells.

    Returns
    -------
    list[VectorLayer]
        Polygons in rows and columns; their depth is that of the contact.
    """
    layers = [_layer("contacts", analysis, prospects, units, lambda prospect: prospect.contact, smooth)]
    with_gas = [prospect for prospect in prospects if prospect.gas_oil > prospect.curve.crest]
    if with_gas:
        layers.append(_layer("gas_oil_contacts", analysis, with_gas, units, lambda prospect: prospect.gas_oil, smooth))
    return layers


def _layer(
    name: str, analysis: Analysis, prospects: Sequence[Prospect], units: DisplayUnits,
    depth_of: Callable[[Prospect], float], smooth: bool,
) -> VectorLayer:  # fmt: skip
    """The outlines of contacts; closures whose contact lies above their crest have none."""
    wet = sorted((p for p in prospects if depth_of(p) > p.curve.crest), key=lambda prospect: prospect.id)
    outlines = outline_contacts(analysis, {p.id: depth_of(p) for p in wet}, smooth)
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
    style = LayerStyle((*colour, 255), (*colour, 60), 0.5)
    return VectorLayer(
        name, "MultiPolygon", [outlines[p.id] for p in wet], attributes, style, [depth_of(p) for p in wet]
    )


def outline_contacts(
    analysis: Analysis, contacts: dict[int, float], smooth: bool = True
) -> dict[int, list[list[Ring]]]:
    """Outline the cells of closures above their contacts.

    Parameters
    ----------
    analysis : Analysis
        Of the map.
    contacts : dict[int, float]
        {id of an outermost closure: depth of its contact}.
    smooth : bool, default True
        Along contours of the depth; False: along the sides of cells.

    Returns
    -------
    dict[int, list[list[Ring]]]
        {id: polygons, each a list of rings, the outer one first}.
    """
    ids = sorted(contacts)
    labels: NDArray[np.int32] = np.zeros_like(analysis.closures.labels)
    for key in ids:
        labels[cells_above(analysis, key, contacts[key])] = key
    found: dict[int, list[list[Ring]]] = {key: [] for key in ids}
    for polygon in polygonize_labels(labels):
        found[polygon.label].append(polygon.rings)
    if not smooth:
        return found
    levels = np.zeros(analysis.table.size)
    levels[np.array(ids, int) - 1] = [contacts[key] for key in ids]
    return smooth_polygons(analysis.closures, found, levels)
