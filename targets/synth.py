"""Structure maps out of nothing: folds, domes, regional dip and normal faults, believable and known to the cell.

A map is one depth surface that is bent, then broken, then measured:

1. regional dip, folds of several wavelengths along one regional strike, domes;
2. normal faults, each with an elliptical displacement field (Walsh & Watterson 1987; Barnett et al. 1987):
   throw that dies out at the tips, a raised footwall, a lowered hanging wall, and between their cutoffs the heave,
   a strip without the horizon that becomes the fault polygon; zones of overlapping segments leave relay ramps
   (Peacock & Sanderson 1991), branches abut on an older fault;
3. band-limited picking noise, and an outline made of rectangles, as surveys have.

References
----------
Barnett, Mortimer, Rippon, Walsh & Watterson 1987, Displacement geometry in the volume containing a single normal
fault, AAPG Bulletin 71, 925-937.
Peacock & Sanderson 1991, Displacements, segment linkage and relay ramps in normal fault zones, J. Structural Geology
13, 721-733.
Schlische, Young, Ackermann & Gupta 1996, Geometry and scaling relations of a population of very small rift-related
normal faults, Geology 24, 683-686.
Walsh & Watterson 1987, Distributions of cumulative displacement and seismic slip on a single normal fault surface,
J. Structural Geology 9, 1039-1046.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from targets.cuts import cut
from targets.errors import UserError
from targets.holes import fill_holes
from targets.render import contour_count, drawn, nice_interval
from targets.scene import Bool, Float, Geo, Scene
from targets.styles import CLEAN, random_style

Range = tuple[float, float]
MAX_NOISE = 0.005  # of the relief; rougher surfaces than this are not contoured before they are smoothed


@dataclass(frozen=True)
class SynthOptions:
    """What the maps may look like; every range is (low, high) and one value is drawn per map or per structure.

    Fields
    ------
    extent : metres, the longer side of the map.
    depth : metres, mean depth of the surface.
    dip : degrees, the regional dip.
    slope : degrees, typical slope of the folds.
    folds : wavelengths of folds and radii of domes over the usual: 0.3 has three times as many across the map.
    patchy : how unevenly folds are spread: standard deviation of the logarithm of their height across the map.
    domes : number of domes and basins.
    faults : number of fault zones.
    throw : largest throw of a fault per length of its trace (Schlische et al. 1996: about 0.03).
    fault_dip : degrees, dip of the fault planes: steeper means narrower heave.
    noise : metres, standard deviation of the picking noise.
    rectangles : number of rectangles the outline is a union of; 1 is the full frame.
    contours : number of contours, over what is usual for a picture of this size.
    """

    extent: Range = (5000.0, 16000.0)
    depth: Range = (1400.0, 3400.0)
    dip: Range = (0.0, 1.3)
    slope: Range = (0.8, 2.5)
    folds: Range = (1.0, 1.0)
    patchy: Range = (0.0, 0.0)
    domes: tuple[int, int] = (1, 5)
    faults: tuple[int, int] = (2, 10)
    throw: Range = (0.008, 0.03)
    fault_dip: Range = (40.0, 65.0)
    noise: Range = (0.1, 2.0)
    rectangles: tuple[int, int] = (1, 5)
    contours: Range = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name, (low, high) in vars(self).items():
            if not 0 <= low <= high:
                raise UserError(f"synth.{name}", f"({low}, {high})", "(low, high) with 0 <= low <= high")


TYPICAL = SynthOptions()


@dataclass(frozen=True)
class Fault:
    """One normal fault: a curved trace through (x, y), metres in the map's plane with y down the picture.

    Fields
    ------
    x, y : middle of the trace's chord.
    strike : radians from the x axis towards y.
    length : metres, tip to tip.
    throw : metres, the largest, in the middle.
    dip : degrees.
    side : +1 when it dips to the left of its strike, seen on the picture, -1 when to the right.
    bow : metres that the trace's middle lies off the chord; wiggle : metres of its smaller bends.
    phase : radians, where the bends lie.
    reach : metres across strike at which the displacement has died out.
    footwall : share of the throw that raises the footwall.
    drag : share of the throw that is taken up by normal drag beside the fault plane.
    parent : the fault that this one abuts on, with its chord's middle on the parent's trace, or None.
    """

    x: float
    y: float
    strike: float
    length: float
    throw: float
    dip: float
    side: int
    bow: float = 0.0
    wiggle: float = 0.0
    phase: float = 0.0
    reach: float = 1000.0
    footwall: float = 0.35
    drag: float = 0.0
    parent: "Fault | None" = None


def make_scene(
    seed: int,
    size: int | tuple[int, int] = 512,
    options: SynthOptions = TYPICAL,
    name: str | None = None,
    styles: str = CLEAN,
    disturbed: float = 0.0,
    surfaces: Sequence[Scene] = (),
) -> Scene:
    """Make one map; the same seed, size and options give the same map.

    Parameters
    ----------
    seed : 0 or more.
    size : cells of a square map, or (rows, columns).
    options : what it may look like.
    name : default `synth_` and the seed.
    styles : the family of `targets.styles` that its picture is drawn in one of.
    disturbed : share of the relief by which its depth is disturbed (`with_poor_picks`); 0: not.
    surfaces : real ones, of which cuts (`targets.cuts`) take the place of folds and domes, by turns.

    Returns
    -------
    a Scene with every field but `traps`; depth in metres; its own group, or that of all cuts of its surface.
    """
    shape = (size, size) if isinstance(size, int) else size
    if seed < 0 or min(shape) < 32:
        raise UserError("make_scene", f"seed {seed}, size {shape}", "a seed of at least 0 and at least 32 x 32 cells")
    name = name or f"synth_{seed:05d}"
    # A stream of its own for every part, so that a change in one leaves the others as they are.
    bend, broken, measured, place, look = (np.random.default_rng([seed, part]) for part in range(5))
    cell = max(2.5, 2.5 * round(bend.uniform(*options.extent) / max(shape) / 2.5))
    strike = bend.uniform(0, np.pi)

    surface = surfaces[seed % len(surfaces)] if surfaces else None
    bent = folded_surface if surface is None else partial(real_surface, surface)
    depth = bend.uniform(*options.depth) + bent(bend, shape, cell, strike, options)
    faults = fault_system(broken, (shape[0] * cell, shape[1] * cell), strike, options)
    moved, fault = displacement(faults, shape, cell)
    depth += moved
    sigma = min(_log_uniform(measured, options.noise), MAX_NOISE * float(np.ptp(depth)))
    depth += picking_noise(measured, shape, sigma)
    inside = outline(place, shape, options.rectangles)
    fault &= inside
    depth = fill_holes(depth, inside & ~fault, inside)  # as a reader of the written map fills its voids

    low, high = float(depth[inside].min()), float(depth[inside].max())
    geo = Geo(
        x0=float(place.integers(400, 600)) * 1000,
        y0=float(place.integers(6000, 7000)) * 1000,
        dx=cell,
        dy=-cell,
        depth_unit="m",
        depth_range=(low, high),
    )
    scene = Scene(name, depth, inside & ~fault, inside, fault, geo=geo, group=surface.name if surface else name)
    if disturbed:
        scene = with_poor_picks(scene, disturbed, np.random.default_rng([seed, 5]))
    style = random_style(look, styles, shape)
    lines = max(1.0, contour_count(shape) * look.uniform(*options.contours) * style.density)
    return drawn(scene, replace(style, contour_interval=nice_interval(low, high, lines)))


# --- bent ------------------------------------------------------------------------------------------------------------


def folded_surface(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, strike: float, options: SynthOptions
) -> Float:
    """(H, W) float32 metres about 0: regional dip across strike, folds of three wavelengths, domes and basins."""
    rows, cols = _axes(shape, cell)
    extent = max(shape) * cell
    surface = np.zeros(shape, np.float32)

    surface += regional_dip(rng, rows, cols, strike, options)

    steep = np.tan(np.radians(rng.uniform(*options.slope)))
    length = extent * (1.0 if options.folds == (1.0, 1.0) else _log_uniform(rng, options.folds))
    trains = []
    for low, high, share in ((0.45, 0.8, 0.6), (0.18, 0.35, 0.6), (0.06, 0.12, 0.35)):
        wavelength = length * rng.uniform(low, high)
        # the root mean square slope of a wave of standard deviation h is 2 pi h / wavelength
        height = steep * share * np.exp(rng.normal(-0.3, 0.45)) * wavelength / (2 * np.pi)
        trains.append(FoldTrain(wavelength / cell, rng.uniform(1.2, 3.5), strike + rng.normal(0, 0.15), height))
    folds = fold_trains(rng, shape, trains)
    surface += folds if options.patchy == (0.0, 0.0) else folds * patches(rng, shape, rng.uniform(*options.patchy))

    for _ in range(rng.integers(options.domes[0], options.domes[1] + 1)):
        surface -= dome(rng, rows, cols, strike, steep, rng.uniform(0.12, 0.88, 2), length * rng.uniform(0.04, 0.15))
    if rng.random() < 0.65:  # maps are drawn where there is a high: most fields lie in the middle of theirs
        middle, radius = rng.uniform(0.35, 0.65, 2), extent * rng.uniform(0.12, 0.22)
        surface -= np.abs(dome(rng, rows, cols, strike, 1.6 * steep, middle, radius))
    return surface - surface.mean()


def regional_dip(rng: np.random.Generator, rows: Float, cols: Float, strike: float, options: SynthOptions) -> Float:
    """(H, W) float32 metres: a plane that dips about across strike, of rows (H, 1) and columns (1, W) in metres."""
    azimuth = strike + np.pi / 2 + rng.normal(0, 0.4) + np.pi * rng.integers(2)
    slope = np.tan(np.radians(rng.uniform(*options.dip)))
    return np.float32(slope * np.cos(azimuth)) * cols + np.float32(slope * np.sin(azimuth)) * rows


def real_surface(
    surface: Scene, rng: np.random.Generator, shape: tuple[int, int], cell: float, strike: float, options: SynthOptions
) -> Float:
    """(H, W) float32 metres about 0: a cut of a real surface as steep as folds would be, tilted by a regional dip."""
    steep = np.tan(np.radians(rng.uniform(*options.slope)))
    rows, cols = _axes(shape, cell)
    bent = cut(rng, surface, shape, steep * cell) + regional_dip(rng, rows, cols, strike, options)
    return np.asarray(bent - bent.mean(), np.float32)


def patches(rng: np.random.Generator, shape: tuple[int, int], spread: float) -> Float:
    """(H, W) float32 factors that vary slowly across the map; `spread` is that of their logarithm."""
    uneven = rng.normal(0, spread, (4, 4)).astype(np.float32)
    return np.exp(cv2.resize(uneven, shape[::-1], interpolation=cv2.INTER_CUBIC))


@dataclass(frozen=True)
class FoldTrain:
    """Random folds of one dominant wavelength.

    Fields
    ------
    wavelength : cells, across strike.
    ratio : how many times longer the folds are along strike, at least 1.
    strike : radians from the column axis towards the row axis.
    height : metres, standard deviation.
    """

    wavelength: float
    ratio: float
    strike: float
    height: float


def fold_trains(rng: np.random.Generator, shape: tuple[int, int], trains: list[FoldTrain]) -> Float:
    """(H, W) float32 metres: the sum of some fold trains, a Gaussian random field."""
    rows, cols = _padded(shape, 0.4 * max(shape))
    spectrum = np.zeros((rows, cols // 2 + 1), np.complex64)
    for train in trains:
        last = 2.2 / train.wavelength  # no wave is shorter than this: the others would draw numbers for nothing
        low = np.r_[0 : int(min(last, 0.5) * rows) + 1, -int(min(last, 0.49) * rows) : 0]
        ky = scipy.fft.fftfreq(rows)[low, None]
        kx = scipy.fft.rfftfreq(cols)[None, : int(min(last, 0.5) * cols) + 1]
        cos, sin = np.cos(train.strike), np.sin(train.strike)
        k = np.hypot(ky * cos - kx * sin, train.ratio * (kx * cos + ky * sin)) * train.wavelength
        amplitude = np.exp(-0.5 * ((k - 1) / 0.35) ** 2)
        spectrum[low, : kx.size] += train.height * _random_waves(rng, amplitude)
    return scipy.fft.irfft2(spectrum, (rows, cols), norm="forward")[: shape[0], : shape[1]]


def _random_waves(rng: np.random.Generator, amplitude: NDArray) -> NDArray[np.complex64]:
    """Half a spectrum of random waves that `irfft2(..., norm="forward")` turns into a field of unit variance."""
    noise = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    # two normal numbers for every wave, and half of the waves are not in the half: the variance is 4 sum(amplitude^2)
    amplitude = amplitude / np.sqrt(4 * np.sum(np.square(amplitude)))
    return (amplitude * (noise[0] + 1j * noise[1])).astype(np.complex64)


def _padded(shape: tuple[int, int], pad: float) -> tuple[int, int]:
    """Rows and (even) columns of a transform so much wider than the map that its period does not show."""
    return scipy.fft.next_fast_len(int(shape[0] + pad)), 2 * scipy.fft.next_fast_len(int(shape[1] + pad) // 2 + 1)


def dome(
    rng: np.random.Generator, rows: Float, cols: Float, strike: float, steep: float, middle: NDArray, radius: float
) -> Float:
    """(H, W) float32 metres: one dome (positive, up), or sometimes a basin (negative), elongated along strike.

    Parameters
    ----------
    rows, cols : (H, 1) and (1, W) metres.
    steep : typical slope of its flanks.
    middle : (2,) where it lies, as shares of height and width.
    radius : metres across strike.
    """
    y, x = middle[0] * float(rows[-1, 0]), middle[1] * float(cols[0, -1])
    angle, ratio = strike + rng.normal(0, 0.3), rng.uniform(1.0, 2.2)
    along = (cols - np.float32(x)) * np.float32(np.cos(angle)) + (rows - np.float32(y)) * np.float32(np.sin(angle))
    across = (rows - np.float32(y)) * np.float32(np.cos(angle)) - (cols - np.float32(x)) * np.float32(np.sin(angle))
    up = -0.6 if rng.random() < 0.25 else 1.0
    shape = np.exp(-0.5 * ((along / np.float32(radius * ratio)) ** 2 + (across / np.float32(radius)) ** 2))
    return np.float32(up * steep * radius * rng.uniform(0.8, 1.8)) * shape


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
    return along, np.float32(fault.side) * (across - trace_offset(fault, along))


def displacement(faults: list[Fault], shape: tuple[int, int], cell: float) -> tuple[Float, Bool]:
    """How far faults move the surface down, and where they leave no horizon.

    Returns
    -------
    (H, W) float32 metres, positive down; (H, W) bool, the fault polygons. Inside a polygon the surface runs straight
    from the footwall cutoff to the hanging wall cutoff, as interpolation across the void would have it.
    """
    rows, cols = _axes(shape, cell)
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
    r = np.sqrt((along / (fault.length / 2)) ** 2 + (outside / fault.reach) ** 2)
    down = fault.throw * throw_profile(r) * (wall - fault.footwall)
    down *= 1 - fault.drag * np.exp(-outside / (0.08 * fault.reach))
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
    rng: np.random.Generator, frame: tuple[float, float], strike: float, options: SynthOptions
) -> list[Fault]:
    """Fault zones of one regional strike, some of a second one, spaced, longer ones segmented and branched.

    Parameters
    ----------
    frame : height and width of the map in metres.
    strike : radians.
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
    rng: np.random.Generator, frame: tuple[float, float], strike: float, synthetic: int, options: SynthOptions
) -> list[Fault]:
    """One fault, or two or three overlapping en-echelon segments with relay ramps between them."""
    extent = max(frame)
    length = extent * _log_uniform(rng, (0.12, 1.8))  # the longest leave the map
    strike += rng.normal(0, 0.12)
    side = synthetic * (1 if rng.random() < 0.65 else -1)
    x, y = rng.uniform(0.05, 0.95) * frame[1], rng.uniform(0.05, 0.95) * frame[0]
    scale = rng.uniform(*options.throw)
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
                side=side,
                bow=bow / count,
                wiggle=part * rng.uniform(0.0, 0.03),
                phase=rng.uniform(0, 2 * np.pi),
                reach=part * rng.uniform(0.4, 0.9),
                footwall=rng.uniform(0.2, 0.5),
                drag=rng.uniform(0, 0.3),
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
        side=int(rng.choice([-1, 1])),
        wiggle=length * rng.uniform(0.0, 0.015),
        phase=0.0,
        reach=length * rng.uniform(0.3, 0.6),
        footwall=rng.uniform(0.2, 0.5),
        drag=rng.uniform(0, 0.3),
        parent=parent,
    )


def _apart(one: Fault, other: Fault, distance: float) -> bool:
    """Whether two traces keep a distance in metres."""
    a, b = trace_points(one), trace_points(other)
    return bool((np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) >= distance).all())


def _window(fault: Fault, shape: tuple[int, int], cell: float) -> tuple[slice, slice]:
    """Rows and columns that a fault moves."""
    half = fault.length / 2
    wide = fault.reach + abs(fault.bow) + abs(fault.wiggle) + float(heave(fault.throw, fault.dip))
    cos, sin = abs(np.cos(fault.strike)), abs(np.sin(fault.strike))
    windows = []
    for middle, reach, count in (
        (fault.y, half * sin + wide * cos, shape[0]),
        (fault.x, half * cos + wide * sin, shape[1]),
    ):
        first, last = np.floor((middle - reach) / cell), np.ceil((middle + reach) / cell) + 1
        windows.append(slice(int(np.clip(first, 0, count)), int(np.clip(last, 0, count))))
    return windows[0], windows[1]


# --- measured --------------------------------------------------------------------------------------------------------


def picking_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Float:
    """(H, W) float32 metres, `sigma` on average: what picks jitter by, red noise of 3 to 60 cells, patchy."""
    rows, cols = _padded(shape, 60)
    k = np.hypot(scipy.fft.fftfreq(rows)[:, None], scipy.fft.rfftfreq(cols)[None, :]).astype(np.float32)
    # amplitude k^-1.6 is the roughness of real horizons between these wavelengths: neither fizz nor hills
    amplitude = np.where((k > 1 / 60) & (k < 1 / 3), np.maximum(k, 1 / 60) ** np.float32(-1.6), 0)
    jitter = scipy.fft.irfft2(_random_waves(rng, amplitude), (rows, cols), norm="forward")[: shape[0], : shape[1]]
    quality = rng.normal(0, 0.4, (5, 5)).astype(np.float32)  # picks are good here, poor there
    return np.float32(sigma) * jitter * np.exp(cv2.resize(quality, shape[::-1], interpolation=cv2.INTER_CUBIC))


def with_poor_picks(scene: Scene, share: float, rng: np.random.Generator) -> Scene:
    """The map as poorer data would show it: picking noise of a share of the relief in its depth, the surface kept as
    `clean`."""
    low, high = scene.relief
    return scene.with_(depth=scene.depth + picking_noise(rng, scene.shape, share * (high - low)), clean=scene.depth)


def outline(rng: np.random.Generator, shape: tuple[int, int], rectangles: tuple[int, int]) -> Bool:
    """(H, W) bool: one connected union of rectangles that reaches all four sides of the frame.

    Parameters
    ----------
    rectangles : the fewest and the most; 1 is the full frame.
    """
    count = int(rng.integers(rectangles[0], rectangles[1] + 1))
    if count <= 1:
        return np.ones(shape, bool)
    # all rectangles hold the middle of the frame, so the union is connected; together they reach every side
    sides = rng.uniform(0.0, 0.38, (count, 4))
    sides[rng.integers(count, size=4), np.arange(4)] = 0
    inside = np.zeros(shape, bool)
    for top, bottom, left, right in sides:
        row, col = (round(top * shape[0]), round(left * shape[1]))
        inside[row : shape[0] - round(bottom * shape[0]), col : shape[1] - round(right * shape[1])] = True
    return inside


def _log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """A number whose order of magnitude is evenly drawn; from (0, 0) it is 0."""
    low, high = np.log(np.maximum(bounds, 1e-9))
    return float(np.exp(rng.uniform(low, high))) if bounds[1] > 0 else 0.0


def _axes(shape: tuple[int, int], cell: float) -> tuple[Float, Float]:
    """(H, 1) and (1, W) float32 metres of the rows and columns."""
    rows, cols = (np.arange(count, dtype=np.float32) * np.float32(cell) for count in shape)
    return rows[:, None], cols[None, :]
