"""What follows from a head's whole map: finished depths and traps computed from them."""

from dataclasses import replace

import numpy as np

from mtl.tasks.base import mask_invalid
from targets.picture_reading.colour_bands import band_levels, dequantise, masked_gaussian
from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.scene import Float, Scene
from targets.surface.resample import downsample, upsample
from targets.truth import rasters as truth
from targets.truth import traps
from targets.truth.traps import TrapCriteria, GroundTruthOptions


def depth_as_told(values: Float, scene: Scene, coarse: float) -> Float:
    """The predicted depth with the detail that the map tells.

    A depth that was shown keeps what is finer than the network saw, and stays as it is where the change is slight all
    over the map. A picture's colours are read, the prediction being their legend; steps from colour to colour become
    slopes. Where neither tells anything, the prediction is smoothed.
    """
    inside, guess = scene.map_valid, np.nan_to_num(values[0])
    if scene.has_depth:
        own = scene.relative_depth()
        change = guess - as_seen(scene, coarse)
        return mask_invalid((own + change if change[inside].std() > SLIGHT else own)[None], inside)
    told = None if scene.rgb is None else depth_from_colours(scene.rgb, guess, inside)
    if told is None:
        return masked_gaussian(guess, inside, ROUGHNESS * coarse)[None]
    levels = band_levels(told.depth, inside)
    if len(levels):
        return dequantise(told.depth, inside, levels)[None]
    return masked_gaussian(told.depth, inside, SCANNED if told.noisy else DRAWN)[None]


def as_seen(scene: Scene, coarse: float) -> Float:
    """(H, W) a map's relative depth as a copy of it with fewer cells has it."""
    seen = downsample(scene, round(max(scene.shape) / coarse))
    return upsample(mask_invalid(seen.relative_depth(), seen.map_valid), scene.shape)


def depth_traps(values: Float, scene: Scene, options: GroundTruthOptions, coarse: float) -> Float:
    """How likely cells lie in a closure, by their height above the spill of the predicted depth's exact closures.

    A height h is as likely as not where it is the usual error e of the depth: h / (h + e).
    """
    low, high = scene.relief
    surface = -values[0]
    if scene.has_depth and scene.geo.contour_interval:  # contours need depth units
        surface = np.float32((low + high) / 2) + surface * np.float32((high - low) / 2)
    else:
        scene = without_interval(scene)
    scene = scene.replace(depth=np.nan_to_num(surface))
    _, _, height = traps.compute_traps(scene, options.traps)
    share = truth.share_of_relief(height, scene)
    return mask_invalid((share / (share + DEPTH_ERROR))[None], scene.map_valid)


# Cells; σ of the Gaussian that takes a predicted depth's roughness out where neither depth nor colours are at hand. Of
# 0 to 3, 3 gave most on 60 generated maps (trap IoU 0.41 to 0.58, one network of 156 steps on pictures of 128 cells).
ROUGHNESS = 3.0

# The same of a depth read from the colours of a picture as it was drawn, and of a scan. With 0.5, 0.8, 1 and 1.5 of
# drawn ones, generated maps in palettes kept from training gave trap IoU 0.735, 0.735, 0.733 and 0.724 (100 of 96
# cells), 0.764, 0.765, 0.764 and 0.760 (50 of 256), 0.819, 0.821, 0.821 and 0.821 (25 of 448), and 64, 64, 62 and 59 %,
# 47, 47, 46 and 45 %, 53, 53, 54 and 54 % of the crests. Of scans 1 gave less than 1.5 (0.762 and 0.818; 0.764, 0.821).
DRAWN, SCANNED = 0.8, 1.5

# The usual error of a depth at a spill point, of the map's relief. On 40 generated maps of 224 cells errors up to 0.001
# gave trap IoU 0.858 to 0.863, larger ones less (one network of 152 steps, shown 96 cells); smaller ones leave the
# closures of a depth that was given as they are.
DEPTH_ERROR = 0.0001

# Of a depth of -1 to 1; a change with a smaller standard deviation is the network's own noise: clean surfaces showed
# 0.001, and a fifth of their crests moved by it.
SLIGHT = 0.005


def height_traps(values: Float, scene: Scene, options: GroundTruthOptions, coarse: float) -> Float:
    """The exact closures of the smoothed height above spill, read as a surface whose outlines are already final."""
    rules = replace(options.traps, reading="spill")
    root = masked_gaussian(values[0], scene.map_valid, ROUGHNESS * coarse)
    return closures_under(-(root**2), without_interval(scene), rules)


def without_interval(scene: Scene) -> Scene:
    """A scene whose contour interval, if one is needed, follows from the depth at hand."""
    return scene.replace(geo=replace(scene.geo, contour_interval=None, contour_base=0.0))


def closures_under(surface: Float, scene: Scene, rules: TrapCriteria) -> Float:
    """(1, H, W) 1 inside the closures of a surface (positive down) on the cells and faults of a scene."""
    labels, _, _ = traps.compute_traps(scene.replace(depth=np.nan_to_num(surface)), rules)
    return mask_invalid((labels > 0)[None].astype(np.float32), scene.map_valid)


def inside_or_rim(values: Float, scene: Scene, options: GroundTruthOptions, coarse: float) -> Float:
    """(1, H, W) probability of trap: inside and rim together."""
    return values[truth.INSIDE :].sum(0, keepdims=True)
