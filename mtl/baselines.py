"""What is reached without a network: answers that every table shows beside the learned ones."""

from collections.abc import Callable

import numpy as np

from mtl.heads import HEADS
from targets.errors import UserError
from targets.legend import scene_of_picture
from targets.render import with_picture
from targets.scene import Bool, Float, Scene
from targets.truth import TrapRules, computed_traps


def exact(scene: Scene, rules: TrapRules) -> Bool:
    """Exact closures of the depth channel: what no network can beat where the truth was computed from that depth."""
    if not scene.has_depth:
        raise UserError(scene.name, "the map has no depth channel", "a depth for the baseline 'exact'")
    return computed_traps(scene, rules)[0] > 0


def legend(scene: Scene, rules: TrapRules) -> Bool:
    """Exact closures of the depth that the picture's colours say: what a person reaches who has the legend."""
    told = scene_of_picture(with_picture(scene))
    return computed_traps(told, rules)[0] > 0 if told.has_depth else np.zeros(scene.shape, np.bool_)


BASELINES: dict[str, Callable[[Scene, TrapRules], Bool]] = {"exact": exact, "legend": legend}
TRAP = HEADS["trap"]  # baselines answer what this head does
MODEL = "model"  # in an ablation: the model that runs start from (`init`), as it is


def answer(name: str, rules: TrapRules, scene: Scene) -> dict[str, Float]:
    """The answer of a baseline in the shape of a predictor's."""
    return {TRAP.name: BASELINES[name](scene, rules)[None].astype(np.float32)}
