"""Options of an exact analysis: which closures are found, and how wrong the depth may be."""

from dataclasses import dataclass
from typing import Any, Literal

from targets.common.cli import Names
from targets.truth.criteria import TrapCriteria

GridFormat = Literal["tif", "gri", "irap", "zmap", "cps3", "grd", "asc", "npz"]

MIN_HEIGHT_SHARE = 0.01  # of the map's relief, as for the traps that networks learn


@dataclass(frozen=True)
class ClosureOptions:
    """Rules by which closures are found, in the words of `targets.closure.find_closures`.

    Attributes
    ----------
    contour_interval : float | Literal['auto'] | None, default None
        Depth step of the contours, the last closed one of which is the outline, in depth units; auto takes the map's
        own interval, else one that suits its relief; by default closures reach down to their spill points.
    contour_base : float | None, default None
        A depth that one contour passes through, in depth units; by default the map's own, else 0.
    faults : Literal['transparent', 'sealing', 'leaking'], default 'transparent'
        What faults do: transparent (nothing), sealing (a wall that closures may lean on) or leaking (an open border).
    fault_rules : Names | None, default None
        Rules of single faults, the others follow `faults`: F1=sealing,F3=leaking. The names are those of the fault
        files; without such a file, the numbers of the faults in closures.png.
    edge : Literal['open', 'closed'], default 'open'
        The border of the map: open (what leaves the map leaks) or closed (a wall).
    connectivity : Literal[8, 4], default 8
        Neighbours of a cell, 8 or 4.
    min_area : float, default 40
        Closures of fewer cells are dropped.
    min_height : float | None, default None
        Closures of a smaller height are dropped, in depth units; by default 1 % of the map's relief.
    min_relief : float | None, default None
        Closures of a smaller height are dropped, as a share of the map's relief, too; by default 0.01, or 0 with
        --min_height.
    culminations : Literal['joined', 'single'], default 'joined'
        Outermost closures: the largest ones (joined), or the largest that hold one culmination (single).
    fault_contact : Literal['any', 'touching', 'free'], default 'any'
        Which outermost closures are kept: all (any), those that touch a fault (touching), or that touch none (free).
    noise : Literal['kept', 'left_out'], default 'kept'
        Closures that noise of the depth explains: kept, or left out where noise is found (left_out).
    """

    contour_interval: float | Literal["auto"] | None = None
    contour_base: float | None = None
    faults: Literal["transparent", "sealing", "leaking"] = "transparent"
    fault_rules: Names | None = None
    edge: Literal["open", "closed"] = "open"
    connectivity: Literal[8, 4] = 8
    min_area: float = 40
    min_height: float | None = None
    min_relief: float | None = None
    culminations: Literal["joined", "single"] = "joined"
    fault_contact: Literal["any", "touching", "free"] = "any"
    noise: Literal["kept", "left_out"] = "kept"

    def least_height(self, relief: float) -> float:
        """The smallest height of a closure on a map of such a relief, in depth units."""
        share = self.min_relief if self.min_relief is not None else MIN_HEIGHT_SHARE if self.min_height is None else 0.0
        return max(share * relief, self.min_height or 0.0)

    @property
    def selects(self) -> bool:
        """Whether other closures than the largest ones become outermost, or some are left out."""
        return (self.culminations, self.fault_contact, self.noise) != ("joined", "any", "kept")


@dataclass(frozen=True)
class DepthError:
    """Random error of the depth, from which probabilities of closure are computed.

    Attributes
    ----------
    depth_std : float | None, default None
        Standard deviation of the depth's error, in depth units; with it the probability of closure is computed.
    correlation : float | None, default None
        Correlation length of the error, in map units (metres on a map in degrees, cells without a spacing): at this
        distance errors correlate by 0.61.
    realisations : int, default 100
        Number of equally likely maps that are tried.
    seed : int, default 0
        Seed of the random numbers; the same seed gives the same answer.
    """

    depth_std: float | None = None
    correlation: float | None = None
    realisations: int = 100
    seed: int = 0


def options_of_rules(rules: TrapCriteria) -> dict[str, Any]:
    """The options, by name, under which closures are the traps of some rules; their smoothing has no option.

    Examples
    --------
    >>> options_of_rules(TrapCriteria("contour", min_area=160))["contour_interval"]
    'auto'
    """
    names = ("contour_base", "faults", "edge", "connectivity", "min_area", "min_height", "min_relief", "culminations",
             "fault_contact", "noise")  # fmt: skip
    interval = None if rules.reading == "spill" else rules.contour_interval or "auto"
    return {"contour_interval": interval} | {name: getattr(rules, name) for name in names}


DEFAULT_OPTIONS = ClosureOptions()
NO_DEPTH_ERROR = DepthError()
