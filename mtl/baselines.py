"""What is reached without a network: answers that every table shows beside the learned ones."""

from collections.abc import Callable

import numpy as np

from mtl.heads import HEADS
from targets.errors import UserError
from targets.scene import Bool, Float, Scene
from targets.truth import TrapRules, computed_traps


def exact(scene: Scene, rules: TrapRules) -> Bool:
    """Exact closures of the depth channel: what no network can beat where the truth was computed from that depth."""
    if not scene.has_depth:
        raise UserError(scene.name, "the map has no depth channel", "a depth for the baseline 'exact'")
    return computed_traps(scene, rules)[0] > 0


BASELINES: dict[str, Callable[[Scene, TrapRules], Bool]] = {"exact": exact}
TRAP = HEADS["trap"]  # baselines answer what this head does


def answer(name: str, rules: TrapRules, scene: Scene) -> dict[str, Float]:
    """The answer of a baseline in the shape of a predictor's."""
    return {TRAP.name: BASELINES[name](scene, rules)[None].astype(np.float32)}
