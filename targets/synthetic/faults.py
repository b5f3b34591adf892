"""Normal faults: throw profiles, traces, displacement of a surface, fault systems."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from targets.scene import Bool, Float
from targets.synthetic.folds import cell_axes, draw_log_uniform
from targets.synthetic.options import StructureMapOptions


@dataclass(frozen=True)
class Fault:
    """One normal fault: a curved trace through (x, y), metres in the map's plane with y down the picture.

    Attributes
    ----------
    x, y : float
        Middle of the trace's chord.
    strike : float
        Radians from the x axis towards y.
    length : float
        Metres, tip to tip.
    throw : float
        Metres, the largest, in the middle.
    dip : float
        Degrees.
    side : int
        +1 when it dips to the left of its strike, seen on the picture, -1 when to the right.
    bow : float, default 0.0
        Metres that the trace's middle lies off the chord; wiggle : metres of its smaller bends.
    phase : float, default 0.0
        Radians, where the bends lie.
    reach : float, default 1000.0
        Metres across strike at which the displacement has died out.
    footwall : float, default 0.35
        Share of the throw that raises the footwall.
    drag : float, default 0.0
        Share of the throw that is taken up by normal drag beside the fault plane.
    parent : 'Fault | None', default None
        The fault that this one abuts on, with its chord's middle on the parent's trace, or None.
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


# --- broken ----------------------------------------------------------------------------------------------------------


def throw_profile(r: NDArray) -> NDArray:
    """Displacement at the distance `r` from the middle of a fault (0 middle, 1 tip), 1 in the middle, 0 at the tip.

    Walsh & Watterson 1987: D = 2 Dmax sqrt(((1 + r) / 2)^2 - r^2) (1 - r).
    """
    r = np.clip(r, 0, 1)
    return 2 * np.sqrt(((1 + r) / 2) ** 2 - r**2) * (1 - r)


def heave(throw: NDArray | float, dip: float) -> NDArray | float:
    """Horizontal gap that a throw opens on a plane of `dip` degrees."""
    return throw / np.tan(np.radians(dip))


def trace_offset(fault: Fault, along: NDArray) -> NDArray:
    """Metres between chord and trace at `along` metres from the chord's middle; 0 at the tips."""
    r = np.clip(along / (fault.length / 2), -1, 1)
    return (1 - r**2) * (fault.bow + fault.wiggle * np.sin(2 * np.pi * r + fault.phase))


def trace_points(fault: Fault, count: int = 25) -> NDArray[np.float64]:
    """(count, 2) x and y in metres along a fault's trace; a branch starts at its parent."""
    along = np.linspace(0.0 if fault.parent else -fault.length / 2, fault.length / 2, count)
    off = trace_offset(fault, along)
    cos, sin = np.cos(fault.strike), np.sin(fault.strike)
    return np.stack([fault.x + along * cos - off * sin, fault.y + along * sin + off * cos], axis=1)


def fault_coordinates(fault: Fault, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Metres along the chord from its middle, and from the trace towards the dip side."""
    cos, sin = np.float32(np.cos(fault.strike)), np.float32(np.sin(fault.strike))
    along = (x - np.float32(fault.x)) * cos + (y - np.float32(fault.y)) * sin
    across = (y - np.float32(fault.y)) * cos - (x - np.float32(fault.x)) * sin
    return along, np.float32(fault.dip_side) * (across - trace_offset(fault, along))


def fault_displacement(faults: list[Fault], shape: tuple[int, int], cell: float) -> tuple[Float, Bool]:
    """How far faults move the surface down, and where they leave no horizon.

    Returns
    -------
    (H, W) float32 metres, positive down; (H, W) bool, the fault polygons. Inside a polygon the surface runs straight
    from the footwall cutoff to the hanging wall cutoff, as interpolation across the void would have it.
    """
    rows, cols = cell_axes(shape, cell)
    moved, gap = np.zeros(shape, np.float32), np.zeros(shape, bool)
    for fault in faults:
        window = _window(fault, shape, cell)
        x, y = cols[:, window[1]], rows[window[0]]
        if x.size and y.size:
            down, open_ = _one_displacement(fault, x, y, cell)
            moved[window] += down
            gap[window] |= open_
    return moved, gap


def _one_displacement(fault: Fault, x: Float, y: Float, cell: float) -> tuple[Float, Bool]:
    """`displacement` of one fault on the cells at x (1, w) and y (h, 1)."""
    along, across = fault_coordinates(fault, x, y)
    throw = np.float32(fault.throw) * throw_profile(np.abs(along) / (fault.length / 2))
    width = np.maximum(heave(throw, fault.dip), 0.5 * cell)
    # 0 at the footwall cutoff and beyond, 1 at the hanging wall cutoff and beyond
    wall = np.clip(across / width, 0, 1)
    outside = np.maximum(np.maximum(-across, across - width), 0)
    # equal displacement on ellipses around the middle (Barnett et al. 1987)
    r = np.sqrt((along / (fault.length / 2)) ** 2 + (outside / fault.displacement_radius) ** 2)
    down = fault.throw * throw_profile(r) * (wall - fault.footwall_share)
    down *= 1 - fault.drag_share * np.exp(-outside / (0.08 * fault.displacement_radius))
    # a fault is picked where its throw shows (about 5 m on seismic), and drawn at least a cell and a half wide
    half = np.maximum(width, 1.5 * cell) / 2
    picked = (np.abs(across - width / 2) <= half) & (throw >= min(5.0, 0.3 * fault.throw))
    if fault.parent:
        own = fault_coordinates(fault.parent, x, y)[1] * _parent_side(fault) >= 0
        down, picked = down * own, picked & own
    return down.astype(np.float32), picked


def _parent_side(branch: Fault) -> float:
    """On which side of its parent a branch lies: +1 where the parent dips to."""
    assert branch.parent
    x, y = trace_points(branch)[-1]
    across = fault_coordinates(branch.parent, np.asarray(x), np.asarray(y))[1]
    return 1.0 if across >= 0 else -1.0


def fault_system(
    rng: np.random.Generator, frame: tuple[float, float], strike: float, options: StructureMapOptions
) -> list[Fault]:
    """Fault zones of one regional strike, some of a second one, spaced, longer ones segmented and branched.

    Parameters
    ----------
    frame : tuple[float, float]
        Height and width of the map in metres.
    strike : float
        Radians.
    """
    extent = max(frame)
    synthetic = int(rng.choice([-1, 1]))  # most faults of a basin dip the same way
    second = strike + rng.choice([-1, 1]) * rng.uniform(0.6, 1.3)
    faults: list[Fault] = []
    for _ in range(rng.integers(options.faults[0], options.faults[1] + 1)):
        for _attempt in range(12):
            zone = fault_zone(rng, frame, second if rng.random() < 0.15 else strike, synthetic, options)
            if all(_apart(fault, other, 0.07 * extent) for fault in zone for other in faults):
                break
        else:
            continue
        faults += zone
        if zone[0].length > 0.3 * extent and rng.random() < 0.5:
            branch = fault_branch(rng, zone[0])
            if all(_apart(branch, other, 0.07 * extent) for other in faults if other not in zone):
                faults.append(branch)
    return faults


def fault_zone(
    rng: np.random.Generator, frame: tuple[float, float], strike: float, synthetic: int, options: StructureMapOptions
) -> list[Fault]:
    """One fault, or two or three overlapping en-echelon segments with relay ramps between them."""
    extent = max(frame)
    length = extent * draw_log_uniform(rng, (0.12, 1.8))  # the longest leave the map
    strike += rng.normal(0, 0.12)
    side = synthetic * (1 if rng.random() < 0.65 else -1)
    x, y = rng.uniform(0.05, 0.95) * frame[1], rng.uniform(0.05, 0.95) * frame[0]
    scale = rng.uniform(*options.throw_per_length)
    dip = rng.uniform(*options.fault_dip)
    bow = length * rng.normal(0, 0.07)
    count = 1 if length < 0.3 * extent or rng.random() < 0.5 else int(rng.integers(2, 4))
    part = length / count * (1.2 if count > 1 else 1.0)
    step = part * rng.uniform(0.06, 0.14) * rng.choice([-1, 1])
    zone = []
    for k in range(count):
        along, across = (k - (count - 1) / 2) * length / count, (k - (count - 1) / 2) * step
        zone.append(
            Fault(
                x=x + along * np.cos(strike) - across * np.sin(strike),
                y=y + along * np.sin(strike) + across * np.cos(strike),
                strike=strike + rng.normal(0, 0.03),
                length=part * rng.uniform(0.95, 1.1),
                # segments of one zone reach a larger throw than their own length allows: they are one fault at depth
                throw=min(scale * part * (part / extent) ** 0.3 * (1.4 if count > 1 else 1.0), 0.018 * extent),
                dip=dip,
                dip_side=side,
                bow=bow / count,
                wiggle=part * rng.uniform(0.0, 0.03),
                phase=rng.uniform(0, 2 * np.pi),
                displacement_radius=part * rng.uniform(0.4, 0.9),
                footwall_share=rng.uniform(0.2, 0.5),
                drag_share=rng.uniform(0, 0.3),
            )
        )
    return zone


def fault_branch(rng: np.random.Generator, parent: Fault) -> Fault:
    """A smaller fault that starts on the trace of `parent` and dies out away from it."""
    along = parent.length * rng.uniform(-0.25, 0.25)
    off = float(trace_offset(parent, np.asarray(along)))
    cos, sin = np.cos(parent.strike), np.sin(parent.strike)
    length = parent.length * rng.uniform(0.5, 1.0)  # of the whole ellipse; half of it is used
    share = float(throw_profile(np.abs(along) / (parent.length / 2)))
    return Fault(
        x=parent.x + along * cos - off * sin,
        y=parent.y + along * sin + off * cos,
        strike=parent.strike + rng.choice([-1, 1]) * rng.uniform(0.5, 1.2) + np.pi * rng.integers(2),
        length=length,
        throw=parent.throw * share * rng.uniform(0.3, 0.7),
        dip=parent.dip,
        dip_side=int(rng.choice([-1, 1])),
        wiggle=length * rng.uniform(0.0, 0.015),
        phase=0.0,
        displacement_radius=length * rng.uniform(0.3, 0.6),
        footwall_share=rng.uniform(0.2, 0.5),
        drag_share=rng.uniform(0, 0.3),
        parent=parent,
    )


def _apart(one: Fault, other: Fault, distance: float) -> bool:
    """Whether two traces keep a distance in metres."""
    a, b = trace_points(one), trace_points(other)
    return bool((np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) >= distance).all())


def _window(fault: Fault, shape: tuple[int, int], cell: float) -> tuple[slice, slice]:
    """Rows and columns that a fault moves."""
    half = fault.length / 2
    wide = fault.displacement_radius + abs(fault.bow) + abs(fault.wiggle) + float(heave(fault.throw, fault.dip))
    cos, sin = abs(np.cos(fault.strike)), abs(np.sin(fault.strike))
    windows = []
    for middle, reach, count in (
        (fault.y, half * sin + wide * cos, shape[0]),
        (fault.x, half * cos + wide * sin, shape[1]),
    ):
        first, last = np.floor((middle - reach) / cell), np.ceil((middle + reach) / cell) + 1
        windows.append(slice(int(np.clip(first, 0, count)), int(np.clip(last, 0, count))))
    return windows[0], windows[1]
