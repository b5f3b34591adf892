"""Numbers of text grids: parsing, undefined values, writing; units and coordinate systems in comments."""

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.scene import GeoReference
from targets.units.names import parse_unit

NULL_FLOOR = 1e29  # programs write 1e30 for an undefined number, sometimes rounded to float32
# Words that programs write for an undefined value.
NULL_WORDS = ("null", "nan", "-nan", "nan(ind)", "-nan(ind)", "1.#qnan", "-1.#ind", "undef", "undefined", "blank",
              "none", "n/a", "na", "#n/a", "*", "-", "--")  # fmt: skip
EXPONENT = re.compile(r"(?<=[\d.])[dD](?=[+-]?\d)")  # as Fortran writes it
COMMENT = re.compile(r"[!#]?\s*(crs|depth unit|coordinate unit)\s*[:=]\s*(.+)", re.IGNORECASE)


def parse_numbers(text: str) -> NDArray[np.float64]:
    """Parse numbers with white space between them; a list of the words would take ten times the memory.

    Parameters
    ----------
    text : str
        Nothing but numbers and white space.

    Returns
    -------
    numbers : (n,) float64

    Raises
    ------
    ValueError
        Something else is among them.

    Examples
    --------
    >>> parse_numbers("1 2.5 1e30")
    array([1.0e+00, 2.5e+00, 1.0e+30])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # so NumPy reports a text that does not match to its end
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except DeprecationWarning as error:
            raise ValueError("something that is no number") from error


def parse_values(text: str, null_word: str = "") -> NDArray[np.float64]:
    """Parse the values of a grid as programs of many origins write them.

    Parameters
    ----------
    text : str
        Numbers with white space between them, perhaps with exponents of Fortran, decimal commas, or words for undefined
        values.
    null_word : str, default ''
        One more such word.

    Returns
    -------
    numbers : (n,) float64
        NaN for such a word.

    Raises
    ------
    ValueError
        Something else is among them.

    Examples
    --------
    >>> parse_values("1.5D+03 NULL 1500"), parse_values("1500,5 1600,25")
    (array([1500.,   nan, 1500.]), array([1500.5 , 1600.25]))
    """
    try:
        return parse_numbers(text)
    except ValueError:
        pass
    text = EXPONENT.sub("e", text)
    if "," in text:
        decimal = "." not in text and re.search(r"\d,\s", text) is None
        text = text.replace(",", "." if decimal else " ")
    words = "|".join(re.escape(word) for word in sorted({*NULL_WORDS, null_word.strip()} - {""}, key=len, reverse=True))
    return parse_numbers(re.sub(rf"(?<!\S)({words})(?!\S)", "nan", text, flags=re.IGNORECASE))


def to_number(word: str) -> float | None:
    """The number that a word spells, or None.

    Examples
    --------
    >>> to_number("0.1E+31"), to_number("Top")
    (1e+30, None)
    """
    try:
        return float(EXPONENT.sub("e", word))
    except ValueError:
        return None


def check_value_count(path: Path, values: NDArray, rows: int, cols: int) -> None:
    """Refuse a grid whose values are not as many as its header says."""
    if values.size != rows * cols:
        raise UserError(path, f"{values.size} values", f"{rows} x {cols} = {rows * cols}", "export or copy it again")


def null_to_nan(values: NDArray[np.float64], null: float | None) -> None:
    """Set undefined values to NaN, in place.

    Parameters
    ----------
    values : (n,) float64
        As they stand in the file.
    null : float | None
        The number that the file writes for an undefined value, found to one millionth; None: only what is beyond 1e29
        is undefined.
    """
    undefined = np.abs(values) >= NULL_FLOOR
    if null is not None:
        undefined |= np.isclose(values, null, rtol=1e-6, atol=0)
    values[undefined] = np.nan


def format_values(rows: Iterable[NDArray], null: str, per_line: int, width: int = 0) -> Iterator[str]:
    """Write values as text, so that float32 and whole numbers of up to nine digits come back exactly.

    Parameters
    ----------
    rows : Iterable[NDArray]
        Rows (or columns), each of which begins a line.
    null : str
        The text for NaN.
    per_line : int
        Most values of a line.
    width : int, default 0
        Letters that a value takes at least.

    Yields
    ------
    line : str
        Without its end.
    """
    for row in rows:
        # In fields of a width GDAL puts a decimal point into a number that has none.
        form = "d" if row.dtype.kind in "biu" and not width else "#.9g"
        words = [null if value != value else f"{value:{form}}" for value in row.tolist()]
        words = [word.rjust(width) for word in words]
        for start in range(0, len(words), per_line):
            yield ("" if width else " ").join(words[start : start + per_line])


def comment_lines(geo: GeoReference) -> list[str]:
    """Comments that keep the coordinate system and the depth unit of a grid whose format has no field for them."""
    lines = [f"! CRS: {geo.crs}"] if geo.crs and "\n" not in geo.crs else []
    return lines + ([f"! depth unit: {geo.depth_unit}"] if geo.depth_unit else [])


def parse_comments(lines: Iterable[str]) -> dict[str, Any]:
    """The fields of `GeoReference` that comments such as those of `comment_lines` tell.

    Examples
    --------
    >>> parse_comments(["! CRS: EPSG:23031", "! depth unit: ft", "! by hand"])
    {'crs': 'EPSG:23031', 'depth_unit': 'ft'}
    """
    found: dict[str, Any] = {}
    for line in lines:
        if match := COMMENT.match(line.strip()):
            key = match[1].lower()
            if key == "crs":
                found["crs"] = match[2].strip()
            elif unit := parse_unit(match[2]):
                found["depth_unit" if key == "depth unit" else "xy_unit"] = unit
    return found


def first_line(head: bytes) -> str:
    """The first line of a text file that is no comment; "" if the file is binary.

    Parameters
    ----------
    head : bytes
        The beginning of the file; comments start with ``!`` or ``#``.
    """
    if b"\x00" in head:
        return ""
    lines = (line.strip() for line in head.removeprefix(b"\xef\xbb\xbf").decode("latin-1").splitlines())
    return next((line for line in lines if line and line[0] not in "!#"), "")
