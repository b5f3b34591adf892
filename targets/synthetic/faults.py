"""Normal faults: traces, throw profiles and the displacement of a surface.

References
----------
Barnett, Mortimer, Rippon, Walsh & Watterson 1987, Displacement geometry in the volume containing a single normal
fault, AAPG Bulletin 71, 925-937.
Walsh & Watterson 1987, Distributions of cumulative displacement and seismic slip on a single normal fault surface,
J. Structural Geology 9, 1039-1046.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.scene import Bool, Float
from targets.synthetic.random_fields import cell_axes

MIN_VISIBLE_THROW = 5.0  # metres, of a fault that is picked on seismic
MIN_DRAWN_WIDTH = 1.5  # cells, of a fault polygon


@dataclass(frozen=True)
class Fault:
    """One normal fault: a curved trace through (x, y), metres in the map's plane with y down the picture.

    Attributes
    ----------
    x, y : float
        Middle of the trace's chord, in metres.
    strike : float
        Radians from the x axis towards y.
    length : float
        Tip to tip, in metres.
    throw : float
        Largest throw, in the middle of the fault, in metres.
    dip : float
        Dip of the fault plane, in degrees.
    dip_side : int
        +1 when it dips to the left of its strike, seen on the picture, -1 when to the right.
    bow : float, default 0.0
        Distance of the trace's middle from the chord, in metres.
    wiggle : float, default 0.0
        Amplitude of the trace's smaller bends, in metres.
    phase : float, default 0.0
        Phase of the bends, in radians.
    displacement_radius : float, default 1000.0
        Distance across strike at which the displacement has died out, in metres.
    footwall_share : float, default 0.35
        Share of the throw that raises the footwall.
    drag_share : float, default 0.0
        Share of the throw that is taken up by normal drag beside the fault plane.
    parent : Fault | None, default None
        The fault that this one abuts on; the middle of its chord lies on the parent's trace.
    """

    x: float
    y: float
    strike: float
    length: float
    throw: float
    dip: float
    dip_side: int
    bow: float = 0.0
    wiggle: float = 0.0
    phase: float = 0.0
    displacement_radius: float = 1000.0
    footwall_share: float = 0.35
    drag_share: float = 0.0
    parent: "Fault | None" = None


def throw_profile(r: NDArray) -> NDArray:
    """Compute the displacement along a fault as a share of the largest one.

    Walsh & Watterson 1987: D = 2 Dmax sqrt(((1 + r) / 2)^2 - r^2) (1 - r).

    Parameters
    ----------
    r : (...) float
        Distance from the middle of the fault: 0 in the middle, 1 at the tip.

    Returns
    -------
    (...) float
        1 in the middle, 0 at the tip and beyond.

    Examples
    --------
    >>> throw_profile(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [1.0, 0.559, 0.0]
    """
    r = np.clip(r, 0, 1)
    return 2 * np.sqrt(((1 + r) / 2) ** 2 - r**2) * (1 - r)


def heave(throw: NDArray | float, dip: float) -> NDArray | float:
    """Compute the horizontal gap that a throw opens on a plane of `dip` degrees, in the unit of the throw.

    Examples
    --------
    >>> round(float(heave(100.0, 60.0)), 1)
    57.7
    """
    return throw / np.tan(np.radians(dip))


def trace_offset(fault: Fault, along: NDArray) -> NDArray:
    """Compute the metres between chord and trace at `along` metres from the chord's middle; 0 at the tips."""
    r = np.clip(along / (fault.length / 2), -1, 1)
    return (1 - r**2) * (fault.bow + fault.wiggle * np.sin(2 * np.pi * r + fault.phase))


def trace_points(fault: Fault, count: int = 25) -> NDArray[np.float64]:
    """Sample points along a fault's trace.

    Parameters
    ----------
    fault : Fault
        A branch is sampled from its parent on.
    count : int, default 25
        Number of points.

    Returns
    -------
    (count, 2) float64
        X and y, in metres.
    """
    along = np.linspace(0.0 if fault.parent else -fault.length / 2, fault.length / 2, count)
    off = trace_offset(fault, along)
    cos, sin = np.cos(fault.strike), np.sin(fault.strike)
    return np.stack([fault.x + along * cos - off * sin, fault.y + along * sin + off * cos], axis=1)


def fault_coordinates(fault: Fault, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Convert map coordinates to coordinates of a fault.

    Parameters
    ----------
    fault : Fault
        The fault.
    x, y : (...) float
        Metres, y down the picture; they broadcast against one another.

    Returns
    -------
    along : (...) float32
        Metres along the chord from its middle.
    across : (...) float32
        Metres from the trace, positive towards the side that the fault dips to.
    """
    cos, sin = np.float32(np.cos(fault.strike)), np.float32(np.sin(fault.strike))
    along = (x - np.float32(fault.x)) * cos + (y - np.float32(fault.y)) * sin
    across = (y - np.float32(fault.y)) * cos - (x - np.float32(fault.x)) * sin
    return along, np.float32(fault.dip_side) * (across - trace_offset(fault, along))


def fault_displacement(faults: list[Fault], shape: tuple[int, int], cell: float) -> tuple[Float, Bool]:
    """Compute how far faults move a surface, and their polygons.

    Parameters
    ----------
    faults : list[Fault]
        The faults.
    shape : tuple[int, int]
        Rows and columns.
    cell : float
        Spacing of cells, in metres.

    Returns
    -------
    moved : (H, W) float32
        Metres, positive down. Inside a polygon the surface runs straight from the footwall cutoff to the hanging wall
        cutoff, as interpolation across the void would have it.
    polygons : (H, W) bool
        Cells without the horizon.
    """
    rows, cols = cell_axes(shape, cell)
    moved, polygons = np.zeros(shape, np.float32), np.zeros(shape, bool)
    for fault in faults:
        window = _affected_window(fault, shape, cell)
        x, y = cols[:, window[1]], rows[window[0]]
        if x.size and y.size:
            down, gap = _single_displacement(fault, x, y, cell)
            moved[window] += down
            polygons[window] |= gap
    return moved, polygons


def _single_displacement(fault: Fault, x: Float, y: Float, cell: float) -> tuple[Float, Bool]:
    """Displacement and polygon of one fault on the cells at x (1, w) and y (h, 1), in metres."""
    along, across = fault_coordinates(fault, x, y)
    throw = np.float32(fault.throw) * throw_profile(np.abs(along) / (fault.length / 2))
    width = np.maximum(heave(throw, fault.dip), 0.5 * cell)
    # 0 at the footwall cutoff and beyond, 1 at the hanging wall cutoff and beyond
    across_heave = np.clip(across / width, 0, 1)
    outside = np.maximum(np.maximum(-across, across - width), 0)
    # Displacement is equal on ellipses around the middle (Barnett et al. 1987).
    r = np.sqrt((along / (fault.length / 2)) ** 2 + (outside / fault.displacement_radius) ** 2)
    down = fault.throw * throw_profile(r) * (across_heave - fault.footwall_share)
    down *= 1 - fault.drag_share * np.exp(-outside / (0.08 * fault.displacement_radius))
    half = np.maximum(width, MIN_DRAWN_WIDTH * cell) / 2
    picked = (np.abs(across - width / 2) <= half) & (throw >= min(MIN_VISIBLE_THROW, 0.3 * fault.throw))
    if fault.parent:
        own_side = fault_coordinates(fault.parent, x, y)[1] * _parent_side(fault) >= 0
        down, picked = down * own_side, picked & own_side
    return down.astype(np.float32), picked


def _parent_side(branch: Fault) -> float:
    """Side of its parent that a branch lies on: +1 where the parent dips to."""
    assert branch.parent
    x, y = trace_points(branch)[-1]
    across = fault_coordinates(branch.parent, np.asarray(x), np.asarray(y))[1]
    return 1.0 if across >= 0 else -1.0


def _affected_window(fault: Fault, shape: tuple[int, int], cell: float) -> tuple[slice, slice]:
    """Slices of the rows and columns that a fault moves."""
    half = fault.length / 2
    across = fault.displacement_radius + abs(fault.bow) + abs(fault.wiggle) + float(heave(fault.throw, fault.dip))
    cos, sin = abs(np.cos(fault.strike)), abs(np.sin(fault.strike))
    windows = []
    for centre, radius, count in (
        (fault.y, half * sin + across * cos, shape[0]),
        (fault.x, half * cos + across * sin, shape[1]),
    ):
        first, last = np.floor((centre - radius) / cell), np.ceil((centre + radius) / cell) + 1
        windows.append(slice(int(np.clip(first, 0, count)), int(np.clip(last, 0, count))))
    return windows[0], windows[1]
