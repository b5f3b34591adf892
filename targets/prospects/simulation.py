"""Monte Carlo simulation of prospects: draws of depth, contacts and reservoir, their percentiles and tornado."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.closure import Closures
from targets.closure.monte_carlo import Realisation
from targets.common.memory import require_memory
from targets.prospects.area_depth import AreaDepthCurve, find_area_depth_curves
from targets.prospects.in_place import Contacts, find_in_place
from targets.prospects.options import ProspectOptions
from targets.prospects.ranges import HIGH, LOW

DEPTH = "depth of the map"  # in the tornado


class Swing(NamedTuple):
    """One bar of a tornado: what the main quantity is when one parameter alone is low and high.

    Attributes
    ----------
    parameter : str
        Its name.
    low, high : float
        The quantity with the parameter in its cases P90 and P10, all others at their medians.
    """

    parameter: str
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Simulation:
    """The draws of some closures.

    Attributes
    ----------
    exists : (N,) float64 | None
        The share of depth realisations in which a closure exists; None without an error of the depth.
    draws : dict[str, NDArray[np.float64]]
        {quantity: (N, draws)} as of `find_in_place`; NaN where a closure does not exist.
    swings : list[list[Swing]]
        For each closure, the widest first.
    """

    exists: NDArray[np.float64] | None
    draws: dict[str, NDArray[np.float64]]
    swings: list[list[Swing]]


class Subject(NamedTuple):
    """A closure to be simulated.

    Attributes
    ----------
    id : int
        Id of the closure.
    curve : AreaDepthCurve
        On the map as it is.
    contacts : Contacts
        Its contacts.
    """

    id: int
    curve: AreaDepthCurve
    contacts: Contacts


class Volumes(NamedTuple):
    """How volumes are computed.

    Attributes
    ----------
    options : ProspectOptions
        The reservoir.
    cell_areas : float64, broadcasts to (H, W)
        Of `GeoReference.cell_areas`.
    cubic_metres : float
        What an area times a depth is multiplied by.
    main : str
        The quantity that prospects are ranked by.
    """

    options: ProspectOptions
    cell_areas: NDArray[np.float64]
    cubic_metres: float
    main: str


def simulate(
    subjects: Sequence[Subject],
    volumes: Volumes,
    seed: int,
    closures: Closures | None = None,
    realisations: Iterable[Realisation] = (),
    count: int = 0,
) -> Simulation:
    """Draw depths, contacts and reservoirs at random, the same for all closures.

    Quantiles of the parameters are drawn by Latin hypercube sampling; draw k has the depth of realisation
    k modulo their number.

    Parameters
    ----------
    subjects : Sequence[Subject]
        Outermost closures.
    volumes : Volumes
        How volumes are computed.
    seed : int
        The same seed gives the same draws.
    closures : Closures | None, default None
        Of the map as it is, in whose order of ids `realisations` match; None without an error of the depth.
    realisations : Iterable[Realisation], default ()
        Of `targets.closure.monte_carlo.closure_realisations`.
    count : int, default 0
        How many there are.

    Returns
    -------
    Simulation
    """
    names = uncertain_parameters([subject.contacts for subject in subjects], volumes.options)
    size = max(volumes.options.draws if names else 1, count)
    shares = _draw_shares(names, size, seed)
    require_memory(8.0 * 7 * size * len(subjects), "--draws", "fewer, or a larger --min_area")
    draws: dict[str, NDArray[np.float64]] = {}
    median = np.full((len(subjects), count), np.nan)  # the main quantity by realisation, all else at its median

    def keep(at: int, curve: AreaDepthCurve, chosen: slice) -> None:
        own = {name: values[chosen] for name, values in shares.items()}
        found = find_in_place(curve, subjects[at].contacts, volumes.options, volumes.cubic_metres, own)
        for quantity, values in found.items():
            draws.setdefault(quantity, np.full((len(subjects), size), np.nan))[at, chosen] = values

    if closures is None:
        for at, subject in enumerate(subjects):
            keep(at, subject.curve, slice(None))
        exists = None
    else:
        place = {int(key): k for k, key in enumerate(closures.table["id"][closures.table["parent"] == 0])}
        for k, (found, match) in enumerate(realisations):
            own = [int(match[place[subject.id]]) for subject in subjects]
            curves = find_area_depth_curves(found, volumes.cell_areas, {key for key in own if key > 0})
            for at, key in enumerate(own):
                if key > 0:
                    keep(at, curves[key], slice(k, None, count))
                    held = find_in_place(curves[key], subjects[at].contacts, volumes.options, volumes.cubic_metres, {})
                    median[at, k] = held[volumes.main]
        exists = np.isfinite(median).mean(axis=1)
    swings = [_swings(subject, volumes, names, median[at]) for at, subject in enumerate(subjects)]
    return Simulation(exists, draws, swings)


def uncertain_parameters(contacts: Sequence[Contacts], options: ProspectOptions) -> list[str]:
    """The names of the parameters that are ranges.

    Parameters
    ----------
    contacts : Sequence[Contacts]
        Of all closures.
    options : ProspectOptions
        The reservoir.

    Returns
    -------
    list[str]
        ``contact`` and ``gas_oil`` first.
    """
    names = [] if all(one.water.is_certain for one in contacts) else ["contact"]
    names += [] if all(one.gas_oil is None or one.gas_oil.is_certain for one in contacts) else ["gas_oil"]
    return names + [name for name, numbers in options.reservoir.items() if not numbers.is_certain]


def _draw_shares(names: Sequence[str], size: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """{parameter: quantiles (size,)}, every interval of 1/size once."""
    if not names:
        return {"contact": np.full(size, 0.5)}
    from scipy.stats import qmc

    # A parameter keeps its draws when another one is added.
    drawn = (qmc.LatinHypercube(1, rng=np.random.default_rng([seed, *name.encode()])).random(size) for name in names)
    return {name: shares[:, 0] for name, shares in zip(names, drawn, strict=True)}


def _swings(subject: Subject, volumes: Volumes, names: Sequence[str], by_depth: NDArray[np.float64]) -> list[Swing]:
    """The tornado of a closure, the widest bar first; parameters that change nothing are left out."""
    options, main = volumes.options, volumes.main

    def value(shares: Mapping[str, float]) -> float:
        return float(find_in_place(subject.curve, subject.contacts, options, volumes.cubic_metres, shares)[main])

    found = [Swing(name, value({name: LOW}), value({name: HIGH})) for name in names]
    if np.isfinite(by_depth).any():
        found.append(Swing(DEPTH, *(float(v) for v in np.nanquantile(by_depth, [LOW, HIGH]))))
    return sorted((s for s in found if s.low != s.high), key=lambda s: -abs(s.high - s.low))


def cases(draws: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """P90, P50, P10 and mean of some draws: P90 is the low case, which 90 % of them exceed; NaN counts as no draw.

    Examples
    --------
    >>> [round(value, 1) for value in cases(np.arange(101.0))]
    [10.0, 50.0, 90.0, 50.0]
    """
    known = draws[np.isfinite(draws)]
    if not known.size:
        return (np.nan,) * 4
    low, middle, high = np.quantile(known, [LOW, 0.5, HIGH])
    return float(low), float(middle), float(high), float(known.mean())
