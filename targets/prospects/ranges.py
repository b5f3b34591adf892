"""Uncertain numbers as they are typed: a value, a uniform range a..b, or a triangular one a..b..c."""

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from jsonargparse.typing import register_type
from numpy.typing import ArrayLike, NDArray

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\Z", re.IGNORECASE)
NOTATION = "a number such as 0.2, a range 0.15..0.25 (all alike), or 0.15..0.2..0.25 (the middle one likeliest)"
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9  # quantiles of the cases P90, P50 and P10: a value that 90 % exceed is the low one


class Range(str):
    """A number, or a distribution of it, as it is typed; ``numbers`` are its one to three numbers.

    Two numbers are the ends of a uniform distribution, three those and the likeliest value of a triangular one.

    Parameters
    ----------
    text : str | float | Iterable[float]
        As typed, with ``%`` behind the last number for hundredths of all of them; or the numbers.

    Raises
    ------
    ValueError
        It is no such notation, a number is not finite, or they do not grow.

    Examples
    --------
    >>> Range("15..25%"), Range("15..25%").numbers, Range(0.2)
    ('0.15..0.25', (0.15, 0.25), '0.2')
    >>> Range("10..20..60").quantile([0, 0.5, 1]).round(1).tolist()
    [10.0, 28.4, 60.0]
    """

    __slots__ = ("numbers",)
    numbers: tuple[float, ...]

    def __new__(cls, text: str | float | Iterable[float]) -> "Range":
        given = _parse(text) if isinstance(text, str) else (text,) if isinstance(text, int | float) else text
        numbers = tuple(float(number) for number in given)
        typed = "..".join(f"{number:.12g}" for number in numbers)
        if not 1 <= len(numbers) <= 3 or not np.isfinite(numbers).all():
            raise ValueError(f"{typed[:80]!r}; expected {NOTATION}")
        if any(one > other for one, other in pairwise(numbers)):
            raise ValueError(f"{typed} does not grow; expected {NOTATION}")
        drawn = super().__new__(cls, typed)
        drawn.numbers = numbers
        return drawn

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)

    @property
    def is_certain(self) -> bool:
        """Whether it is one number."""
        return self.numbers[0] == self.numbers[-1]

    @property
    def median(self) -> float:
        """The number that is as often exceeded as not."""
        return float(self.quantile(MIDDLE))

    def quantile(self, share: ArrayLike) -> NDArray[np.float64]:
        """The value below which a share of the distribution lies.

        Parameters
        ----------
        share : float array, any shape
            0 to 1.

        Returns
        -------
        float64 array
            In the shape of `share`.
        """
        share, (low, high) = np.asarray(share, np.float64), (self.numbers[0], self.numbers[-1])
        if low == high:
            return np.full(share.shape, low)
        if len(self.numbers) == 2:
            return low + share * (high - low)
        from scipy.stats import triang

        return np.asarray(triang.ppf(share, (self.numbers[1] - low) / (high - low), low, high - low), np.float64)


def _parse(text: str) -> list[float]:
    """The numbers of a notation."""
    words = [word.strip() for word in text.replace("…", "..").split("..")]
    is_share = words[-1].endswith("%")
    if is_share:
        words = [word.removesuffix("%").strip() for word in words]
    if not all(NUMBER.match(word) for word in words):
        raise ValueError(f"{text[:80]!r}; expected {NOTATION}")
    return [float(f"{float(word) / 100:.12g}") if is_share else float(word) for word in words]


register_type(Range, serializer=str, deserializer=Range)
