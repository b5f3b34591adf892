"""Postprocessing of whole maps: predictions with the detail of the map itself, and traps derived from heads.

In all functions `values` are (C, H, W) float32 in the head's unit, the scene has no picture or depth that the network
did not see, and `coarsening` is the number of the scene's cells along one cell of the map that the network saw.
"""

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from mtl.tasks.base import mask_invalid
from targets.picture_reading.colour_bands import band_levels, dequantise, masked_gaussian
from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.scene import Float, Scene
from targets.surface.resample import downsample, upsample
from targets.truth import rasters
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.traps import compute_traps

# σ of Gaussians, in cells of the map that the network saw or of the picture; see docs/experiments/tasks.md
SMOOTHING_SIGMA = 3.0  # of a predicted depth where neither depth nor colours are at hand: it removes roughness
DRAWN_SIGMA, SCANNED_SIGMA = 0.8, 1.5  # of a depth read from colours, of a picture as drawn and of a scan

# Usual error of a depth at a spill point, as a share of the map's relief; see docs/experiments/tasks.md
DEPTH_ERROR = 0.0001

# Of a depth of -1 to 1; corrections with a smaller standard deviation are noise; see docs/experiments/tasks.md
NEGLIGIBLE_CHANGE = 0.005

# Logit of a cell in a mask that a head starts from, and less of one outside: 0.95, about as often as rules are right
START_LOGIT = 3.0
MIN_PROBABILITY = 1e-6  # so that logits are finite


def refine_depth(values: Float, scene: Scene, coarsening: float) -> Float:
    """The predicted depth with the detail that the map itself has.

    A depth that the network saw keeps what is finer than the network's cells, and stays as it is if the correction is
    negligible all over the map. Otherwise the colours of a picture are read, with the prediction as their legend, and
    steps from colour to colour become slopes. Without either, the prediction is smoothed.

    Returns
    -------
    (1, H, W) float32
        +1 = shallowest .. -1 = deepest of the map, NaN outside it.
    """
    inside, predicted = scene.map_valid, np.nan_to_num(values[0])
    if scene.has_depth:
        own = scene.relative_depth()
        change = predicted - coarse_relative_depth(scene, coarsening)
        return mask_invalid((own + change if change[inside].std() > NEGLIGIBLE_CHANGE else own)[None], inside)
    reading = None if scene.rgb is None else depth_from_colours(scene.rgb, predicted, inside)
    if reading is None:
        return masked_gaussian(predicted, inside, SMOOTHING_SIGMA * coarsening)[None]
    levels = band_levels(reading.depth, inside)
    if len(levels):
        return dequantise(reading.depth, inside, levels)[None]
    return masked_gaussian(reading.depth, inside, SCANNED_SIGMA if reading.noisy else DRAWN_SIGMA)[None]


def coarse_relative_depth(scene: Scene, coarsening: float) -> Float:
    """(H, W) relative depth of the downsampled map, on the map's own cells."""
    coarse = downsample(scene, round(max(scene.shape) / coarsening))
    return upsample(mask_invalid(coarse.relative_depth(), coarse.map_valid), scene.shape)


def traps_from_depth(values: Float, scene: Scene, options: GroundTruthOptions, coarsening: float) -> Float:
    """(1, H, W) probability of closure, from the height h above the spill of the predicted depth's exact closures.

    It is h / (h + e) with the usual error e of the depth, so one half where the height is as large as the error. What a
    smoothed outline takes in below the spill level is as probable as the crest of its trap.

    Returns
    -------
    (1, H, W) float32
        0 to 1, NaN outside the map.
    """
    shallowest, deepest = scene.relief
    surface, criteria = -values[0], options.traps
    if scene.has_depth and (scene.geo.contour_interval or criteria.needs_units):
        surface = np.float32((shallowest + deepest) / 2) + surface * np.float32((deepest - shallowest) / 2)
    else:
        scene, criteria = drop_contour_interval(scene), criteria.without_units()
    scene = scene.replace(depth=np.nan_to_num(surface))
    labels, crests, height = compute_traps(scene, criteria)
    if criteria.smoothing:
        height = np.where((labels > 0) & (height <= 0), np.append(0, height[tuple(crests.T)])[labels], height)
    share = rasters.share_of_relief(height, scene)
    return mask_invalid((share / (share + DEPTH_ERROR))[None], scene.map_valid)


def traps_from_height(values: Float, scene: Scene, options: GroundTruthOptions, coarsening: float) -> Float:
    """(1, H, W) exact closures of the smoothed height above spill, taken as a surface whose outlines are final.

    Returns
    -------
    (1, H, W) float32
        0 to 1, NaN outside the map.
    """
    criteria = replace(options.traps.without_units(), reading="spill", smoothing=0.0)
    root = masked_gaussian(values[0], scene.map_valid, SMOOTHING_SIGMA * coarsening)
    return closure_mask(-(root**2), drop_contour_interval(scene), criteria)


def traps_from_classes(values: Float, scene: Scene, options: GroundTruthOptions, coarsening: float) -> Float:
    """(1, H, W) probability of trap: the classes inside and rim together.

    Returns
    -------
    (1, H, W) float32
        0 to 1, NaN outside the map.
    """
    return values[rasters.INTERIOR :].sum(0, keepdims=True)


def drop_contour_interval(scene: Scene) -> Scene:
    """The scene without its contour interval: if one is needed, it follows from the depth at hand."""
    return scene.replace(geo=replace(scene.geo, contour_interval=None, contour_base=0.0))


def closure_mask(surface: Float, scene: Scene, criteria: TrapCriteria) -> Float:
    """(1, H, W) 1 inside the closures of a surface (positive down) on the cells and faults of a scene.

    Returns
    -------
    (1, H, W) float32
        0 to 1, NaN outside the map.
    """
    labels, _, _ = compute_traps(scene.replace(depth=np.nan_to_num(surface)), criteria)
    return mask_invalid((labels > 0)[None].astype(np.float32), scene.map_valid)


def mask_probability(mask: Float) -> Float:
    """The probability that an untrained head gives to the cells of a mask (..., H, W) of 0 to 1.

    Examples
    --------
    >>> mask_probability(np.array([0.0, 1.0])).round(3).tolist()
    [0.047, 0.953]
    """
    return expit((2 * mask - 1) * np.float32(START_LOGIT)).astype(np.float32)


def with_own_mask(predicted: Float, seen: Float, own: Float) -> Float:
    """A prediction on a map's own cells, of which the network saw a copy with other cells: the change, on the own mask.

    Parameters
    ----------
    predicted : (H, W) float32
        Probabilities, brought back to the map's own cells.
    seen : (H, W) float32
        Those of the mask alone that the network saw, brought back in the same way.
    own : (H, W) float32
        Mask on the map's own cells, 0 or 1.

    Returns
    -------
    (H, W) float32 probabilities; where nothing was changed, those of the own mask.

    Examples
    --------
    >>> blurred, mask = np.array([0.3, 0.6], np.float32), np.array([0.0, 1.0], np.float32)
    >>> with_own_mask(blurred, blurred, mask).round(3).tolist()
    [0.047, 0.953]
    """
    change = _logit(predicted) - _logit(seen)
    return expit(_logit(mask_probability(own)) + change).astype(np.float32)


def _logit(probability: Float) -> Float:
    """Logits of probabilities, finite."""
    return logit(np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)).astype(np.float32)
