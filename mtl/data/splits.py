"""Splits into training and validation maps; maps of one group (cut from one larger map) always stay together."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from mtl.config import SplitConfig
from targets.errors import UserError
from targets.scene import Scene
from targets.truth.traps import GroundTruthOptions, build_ground_truth


class Split(NamedTuple):
    """Maps that train, that choose the best checkpoint, and that do neither and judge (of a nested fold)."""

    training: list[Scene]
    validation: list[Scene]
    judging: list[Scene]


def split_maps(scenes: Sequence[Scene], split: SplitConfig, options: GroundTruthOptions) -> Split:
    """Split maps by their groups: a fraction of the groups validates, or one of several folds.

    Of a nested fold, a fraction of the other groups validates.

    Parameters
    ----------
    scenes : Sequence[Scene]
        All maps; `Scene.group` says which belong together.
    split : SplitConfig
        Fraction or folds, and the seed.
    options : GroundTruthOptions
        Rules of the traps, whose coverage makes folds alike.

    Raises
    ------
    UserError
        Too few groups.
    """
    groups = sorted({scene.group for scene in scenes})
    nested = split.nested and split.folds > 0
    wanted = max(2, split.folds)
    if len(groups) < wanted:
        raise UserError(
            "--data",
            f"{len(scenes)} map(s) of {len(groups)} group(s)",
            f"at least {wanted} groups, one of them to validate on",
            "add maps, give validation maps with --split.val_data DIR, or check the pipeline with --overfit 1",
        )
    held_out = select_fold(scenes, split, options) if split.folds else draw_groups(groups, split)
    judging = held_out if nested else set()
    if nested:
        others = [group for group in groups if group not in judging]
        if len(others) < 2:
            found = f"{len(others)} group of maps beside fold {split.fold}"
            hint = "add maps, take more folds, or let the fold choose its own checkpoint: --no_nested"
            raise UserError("--data", found, "two groups, one of them to choose the checkpoint", hint)
        held_out = draw_groups(others, split)
    chosen = held_out | judging
    return Split(
        [scene for scene in scenes if scene.group not in chosen],
        [scene for scene in scenes if scene.group in held_out],
        [scene for scene in scenes if scene.group in judging],
    )


def draw_groups(groups: Sequence[str], split: SplitConfig) -> set[str]:
    """A fraction of the groups, drawn by seed: at least one, and not all.

    Examples
    --------
    >>> len(draw_groups(["a", "b", "c", "d", "e"], SplitConfig(val_fraction=0.4)))
    2
    """
    shuffled = np.random.default_rng(split.seed).permutation(groups)
    return set(shuffled[: min(max(1, round(split.val_fraction * len(groups))), len(groups) - 1)])


def select_fold(scenes: Sequence[Scene], split: SplitConfig, options: GroundTruthOptions) -> set[str]:
    """The groups of fold number `split.fold`; folds are stratified by how much of a map is trap.

    Where every map is a group of its own, these are the folds of scikit-learn's StratifiedKFold, shuffled.

    Raises
    ------
    UserError
        There is no such fold.
    """
    if not 0 <= split.fold < split.folds:
        raise UserError("split.fold", f"{split.fold}", f"0 to {split.folds - 1}, the folds of split.folds")
    covered = [coverage_class(scene, options) for scene in scenes]
    groups = [scene.group for scene in scenes]
    if len(set(groups)) == len(groups):
        folds = StratifiedKFold(split.folds, shuffle=True, random_state=split.seed).split(covered, covered)
    else:
        grouped = StratifiedGroupKFold(split.folds, shuffle=True, random_state=split.seed)
        folds = grouped.split(covered, covered, groups)
    _, held_out = list(folds)[split.fold]
    return {scenes[i].group for i in held_out}


def coverage_class(scene: Scene, options: GroundTruthOptions) -> int:
    """0 for a map without traps (or salt), else i for traps that cover up to i tenths of it: 11 classes.

    Returns
    -------
    int
        0 to 10.
    """
    covered = (build_ground_truth(scene, options).labels > 0) & scene.map_valid
    return math.ceil(round(10 * float(covered.sum()) / float(scene.map_valid.sum()), 9))


def limit_groups(scenes: Sequence[Scene], split: SplitConfig) -> list[Scene]:
    """The training maps of the first `split.train_groups` groups in the seed's order, or all of them if it is 0.

    Raises
    ------
    UserError
        There are fewer groups.
    """
    groups = sorted({scene.group for scene in scenes})
    if split.train_groups > len(groups):
        expected = f"at most the {len(groups)} groups of maps to train on"
        raise UserError("split.train_groups", f"{split.train_groups}", expected)
    chosen = set(np.random.default_rng(split.seed).permutation(groups)[: split.train_groups or len(groups)])
    return [scene for scene in scenes if scene.group in chosen]
