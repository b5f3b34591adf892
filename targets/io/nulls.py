"""Undefined values of grids: those that the user names, and those that nobody declared.

A grid is reduced to a `ValueSummary`, which is small and merges exactly, so that a grid in memory and one that is read
window by window are judged by one rule: `find_nulls`. A value that nobody declared is undefined where a gap parts it
from the rest, and it is one that programs write for "undefined" (-9999, -999.25, -32768, 0, ...) or is repeated far
outside the rest. What joins the rest without a gap is data: sea level, a clipped plateau, a label.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.grid_format import MAX_DEPTH

KEPT = 32  # distinct values at either end of a summary
LEAST_NULL = 1e12  # no coordinate is as large: such a number says that there is none
SAMPLE = 2**15  # values that tell where the ends of a large grid begin
FREQUENT = 0.05  # share of the sample from which on a value is counted by itself

# What programs write for "undefined", and with the factors of the units and scales that are applied to it unseen.
PLAIN_CODES = (
    *(sign * nines for nines in (999, 9999, 99999, 999999) for sign in (-1, 1)),
    *(-999.25, 999.25, -999.2, -999.3, -9999.25, -9999.9, -999.9, 999.9, 9999.9, -32768, -32767, 32767, 65535),
)
FACTORS = (1.0, 0.3048, 1 / 0.3048, 0.1, 0.01, 0.001, 10.0, 100.0, 1000.0)
CODES = np.unique([code * factor for code in PLAIN_CODES for factor in FACTORS])
ROUNDING = 1e-6  # of a value: what float32 and printing with seven digits leave of it

# Thresholds; tests/targets/io/test_nulls.py holds the kinds of grids that they part.
GAP_TO_STEPS = 4.0  # a gap is as many times as wide as the widest step between the next distinct values
CODE_GAP = 0.05  # of the range of the rest: gap beside a known code
REPEATED_GAP = 3.0  # of the range of the rest: gap beside any other repeated value
REPEATED = 5  # cells of another value that is repeated
HIDDEN_SHARE = 0.005  # of all cells: cells of a code amid the values
HIDDEN = 10  # likewise, at least
COMMON = 2  # times as many cells as the whole numbers next to it: a code amid whole numbers that is reported
STEPS = KEPT - 8  # next values whose steps are looked at; the others may be undefined themselves
ODD_GAP = 0.5  # of the range of the rest: gap beside values that are kept, and reported
MAX_WHOLE = 0.1  # share of whole numbers among the values around a code
FEW = 5  # distinct values beside an extreme at least, to report it
VARIED = 12  # distinct values of a surface at least; a mask or a map of labels has fewer


@dataclass(frozen=True, eq=False)
class ValueSummary:
    """The ends of a grid's values; summaries of parts merge into that of the whole exactly.

    Attributes
    ----------
    count : int
        Cells with a value of at most `MAX_DEPTH` in size.
    low, high : dict[float, int]
        {value: its cells} of the `KEPT` smallest and largest distinct values of these, in rising order.
    codes : dict[float, int]
        {value: its cells} of all `PLAIN_CODES` and 0 that occur amid these, and of the whole numbers next to them.
    beyond_count : int, default 0
        Cells with a larger value, or an infinite one.
    beyond_value : float, default 0.0
        The largest of these in size.
    """

    count: int
    low: dict[float, int]
    high: dict[float, int]
    codes: dict[float, int]
    beyond_count: int = 0
    beyond_value: float = 0.0

    def merge(self, other: "ValueSummary") -> "ValueSummary":
        """The summary of both parts together.

        Examples
        --------
        >>> one, two = summarise_values(np.array([1.0, 2.0])), summarise_values(np.array([2.0, np.nan]))
        >>> one.merge(two).low
        {1.0: 1, 2.0: 2}
        """
        beyond = max(self.beyond_value, other.beyond_value, key=lambda value: (abs(value), value))
        return ValueSummary(
            self.count + other.count,
            dict(_added(self.low, other.low)[:KEPT]),
            dict(_added(self.high, other.high)[-KEPT:]),
            dict(_added(self.codes, other.codes)),
            self.beyond_count + other.beyond_count,
            beyond,
        )

    @cached_property
    def ends(self) -> dict[float, int]:
        """{value: its cells} of both ends together, in rising order."""
        return dict(sorted((self.low | self.high).items()))


def _added(one: dict[float, int], other: dict[float, int]) -> list[tuple[float, int]]:
    return sorted((value, one.get(value, 0) + other.get(value, 0)) for value in one.keys() | other.keys())


@dataclass(frozen=True)
class Nulls:
    """The undefined values of one grid.

    Attributes
    ----------
    values : tuple[float, ...], default ()
        Exact values.
    named : float | None, default None
        A value that the user named, which matches what text or float32 left of it, too.
    has_beyond : bool, default False
        Whether cells beyond `MAX_DEPTH` in size are undefined.
    notes : tuple[str, ...], default ()
        What was taken as undefined though nobody said so, and what looks odd but is kept, one sentence each.
    low, high : float, default NaN
        Smallest and largest value that is defined; NaN if none is.
    """

    values: tuple[float, ...] = ()
    named: float | None = None
    has_beyond: bool = False
    notes: tuple[str, ...] = ()
    low: float = np.nan
    high: float = np.nan

    def undefine(self, values: NDArray) -> NDArray:
        """Replace undefined values by NaN.

        Parameters
        ----------
        values : (...)
            The grid or a window of it, of any real type.

        Returns
        -------
        values : (...)
            The same array if nothing in it is undefined; whole numbers become float32 where that holds them.
        """
        undefined = np.zeros(values.shape, np.bool_)
        for value in self.values:
            undefined |= values == value
        if self.named is not None:
            undefined |= np.abs(values - self.named) <= ROUNDING * abs(self.named)
        if self.has_beyond:
            undefined |= (values < -MAX_DEPTH) | (values > MAX_DEPTH)  # abs of the smallest int32 is negative
        if not undefined.any():
            return values
        dtype = np.dtype(np.float32 if np.can_cast(values.dtype, np.float32) else np.float64)
        return np.where(undefined, np.nan, values).astype(dtype)


def undefine_nulls(
    values: NDArray, nodata: float | Literal["none"] | None, where: object = "grid"
) -> tuple[NDArray, Nulls]:
    """Replace the undefined values of a grid by NaN.

    Parameters
    ----------
    values : (H, W) of any real type
        As the file holds them; NaN is undefined already.
    nodata : float | Literal['none'] | None
        As of `targets.io.read_options.ReadOptions`.
    where : object, default 'grid'
        What an error names.

    Returns
    -------
    values : (H, W)
        The same array if nothing is undefined.
    nulls : Nulls
        What was undefined, and what is to be said about it.

    Raises
    ------
    UserError
        As `find_nulls`.

    Examples
    --------
    >>> values, nulls = undefine_nulls(np.array([[2000.0, 2010.0, -9999.0]]), None)
    >>> values.tolist(), nulls.notes
    ([[2000.0, 2010.0, nan]], ('1 cell of exactly -9999 is taken as undefined; --nodata none keeps it, --nodata V \
names another value',))
    """
    nulls = find_nulls(summarise_values(values), nodata, where)
    return nulls.undefine(values), nulls


def summarise_values(values: NDArray) -> ValueSummary:
    """Summarise the values of a grid, or of a part of it.

    Parameters
    ----------
    values : (...)
        Of any real type; NaN and masked cells are left out.

    Returns
    -------
    summary : ValueSummary

    Examples
    --------
    >>> summarise_values(np.array([[3, 1], [1, -9999]])).low
    {-9999.0: 1, 1.0: 2, 3.0: 1}
    """
    flat = (values.compressed() if isinstance(values, np.ma.MaskedArray) else np.asarray(values)).ravel()
    counted = _count_ends(flat)
    beyond = {value: cells for value, cells in counted.items() if abs(value) > MAX_DEPTH}
    pairs = [pair for pair in counted.items() if pair[0] not in beyond]
    defined = np.count_nonzero(~np.isnan(flat)) if flat.dtype.kind == "f" else flat.size
    return ValueSummary(
        int(defined) - sum(beyond.values()),
        dict(pairs[:KEPT]),
        dict(pairs[-KEPT:]),
        _count_codes(flat, pairs[0][0], pairs[-1][0]) if pairs else {},
        sum(beyond.values()),
        max(beyond, key=lambda value: (abs(value), value), default=0.0),
    )


def _count_ends(flat: NDArray) -> dict[float, int]:
    """{value: its cells} of the `KEPT` smallest and largest values, of those beyond `MAX_DEPTH`, and of some others."""
    counted: dict[float, int] = {}
    if flat.size > SAMPLE:
        sample, counts = np.unique(flat[:: flat.size // SAMPLE], return_counts=True)
        usual = np.abs(sample.astype(np.float64)) <= MAX_DEPTH
        frequent = sample[usual & (counts > FREQUENT * counts.sum())]
        rest = sample[usual & (counts <= FREQUENT * counts.sum())]
        low, high = (rest[KEPT - 1], rest[-KEPT]) if rest.size > 2 * KEPT else (np.inf, -np.inf)
        is_end = (flat <= low) | (flat >= high)
        for value in frequent:  # counted at once: plateaus would take long to sort
            is_value = flat == value
            counted[float(value)] = int(np.count_nonzero(is_value))
            is_end &= ~is_value
        flat = flat[is_end]
    values, counts = np.unique(flat[~np.isnan(flat)] if flat.dtype.kind == "f" else flat, return_counts=True)
    counted |= zip(values.tolist(), counts.tolist(), strict=True)
    return {float(value): counted[value] for value in sorted(counted)}


def _count_codes(flat: NDArray, low: float, high: float) -> dict[float, int]:
    """{value: its cells} of 0, the plain codes and what is next to them within a range, as they stand in the grid."""
    near = {code + step for code in (0, *PLAIN_CODES) for step in (-1, 0, 1)}
    codes = [code for code in near if low <= code <= high and (flat.dtype.kind == "f" or float(code).is_integer())]
    stored = np.unique(np.array(codes, flat.dtype))
    found = {float(code): int(np.count_nonzero(flat == code)) for code in stored}
    return {code: count for code, count in found.items() if count}


def find_nulls(summary: ValueSummary, nodata: float | Literal["none"] | None, where: object = "grid") -> Nulls:
    """Find the undefined values of a grid.

    Parameters
    ----------
    summary : ValueSummary
        Of the whole grid.
    nodata : float | Literal['none'] | None
        As of `targets.io.read_options.ReadOptions`. What is infinite or beyond `MAX_DEPTH` is no depth in any case.
    where : object, default 'grid'
        What an error names.

    Returns
    -------
    nulls : Nulls

    Raises
    ------
    UserError
        Every finite value is said to be a depth (nodata is none), and one is beyond `MAX_DEPTH`; or all are.
    """
    if abs(summary.beyond_value) < LEAST_NULL and summary.beyond_count and not summary.count:
        raise UserError(where, f"all values are beyond {MAX_DEPTH:g} in size, such as {summary.beyond_value:g}",
                        "depths", "of a table, name the columns: --columns x=1,y=2,z=3")  # fmt: skip
    if nodata == "none" and np.isfinite(summary.beyond_value) and summary.beyond_count:
        raise UserError(where, f"{_cells(summary.beyond_count)} beyond {MAX_DEPTH:g} in size, such as "
                        f"{summary.beyond_value:g}", "depths", "leave out --nodata none")  # fmt: skip
    named = None if nodata is None or nodata == "none" else float(nodata)
    known = {value: cells for value, cells in summary.ends.items() if named is None or not _is_close(value, named)}
    found = _undeclared(known, summary)
    notes = []
    if summary.beyond_count and nodata != "none" and (named is None or abs(named) <= MAX_DEPTH):
        notes.append(f"{_cells(summary.beyond_count)} beyond {MAX_DEPTH:g} in size, such as {summary.beyond_value:g}, "
                     f"{_are(summary.beyond_count)} taken as undefined")  # fmt: skip
    if nodata is None:
        known = {value: cells for value, cells in known.items() if value not in found}
        notes += [_null_note(value, cells) for value, cells in found.items()]
        notes += [_odd_note(group, known) for group in _odd_groups(known)]
        notes += [_doubt_note(code, cells) for code, cells in _doubtful_codes(known, summary).items()
                  if code not in found]  # fmt: skip
    else:
        notes += [f"{_cells(cells)} of exactly {_text(value)} {'looks' if cells == 1 else 'look'} undefined and "
                  f"{_are(cells)} kept, since --nodata is {nodata}" for value, cells in found.items()]  # fmt: skip
    return Nulls(
        tuple(found) if nodata is None else (),
        named,
        summary.beyond_count > 0,
        tuple(notes),
        min(known, default=np.nan),
        max(known, default=np.nan),
    )


def _undeclared(ends: dict[float, int], summary: ValueSummary) -> dict[float, int]:
    """{value: its cells} of what is undefined though nobody said so."""
    found: dict[float, int] = {}
    while True:  # what is found at one end narrows the range of the rest, by which the other end is judged
        new: dict[float, int] = {}
        for sign in (1, -1):
            outer_first = sorted(sign * value for value in ends if value not in found)
            # From the inside outwards: of several undefined values the inner ones would widen the steps.
            for place in reversed(range(min(KEPT, len(outer_first)) // 2)):
                value = sign * outer_first[place]
                inner = np.array([one for one in outer_first[place + 1 :] if sign * one not in new])
                if _is_null(value, ends[value], inner - outer_first[place]):
                    new[value] = ends[value]
        if not new:
            break
        found |= new
    rest = {value: cells for value, cells in ends.items() if value not in found}
    return dict(sorted((found | _hidden_codes(rest, summary)).items()))


def _is_null(value: float, cells: int, distances: NDArray[np.float64]) -> bool:
    """Whether an outermost value is undefined; `distances` to the values inwards of it, in rising order."""
    if not distances.size:
        return False
    gap, extent = distances[0], distances[-1] - distances[0]
    if gap < GAP_TO_STEPS * _widest_step(distances):
        return False
    if _is_code(value):
        return bool(gap >= CODE_GAP * extent)
    if distances.size < VARIED:
        return False
    return bool(gap >= CODE_GAP * extent) if value == 0 else cells >= REPEATED and gap >= REPEATED_GAP * extent


def _widest_step(values: NDArray[np.float64]) -> float:
    """Widest step between the next distinct values; those of the far end may be undefined themselves."""
    return float(np.diff(values[: min(STEPS, (values.size + 1) // 2)]).max(initial=0.0))


def _hidden_codes(rest: dict[float, int], summary: ValueSummary) -> dict[float, int]:
    """Codes amid the values of a surface whose other values are hardly ever repeated, and no whole numbers."""
    others = {value: cells for value, cells in rest.items() if not _is_code(value)}
    if len(others) < KEPT or sum(summary.ends.values()) == summary.count:
        return {}
    if np.mean([value.is_integer() for value in others]) > MAX_WHOLE or np.median(list(others.values())) > 1:
        return {}
    return {code: cells for code, cells in summary.codes.items() if _is_code(code)
            if cells >= max(HIDDEN, HIDDEN_SHARE * summary.count) and min(others) < code < max(others)}  # fmt: skip


def _doubtful_codes(rest: dict[float, int], summary: ValueSummary) -> dict[float, int]:
    """Codes, and 0, amid the values of a surface that are kept, but have many more cells than the values next to them.

    Sea level and a clipped plateau look the same, so that only the user can tell. 0 at an end is taken for sea level.
    """
    if sum(rest.values()) == summary.count or len(rest) < VARIED:  # few distinct values: a mask, labels, a sketch
        return {}
    return {code: cells for code, cells in summary.codes.items() if code == 0 or _is_code(code)
            if cells >= max(HIDDEN, HIDDEN_SHARE * summary.count) and (code != 0 or min(rest) < 0 < max(rest))
            if cells >= COMMON * max(summary.codes.get(code - 1, 0), summary.codes.get(code + 1, 0))}  # fmt: skip


def _odd_groups(ends: dict[float, int]) -> list[list[float]]:
    """Values at either end that a wide gap parts from the rest."""
    groups = []
    for sign in (1, -1):
        outer_first = np.array(sorted(sign * value for value in ends))
        for place in reversed(range(min(KEPT, len(outer_first)) // 2)):
            inner = outer_first[place + 1 :]
            gap = inner[0] - outer_first[place]
            if inner.size >= FEW and gap >= max(GAP_TO_STEPS * _widest_step(inner), ODD_GAP * np.ptp(inner)):
                groups.append((sign * outer_first[: place + 1]).tolist())
                break
    return groups


def _is_code(value: float) -> bool:
    return bool((np.abs(CODES - value) <= ROUNDING * abs(value)).any())


def _is_close(value: float, other: float) -> bool:
    return abs(value - other) <= ROUNDING * abs(other)


def _null_note(value: float, cells: int) -> str:
    return (f"{_cells(cells)} of exactly {_text(value)} {_are(cells)} taken as undefined; --nodata none keeps "
            f"{'it' if cells == 1 else 'them'}, --nodata V names another value")  # fmt: skip


def _odd_note(group: list[float], ends: dict[float, int]) -> str:
    cells = sum(ends[value] for value in group)
    rest = [value for value in ends if value not in group]
    values = _text(group[0]) if len(group) == 1 else f"{_text(min(group))} to {_text(max(group))}"
    return (f"{_cells(cells)} of {values} {'lies' if cells == 1 else 'lie'} far from the rest ({_text(min(rest))} to "
            f"{_text(max(rest))}) and {_are(cells)} kept; --nodata V takes a value out")  # fmt: skip


def _doubt_note(code: float, cells: int) -> str:
    value = _text(code)
    return (f"{_cells(cells)} of exactly {value}, which programs write for undefined, are amid the other values and "
            f"kept as depths; --nodata {value} leaves them out")  # fmt: skip


def _cells(count: int) -> str:
    return f"{count:,} cell{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _text(value: float) -> str:
    return f"{value:.9g}"
