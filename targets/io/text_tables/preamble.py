"""Lines before the rows of a table: headings of the columns, and statements about nulls, units and sign."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from targets.io.text_tables.dialect import Dialect, is_comment
from targets.io.text_tables.headings import BRACKETS, Heading, parse_heading
from targets.units.names import parse_unit

PLACES = ("x", "y", "z", "line")
NUMBER = r"([+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?)\b"
NULL = re.compile(
    r"(?:\b|_)(?:null|no[ _-]?data|(?:undef\w*|missing|dummy)[ _-]*val(?:ue)?)(?:[ _-]*val(?:ue)?)?"
    rf"\s*(?:[:=]|->|\bis\b|\s)\s*{NUMBER}",
    re.IGNORECASE,
)
SMALLEST_NULL = 99  # of those above 0: "null: 12" may be how many there are
UNIT = re.compile(r"(?P<key>[\w ]*units?[\w ]*?)_*\s*(?::|=|->)\s*(?P<unit>[^\W\d].*)", re.IGNORECASE)
VERTICAL = re.compile(r"(?:\b|_)(?:z|depth|vertical|time|elevation)(?:\b|_)", re.IGNORECASE)
POSITIVE = re.compile(r"z_?positive\W+(?:is\W+)?(\w+)", re.IGNORECASE)
EPSG = re.compile(r"\bEPSG:\d{4,6}\b")
FIELD = re.compile(r"(?:field\s*:?\s*(\d{1,3})\s*:?\s+|(\d{1,3})\s*:\s*)(\S.*)", re.IGNORECASE)
TYPED = re.compile(r"(?:string|int|float|discrete|continuous|double)\s+(\S+)\Z", re.IGNORECASE)
MAX_LINES = 400  # of a preamble that are looked at
MAX_LENGTH = 300  # characters of each, of statements


@dataclass(frozen=True)
class Preamble:
    """What the lines before the rows say.

    Attributes
    ----------
    headings : tuple[Heading, ...], default ()
        One for each column; () if there are none.
    misfit : str, default ''
        A line of headings that are not as many as the columns.
    null : float | None, default None
        The number that stands for an undefined value.
    depth_unit, xy_unit : str | None, default None
        Keys of `targets.units.names.UNITS`.
    is_up : bool | None, default None
        Whether z is positive up.
    crs : str | None, default None
        Such as EPSG:23031.
    """

    headings: tuple[Heading, ...] = ()
    misfit: str = ""
    null: float | None = None
    depth_unit: str | None = None
    xy_unit: str | None = None
    is_up: bool | None = None
    crs: str | None = None


def read_preamble(lines: Sequence[str], dialect: Dialect, width: int, empty_columns: int = 0) -> Preamble:
    """Read the lines before the rows of a table.

    Parameters
    ----------
    lines : Sequence[str]
        Comments among them.
    dialect : Dialect
        Of the rows.
    width : int
        Number of columns.
    empty_columns : int, default 0
        How many of these at the end of the rows are empty, as behind a separator at their end: headings may miss there.

    Returns
    -------
    preamble : Preamble

    Examples
    --------
    >>> preamble = read_preamble(["# Null_value: -99", "# X Y Z(ms)"], Dialect(None), 3)
    >>> [heading.role for heading in preamble.headings], preamble.null
    (['x', 'y', 'z'], -99.0)
    """
    lines = [line for line in (line.strip() for line in lines[-MAX_LINES:]) if any(map(str.isalnum, line))]
    texts = [line.lstrip("#!/%@;\"' \t")[:MAX_LENGTH] for line in lines]
    headings = (_numbered(texts, width) or _listed(texts, width) or _typed(texts, width)
                or _in_one_line(lines, dialect, width, empty_columns))  # fmt: skip
    preamble = _statements(texts)
    if headings:
        return replace(preamble, headings=headings)
    return replace(preamble, misfit=lines[-1] if lines and _is_misfit(lines[-1], dialect, width) else "")


def _statements(texts: Sequence[str]) -> Preamble:
    found: dict[str, float | str | bool] = {}
    codes = {code for text in texts for code in EPSG.findall(text)}
    if len(codes) == 1:
        found["crs"] = codes.pop()
    for text in texts:
        if (null := NULL.search(text)) and not 0 < (value := float(null[1].replace(",", "."))) < SMALLEST_NULL:
            found["null"] = value
        if (unit := UNIT.search(text)) and (name := parse_unit(unit["unit"].split(",")[0])):
            found["depth_unit" if VERTICAL.search(unit["key"]) else "xy_unit"] = name
        if positive := POSITIVE.search(text):
            found["is_up"] = positive[1].casefold() in ("elevation", "up", "upwards")
    return Preamble(**found)  # type: ignore[arg-type]


def _numbered(texts: Sequence[str], width: int) -> tuple[Heading, ...]:
    """Lines such as "1: X" (OpendTect) or "Field: 3 z meters" (EarthVision)."""
    found = {int(match[1] or match[2]): match[3] for text in texts if (match := FIELD.match(text))}
    if len(found) < 2 or min(found) < 1:
        return ()
    return tuple(
        parse_heading(found[i]) if i in found else Heading(f"column {i}", "other") for i in range(1, width + 1)
    )


def _listed(texts: Sequence[str], width: int) -> tuple[Heading, ...]:
    """One name a line: between BEGIN HEADER and END HEADER (Petrel), or behind their number (GeoEAS)."""
    upper = [text.upper() for text in texts]
    if "BEGIN HEADER" in upper and "END HEADER" in upper:
        names = texts[upper.index("BEGIN HEADER") + 1 : upper.index("END HEADER")]
        names = [name.split(",", 1)[-1] for name in names]
    elif str(width) in upper and len(upper) - upper.index(str(width)) > width:
        names = list(texts[upper.index(str(width)) + 1 :][:width])
    else:
        return ()
    return tuple(map(parse_heading, names)) if len(names) == width else ()


def _typed(texts: Sequence[str], width: int) -> tuple[Heading, ...]:
    """Types and names of the attributes behind x, y and z (RMS)."""
    names = [match[1] for text in texts if (match := TYPED.match(text))]
    if not names or len(names) != len(texts) or len(names) + 3 != width:
        return ()
    return tuple(map(parse_heading, ["X", "Y", "Z"])) + tuple(Heading(name, "other") for name in names)


def _in_one_line(lines: Sequence[str], dialect: Dialect, width: int, empty_columns: int) -> tuple[Heading, ...]:
    """The headings in the last line that can be such, with the units in a line below them."""
    units: list[str | None] = []
    for line in reversed(lines):
        for names in _splits(line, dialect, width, empty_columns):
            headings = tuple(map(parse_heading, names))
            if not units and any(names) and all(map(_is_unit, names)):
                units = [parse_unit(name.strip("()[]")) for name in names]
                break
            places = {heading.role for heading in headings if heading.role in PLACES}
            if len(places) >= 2 or (line is lines[-1] and not is_comment(line) and _are_names(names, dialect)):
                return tuple(
                    replace(heading, unit=heading.unit or unit) if unit else heading
                    for heading, unit in zip(headings, units or [None] * width, strict=True)
                )
    return ()


def _is_unit(name: str) -> bool:
    """Whether a word in a row of units is one, or nothing."""
    return not name or (parse_unit(name.strip("()[]")) is not None and parse_heading(name).role == "other")


def _splits(line: str, dialect: Dialect, width: int, empty_columns: int) -> list[list[str]]:
    """The ways to split a line into as many names as there are columns."""
    line = line.lstrip("#!/%@ \t") if is_comment(line) else line
    others = [Dialect(separator) for separator in (",", ";", "\t", "|")]
    ways = [dialect.split(line), *(other.split(line) for other in others)]
    ways += [line.replace('"', "").split(), re.split(r"\s{2,}|\t", line.strip())]
    plain = BRACKETS.sub(lambda found: "\0" * len(found[0]), line)  # a unit in brackets belongs to the word before it
    places = [match.span() for match in re.finditer(r"[^\s\0]+(?:\s*\0+)?", plain)]
    ways.append([line[start:end] for start, end in places])
    fitting = []
    for names in ways:
        while len(names) > width and not names[-1]:
            names = names[:-1]
        missing = width - len(names)
        if 0 < missing <= empty_columns:
            names = [*names, *[""] * missing]
        elif missing == 1 and width > 3:
            names = ["", *names]  # R leaves the row numbers without one
        if len(names) == width:
            fitting.append(names)
    return fitting


def _are_names(names: Sequence[str], dialect: Dialect) -> bool:
    """Whether no word is a number, so that a line may be headings of which none is known."""
    return not any(dialect.is_number(name) for name in names) and sum(map(bool, names)) > 1


def _is_misfit(line: str, dialect: Dialect, width: int) -> bool:
    """Whether a line names x, y and z in words that do not fit the columns, so that their order is in doubt."""
    text = BRACKETS.sub(" ", line.lstrip("#!/%@ \t"))
    roles = [parse_heading(word).role for word in re.split(r"[\s,;|]+", text) if word]
    places = list(dict.fromkeys(role for role in roles if role in PLACES))
    if len(places) < 2 or (is_comment(line) and any(role not in PLACES for role in roles)):
        return False
    return places != ["x", "y", "z"][: len(places)] or (dialect.separator is not None and width > 3)
