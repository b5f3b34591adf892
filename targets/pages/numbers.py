"""Numbers and quantities in the texts of a page: values that a recognised text may mean, units, depth or elevation."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from targets.units.names import UNITS, parse_unit

Direction = Literal["down", "up"]

MAX_READINGS = 4  # of one text
MAX_VALUE = 1e9  # larger numbers are no depths and no coordinates
# Letters that recognition takes digits for; accents stand for ticks above a number.
DIGITS_OF_LETTERS = {"0": "OoDQØòóôöàáâäÒÓÔÖÀÁÂÄ", "1": "IlL|!]i", "5": "Ss", "8": "B", "2": "Zz"}
LOOKALIKES = str.maketrans({letter: digit for digit, letters in DIGITS_OF_LETTERS.items() for letter in letters})
MINUS_SIGNS = "-~−–—‐‑‒―﹣－"
MINUS = re.compile(f"[{re.escape(MINUS_SIGNS)}]")
NUMBER = re.compile(r"(?P<sign>[-+]?)(?P<digits>\d[\d.,' ]*?)(?:e(?P<power>[-+]?\d{1,2}))?(?P<unit>[a-z°'\".²³^/ ]*)\Z")
# Factors of plotly, d3 and Bokeh. M may be metres: of numbers below `MAX_MILLIONS` it is taken for millions first.
FACTOR = re.compile(r"(?P<number>.*\d)(?P<letter>[kKMG])\Z")
FACTORS, MAX_MILLIONS = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}, 100.0
POWER_OF_TEN = re.compile(r"[x×*·]\s?10\^?([-+]?\d{1,2})\Z")

ELEVATION = re.compile(r"\belev|\baltitude|\bheight\b|above (mean )?sea|\bmasl\b|\basl\b|\btopograph")
DEPTH = re.compile(
    r"depth|\btv(d|t)|tvd|subsea|\btwt|two[- ]?way|\btime\b|\bzeit\b|tiefe|profond|глубин|\bz\b|sstvd|\bowt"
)
UNIT_OF_DATUM = re.compile(r"\b(m|ft|ms|s|km)\s*(?:tvd|subsea|twt|bsl|msl)")
# Quantities that are no depth, whatever word of a depth stands beside them (depth error, time thickness), and others.
NO_DEPTH = re.compile(
    r"thick|isopach|isochor|amplitude|velocit|\bdip\b|azimuth|gradient|coheren|curvature|\berror|\bstd\b|deviation|"
    r"uncertain|probab|residual|differen|mistie|\bcounts?\b|frequency|correlation|толщин|мощност"
)
OTHER = re.compile(
    r"\bporo|\bperm(?!ian)|satur|\bnet\b|\bgross\b|\bntg\b|temperature|pressure|impedance|density|facies|"
    r"\bwat(er)?\b|fluid|volume|\bsw\b|\bvsh|gamma|порист|насыщ"
)


@dataclass(frozen=True)
class Quantity:
    """The quantity that words beside numbers name.

    Attributes
    ----------
    words : str
        The words.
    unit : str | None, default None
        A key of `targets.units.names.UNITS`; None if the words name none.
    grows : Direction | None, default None
        Whether larger numbers are deeper ("down") or higher ("up"); None if the words do not say.
    is_other : bool, default False
        Whether it is no depth: a thickness, a porosity.
    """

    words: str
    unit: str | None = None
    grows: Direction | None = None
    is_other: bool = False


def read_numbers(text: str) -> tuple[float, ...]:
    """The numbers that a recognised text may mean, the likeliest first.

    A group of three digits behind a comma is thousands before it is a decimal part, one behind a point the other way
    round. Letters that look like digits are taken for them. A unit or a compass letter may follow.

    Parameters
    ----------
    text : str
        One text.

    Returns
    -------
    tuple[float, ...]
        At most `MAX_READINGS`; empty for words.

    Examples
    --------
    >>> read_numbers("−1,250 m"), read_numbers("10D"), read_numbers("2.5e+06"), read_numbers("1,5")
    ((-1250.0, -1.25), (100.0,), (2500000.0,), (1.5,))
    >>> read_numbers("Depth Map"), read_numbers("5 932 000")
    ((), (5932000.0,))
    >>> read_numbers("452k"), read_numbers("6.78M"), read_numbers("1500M")
    ((452000.0,), (6780000.0, 6.78), (1500.0, 1500000000.0))
    """
    plain = MINUS.sub("-", unicodedata.normalize("NFKC", text)).strip(" .:;•·_=*")
    if not any(letter.isdigit() for letter in plain) and len(plain) != 1:
        return ()
    plain = re.sub(r"-(?:\s*-)+", "-", plain)
    plain = re.sub(r"(?<=[\d°NSEW])\s*[-.]+\Z|\s(?=[.,]\d)|(?<=[-+])\s+|(?<=\d):(?=\d)", "", plain).strip()
    if found := FACTOR.fullmatch(plain):
        own = read_numbers(found["number"])
        scaled = tuple(value * FACTORS[found["letter"]] for value in own)
        if found["letter"] != "M":
            return scaled[:MAX_READINGS]
        is_millions = bool(own) and abs(own[0]) < MAX_MILLIONS
        return ((*scaled, *own) if is_millions else (*own, *scaled))[:MAX_READINGS]
    power = 1.0
    if found := POWER_OF_TEN.search(plain):
        power, plain = 10.0 ** int(found[1]), plain[: found.start()].strip()
    values: list[float] = []
    for reading in dict.fromkeys((plain.lower(), _digits_for_letters(plain))):
        match = NUMBER.fullmatch(reading.strip())
        if match is None or not _is_unit(match["unit"]):
            continue
        for size in _plain_values(match["digits"].strip()):
            value = size * power * 10.0 ** int(match["power"] or 0) * (-1 if match["sign"] == "-" else 1)
            if abs(value) <= MAX_VALUE and value not in values:
                values.append(value)
        if values:
            break
    return tuple(values[:MAX_READINGS])


def _digits_for_letters(text: str) -> str:
    """A text with digits in place of the letters that look like them, unless most of it is letters."""
    translated = text.translate(LOOKALIKES)
    digits = sum(letter.isdigit() for letter in text)
    replaced = sum(one != other for one, other in zip(text, translated, strict=True))
    return translated.lower() if replaced <= max(digits, 1) else text.lower()


def _is_unit(text: str) -> bool:
    """Whether what follows a number may do so: nothing, a unit, a compass letter."""
    word = text.strip(" .'\"")
    return not word or word in ("e", "w", "n", "s", "°", "tvdss", "tvd") or parse_unit(word) is not None


def _plain_values(digits: str) -> tuple[float, ...]:
    """The values of digits with separators, the likeliest first.

    Examples
    --------
    >>> _plain_values("1.250,5"), _plain_values("1,250"), _plain_values("1.250"), _plain_values("1.250.000")
    ((1250.5,), (1250.0, 1.25), (1.25, 1250.0), (1250000.0,))
    """
    digits = re.sub(r"(?<=\d)[ '](?=\d{3}(?!\d))", "", digits)
    if re.search(r"[ ']", digits.strip(" '")) or not digits:
        return ()
    digits = digits.strip(" ',.")
    marks = [letter for letter in digits if letter in ".,"]
    if not marks:
        return (float(digits),)
    groups = re.split(r"[.,]", digits)
    if not all(groups):
        return ()
    are_thousands = all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) <= 3 and groups[0] != "0"
    thousands = (float("".join(groups)),) if are_thousands else ()
    if len(set(marks)) == 2 and marks.count(marks[-1]) == 1:  # 1.250,5
        return (float("".join(groups[:-1]) + "." + groups[-1]),)
    if len(marks) > 1:
        return thousands
    decimal = (float(".".join(groups)),)
    return (*thousands, *decimal) if marks[0] == "," else (*decimal, *thousands)


def unit_behind(text: str) -> str | None:
    """The unit that stands behind a number; None where none does.

    Examples
    --------
    >>> unit_behind("-2300 m"), unit_behind("1, ft"), unit_behind("2300"), unit_behind("45 N")
    ('m', 'ft', None, None)
    """
    word = re.search(r"\d[\s,.]*(\D*)\Z", unicodedata.normalize("NFKC", text).casefold().strip())
    unit = parse_unit(word[1]) if word else None
    return None if unit is None or UNITS[unit].kind == "angle" else unit


def name_quantity(words: str) -> Quantity:
    """Understand the words beside numbers or above a map: unit, direction, and whether they name a depth at all.

    Examples
    --------
    >>> name_quantity("Depth (ft)").unit, name_quantity("Elevation [m]").grows, name_quantity("Porosity Map").is_other
    ('ft', 'up', True)
    >>> name_quantity("m TVDSS").grows, name_quantity("TWT ms").unit, name_quantity("Structure Map").grows
    ('down', 'ms', None)
    >>> name_quantity("Depth error (m)").is_other, name_quantity("Top Permian").is_other
    (True, False)
    """
    plain = " ".join(unicodedata.normalize("NFKC", words).casefold().split())
    unit = parse_unit(plain)
    if unit is not None and UNITS[unit].kind == "angle":
        unit = None
    if unit is None and (
        found := re.search(r"\b(m|ft|ms|s|km|m(?=tvd)|ft(?=tvd)|ms(?=twt))\s*(tvd|subsea|twt|bsl|msl)", plain)
    ):
        unit = found[1]
    is_depth, is_elevation = DEPTH.search(plain), ELEVATION.search(plain)
    grows: Direction | None = "up" if is_elevation and not is_depth else "down" if is_depth else None
    is_other = bool(NO_DEPTH.search(plain) or (OTHER.search(plain) and grows is None))
    return Quantity(words, unit, None if is_other else grows, is_other)
