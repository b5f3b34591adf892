"""Systems of normal faults: zones of overlapping segments and branches, of one or two strikes.

References
----------
Peacock & Sanderson 1991, Displacements, segment linkage and relay ramps in normal fault zones, J. Structural Geology
13, 721-733.
Schlische, Young, Ackermann & Gupta 1996, Geometry and scaling relations of a population of very small rift-related
normal faults, Geology 24, 683-686.
"""

import numpy as np

from targets.synthetic.faults import Fault, throw_profile, trace_offset, trace_points
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.random_fields import draw_log_uniform

MIN_DISTANCE = 0.07  # of the map's longer side, between the traces of two zones
MAX_ATTEMPTS = 12  # places tried for a zone that keeps its distance


def random_fault_system(
    rng: np.random.Generator, frame: tuple[float, float], strike: float, options: StructureMapOptions
) -> list[Fault]:
    """Draw fault zones of one regional strike, some of a second one: spaced, longer ones segmented and branched.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    frame : tuple[float, float]
        Height and width of the map, in metres.
    strike : float
        Regional strike, in radians.
    options : StructureMapOptions
        Numbers, throws and dips.

    Returns
    -------
    list[Fault]
        All segments and branches.
    """
    extent = max(frame)
    main_side = int(rng.choice([-1, 1]))  # most faults of a basin dip the same way
    second_strike = strike + rng.choice([-1, 1]) * rng.uniform(0.6, 1.3)
    faults: list[Fault] = []
    for _ in range(rng.integers(options.faults[0], options.faults[1] + 1)):
        for _ in range(MAX_ATTEMPTS):
            zone_strike = second_strike if rng.random() < 0.15 else strike
            zone = random_fault_zone(rng, frame, zone_strike, main_side, options)
            if all(_keep_distance(fault, other, MIN_DISTANCE * extent) for fault in zone for other in faults):
                break
        else:
            continue
        faults += zone
        if zone[0].length > 0.3 * extent and rng.random() < 0.5:
            branch = random_branch(rng, zone[0])
            if all(_keep_distance(branch, other, MIN_DISTANCE * extent) for other in faults if other not in zone):
                faults.append(branch)
    return faults


def random_fault_zone(
    rng: np.random.Generator, frame: tuple[float, float], strike: float, main_side: int, options: StructureMapOptions
) -> list[Fault]:
    """Draw one fault, or two or three overlapping en-echelon segments with relay ramps between them.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    frame : tuple[float, float]
        Height and width of the map, in metres.
    strike : float
        In radians.
    main_side : int
        +1 or -1: the side that most faults of the map dip to.
    options : StructureMapOptions
        Throws and dips.

    Returns
    -------
    list[Fault]
        One to three segments.
    """
    extent = max(frame)
    length = extent * draw_log_uniform(rng, (0.12, 1.8))  # the longest leave the map
    strike += rng.normal(0, 0.12)
    dip_side = main_side * (1 if rng.random() < 0.65 else -1)
    x, y = rng.uniform(0.05, 0.95) * frame[1], rng.uniform(0.05, 0.95) * frame[0]
    throw_per_length = rng.uniform(*options.throw_per_length)
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
                # Segments of one zone reach a larger throw than their own length allows: they are one fault at depth.
                throw=min(
                    throw_per_length * part * (part / extent) ** 0.3 * (1.4 if count > 1 else 1.0), 0.018 * extent
                ),
                dip=dip,
                dip_side=dip_side,
                bow=bow / count,
                wiggle=part * rng.uniform(0.0, 0.03),
                phase=rng.uniform(0, 2 * np.pi),
                displacement_radius=part * rng.uniform(0.4, 0.9),
                footwall_share=rng.uniform(0.2, 0.5),
                drag_share=rng.uniform(0, 0.3),
            )
        )
    return zone


def random_branch(rng: np.random.Generator, parent: Fault) -> Fault:
    """Draw a smaller fault that abuts on another one.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    parent : Fault
        The fault on whose trace the branch starts.

    Returns
    -------
    Fault
        A branch that dies out away from its parent.
    """
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


def _keep_distance(one: Fault, other: Fault, distance: float) -> bool:
    """Whether two traces keep a distance in metres."""
    a, b = trace_points(one), trace_points(other)
    return bool((np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) >= distance).all())
