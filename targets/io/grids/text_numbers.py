"""Numbers of text grids: parsing, undefined values, depth units."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError

NULL_FLOOR = 1e29  # programs write 1e30 for an undefined number, sometimes rounded to float32
UNITS = {"m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "ft": "ft", "feet": "ft", "foot": "ft",
         "ms": "ms", "s": "s"}  # fmt: skip


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


def to_number(word: str) -> float | None:
    """The number that a word spells, or None.

    Examples
    --------
    >>> to_number("0.1E+31"), to_number("Top")
    (1e+30, None)
    """
    try:
        return float(word)
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


def parse_depth_unit(text: str) -> str | None:
    """The depth unit that words such as "m TVDSS" begin with, or None.

    Examples
    --------
    >>> parse_depth_unit("Meters below sea level"), parse_depth_unit("fathoms")
    ('m', None)
    """
    words = text.lower().split()
    return UNITS.get(words[0]) if words else None


def first_line(head: bytes) -> str:
    """The first line of a text file that is no comment; "" if the file is binary.

    Parameters
    ----------
    head : bytes
        The beginning of the file; comments start with ``!`` or ``#``.
    """
    if b"\x00" in head:
        return ""
    lines = (line.strip() for line in head.decode("latin-1").splitlines())
    return next((line for line in lines if line and line[0] not in "!#"), "")
