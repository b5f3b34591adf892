"""Stacking trusts the output that is right on the maps it is fitted to, and weighs those that are right in parts."""

import numpy as np
import pytest
import torch

from mtl.models.stacking import LabelledMap, Stacking, best_threshold, iou_of_cells, mean_stacking
from mtl.tasks.heads import HEADS, collect_outputs

PICTURE, ALL = ("rgb",), ("rgb", "depth")


def outputs(right, wrong):
    """Two outputs of a half-trap map: one that is right, one that is not; as {output: (1, H, W)}."""
    truth = np.zeros((1, 20, 20), np.float32)
    truth[:, :10] = 1
    noise = np.random.default_rng(0).random((1, 20, 20)).astype(np.float32)
    return {right: np.clip(truth, 0.05, 0.95), wrong: noise}, truth, np.ones((20, 20), bool)


@pytest.mark.parametrize("right, wrong", [("trap", "depth_traps"), ("depth_traps", "trap")])
def test_stacking_trusts_the_output_that_is_right(right, wrong):
    members = [output for output in collect_outputs([HEADS["trap"], HEADS["depth"]]) if output.role == "mask"][:2]
    stacking = Stacking(members, [PICTURE, ALL])
    maps, truth, valid = outputs(right, wrong)
    either = {right: truth, wrong: truth}
    np.testing.assert_array_equal(stacking(either, ALL) > 0.5, truth > 0.5)  # before it is fitted
    stacking.fit([LabelledMap(ALL, maps, truth, valid)])
    np.testing.assert_array_equal(stacking(maps, ALL) > 0.5, truth > 0.5)
    by_picture, by_all = (dict(zip(stacking.output_names, row, strict=True)) for row in stacking.weights.tolist())
    assert by_all == {right: 1, wrong: 0}  # it needs no help
    assert by_picture == {right: 0.5, wrong: 0.5}  # nothing is known of other maps


def test_two_outputs_that_are_right_in_parts_are_weighed():
    random = np.random.default_rng(1)
    truth = (np.indices((40, 40))[0] < 20).astype(np.float32)[None]
    maps = {
        name: np.clip(truth * 0.3 + 0.35 + random.normal(0, 0.3, truth.shape), 0.01, 0.99)
        for name in ("trap", "depth_traps")
    }
    stacking = Stacking([HEADS["trap"], HEADS["depth"].derived], [ALL])
    stacking.fit([LabelledMap(ALL, maps, truth, np.ones((40, 40), bool))])
    right = iou_of_cells(stacking(maps, ALL)[0] > 0.5, truth[0] > 0.5)
    assert right > max(iou_of_cells(p[0] > 0.5, truth[0] > 0.5) for p in maps.values()) + 0.05
    assert (stacking.weights > 0).all()


def test_outputs_are_weighed_only_if_that_helps_maps_that_had_no_part_in_the_weights():
    """On the maps of one group one output is right, on those of the other group the other one is."""
    random = np.random.default_rng(2)
    truth = (np.indices((40, 40))[0] < 20).astype(np.float32)[None]
    names = ("trap", "depth_traps")

    def one_map(right, group):
        maps = {
            name: np.clip(0.5 + (truth - 0.5) * share + random.normal(0, 0.2, truth.shape), 0.01, 0.99)
            for name, share in ((name, 0.6 if name == right else 0.1) for name in names)
        }
        return LabelledMap(ALL, maps, truth, np.ones((40, 40), bool), group)

    stacking = Stacking([HEADS["trap"], HEADS["depth"].derived], [ALL])
    stacking.fit([one_map(names[0], "a"), one_map(names[1], "b")])
    assert sorted(stacking.weights[0].tolist()) == [0, 1]
    stacking.fit([one_map(names[0], ""), one_map(names[1], "")])  # of one group: nothing says that it does not help
    assert (stacking.weights > 0).all()


def test_stacking_keeps_its_weights_where_nothing_can_be_learnt_and_nan_outside():
    stacking = Stacking([HEADS["trap"], HEADS["depth"].derived], [ALL])
    maps, truth, valid = outputs("trap", "depth_traps")
    stacking.fit([LabelledMap(ALL, maps, truth * 0, valid)])
    assert stacking.weights.tolist() == [[0.5, 0.5]]
    maps["trap"][0, 0, 0] = np.nan
    assert np.isnan(stacking(maps, ALL)[0, 0, 0]) and np.isfinite(stacking(maps, ALL)[0, 1:]).all()


def test_the_threshold_of_the_largest_iou_by_trying_all():
    random = np.random.default_rng(3)
    logits = random.normal(size=60).round(1)  # rounded: some cells share a value
    truth = logits + random.normal(0, 1.5, 60) > 0.8

    def iou(threshold):
        return (truth & (logits > threshold)).sum() / (truth | (logits > threshold)).sum()

    assert iou(best_threshold(logits, truth)) == max(iou(value) for value in [*logits, -9])


def test_the_stacking_of_an_ensemble_averages_the_logits_of_its_members():
    stackings = [Stacking([HEADS["trap"], HEADS["depth"].derived], [("rgb",)]) for _ in range(2)]
    for stacking, weights in zip(stackings, ([1.0, 2.0], [0.0, 3.0]), strict=True):
        stacking.weights.copy_(torch.tensor([weights]))
        stacking.offset.fill_(weights[0])
    maps = {name: np.full((1, 2, 2), p, np.float32) for name, p in (("trap", 0.7), ("depth_traps", 0.2))}
    all_three = [*stackings, mean_stacking(stackings)]
    first, second, mean = (np.log(p / (1 - p)) for p in (stacking(maps, ("rgb",)) for stacking in all_three))
    np.testing.assert_allclose(mean, (first + second) / 2, rtol=1e-5)
    assert mean_stacking([None, None]) is None
