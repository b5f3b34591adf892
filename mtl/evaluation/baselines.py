"""What is reached without a network: answers that every table shows beside the learned ones."""

from collections.abc import Callable

import numpy as np

from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.picture_reading.depth_from_known_palette import scene_of_picture
from targets.rendering.map import with_picture
from targets.scene import Float, Scene
from targets.truth.traps import TrapRules, Traps, computed_traps


def exact(scene: Scene) -> Scene:
    """The depth channel as it is: what no network can beat where the truth was computed from that depth."""
    if not scene.has_depth:
        raise UserError(scene.name, "the map has no depth channel", "a depth for the baseline 'exact'")
    return scene


def legend(scene: Scene) -> Scene:
    """The depth that the picture's colours say: what a person reaches who has the legend."""
    return scene_of_picture(with_picture(scene))


BASELINES: dict[str, Callable[[Scene], Scene]] = {"exact": exact, "legend": legend}  # whose exact closures they take
TRAP = HEADS["trap"]  # baselines answer what this head does
MODEL = "model"  # in an ablation: the model that runs start from (`init`), as it is


def traps_without_network(name: str, rules: TrapRules, scene: Scene) -> Traps:
    """Labels, crests and heights of the traps of a baseline; none where it finds no depth."""
    told = BASELINES[name](scene)
    if told.has_depth:
        return computed_traps(told, rules)
    return np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32)


def answer(name: str, rules: TrapRules, scene: Scene) -> dict[str, Float]:
    """The answer of a baseline in the shape of a predictor's."""
    labels, _, _ = traps_without_network(name, rules, scene)
    return {TRAP.name: (labels > 0)[None].astype(np.float32)}
