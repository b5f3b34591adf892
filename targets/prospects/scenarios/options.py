"""Options of scenarios: a finite charge, and other rules of faults."""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from targets.errors import UserError


@dataclass(frozen=True)
class ScenarioOptions:
    """What else is asked of the closures of a map.

    Attributes
    ----------
    charge : str | None, default None
        What fills the closures one after the other: a volume that rises evenly from all of the map, such as 5e8; or a
        file: a grid with the volume of each cell, a table (CSV) of points (x, y, volume) or of closures (id, volume).
        In m3 at reservoir conditions where the units of the map are known; volumes of rock without --porosity.
    fault_scenarios : bool, default False
        Which closures change, and by how much, when all faults seal, leak or do nothing, and each fault by itself; the
        depths on both sides along each fault.

    Raises
    ------
    UserError
        The charge is no volume above 0 and no file.
    """

    charge: str | None = None
    fault_scenarios: bool = False

    def __post_init__(self) -> None:
        if self.charge is not None:
            parse_charge(self.charge)


def parse_charge(text: str) -> float | Path:
    """The volume, or the file, that a charge is given by.

    Parameters
    ----------
    text : str
        As typed.

    Returns
    -------
    float | Path

    Raises
    ------
    UserError
        It is neither a volume above 0 nor a file that exists.

    Examples
    --------
    >>> parse_charge("5e8")
    500000000.0
    """
    try:
        volume = float(text)
    except ValueError:
        path = Path(text)
        if path.is_file():
            return path
        raise UserError(
            "--charge", f"{text!r} is no number and no file", "a volume such as 5e8, a grid or a table"
        ) from None
    if not 0 < volume < np.inf:
        raise UserError("--charge", text, "a volume above 0, or a file")
    return volume


def refuse_contours() -> NoReturn:
    """Refuse a charge of closures that end at contours.

    Raises
    ------
    UserError
        Always.
    """
    raise UserError("--charge", "given with --contour-interval", "one of them",
                    "a charge fills closures down to their spill points")  # fmt: skip


NO_SCENARIOS = ScenarioOptions()
