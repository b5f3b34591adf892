"""Baselines without a network: exact closures of a given depth by default or fitted rules, or of a legend's depth."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.picture_reading.depth_from_known_palette import scene_from_picture
from targets.rendering.map import ensure_picture
from targets.scene import Float, Scene
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import Traps, compute_traps

TRAP_HEAD = HEADS["trap"]  # baselines are scored as this head
FITTED_RULES = "rules"  # in an ablation: rules fitted to the traps that are drawn on the maps to train on
NOISE_LEFT_OUT = "noise_left_out"  # exact closures without those that noise of the depth explains
INITIAL_MODEL = "model"  # in an ablation: the model that runs start from (`init`), not trained on


def exact_depth(scene: Scene) -> Scene:
    """The map with its own depth: an upper bound where the truth was computed from that depth.

    Raises
    ------
    UserError
        The map has no depth.
    """
    if not scene.has_depth:
        raise UserError(scene.name, "the map has no depth channel", "a depth for exact closures")
    return scene


def depth_from_legend(scene: Scene) -> Scene:
    """The map with the depth that its picture's colours mean: what a person with the legend can read."""
    return scene_from_picture(ensure_picture(scene))


# Name -> function that gives the depth whose exact closures are the answer.
BASELINES: dict[str, Callable[[Scene], Scene]] = {
    "exact": exact_depth,
    FITTED_RULES: exact_depth,
    NOISE_LEFT_OUT: exact_depth,
    "legend": depth_from_legend,
}


def baseline_traps(name: str, criteria: TrapCriteria, scene: Scene) -> Traps:
    """Compute the traps of a baseline.

    Parameters
    ----------
    name : str
        A key of `BASELINES`.
    criteria : TrapCriteria
        Which closures count as traps.
    scene : Scene
        The map.

    Returns
    -------
    Traps
        Labels (H, W) int32, crests (N, 2) int64 and heights (H, W) float32; no traps where there is no depth.
    """
    with_depth = BASELINES[name](scene)
    if name == NOISE_LEFT_OUT:
        criteria = replace(criteria, noise="left_out")
    if with_depth.has_depth:
        return compute_traps(with_depth, criteria)
    return Traps(np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32))


def predict_baseline(name: str, criteria: TrapCriteria, scene: Scene) -> dict[str, Float]:
    """Predict a map with a baseline; {head: (1, H, W) float32} as a predictor gives it."""
    labels, _, _ = baseline_traps(name, criteria, scene)
    return {TRAP_HEAD.name: (labels > 0)[None].astype(np.float32)}
