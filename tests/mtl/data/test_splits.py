"""Groups stay together, folds are alike in their share of trap, and fewer maps are among more."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from mtl.config import SplitConfig
from mtl.data.splits import coverage_class, limit_groups, split_maps
from targets.errors import UserError
from targets.truth.traps import GroundTruthOptions
from tests.conftest import dome_scene


def test_groups_are_never_separated():
    scenes = [dome_scene(f"m{i}", 32, group=f"g{i // 3}") for i in range(12)]
    training, validation, _ = split_maps(scenes, SplitConfig(val_fraction=0.25, seed=3), GroundTruthOptions())
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
        training, validation, _ = split_maps(scenes, SplitConfig(folds=3, fold=fold), GroundTruthOptions())
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
        _, validation, _ = split_maps(scenes, SplitConfig(seed=1337, folds=5, fold=fold), GroundTruthOptions())
        assert [scene.name for scene in validation] == [f"m{i}" for i in held]


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
    groups = [{scene.group for scene in part} for part in nested]
    assert all(groups) and sum(map(len, groups)) == len(set.union(*groups)) == 6


def test_a_nested_fold_needs_maps_that_choose():
    scenes = [dome_scene(f"m{i}", 32) for i in range(2)]
    with pytest.raises(UserError, match="--no_nested"):
        split_maps(scenes, SplitConfig(folds=2, nested=True), GroundTruthOptions())
