"""Rules of traps of a run: those that explain best what was drawn on its training maps."""

from collections.abc import Sequence
from dataclasses import replace

from mtl.config import TrainConfig
from mtl.distributed.launch import current_process
from targets.rules import fit_rules
from targets.rules.drawn_maps import has_drawn_traps
from targets.scene import Scene
from targets.truth.traps import TrapCriteria


def with_fitted_rules(config: TrainConfig, training: Sequence[Scene]) -> TrainConfig:
    """The settings with the rules of traps that were drawn on the training maps, which are printed.

    Parameters
    ----------
    config : TrainConfig
        The settings; rules that differ from the defaults were chosen by hand and stay.
    training : Sequence[Scene]
        The maps that train: those that validate have no say.

    Returns
    -------
    TrainConfig
        The same settings where no training map has a depth and drawn traps.
    """
    if config.targets.traps != TrapCriteria():
        return config
    drawn = [scene for scene in training if has_drawn_traps(scene)]
    if not any(scene.traps is not None and scene.traps.any() for scene in drawn):
        return config
    fitted = fit_rules(drawn)
    if current_process().is_main:
        print(f"rules of the drawn traps: {fitted.sentence()}", flush=True)
    return replace(config, targets=replace(config.targets, traps=fitted.rules))
