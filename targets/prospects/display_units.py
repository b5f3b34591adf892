"""Units of inventories: metric ones and those of the oil field, in names of columns and in numbers for people."""

from dataclasses import dataclass
from typing import Literal

from targets.errors import UserError
from targets.scene import Scene
from targets.units.columns import format_number
from targets.units.names import metres_per_unit, unit_kind

Kind = Literal["depth", "area", "rock", "pore", "oil", "gas", "co2"]
ACRE_FOOT = 4046.8564224 * 0.3048
BARREL = 0.158987294928


@dataclass(frozen=True)
class Unit:
    """A unit of an inventory.

    Attributes
    ----------
    column : str
        In names of columns.
    symbol : str
        Behind a number.
    factor : float
        How many m, m², m³ or kg it is.
    """

    column: str
    symbol: str
    factor: float


SYSTEMS: dict[str, dict[Kind, Unit]] = {
    "metric": {
        "depth": Unit("m", "m", 1.0),
        "area": Unit("km2", "km²", 1e6),
        "rock": Unit("1e6m3", "million m³", 1e6),
        "pore": Unit("1e6m3", "million m³", 1e6),
        "oil": Unit("1e6Sm3", "million Sm³", 1e6),
        "gas": Unit("1e9Sm3", "billion Sm³", 1e9),
        "co2": Unit("Mt", "Mt", 1e9),
    },
    "field": {
        "depth": Unit("ft", "ft", 0.3048),
        "area": Unit("acres", "acres", 4046.8564224),
        "rock": Unit("acre_ft", "acre-ft", ACRE_FOOT),
        "pore": Unit("acre_ft", "acre-ft", ACRE_FOOT),
        "oil": Unit("MMbbl", "MMbbl", 1e6 * BARREL),
        "gas": Unit("bcf", "bcf", 1e9 * 0.3048**3),
        "co2": Unit("Mt", "Mt", 1e9),
    },
}
# {quantity or column: kind of its unit}; what is missing has none
KINDS: dict[str, Kind] = {
    "area": "area", "catchment": "area", "full_area": "area", "rock": "rock", "gas_rock": "rock", "full_rock": "rock",
    "pore": "pore", "oil": "oil", "gas": "gas", "co2": "co2",
    "column": "depth", "height": "depth", "height_left": "depth", "contact": "depth", "gas_oil": "depth",
    "crest_depth": "depth", "spill_depth": "depth", "thickness": "depth",
}  # fmt: skip
WORDS = {
    "area": "area at the contact", "column": "column", "rock": "rock volume",
    "gas_rock": "rock volume above the gas–oil contact",
    "pore": "hydrocarbon pore volume",
    "oil": "oil in place (STOIIP)", "gas": "gas in place (GIIP)", "co2": "CO₂", "net_to_gross": "net-to-gross",
    "porosity": "porosity", "water_saturation": "water saturation", "oil_factor": "oil factor Bo",
    "gas_factor": "gas factor Bg", "co2_density": "CO₂ density", "thickness": "thickness", "contact": "contact",
    "gas_oil": "gas–oil contact",
}  # fmt: skip


@dataclass(frozen=True)
class DisplayUnits:
    """Units in which an inventory is shown, and the unit of the map's depths.

    Attributes
    ----------
    system : Literal['metric', 'field']
        Which units.
    depth_unit : str
        Of the map: a length, or a time, which stays as it is.
    """

    system: Literal["metric", "field"]
    depth_unit: str

    @property
    def has_volume(self) -> bool:
        """Whether an area times a depth is a volume: not on a map of travel times."""
        return unit_kind(self.depth_unit) == "length"

    def unit(self, name: str) -> Unit | None:
        """The unit of a quantity or column; None where it has none."""
        kind = KINDS.get(name)
        if kind is None:
            return None
        if kind == "depth":
            own = metres_per_unit(self.depth_unit)
            if own is None:
                return Unit(self.depth_unit, self.depth_unit, 1.0)
            shown = SYSTEMS[self.system]["depth"]
            return Unit(shown.column, shown.symbol, shown.factor / own)
        return SYSTEMS[self.system][kind]

    def convert(self, name: str, value: float) -> float:
        """A value of a map (depths in its own unit, else m², m³ and kg) in the unit that is shown.

        Examples
        --------
        >>> DisplayUnits("field", "m").convert("column", 30.48), DisplayUnits("metric", "ft").convert("area", 2e6)
        (100.0, 2.0)
        """
        unit = self.unit(name)
        return value if unit is None else value / unit.factor

    def column(self, name: str, case: str = "") -> str:
        """The name of a column, with its case and its unit.

        Examples
        --------
        >>> DisplayUnits("field", "m").column("oil", "p90"), DisplayUnits("metric", "ms").column("contact")
        ('oil_p90_MMbbl', 'contact_ms')
        """
        unit = self.unit(name)
        return "_".join(filter(None, (name, case, unit.column if unit else "")))

    def text(self, name: str, value: float, digits: int = 3) -> str:
        """A value for people, with its unit."""
        unit, number = self.unit(name), self.number(name, value, digits)
        return f"{number} {unit.symbol}" if unit and value == value else number

    def number(self, name: str, value: float, digits: int = 3) -> str:
        """A value for people without its unit: depths to a tenth, others to some significant digits.

        Examples
        --------
        >>> [DisplayUnits("metric", "m").number("area", value) for value in (2e6, 12345e6, 1234.0)]
        ['2.00', '12,300', '0.00123']
        """
        shown = self.convert(name, value)
        if value != value:
            return "–"
        if KINDS.get(name) == "depth":
            return f"{shown:,.1f}"
        number = format_number(shown, digits)
        missing = digits - len(number.replace(".", "").lstrip("-0,").replace(",", ""))
        if missing <= 0 or shown == 0 or "e" in number:
            return number
        return number + ("" if "." in number else ".") + "0" * missing


def display_units(scene: Scene, system: Literal["metric", "field"]) -> DisplayUnits:
    """The units in which the prospects of a map are shown.

    Parameters
    ----------
    scene : Scene
        The map.
    system : Literal['metric', 'field']
        Which units.

    Returns
    -------
    DisplayUnits

    Raises
    ------
    UserError
        The unit of its depths, the spacing of its cells or the unit of its coordinates is unknown.
    """
    geo = scene.geo
    if geo.dx is None or geo.dy is None:
        raise UserError(scene.name, "the spacing of its cells is unknown", "a map with coordinates",
                        "areas and volumes need it")  # fmt: skip
    if not geo.units.is_metric:
        raise UserError(scene.name, "the unit of its coordinates is unknown", "one of m, km, ft, degrees",
                        "say --xy_unit m, or name the coordinate system, such as --crs EPSG:23031")  # fmt: skip
    if geo.depth_unit is None:
        raise UserError(scene.name, "the unit of its depths is unknown", "one of m, ft, ms, s",
                        "say --depth_unit m")  # fmt: skip
    return DisplayUnits(system, geo.depth_unit)
