"""What is reached without a network: answers that every table shows beside the learned ones."""

from collections.abc import Callable

import numpy as np

from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.picture_reading.depth_from_known_palette import scene_from_picture
from targets.rendering.map import ensure_picture
from targets.scene import Float, Scene
from targets.truth.traps import TrapCriteria, Traps, compute_traps


def exact_depth(scene: Scene) -> Scene:
    """The depth channel as it is: what no network can beat where the truth was computed from that depth."""
    if not scene.has_depth:
        raise UserError(scene.name, "the map has no depth channel", "a depth for the baseline 'exact'")
    return scene


def depth_from_legend(scene: Scene) -> Scene:
    """The depth that the picture's colours say: what a person reaches who has the legend."""
    return scene_from_picture(ensure_picture(scene))


BASELINES: dict[str, Callable[[Scene], Scene]] = {
    "exact": exact_depth,
    "legend": depth_from_legend,
}  # whose exact closures they take
TRAP_HEAD = HEADS["trap"]  # baselines answer what this head does
INITIAL_MODEL = "model"  # in an ablation: the model that runs start from (`init`), as it is


def baseline_traps(name: str, rules: TrapCriteria, scene: Scene) -> Traps:
    """Labels, crests and heights of the traps of a baseline; none where it finds no depth."""
    told = BASELINES[name](scene)
    if told.has_depth:
        return compute_traps(told, rules)
    return np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32)


def predict_baseline(name: str, rules: TrapCriteria, scene: Scene) -> dict[str, Float]:
    """The answer of a baseline in the shape of a predictor's."""
    labels, _, _ = baseline_traps(name, rules, scene)
    return {TRAP_HEAD.name: (labels > 0)[None].astype(np.float32)}
