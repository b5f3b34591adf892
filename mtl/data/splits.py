"""Splits into training and validation maps: by groups, or of the pieces of one map by their place, with a gap."""

import math
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from mtl.config import SplitConfig
from targets.check.pieces import Pieces, arrange_pieces
from targets.errors import UserError
from targets.scene import Scene
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import build_ground_truth


class Split(NamedTuple):
    """A split of maps.

    Attributes
    ----------
    training, validation : list[Scene]
        Maps that train, and maps that choose the best checkpoint.
    judging : list[Scene]
        Maps of a nested fold, which do neither and judge.
    note : str, default ''
        Of pieces of one map: what places them, and how many train, validate and are left out.
    """

    training: list[Scene]
    validation: list[Scene]
    judging: list[Scene]
    note: str = ""


def split_maps(scenes: Sequence[Scene], split: SplitConfig, options: GroundTruthOptions) -> Split:
    """Split maps by their groups: a fraction of the groups validates, or one of several folds.

    Of a nested fold, a fraction of the other groups validates. The pieces of one map, a single group, are split by
    their place (`split_pieces`).

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
    if are_pieces(scenes):
        return split_pieces(scenes, split)
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


def are_pieces(scenes: Sequence[Scene]) -> bool:
    """Whether all maps are pieces of one larger map: several of a single group."""
    return len(scenes) > 1 and len({scene.group for scene in scenes}) == 1


def split_pieces(scenes: Sequence[Scene], split: SplitConfig) -> Split:
    """Split the pieces of one map: those at one end validate, and those within the gap beside them are left out.

    Pieces are ordered by their location where all have one, else by the numbers in their names. Folds are sections of
    that order. Of a nested fold, pieces at an end of the others validate.

    Parameters
    ----------
    scenes : Sequence[Scene]
        Pieces of one map.
    split : SplitConfig
        Fraction or folds, the gap, and the seed, which chooses the end.

    Returns
    -------
    Split
        With its note.

    Raises
    ------
    UserError
        Nothing is left to train on, or there is no such fold.
    """
    _check_fold(split)
    pieces = arrange_pieces(scenes, split.gap)
    parts = _draw_parts(pieces.order, pieces.near, split)
    if min(len(parts.training), len(parts.validation)) == 0:
        raise UserError(
            "--data",
            f"{len(scenes)} maps of 1 group, all of them neighbours",
            "maps of two groups, or pieces of one map that lie apart",
            "add maps, give validation maps with --split.val_data DIR, narrow --split.gap, or check the pipeline with "
            "--overfit 1",
        )
    training, validation, judging = ([scenes[i] for i in sorted(part.tolist())] for part in parts)
    note = f"{len(scenes)} pieces of one map ({scenes[0].group}), {_describe_parts(pieces, parts, split)}"
    return Split(training, validation, judging, note)


class _Parts(NamedTuple):
    """Places of the pieces that train, validate and judge, as in `Split`."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    judging: NDArray[np.int64]


def _draw_parts(order: NDArray[np.int64], near: NDArray[np.bool_], split: SplitConfig) -> _Parts:
    """Split ordered pieces; those that are near to one of another part are in none."""
    held_out = np.array_split(order, split.folds)[split.fold] if split.folds else _draw_end(order, split)
    rest = _beyond(near, order, held_out)
    if not (split.nested and split.folds):
        return _Parts(rest, held_out, held_out[:0])
    choosing = _draw_end(rest, split)
    return _Parts(_beyond(near, rest, choosing), choosing, held_out)


def _describe_parts(pieces: Pieces, parts: _Parts, split: SplitConfig) -> str:
    """What places pieces, how many train, validate and are left out, what a gap of 0 changes, and how many overlap."""
    training, validation, judging = map(len, parts)
    left_out = len(pieces.order) - training - validation - judging
    touching = len(_draw_parts(pieces.order, pieces.overlapping, split).training)
    gap = f"split.gap {split.gap:g}" + (f"; with 0, {touching} would train" if touching > training else "")
    pairs = int(np.triu(pieces.overlapping, 1).sum())
    overlap = "1 pair of pieces overlaps" if pairs == 1 else f"{pairs} pairs of pieces overlap"
    return (
        f"placed by {pieces.by}: {training} train, {validation} at one end validate, {left_out} between them are left "
        f"out ({gap})" + (f"; {overlap}" if pairs else "")
    )


def _draw_end(order: NDArray[np.int64], split: SplitConfig) -> NDArray[np.int64]:
    """A fraction of some pieces, at that end of their order which the seed chooses: at least one, and not all."""
    count = min(max(1, round(split.val_fraction * len(order))), max(len(order) - 1, 0))
    return order[:count] if np.random.default_rng(split.seed).integers(2) else order[len(order) - count :]


def _beyond(near: NDArray[np.bool_], order: NDArray[np.int64], held_out: NDArray[np.int64]) -> NDArray[np.int64]:
    """The pieces of an order that are neither held out nor near to one that is."""
    is_near = np.asarray(near[held_out].any(axis=0), np.bool_)
    return order[~is_near[order] & ~np.isin(order, held_out)]


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

    Where every map is a group of its own, these are the folds of scikit-learn's StratifiedKFold, shuffled. Maps that
    are fewer than the folds in every class of coverage are classed by their rank instead.

    Raises
    ------
    UserError
        There is no such fold.
    """
    _check_fold(split)
    covered = np.array([coverage_class(scene, options) for scene in scenes])
    if np.bincount(covered).max() < split.folds:
        covered = covered.argsort(kind="stable").argsort() // split.folds
    groups = [scene.group for scene in scenes]
    is_grouped = len(set(groups)) < len(groups)
    kind = StratifiedGroupKFold if is_grouped else StratifiedKFold
    folds = kind(split.folds, shuffle=True, random_state=split.seed)
    with warnings.catch_warnings():  # of classes with fewer maps than folds, which are as alike as they can be
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
        _, held_out = list(folds.split(covered, covered, groups if is_grouped else None))[split.fold]
    return {scenes[i].group for i in held_out}


def _check_fold(split: SplitConfig) -> None:
    if split.folds and not 0 <= split.fold < split.folds:
        raise UserError("split.fold", f"{split.fold}", f"0 to {split.folds - 1}, the folds of split.folds")


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
