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
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import scipy.fft

from targets.errors import UserError
from targets.rendering.map import with_rendered_picture
from targets.rendering.style_families import CLEAN, random_style
from targets.scene import Bool, Float, GeoReference, Scene
from targets.surface.contour_interval import contour_count, nice_interval
from targets.surface.fill import fill_holes
from targets.synthetic.faults import fault_displacement, fault_system
from targets.synthetic.folds import cell_axes, draw_log_uniform, padded_fft_shape, random_spectrum, folded_surface, regional_dip
from targets.synthetic.options import DEFAULT_STRUCTURES, StructureMapOptions
from targets.synthetic.surface_crops import crop_surface

MAX_NOISE = 0.005  # of the relief; rougher surfaces than this are not contoured before they are smoothed


def make_structure_map(
    seed: int,
    size: int | tuple[int, int] = 512,
    options: StructureMapOptions = DEFAULT_STRUCTURES,
    name: str | None = None,
    style_family: str = CLEAN,
    depth_noise: float = 0.0,
    real_surfaces: Sequence[Scene] = (),
) -> Scene:
    """Make one map; the same seed, size and options give the same map.

    Parameters
    ----------
    seed : int
        0 or more.
    size : int | tuple[int, int], default 512
        Cells of a square map, or (rows, columns).
    options : SynthOptions, default TYPICAL
        What it may look like.
    name : str | None, default None
        Default `synth_` and the seed.
    styles : str, default CLEAN
        The family of `targets.rendering.style_families` that its picture is drawn in one of.
    disturbed : float, default 0.0
        Share of the relief by which its depth is disturbed (`with_poor_picks`); 0: not.
    surfaces : Sequence[Scene], default ()
        Real ones, of which cuts (`targets.synthetic.surface_crops`) take the place of folds and domes, by turns.

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

    surface = real_surfaces[seed % len(real_surfaces)] if real_surfaces else None
    bent = folded_surface if surface is None else partial(surface_from_crop, surface)
    depth = bend.uniform(*options.depth) + bent(bend, shape, cell, strike, options)
    faults = fault_system(broken, (shape[0] * cell, shape[1] * cell), strike, options)
    moved, fault = fault_displacement(faults, shape, cell)
    depth += moved
    sigma = min(draw_log_uniform(measured, options.picking_noise), MAX_NOISE * float(np.ptp(depth)))
    depth += picking_noise(measured, shape, sigma)
    inside = random_outline(place, shape, options.outline_rectangles)
    fault &= inside
    depth = fill_holes(depth, inside & ~fault, inside)  # as a reader of the written map fills its voids

    low, high = float(depth[inside].min()), float(depth[inside].max())
    geo = GeoReference(
        x0=float(place.integers(400, 600)) * 1000,
        y0=float(place.integers(6000, 7000)) * 1000,
        dx=cell,
        dy=-cell,
        depth_unit="m",
        depth_range=(low, high),
    )
    scene = Scene(name, depth, inside & ~fault, inside, fault, geo=geo, group=surface.name if surface else name)
    if depth_noise:
        scene = with_picking_noise(scene, depth_noise, np.random.default_rng([seed, 5]))
    style = random_style(look, style_family, shape)
    lines = max(1.0, contour_count(shape) * look.uniform(*options.contour_density) * style.contour_density)
    return with_rendered_picture(scene, replace(style, contour_interval=nice_interval(low, high, lines)))


def surface_from_crop(
    surface: Scene, rng: np.random.Generator, shape: tuple[int, int], cell: float, strike: float, options: StructureMapOptions
) -> Float:
    """(H, W) float32 metres about 0: a cut of a real surface as steep as folds would be, tilted by a regional dip."""
    steep = np.tan(np.radians(rng.uniform(*options.fold_slope)))
    rows, cols = cell_axes(shape, cell)
    bent = crop_surface(rng, surface, shape, steep * cell) + regional_dip(rng, rows, cols, strike, options)
    return np.asarray(bent - bent.mean(), np.float32)


# --- measured --------------------------------------------------------------------------------------------------------


def picking_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Float:
    """(H, W) float32 metres, `sigma` on average: what picks jitter by, red noise of 3 to 60 cells, patchy."""
    rows, cols = padded_fft_shape(shape, 60)
    k = np.hypot(scipy.fft.fftfreq(rows)[:, None], scipy.fft.rfftfreq(cols)[None, :]).astype(np.float32)
    # amplitude k^-1.6 is the roughness of real horizons between these wavelengths: neither fizz nor hills
    amplitude = np.where((k > 1 / 60) & (k < 1 / 3), np.maximum(k, 1 / 60) ** np.float32(-1.6), 0)
    jitter = scipy.fft.irfft2(random_spectrum(rng, amplitude), (rows, cols), norm="forward")[: shape[0], : shape[1]]
    quality = rng.normal(0, 0.4, (5, 5)).astype(np.float32)  # picks are good here, poor there
    return np.float32(sigma) * jitter * np.exp(cv2.resize(quality, shape[::-1], interpolation=cv2.INTER_CUBIC))


def with_picking_noise(scene: Scene, share: float, rng: np.random.Generator) -> Scene:
    """The map as poorer data would show it: picking noise of a share of the relief in its depth, the surface kept as
    `true_depth`."""
    low, high = scene.relief
    return scene.replace(depth=scene.depth + picking_noise(rng, scene.shape, share * (high - low)), true_depth=scene.depth)


def random_outline(rng: np.random.Generator, shape: tuple[int, int], rectangles: tuple[int, int]) -> Bool:
    """(H, W) bool: one connected union of rectangles that reaches all four sides of the frame.

    Parameters
    ----------
    rectangles : tuple[int, int]
        The fewest and the most; 1 is the full frame.
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
