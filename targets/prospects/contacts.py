"""Fluid contacts as they are typed: a depth, a column below the crest, a height above the spill point, or a share."""

import re

import numpy as np
from jsonargparse.typing import register_type
from numpy.typing import ArrayLike, NDArray

from targets.prospects.ranges import Range

FORM = re.compile(r"(?:(?P<base>crest\s*\+|spill\s*-)\s*)?(?P<range>[^%]+)(?P<share>%)?\Z", re.IGNORECASE)
FORMS = "a depth such as 1650 (without a unit), crest+30, spill-10, spill, or 60% of the height; or 1640..1660"


class Contact(str):
    """Where a fluid ends, as it is typed; ``kind`` is depth, crest, spill or share, ``range`` its number or range.

    Parameters
    ----------
    text : str | float
        ``1650`` (a depth, positive down), ``crest+30`` (a column of 30), ``spill-10`` (10 above the spill point),
        ``spill``, ``60%`` (of the height, from the crest); a range in place of a number.

    Raises
    ------
    ValueError
        It is none of these, or a column, height or share is below 0 or a share above 100 %.

    Examples
    --------
    >>> contact = Contact("crest + 20..40")
    >>> contact.kind, contact.range, contact, Contact(1650.0), Contact("60 %")
    ('crest', '20..40', 'crest+20..40', '1650', '60%')
    """

    __slots__ = ("kind", "range")
    kind: str
    range: Range

    def __new__(cls, text: "str | float") -> "Contact":
        text = str(text).strip() if isinstance(text, str) else f"{text:.12g}"
        kind, numbers = _parse("spill-0" if text.lower() == "spill" else text)
        contact = super().__new__(cls, _normal_text(kind, numbers))
        contact.kind, contact.range = kind, numbers
        return contact

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)

    @property
    def is_certain(self) -> bool:
        """Whether it is one number."""
        return self.range.is_certain

    def depth(self, crest: ArrayLike, spill: ArrayLike, share: ArrayLike = 0.5) -> NDArray[np.float64]:
        """The depth of the contact in a closure; it may lie above its crest or below its spill point.

        Parameters
        ----------
        crest, spill : float array
            Depths of the closure, positive down.
        share : float array, default 0.5
            Quantile of the range that is taken; all three broadcast.

        Returns
        -------
        float64 array
        """
        kind, numbers = self.kind, self.range
        crest, spill = np.asarray(crest, np.float64), np.asarray(spill, np.float64)
        # A large number is a deep contact: of heights above the spill point the small ones are.
        value = numbers.quantile(1 - np.asarray(share) if kind == "spill" else share)
        if kind == "depth":
            return value + 0 * crest
        if kind == "crest":
            return crest + value
        return spill - value if kind == "spill" else crest + value * (spill - crest)


def _parse(text: str) -> tuple[str, Range]:
    """Kind and numbers of a contact."""
    form = FORM.match(text)
    if form is None or (form["base"] and form["share"]):
        raise ValueError(f"{text[:80]!r}; expected {FORMS}")
    try:
        numbers = Range(form["range"] + (form["share"] or ""))
    except ValueError as error:
        raise ValueError(f"{text[:80]!r}; expected {FORMS}") from error
    kind = "share" if form["share"] else (form["base"] or "depth")[:5].lower()
    if kind != "depth" and (numbers.numbers[0] < 0 or (kind == "share" and numbers.numbers[-1] > 1)):
        raise ValueError(f"{text[:80]!r}; expected " + ("0 to 100%" if kind == "share" else "numbers above 0"))
    return kind, numbers


def _normal_text(kind: str, numbers: Range) -> str:
    """A contact as it is typed, without spaces."""
    if kind == "share":
        return "..".join(f"{100 * value:.10g}" for value in numbers.numbers) + "%"
    if kind == "spill" and numbers.numbers == (0.0,):
        return kind
    return {"depth": "", "crest": "crest+", "spill": "spill-"}[kind] + str(numbers)


register_type(Contact, serializer=str, deserializer=Contact)
