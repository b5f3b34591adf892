"""Rules of traps of a run: those that explain its training maps best, and whether corrections of them are accepted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mtl.config import TrainConfig
from mtl.distributed.launch import current_process
from mtl.training.check_settings import can_start_from_rules
from targets.rules import fit_rules
from targets.rules.drawn_maps import has_drawn_traps
from targets.scene import Scene
from targets.truth.criteria import TrapCriteria


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
        The same settings where no training map has a depth and drawn traps, or no rule explains them.
    """
    drawn = drawn_maps(training)
    if config.targets.traps != TrapCriteria() or not drawn:
        return config
    fitted = fit_rules(drawn)
    if current_process().is_main:
        print(f"rules of the drawn traps: {fitted.sentence()}", flush=True)
        if fitted.is_poor:
            print("they explain too little: the default rules stay, and the trap head starts from nothing", flush=True)
    if fitted.is_poor:
        return config
    return start_from_rules(replace(config, targets=replace(config.targets, traps=fitted.rules)))


def with_trap_base(config: TrainConfig, training: Sequence[Scene]) -> TrainConfig:
    """The settings, with a trap head that starts from rules if these were chosen, and traps drawn; as above."""
    chosen = config.targets.traps != TrapCriteria() and drawn_maps(training)
    return start_from_rules(config) if chosen else config


def start_from_rules(config: TrainConfig) -> TrainConfig:
    """The settings with a trap head that starts from rules, unless they say otherwise or the network sees no depth."""
    if config.trap_base != "auto" or not can_start_from_rules(config):
        return config
    if current_process().is_main:
        print("the trap head starts from these rules and learns what differs (--trap_base none: all of it)", flush=True)
    return replace(config, trap_base="rules")


def drawn_maps(training: Sequence[Scene]) -> list[Scene]:
    """The maps with a depth and drawn traps; none if nobody drew a trap on any of them."""
    drawn = [scene for scene in training if has_drawn_traps(scene)]
    return drawn if any(scene.traps is not None and scene.traps.any() for scene in drawn) else []


CERTAIN = 2.0  # standard errors of a gain: docs/experiments/interpreters.md
NAMED_GAIN = 0.0005  # of intersection over union: less is printed as 0.0 points
RULES_IOU, CHANGED_IOU, ACCEPTED = "iou_of_rules", "iou_of_changes", "changes_accepted"  # of a head, logged


class MapComparison(NamedTuple):
    """Cells of one map: traps by the rules alone, and with what the trap head changes of them.

    Attributes
    ----------
    group : str
        Maps of a group are not independent of each other.
    rules : tuple[int, int]
        Cells that are trap by the rules and in truth, and cells that are by one of both.
    changed : tuple[int, int]
        The same of the changed traps.
    """

    group: str
    rules: tuple[int, int]
    changed: tuple[int, int]


def pooled_iou(counts: Collection[tuple[int, int]]) -> float:
    """Intersection over union of several maps together; 1 where there is nothing to find and nothing was found.

    Examples
    --------
    >>> pooled_iou([(1, 2), (2, 4)]), pooled_iou([])
    (0.5, 1.0)
    """
    union = sum(union for _, union in counts)
    return sum(common for common, _ in counts) / union if union else 1.0


def accepts_changes(maps: Sequence[MapComparison]) -> bool:
    """Whether the changes make maps better, beyond what the choice of the maps explains.

    The gain in pooled intersection over union has to be more than `CERTAIN` times its standard error, by the jackknife
    over groups: what single maps gain says little about the next one, and every epoch tries again. With one group it
    has to be more than nothing.

    Examples
    --------
    >>> gain, loss = MapComparison("a", (8, 10), (9, 10)), MapComparison("b", (9, 10), (9, 11))
    >>> accepts_changes([gain]), accepts_changes([gain, loss]), accepts_changes([gain, gain._replace(group="b")])
    (True, False, True)
    """

    def gain(some: Sequence[MapComparison]) -> float:
        return pooled_iou([one.changed for one in some]) - pooled_iou([one.rules for one in some])

    groups = {one.group for one in maps}
    rests = [gain([one for one in maps if one.group != left_out]) for left_out in groups] if len(groups) > 1 else [0.0]
    error = float(np.sqrt((len(rests) - 1) * np.var(rests)))
    return gain(maps) > max(CERTAIN * error, 0.0)


def describe_acceptance(head: str, state: Mapping[str, float]) -> str:
    """One line about a checkpoint: whether it changes the traps by rules, and what that is worth.

    Parameters
    ----------
    head : str
        Name of the head that starts from rules.
    state : Mapping[str, float]
        `RULES_IOU`, `CHANGED_IOU` and `ACCEPTED` of its validation; empty where no map that validates shows its depth.

    Examples
    --------
    >>> describe_acceptance("trap", {RULES_IOU: 0.9, CHANGED_IOU: 0.925, ACCEPTED: 1.0})
    'trap: the learned changes are taken: IoU 0.925 on maps that validate, 0.900 by the rules alone (+2.5 points)'
    >>> describe_acceptance("trap", {RULES_IOU: 0.9, CHANGED_IOU: 0.904, ACCEPTED: 0.0}).rpartition(" with ")[2]
    'what was learned (+0.4 points, which these maps may owe to chance)'
    """
    if not state:
        return f"{head}: the rules alone are taken, as no map that validates shows the network its depth"
    rules, changed = state[RULES_IOU], state[CHANGED_IOU]
    if state[ACCEPTED]:
        what = f"the learned changes are taken: IoU {changed:.3f} on maps that validate, {rules:.3f} by the rules alone"
    else:
        what = f"the rules alone are taken: IoU {rules:.3f} on maps that validate, {changed:.3f} with what was learned"
    unsure = ", which these maps may owe to chance" if changed - rules > NAMED_GAIN and not state[ACCEPTED] else ""
    return f"{head}: {what} ({100 * (changed - rules):+.1f} points{unsure})"
