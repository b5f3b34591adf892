"""Cross-validation: every map is scored by a network that did not train on it, thresholds are chosen on all of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mtl.config import LoopConfig, NetConfig, OptimConfig, PatchConfig, PredictConfig, SplitConfig
from mtl.evaluation import cross_validation as crossval
from mtl.evaluation.cross_validation import THRESHOLDS, choose_threshold, cross_validate, shift_probabilities
from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import read_checkpoint
from mtl.tasks.heads import HEADS
from targets.common.cli import Names
from targets.common.resume import JOURNAL
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.map_folder.writer import write_map_folder
from targets.io.tgs_salt import decode_rle, read_id_table
from tests.conftest import SMALL_ENCODER, dome_scene, tiny_config

TRAP = HEADS["trap"]


def config_of(dome_maps, **fields):
    config = tiny_config(
        data=str(dome_maps),
        heads=Names("trap,boundary"),
        net=NetConfig("unet", SMALL_ENCODER, "none", decoder_channels=[8, 8]),
        patches=PatchConfig(64, 64),
        predict=PredictConfig(stride=64),
        split=SplitConfig(folds=2),
        loop=LoopConfig(epochs=1, batch_size=4, logger="csv"),
    )
    return replace(config, **fields)


def test_every_map_is_predicted_by_the_fold_that_did_not_see_it_and_new_maps_by_all(dome_maps, tmp_path, monkeypatch):
    config = config_of(dome_maps)
    text = cross_validate(config, tmp_path, test=str(dome_maps))
    assert {path.name for path in tmp_path.iterdir()} == {
        "fold_0", "fold_1", "thresholds.json", "crossval.md", "crossval.png", "submission.csv", "relative_std.csv",
        JOURNAL,
    }  # fmt: skip
    predicted = []
    for fold in range(2):
        with np.load(tmp_path / f"fold_{fold}" / "out_of_fold.npz") as arrays:
            predicted += [name.removeprefix("trap/") for name in arrays if name.startswith("trap/")]
            own = load_predictor(tmp_path / f"fold_{fold}" / "best.ckpt", device="cpu")
            scene = next(read_map(s) for s in list_maps([dome_maps]) if s.name == predicted[-1])
            np.testing.assert_allclose(arrays[f"trap/{scene.name}"], own(scene)["trap"], atol=1e-3)
    assert sorted(predicted) == [f"dome{i}" for i in range(6)]

    thresholds = json.loads((tmp_path / "thresholds.json").read_text())
    assert set(thresholds) == {"trap", "boundary"} and f"| trap | iou | {thresholds['trap']:g} |" in text
    ensemble = load_predictor([tmp_path / f"fold_{fold}" / "best.ckpt" for fold in range(2)], device="cpu")
    for name, code in read_id_table(tmp_path / "submission.csv", "rle_mask").items():
        scene = next(read_map(s) for s in list_maps([dome_maps]) if s.name == name)
        np.testing.assert_array_equal(decode_rle(code, scene.shape), ensemble(scene)["trap"][0] > thresholds["trap"])

    def no_training(*_):
        raise AssertionError("a finished fold is trained again")

    monkeypatch.setattr(crossval, "ensure_run", no_training)
    assert cross_validate(config, tmp_path) == text
    with pytest.raises(AssertionError):  # other settings are another run
        cross_validate(replace(config, optim=OptimConfig(lr=1e-5)), tmp_path)


def test_folds_of_maps_of_several_sizes_have_one_window_and_are_an_ensemble(tmp_path):
    for i, size in enumerate((64, 64, 64, 64, 64, 90)):  # one fold trains on the largest, the other judges it
        write_map_folder(dome_scene(f"m{i}", size), tmp_path / "maps" / f"m{i}")
    config = config_of(tmp_path / "maps", patches=PatchConfig(128, 128), predict=PredictConfig(stride=128))
    cross_validate(config, tmp_path / "out", test=str(tmp_path / "maps" / "m0"))
    folds = [tmp_path / "out" / f"fold_{fold}" / "best.ckpt" for fold in range(2)]
    assert {read_checkpoint(fold)[0].patches.size for fold in folds} == {96}
    assert (tmp_path / "out" / "submission.csv").exists()


@pytest.mark.parametrize("nested", [True, False])
def test_the_maps_that_judge_a_fold_chose_its_checkpoint_only_if_it_is_not_nested(dome_maps, tmp_path, nested):
    config = config_of(dome_maps, heads=Names("trap"))
    text = cross_validate(config, tmp_path, nested=nested)
    judged = []
    for fold in range(2):
        maps = read_checkpoint(tmp_path / f"fold_{fold}" / "best.ckpt")[1]["maps"]
        with np.load(tmp_path / f"fold_{fold}" / "out_of_fold.npz") as arrays:
            judges = {name.removeprefix("trap/") for name in arrays if name.startswith("trap/")}
        assert not judges & set(maps["training"]) and (judges == set(maps["validation"])) is not nested
        assert nested == (not judges & set(maps["validation"]))
        judged += judges
    assert sorted(judged) == [f"dome{i}" for i in range(6)] and ("expect somewhat less" in text) is not nested


def states_of(inside, outside, fraction):
    """States of a map whose left fraction is trap, predicted with one probability inside and another outside."""
    trap = np.zeros((1, 20, 20), np.float32)
    trap[..., : int(20 * fraction)] = 1
    predicted, valid = np.where(trap > 0, np.float32(inside), np.float32(outside)), np.ones((20, 20), bool)
    return [TRAP.metric.update(shift_probabilities(predicted, threshold), trap, valid) for threshold in THRESHOLDS]


def test_the_threshold_is_the_best_one_of_the_out_of_fold_predictions():
    choice = choose_threshold(TRAP, [states_of(0.3, 0.1, 0.5), states_of(0.4, 0.2, 0.25)])
    assert 0.2 <= choice.threshold < 0.3 and choice.value == 1 and choice.value_at_default == 0
    assert choice.metric == "iou" and choice.fold_curves[0][np.argmin(abs(THRESHOLDS - 0.1))] == 1
    # The first fold alone would choose 0.1, where the second one's IoU is a quarter: cells of both are pooled.
    assert choice.cross_fitted_value == pytest.approx((200 + 100) / (200 + 400))


def test_the_threshold_of_a_metric_that_is_better_when_small_is_where_it_is_smallest():
    folds = [states_of(0.3, 0.1, 0.5), states_of(0.4, 0.2, 0.25)]
    wrong = replace(
        TRAP.metric,
        compute=lambda state: {"wrong": 1 - TRAP.metric.compute(state)["iou"]},
        primary="wrong",
        higher_is_better={"wrong": False},
        charts=(("wrong",),),
        trivial_baseline=None,
    )
    choice, expected = choose_threshold(replace(TRAP, metric=wrong, curve=None), folds), choose_threshold(TRAP, folds)
    assert choice.threshold == expected.threshold and choice.value == 1 - expected.value == 0
    assert choice.cross_fitted_value == pytest.approx(1 - expected.cross_fitted_value)


def test_a_shifted_probability_exceeds_one_half_where_it_exceeded_the_threshold():
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    for threshold in THRESHOLDS:
        clear = abs(values - threshold) > 1e-5
        np.testing.assert_array_equal(
            (shift_probabilities(values, threshold) > 0.5)[clear], (values > threshold)[clear]
        )


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"split": SplitConfig()}, "--split.folds 5"),
        ({"heads": Names("dist")}, "mask"),
        ({"overfit": 2}, "overfit"),
        ({"split": SplitConfig(folds=2, val_data="maps")}, "split.val_data"),
        ({"loop": LoopConfig(monitor="trap/iuo")}, "loop.monitor"),
    ],
)
def test_what_cannot_be_cross_validated_is_named(dome_maps, tmp_path, fields, word):
    with pytest.raises(UserError, match=word):
        cross_validate(config_of(dome_maps, **fields), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_new_maps_that_are_absent_are_named_before_hours_of_training(dome_maps, tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        cross_validate(config_of(dome_maps), tmp_path / "out", test=str(tmp_path / "nowhere"))
    assert not (tmp_path / "out").exists()
