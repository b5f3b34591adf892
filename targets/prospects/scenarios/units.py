"""Units of the files and figures of scenarios: those of the map's tables, or those of the oil field."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from targets.prospects.display_units import SYSTEMS, DisplayUnits, Unit
from targets.units.columns import MapUnits, format_number

Kind = Literal["volume", "area", "length", "depth"]
# {ending of a column: what it measures}
KINDS: dict[str, Kind] = {
    "volume": "volume", "volume_change": "volume", "area": "area", "area_change": "area", "distance": "length",
    "length": "length", "depth": "depth", "depth_change": "depth", "height": "depth", "height_change": "depth",
    "throw": "depth", "throw_min": "depth", "throw_max": "depth",
}  # fmt: skip
LIKE = {"volume": "volume", "area": "area", "length": "length", "depth": "height"}  # columns of the map's tables


@dataclass(frozen=True)
class ScenarioUnits:
    """Units of scenarios.

    Attributes
    ----------
    map : MapUnits
        Units of the map: m², m³ and the unit of its depths, where they are known.
    system : Literal['metric', 'field'], default 'metric'
        As the map has them (metric), or ft, acres and acre-ft (field), which needs a map of known units.
    """

    map: MapUnits
    system: Literal["metric", "field"] = "metric"

    def unit(self, kind: Kind) -> Unit | None:
        """The field unit of what is measured; None: it is shown as the map has it."""
        if self.system == "metric":
            return None
        if kind == "depth":
            return DisplayUnits("field", self.map.depth_unit or "").unit("contact")
        return SYSTEMS["field"]["depth" if kind == "length" else "rock" if kind == "volume" else "area"]

    def column(self, name: str) -> str:
        """The name of a column and its unit.

        Examples
        --------
        >>> metric, field = ScenarioUnits(MapUnits(True, "m")), ScenarioUnits(MapUnits(True, "m"), "field")
        >>> [metric.column(name) for name in ("stored_volume", "area_change", "throw_max", "crest_x", "closure")]
        ['stored_volume_m3', 'area_change_m2', 'throw_max_m', 'crest_x', 'closure']
        >>> field.column("stored_volume"), field.column("distance"), field.column("closure")
        ('stored_volume_acre_ft', 'distance_ft', 'closure')
        """
        kind = _kind_of(name)
        if kind is None:
            return name
        unit = self.unit(kind)
        own = (self.map.column_name(LIKE[kind]) or LIKE[kind]).removeprefix(LIKE[kind])
        return name + (own if unit is None else f"_{unit.column}")

    def convert(self, name: str, value: Any) -> Any:
        """A value of a column, in m², m³, m or the unit of the map's depths, in the unit that is shown.

        Examples
        --------
        >>> ScenarioUnits(MapUnits(True, "m"), "field").convert("throw", 30.48)
        100.0
        """
        kind = _kind_of(name)
        unit = None if kind is None or not isinstance(value, float | np.floating | np.ndarray) else self.unit(kind)
        return value if unit is None else value / unit.factor

    def format_area(self, area: float) -> str:
        """An area for people."""
        unit = self.unit("area")
        return self.map.format_area(area) if unit is None else f"{format_number(area / unit.factor, 3)} {unit.symbol}"

    def format_volume(self, volume: float) -> str:
        """A volume for people."""
        unit = self.unit("volume")
        if unit is None:
            return self.map.format_volume(volume)
        return f"{format_number(volume / unit.factor, 3)} {unit.symbol}"

    def depth_scale(self) -> tuple[float, str]:
        """What depths are divided by on figures, and their unit, "" where it is unknown."""
        unit = self.unit("depth")
        return (1.0, self.map.depth_unit or "") if unit is None else (unit.factor, unit.symbol)

    def volume_scale(self, largest: float) -> tuple[float, str]:
        """What volumes are divided by on figures, and their unit."""
        unit = self.unit("volume")
        if unit is not None:
            return unit.factor, unit.symbol
        name = "m³" if self.map.of_column("volume") else "map units² · depth unit"
        return (1e6, f"million {name}") if largest >= 1e5 else (1.0, name)


def _kind_of(name: str) -> Kind | None:
    """What a column measures; None: nothing that has a unit."""
    return next((kind for ending, kind in KINDS.items() if name == ending or name.endswith("_" + ending)), None)
