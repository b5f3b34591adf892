"""Groups stay together, folds are alike in their share of trap, and fewer maps are among more."""

from itertools import chain

import numpy as np
import pytest
from scipy import ndimage
from sklearn.model_selection import StratifiedKFold

from mtl.config import SplitConfig
from mtl.data.splits import coverage_class, limit_groups, split_maps, split_pieces
from targets.check.pieces import arrange_pieces
from targets.errors import UserError
from targets.scene import GeoReference, Scene
from targets.truth.criteria import GroundTruthOptions
from tests.conftest import dome_scene


def test_groups_are_never_separated():
    scenes = [dome_scene(f"m{i}", 32, group=f"g{i // 3}") for i in range(12)]
    training, validation, *_ = split_maps(scenes, SplitConfig(val_fraction=0.25, seed=3), GroundTruthOptions())
    assert len(validation) == 3 and len(training) == 9
    assert not {s.group for s in training} & {s.group for s in validation}


def test_one_group_cannot_be_split(dome):
    with pytest.raises(UserError, match="--overfit"):
        split_maps([dome, dome], SplitConfig(), GroundTruthOptions())


def test_fewer_training_maps_are_always_among_more():
    scenes = [dome_scene(f"d{i}", group=f"g{i // 2}") for i in range(12)]
    names = [{s.name for s in limit_groups(scenes, SplitConfig(seed=3, train_groups=n))} for n in (1, 2, 5, 6, 0)]
    assert [len(n) for n in names] == [2, 4, 10, 12, 12]  # whole groups of two
    assert names[0] < names[1] < names[2] < names[3] == names[4]
    with pytest.raises(UserError, match="6 groups"):
        limit_groups(scenes, SplitConfig(train_groups=7))


def drawn(name, share, group):
    """A map of 10 x 10 cells whose first cells are drawn as trap."""
    scene = dome_scene(name, 10, group=group)
    traps = np.zeros(100, bool)
    traps[: round(100 * share)] = True
    return scene.replace(traps=traps.reshape(10, 10))


@pytest.mark.parametrize("share, expected", [(0, 0), (0.01, 1), (0.1, 1), (0.11, 2), (0.3, 3), (1.0, 10)])
def test_coverage_classes_are_tenths_of_the_map(share, expected):
    scene = drawn("m", share, "g")
    assert coverage_class(scene, GroundTruthOptions()) == expected
    assert coverage_class(scene.replace(traps=None, salt=scene.traps), GroundTruthOptions()) == expected


def test_folds_cover_all_maps_once_keep_groups_and_are_alike():
    # Half of the groups hold no trap, half hold much: every fold gets both kinds.
    scenes = [drawn(f"m{i}", 0.0 if (i // 2) % 2 else 0.35, f"g{i // 2}") for i in range(24)]
    held = []
    for fold in range(3):
        training, validation, *_ = split_maps(scenes, SplitConfig(folds=3, fold=fold), GroundTruthOptions())
        assert len(training) + len(validation) == 24
        assert not {s.group for s in training} & {s.group for s in validation}
        assert sum(bool(s.traps.any()) for s in validation) == 4
        held += [s.name for s in validation]
    assert sorted(held) == sorted(s.name for s in scenes)


def test_folds_of_single_maps_are_those_of_scikit_learn_in_the_order_of_the_maps():
    shares = np.random.default_rng(0).permutation(np.repeat([0, 0.05, 0.35, 1.0], [20, 10, 12, 8]))
    scenes = [drawn(f"m{i}", share, f"g{i}") for i, share in enumerate(shares)]
    classes = np.ceil(shares * 10)
    rule = StratifiedKFold(5, shuffle=True, random_state=1337)
    for fold, (_, held) in enumerate(rule.split(shares, classes)):
        _, validation, *_ = split_maps(scenes, SplitConfig(seed=1337, folds=5, fold=fold), GroundTruthOptions())
        assert [scene.name for scene in validation] == [f"m{i}" for i in held]


@pytest.mark.parametrize("grouped", [False, True])
def test_few_maps_of_different_coverage_are_folded_without_a_word_of_scikit_learn(grouped, recwarn):
    """Each is alone in its class: the library has no folds for that, and else warns of small classes."""
    scenes = [drawn(f"m{i}", 0.1 * i, f"g{i // 2}" if grouped else f"m{i}") for i in range(8)]
    for count in (3, 4):
        splits = [split_maps(scenes, SplitConfig(folds=count, fold=i), GroundTruthOptions()) for i in range(count)]
        judged = [[scene.name for scene in one.validation] for one in splits]
        assert sorted(chain(*judged)) == [f"m{i}" for i in range(8)] and all(judged)
        assert not {scene.group for scene in splits[0].training} & {scene.group for scene in splits[0].validation}
    same = [drawn(f"m{i}", 0.1 if i < 6 else 0.5, f"m{i}") for i in range(8)]
    split_maps(same, SplitConfig(folds=3), GroundTruthOptions())
    assert not recwarn.list


def test_folds_that_cannot_be_are_refused():
    scenes = [drawn(f"m{i}", 0.1, f"g{i}") for i in range(4)]
    with pytest.raises(UserError, match="0 to 2"):
        split_maps(scenes, SplitConfig(folds=3, fold=3), GroundTruthOptions())
    with pytest.raises(UserError, match="at least 5 groups"):
        split_maps(scenes, SplitConfig(folds=5), GroundTruthOptions())


@pytest.mark.parametrize("fold", range(3))
def test_a_nested_fold_judges_only(fold):
    scenes = [dome_scene(f"m{i}", 32, group=f"g{i // 2}") for i in range(12)]
    plain = split_maps(scenes, SplitConfig(folds=3, fold=fold), GroundTruthOptions())
    nested = split_maps(scenes, SplitConfig(folds=3, fold=fold, nested=True), GroundTruthOptions())
    assert nested.judging == plain.validation and not plain.judging  # the same maps judge
    groups = [{scene.group for scene in part} for part in nested[:3]]
    assert all(groups) and sum(map(len, groups)) == len(set.union(*groups)) == 6


def test_a_nested_fold_needs_maps_that_choose():
    scenes = [dome_scene(f"m{i}", 32) for i in range(2)]
    with pytest.raises(UserError, match="--no_nested"):
        split_maps(scenes, SplitConfig(folds=2, nested=True), GroundTruthOptions())


def pieces_of_one_map(rows, cols, located=False, stride=1.0, side=24):
    """Pieces of one large rough surface, numbered row by row; with a stride below 1 they overlap."""
    rng = np.random.default_rng(5)
    step = round(side * stride)
    large = ndimage.gaussian_filter(rng.normal(size=(step * rows + side, step * cols + side)), 3).astype(np.float32)
    inside = np.ones((side, side), bool)
    pieces = []
    for i in range(rows):
        for j in range(cols):
            geo = GeoReference(1000.0 + 25 * step * j, 9000.0 - 25 * step * i, 25.0, -25.0)
            depth = large[step * i : step * i + side, step * j : step * j + side].copy()
            name = f"{i * cols + j + 1:03}_reek"
            pieces.append(Scene(name, depth, inside, inside, ~inside, group="reek",
                                geo=geo if located else GeoReference()))  # fmt: skip
    return pieces


def place(scene, cols):
    number = int(scene.name[:3]) - 1
    return np.array([number // cols, number % cols])


def least_distance(one, other, cols):
    """Of the grid of pieces: 1 = side by side, also over a corner."""
    return min(abs(place(a, cols) - place(b, cols)).max() for a in one for b in other)


@pytest.mark.parametrize("located", [True, False], ids=["location", "numbers"])
@pytest.mark.parametrize("stride", [1.0, 0.5], ids=["side by side", "overlapping"])
def test_pieces_of_one_map_are_split_with_a_gap(located, stride):
    scenes = pieces_of_one_map(12, 3, located, stride)
    split = split_pieces(scenes[::-1], SplitConfig(val_fraction=0.2))
    assert ("their location" if located else "the numbers in their names") in split.note
    assert split.training and len(split.validation) == 7
    assert ("overlap" in split.note) == (stride < 1)
    if located:
        assert least_distance(split.training, split.validation, 3) > 1 / stride
    for one in split.training:
        for other in split.validation:
            steps = abs(place(one, 3) - place(other, 3))
            assert not (steps * stride < 1).all(), "training and validation share pixels"
            assert located or steps.sum() > 1, "training and validation are side by side"


def test_the_note_says_what_the_gap_leaves_out():
    scenes = pieces_of_one_map(2, 4, located=True)
    split = split_pieces(scenes, SplitConfig(gap=1))
    assert "4 train, 2 at one end validate, 2 between them are left out (split.gap 1; with 0, 6 would" in split.note
    split = split_pieces(scenes, SplitConfig(gap=0))
    assert "6 train, 2 at one end validate, 0 between them are left out (split.gap 0)" in split.note


@pytest.mark.parametrize("step", [96, 86], ids=["side by side", "overlapping"])
def test_pieces_of_few_colours_overlap_only_where_every_pixel_agrees(step):
    """Smooth surfaces of twenty greys hold the same small windows at many places."""
    side = 96
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=(step + side, 3 * step + side))
        large = ndimage.gaussian_filter(noise, 30)
        grey = np.float32(np.rint(19 * (large - large.min()) / np.ptp(large)))
        inside = np.ones((side, side), bool)
        row, col = np.divmod(np.arange(8), 4)
        windows = [np.s_[i : i + side, j : j + side] for i, j in zip(step * row, step * col, strict=True)]
        scenes = [
            Scene(f"{i:02}_reek", grey[window].copy(), inside, inside, ~inside, group="reek", geo=GeoReference())
            for i, window in enumerate(windows)
        ]
        beside = abs(row[:, None] - row) + abs(col[:, None] - col) == 1
        overlapping = arrange_pieces(scenes, gap=0).overlapping
        touching = np.maximum(abs(row[:, None] - row), abs(col[:, None] - col)) <= (step < side)
        assert not (overlapping & ~touching).any(), seed
        if step < side:
            assert overlapping[beside].mean() > 0.7


def test_folds_of_pieces_are_sections_and_a_nested_fold_judges_apart():
    scenes = pieces_of_one_map(15, 1, located=True)
    held = []
    for fold in range(3):
        split = split_pieces(scenes, SplitConfig(folds=3, fold=fold))
        held += [scene.name for scene in split.validation]
        nested = split_pieces(scenes, SplitConfig(folds=3, fold=fold, nested=True))
        assert nested.judging == split.validation
        for part in (nested.training, nested.validation):
            assert part and least_distance(part, nested.judging, 1) > 1
        assert least_distance(nested.training, nested.validation, 1) > 1
    assert sorted(held) == [scene.name for scene in scenes]


def test_without_a_gap_only_overlapping_pieces_are_left_out():
    scenes = pieces_of_one_map(10, 1)
    split = split_pieces(scenes, SplitConfig(gap=0))
    assert len(split.training) + len(split.validation) == 10 and "0 between them" in split.note
    overlapping = pieces_of_one_map(10, 1, stride=0.5)
    split = split_pieces(overlapping, SplitConfig(gap=0))
    assert len(split.training) + len(split.validation) == 9
