"""Criteria of traps: which closures count, and how traps become rasters. Settings alone, quick to import."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from targets.errors import UserError

MAX_SMOOTHING = 100  # cells


@dataclass(frozen=True)
class TrapCriteria:
    """Which closures count as traps; the words are those of `targets.closure.find_closures`.

    The thresholds drop what no interpreter would outline: specks of noise on a real pick. Cells are those of the map as
    it was given: a downsampled copy of a map has the traps of the map. `targets.rules` finds the criteria that explain
    what an interpreter drew.

    Attributes
    ----------
    reading : Literal['spill', 'contour'], default 'spill'
        How far down a trap reaches: to its spill point (spill), or to its last closed contour (contour).
    edge : Literal['open', 'closed'], default 'open'
        Whether the map's border lets hydrocarbons out (open) or holds them like rock (closed).
    faults : Literal['transparent', 'sealing', 'leaking'], default 'transparent'
        What a fault does: nothing (transparent), hold (sealing), or let out (leaking).
    connectivity : Literal[4, 8], default 8
        Neighbours of a cell: 4 (sides) or 8 (sides and corners).
    min_area : int, default 40
        Smallest trap, in cells of the map as it was given.
    min_relief : float, default 0.01
        Smallest closure height of a trap, as a share of the map's relief.
    min_height : float, default 0.0
        Smallest closure height of a trap, in depth units.
    contour_interval : float | None, default None
        Depth step of the contours of the reading `contour`, in depth units; null: the map's own, else one that suits
        its relief.
    contour_base : float | None, default None
        A depth that one of these contours passes through, in depth units; null: the map's own, else 0.
    culminations : Literal['joined', 'single'], default 'joined'
        Closures within a closure: one trap (joined), or each culmination that meets the thresholds a trap of its own,
        down to the saddle between them (single).
    fault_contact : Literal['any', 'touching', 'free'], default 'any'
        Which closures count: all (any), those that touch a fault (touching), or those that touch none (free).
    smoothing : float, default 0.0
        Smoothing of the outlines in cells: standard deviation of the Gaussian that rounds them; 0: none.
    noise : Literal['kept', 'left_out'], default 'kept'
        Closures that noise of the depth explains: traps (kept), or none (left_out) where noise is found.
    """

    reading: Literal["spill", "contour"] = "spill"
    edge: Literal["open", "closed"] = "open"
    faults: Literal["transparent", "sealing", "leaking"] = "transparent"
    connectivity: Literal[4, 8] = 8
    min_area: int = 40
    min_relief: float = 0.01
    min_height: float = 0.0
    contour_interval: float | None = None
    contour_base: float | None = None
    culminations: Literal["joined", "single"] = "joined"
    fault_contact: Literal["any", "touching", "free"] = "any"
    smoothing: float = 0.0
    noise: Literal["kept", "left_out"] = "kept"

    def check(self, where: str = "") -> None:
        """Refuse numbers out of their range.

        Parameters
        ----------
        where : str, default ''
            What stands before the name of a field in the message, such as `targets.traps.`.

        Raises
        ------
        UserError
            The first one.
        """
        interval, base = self.contour_interval, self.contour_base
        for name, is_right, expected in (
            ("min_area", 0 <= self.min_area < math.inf, "0 or more"),
            ("min_relief", 0 <= self.min_relief < math.inf, "0 or more"),
            ("min_height", 0 <= self.min_height < math.inf, "0 or more"),
            ("contour_interval", interval is None or 0 < interval < math.inf, "a depth step above 0, or null"),
            ("contour_base", base is None or math.isfinite(base), "a depth, or null"),
            ("smoothing", 0 <= self.smoothing <= MAX_SMOOTHING, f"0 to {MAX_SMOOTHING} cells"),
        ):
            if not is_right:
                raise UserError(f"{where}{name}", f"{getattr(self, name)}", expected)

    def without_units(self) -> "TrapCriteria":
        """The criteria for a surface whose depths have other units than the maps: nothing in depth units is left."""
        return replace(self, contour_interval=None, contour_base=None, min_height=0.0)

    @property
    def needs_units(self) -> bool:
        """Whether they hold a depth step or a height in depth units."""
        return self.min_height > 0 or (self.reading == "contour" and self.contour_interval is not None)


@dataclass(frozen=True)
class GroundTruthOptions:
    """How traps become the rasters that heads are trained on.

    Lengths are in cells of the map as it was given, and hold for its downsampled copies too; where cells are oblong, in
    square cells as large.

    Attributes
    ----------
    traps : TrapCriteria
        Which closures count as traps where no interpreter outlined any.
    boundary_width : float, default 4.0
        Width of the boundary band in cells, at least 2 (the cells on both sides of the outline).
    crest_sigma : float, default 6.0
        Standard deviation of the Gaussian on a crest, in cells.
    distance : Literal['euclidean', 'geodesic'], default 'euclidean'
        How the distance to a crest is measured: in a straight line (euclidean) or within the trap (geodesic).
    """

    traps: TrapCriteria = field(default_factory=TrapCriteria)
    boundary_width: float = 4.0
    crest_sigma: float = 6.0
    distance: Literal["euclidean", "geodesic"] = "euclidean"
