"""Units of the columns of tables, and numbers with their units for people."""

import re
from dataclasses import dataclass

from numpy.lib import recfunctions
from numpy.typing import NDArray

from targets.units.names import unit_kind, unit_symbol

CASE = re.compile(r"(?P<name>\w+?)_p\d\d\Z")  # area_p90
NO_WORD = re.compile(r"\W+")
AREAS = ("area", "catchment")
DEPTHS = ("height", "crest_depth", "spill_depth", "contour_depth")


@dataclass(frozen=True)
class MapUnits:
    """Units in which the closures of a map are measured.

    Attributes
    ----------
    is_metric : bool
        Whether areas are in square metres and lengths in metres: the unit of the map coordinates is known. Otherwise
        they are in squared map units, or in cells where the spacing is unknown too.
    depth_unit : str | None
        Unit of depths and heights; None where it is unknown.
    """

    is_metric: bool = False
    depth_unit: str | None = None

    @property
    def has_volume(self) -> bool:
        """Whether an area times a height is a volume: not on a map of travel times."""
        return unit_kind(self.depth_unit) != "time"

    def of_column(self, name: str) -> str | None:
        """The unit of a column by its canonical name; None where it has none or it is unknown."""
        name = name.removeprefix("exact_").removeprefix("learned_")
        if case := CASE.match(name):
            name = case["name"]
        if name in AREAS:
            return "m2" if self.is_metric else None
        if name == "length":
            return "m" if self.is_metric else None
        if name == "volume":
            return "m3" if self.is_metric and unit_kind(self.depth_unit) == "length" else None
        return self.depth_unit if name in DEPTHS else None

    def column_name(self, name: str) -> str | None:
        """Name a column in a file: its canonical name, ``_`` and its unit; None for a volume of travel times.

        Examples
        --------
        >>> [MapUnits(True, "ft").column_name(name) for name in ("id", "area", "crest_depth", "volume_p90", "crest_x")]
        ['id', 'area_m2', 'crest_depth_ft', 'volume_p90_m3', 'crest_x']
        >>> MapUnits(True, "ms").column_name("volume"), MapUnits().column_name("area")
        (None, 'area')
        """
        plain = name.removeprefix("exact_").removeprefix("learned_")
        if not self.has_volume and (plain == "volume" or plain.startswith("volume_p")):
            return None
        unit = self.of_column(name)
        return name if unit is None else f"{name}_{re.sub(NO_WORD, '_', unit)}"

    def named_columns(self, table: NDArray) -> NDArray:
        """The columns of a table (N,) under the names that they have in files; volumes of travel times are left out."""
        written = ((name, self.column_name(name)) for name in table.dtype.names or ())
        names = {name: column for name, column in written if column is not None}
        return recfunctions.rename_fields(recfunctions.repack_fields(table[list(names)]), names)

    def format_area(self, area: float) -> str:
        """An area for people: in km² or m², without a unit where it is unknown.

        Examples
        --------
        >>> MapUnits(True).format_area(1234567.0), MapUnits(True).format_area(850.0), MapUnits().format_area(850.0)
        ('1.23 km²', '850 m²', '850')
        """
        if not self.is_metric:
            return format_number(area)
        return f"{format_number(area / 1e6, 3)} km²" if abs(area) >= 1e5 else f"{format_number(area, 3)} m²"

    def format_volume(self, volume: float) -> str:
        """A volume for people: in million m³ or m³, without a unit where it is unknown.

        Examples
        --------
        >>> MapUnits(True, "m").format_volume(12345678.0), MapUnits(True, "ms").format_volume(1.0)
        ('12.3 million m³', '')
        """
        if not self.has_volume:
            return ""
        if self.of_column("volume") is None:
            return format_number(volume)
        return (f"{format_number(volume / 1e6, 3)} million m³" if abs(volume) >= 1e5 else
                f"{format_number(volume, 3)} m³")  # fmt: skip

    def format_depth(self, depth: float) -> str:
        """A depth or a height for people, with its unit if it is known."""
        return f"{format_number(depth)} {unit_symbol(self.depth_unit)}".rstrip()


def format_number(value: float, digits: int = 4) -> str:
    """A number with some significant digits, thousands separated by commas.

    Examples
    --------
    >>> format_number(1234567.0), format_number(0.0001236)
    ('1,235,000', '0.0001236')
    """
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.12g}" if abs(rounded) >= 1e-4 or rounded == 0 else f"{rounded:g}"
