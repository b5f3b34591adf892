"""Units of depths and map coordinates: names, factors, and the spellings that files use."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from targets.errors import UserError

UnitKind = Literal["length", "time", "angle"]
US_FOOT = 1200 / 3937  # metres


@dataclass(frozen=True)
class Unit:
    """One unit.

    Attributes
    ----------
    name : str
        Its name in settings, files and code.
    kind : UnitKind
        What it measures.
    factor : float
        How many metres, seconds or degrees it is.
    symbol : str
        As written behind a number on a figure.
    spellings : str
        Words for it, in lower case.
    """

    name: str
    kind: UnitKind
    factor: float
    symbol: str
    spellings: str = ""


UNITS = {
    unit.name: unit
    for unit in (
        Unit("m", "length", 1.0, "m",
             "m mt mts mtr mtrs metre metres meter meters metro metros mètre mètres м метр метры метров метрах метра"),
        Unit("km", "length", 1000.0, "km",
             "km kms kilometre kilometres kilometer kilometers км километр километры километров километрах"),
        Unit("cm", "length", 0.01, "cm",
             "cm centimetre centimetres centimeter centimeters см сантиметр сантиметры сантиметров"),
        Unit("mm", "length", 0.001, "mm",
             "mm millimetre millimetres millimeter millimeters мм миллиметр миллиметры миллиметров"),
        Unit("ft", "length", 0.3048, "ft", "ft fts feet foot ift фут футы футов футах"),
        Unit("ftUS", "length", US_FOOT, "ftUS", "ftus usft usfoot usfeet sft"),
        Unit("yd", "length", 0.9144, "yd", "yd yds yard yards ярд ярды ярдов"),
        Unit("ms", "time", 0.001, "ms",
             "ms msec msecs millisec millisecs millisecond milliseconds мс мсек миллисекунда миллисекунды миллисекунд "
             "миллисекундах"),
        Unit("s", "time", 1.0, "s", "s sec secs second seconds с сек секунда секунды секунд секундах"),
        Unit("degrees", "angle", 1.0, "°",
             "deg degs degree degrees ° dd decimal_degrees град градус градусы градусов градусах"),
        Unit("grad", "angle", 0.9, "gon", "grad grads gon gons"),
    )
}  # fmt: skip
WORDS = {word: unit.name for unit in UNITS.values() for word in unit.spellings.split()}
# Long words of length are a unit wherever they stand, as in "depth in feet below sea level".
SPELLED_OUT = frozenset(word for word, name in WORDS.items() if len(word) > 3 and UNITS[name].kind == "length")
FOOT_WORDS = frozenset(UNITS["ft"].spellings.split())
SURVEY_WORDS = frozenset({"us", "survey", "сша"})
# Words for a datum that programs write right behind a unit: mTVDSS, ftSS, msTWT.
DATUM = re.compile(r"(?P<unit>\w+?)(tvdss|tvd|tvdrkb|subsea|ss|msl|bmsl|bsl|asl|kb|md|twt|owt)\Z")
NO_PLAIN_UNIT = re.compile(r"\A\s*[-+]?(?!1(\.0*)?\s)[\d.]+\s*\w|[^\W\d]\s?/\s?[^\W\d]|[^\W\d]\^?[23²³]|\bper\b")
LENGTHS = ("m", "km", "ft", "ftUS")
DEPTH_UNITS = (*LENGTHS, "ms", "s")
XY_UNITS = (*LENGTHS, "degrees")


def parse_unit(text: str) -> str | None:
    """Find the unit that words of a file mean.

    Parameters
    ----------
    text : str
        A unit in English or Russian, perhaps with a datum or a quantity: "Meters below sea level", "Depth (ft)".

    Returns
    -------
    str | None
        A key of `UNITS`; None if the text names none, a multiple of one, or a square or a quotient of units.

    Examples
    --------
    >>> [parse_unit(text) for text in ("Meters below sea level", "US survey foot", "МЕТРЫ", "TWT [ms]", "fathoms")]
    ['m', 'ftUS', 'm', 'ms', None]
    """
    text = unicodedata.normalize("NFKC", text.replace("²", "^2").replace("³", "^3")).strip().casefold()
    if not text or len(text) > 200 or NO_PLAIN_UNIT.search(text):
        return None
    bracketed = [part for pair in re.findall(r"\(([^()]*)\)|\[([^\[\]]*)\]", text) for part in pair if part]
    for part in (*bracketed, text):
        words = re.findall(r"°|[^\W\d_]+(?:['’][^\W\d_]+)?", part.replace(".", ""))
        if len(words) > 1 and FOOT_WORDS & set(words) and SURVEY_WORDS & set(text.replace(".", "").split() + words):
            return "ftUS"
        spelled_out = [
            word
            for word in words[1:-1]
            if len(word) > 3 and UNITS.get(WORDS.get(word, "s"), UNITS["s"]).kind == "length"
        ]
        for word in (*words[:1], *words[-1:], *spelled_out):
            if name := _unit_of_word(word):
                return name
    return None


def _unit_of_word(word: str) -> str | None:
    """The unit that a word spells, perhaps with a datum behind it."""
    if word in WORDS:
        return WORDS[word]
    datum = DATUM.match(word)
    return WORDS.get(datum["unit"]) if datum else None


def require_unit(text: str, where: str, allowed: tuple[str, ...]) -> str:
    """The unit that a text means, or an error that names the allowed ones.

    Parameters
    ----------
    text : str
        As of `parse_unit`, or the name of a unit of PROJ.
    where : str
        Name of the setting, for the error.
    allowed : tuple[str, ...]
        Names that the error lists; other units of the same kinds are allowed too.

    Returns
    -------
    str

    Raises
    ------
    UserError
        It means none, or a unit of another kind.
    """
    if text not in UNITS and metres_per_unit(text) is not None and parse_unit(text) != "m":
        return text  # a foot or yard that PROJ knows by name
    name = text if text in UNITS else parse_unit(text)
    if name is None or UNITS[name].kind not in {UNITS[other].kind for other in allowed}:
        raise UserError(where, f"{text!r}", f"one of {', '.join(allowed)}")
    return name


@lru_cache
def metres_per_unit(name: str | None) -> float | None:
    """How many metres a unit of length is; None for other units and for no unit.

    Examples
    --------
    >>> metres_per_unit("ft"), metres_per_unit("ms"), metres_per_unit("Clarke's foot")
    (0.3048, None, 0.3047972654)
    """
    if name is None:
        return None
    if name in UNITS:
        return UNITS[name].factor if UNITS[name].kind == "length" else None
    from pyproj.database import get_units_map

    unit = get_units_map(category="linear").get(name)
    return None if unit is None else unit.conv_factor


def unit_kind(name: str | None) -> UnitKind | None:
    """What a unit measures; None for no unit."""
    if name is None:
        return None
    return UNITS[name].kind if name in UNITS else "length"


def unit_symbol(name: str | None) -> str:
    """How a unit is written behind a number; "" for no unit."""
    return "" if name is None else UNITS[name].symbol if name in UNITS else name
