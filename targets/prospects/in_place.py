"""Contents of a closure above its contacts: area, column, rock and pore volume, oil, gas and CO2 in place."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.prospects.area_depth import AreaDepthCurve
from targets.prospects.contacts import Contact
from targets.prospects.options import ProspectOptions
from targets.prospects.ranges import MIDDLE

Shares = Mapping[str, ArrayLike]  # {parameter: quantile of its range that is taken}
QUANTITIES = ("area", "column", "rock", "gas_rock", "pore", "oil", "gas", "co2")


class Contacts(NamedTuple):
    """The contacts of one closure.

    Attributes
    ----------
    water : Contact
        The deepest hydrocarbon or CO2.
    gas_oil : Contact | None, default None
        The contact of gas above oil.
    """

    water: Contact
    gas_oil: Contact | None = None


def held_depths(
    curve: AreaDepthCurve, contacts: Contacts, shares: Shares
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """The contacts of a closure, as deep as it holds them.

    Parameters
    ----------
    curve : AreaDepthCurve
        Of the closure.
    contacts : Contacts
        As they were asked for.
    shares : Shares
        Quantiles of ``contact`` and ``gas_oil``; what is missing is taken at its median.

    Returns
    -------
    contact : float64 array
        Between the crest and the deepest contact that the closure holds.
    gas_oil : float64 array | None
        Between the crest and the contact.
    """
    asked = contacts.water.depth(curve.crest, curve.spill, shares.get("contact", MIDDLE))
    contact = np.clip(asked, curve.crest, curve.limit)
    if contacts.gas_oil is None:
        return contact, None
    asked = contacts.gas_oil.depth(curve.crest, curve.spill, shares.get("gas_oil", MIDDLE))
    return contact, np.clip(asked, curve.crest, contact)


class Column(NamedTuple):
    """A contact in a closure, as deep as the closure holds it.

    Attributes
    ----------
    contact : float
        Depth of the contact, between crest and limit of the closure.
    note : str
        What became of the contact that was asked for, "" where it lies in the closure.
    """

    contact: float
    note: str


def hold_contact(asked: float, curve: AreaDepthCurve, format_depth: Callable[[float], str]) -> Column:
    """Keep a contact between the crest of a closure and the deepest contact that the closure holds.

    Parameters
    ----------
    asked : float
        Depth, positive down.
    curve : AreaDepthCurve
        Of the closure.
    format_depth : Callable[[float], str]
        Writes a depth for people.

    Returns
    -------
    Column
    """
    if asked < curve.crest:
        above = format_depth(curve.crest - asked)
        return Column(curve.crest, f"dry: the contact {format_depth(asked)} lies {above} above the crest")
    if asked > curve.limit:
        where = "spill point" if curve.limit == curve.spill else "last closed contour"
        below = format_depth(asked - curve.limit)
        return Column(curve.limit, f"full: the contact {format_depth(asked)} lies {below} below the {where}")
    return Column(asked, "")


def find_in_place(
    curve: AreaDepthCurve, contacts: Contacts, options: ProspectOptions, cubic_metres: float, shares: Shares
) -> dict[str, NDArray[np.float64]]:
    """Compute what a closure holds, for one or many draws of the parameters.

    Parameters
    ----------
    curve : AreaDepthCurve
        Of the closure.
    contacts : Contacts
        Its contacts.
    options : ProspectOptions
        The reservoir.
    cubic_metres : float
        What a volume of the curve is multiplied by.
    shares : Shares
        {parameter: quantiles (n,)} of the ranges; what is missing is taken at its median.

    Returns
    -------
    dict[str, NDArray[np.float64]]
        {quantity: (n,)} of `QUANTITIES`: area and column in units of the curve, rock, gas_rock (above the contact of
        gas and oil) and pore in m³, oil and gas in m³ at the surface, CO2 in kg. Those that the options do not ask for
        are missing.

    Examples
    --------
    A closure of two cells of 10 m², 4 m and 2 m above its spill point:

    >>> from targets.closure import find_closures
    >>> from targets.prospects.area_depth import find_area_depth_curves
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    >>> curve = find_area_depth_curves(found, np.array([[10.0]]))[1]
    >>> from targets.prospects.ranges import Range
    >>> shares = {name: Range(value) for name, value in
    ...           (("net_to_gross", 0.5), ("porosity", 0.2), ("water_saturation", 0.4), ("oil_factor", 1.2))}
    >>> held = find_in_place(curve, Contacts(Contact("spill")), ProspectOptions(**shares), 1.0, {})
    >>> {name: round(float(value), 3) for name, value in held.items()}
    {'area': 20.0, 'column': 4.0, 'rock': 60.0, 'pore': 3.6, 'oil': 3.0}
    """
    drawn = {name: numbers.quantile(shares.get(name, MIDDLE)) for name, numbers in options.reservoir.items()}
    contact, gas_oil = held_depths(curve, contacts, shares)
    thickness = drawn.get("thickness", np.float64(np.inf))
    found = {"area": curve.area(contact), "column": contact - curve.crest}
    found["rock"] = curve.volume(contact, thickness) * cubic_metres
    if gas_oil is not None:
        found["gas_rock"] = curve.volume(gas_oil, thickness) * cubic_metres
    if "porosity" not in drawn:
        return found
    share = drawn["net_to_gross"] * drawn["porosity"] * (1 - drawn["water_saturation"])
    found["pore"] = found["rock"] * share
    if "co2_density" in drawn:
        return found | {"co2": found["pore"] * drawn["co2_density"]}
    if "gas_factor" not in drawn:
        return found | {"oil": found["pore"] / drawn["oil_factor"]}
    if "oil_factor" not in drawn:
        return found | {"gas": found["pore"] / drawn["gas_factor"]}
    # A closure to which the table of contacts gives no contact of gas and oil holds oil.
    cap = found["gas_rock"] * share if gas_oil is not None else 0 * found["pore"]
    return found | {"oil": (found["pore"] - cap) / drawn["oil_factor"], "gas": cap / drawn["gas_factor"]}
