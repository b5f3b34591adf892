"""Noise of a depth: found where it is, in any unit; closures that the smoothed surface confirms stay as they are."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from targets.closure import find_closures
from targets.scene import Scene
from targets.synthetic.structure_maps import make_structure_map, with_picking_noise
from targets.truth.criteria import TrapCriteria
from targets.truth.noise import leave_out_noise, noise_std, smooth_noise, widen_traps
from targets.truth.traps import compute_traps, find_trap_closures

LEFT_OUT = TrapCriteria(noise="left_out")
SMOOTH = [make_structure_map(seed, 192) for seed in (5, 6, 7)]


def noisy(scene, share=0.01):
    return with_picking_noise(scene, share, np.random.default_rng(0)).replace(true_depth=None)


@pytest.mark.parametrize("scene", SMOOTH, ids=lambda scene: scene.name)
def test_maps_without_noise_keep_their_traps_to_the_bit(scene):
    low, high = scene.relief
    steps = np.round((scene.depth - low) / (high - low) * 255) * (high - low) / 255
    for one in (scene, scene.replace(depth=steps.astype(np.float32))):  # 8 bits are no noise
        assert noise_std(one) == 0 and smooth_noise(one) is None
        for kept, left_out in zip(compute_traps(one, TrapCriteria()), compute_traps(one, LEFT_OUT), strict=True):
            np.testing.assert_array_equal(kept, left_out)


def test_noise_is_found_in_any_unit_and_direction():
    scene = noisy(SMOOTH[0], 0.02)
    found = noise_std(scene)
    assert found > 0
    turned = scene.replace(**{name: np.ascontiguousarray(np.rot90(getattr(scene, name)))
                              for name in ("depth", "depth_valid", "map_valid", "fault")})  # fmt: skip
    assert noise_std(turned) == pytest.approx(found, rel=1e-6)
    assert noise_std(scene.replace(depth=scene.depth * 3 + 100)) == pytest.approx(3 * found, rel=1e-3)


def test_short_structures_are_no_noise():
    waves = np.add.outer(np.cos(np.arange(80) / 3), np.cos(np.arange(80) / 3)).astype(np.float32)
    scene = Scene("waves", waves, waves < 9, waves < 9, waves > 9)
    rough = np.random.default_rng(0).normal(0, 0.4, waves.shape).astype(np.float32)
    assert noise_std(scene) == 0 < noise_std(scene.replace(depth=waves + rough))


def test_noise_on_a_slope_leaves_no_closures_and_a_dome_on_it_stays():
    rows, cols = np.indices((96, 96))
    hill = -30 * np.exp(-((rows - 48) ** 2 + (cols - 48) ** 2) / 300)
    rough = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((96, 96)), 1)
    depth = (rows * 0.3 + hill + rough / rough.std()).astype(np.float32)
    inside = np.ones((96, 96), bool)
    scene = Scene("slope", depth, inside, inside, ~inside)
    few = replace(LEFT_OUT, min_area=4)
    kept, left_out = compute_traps(scene, replace(few, noise="kept")), compute_traps(scene, few)
    assert kept.labels.max() > left_out.labels.max() == 1 == left_out.labels[48, 48]
    assert (left_out.labels > 0).sum() >= (kept.labels == kept.labels[48, 48]).sum()
    assert tuple(left_out.crests[0]) in {tuple(crest) for crest in kept.crests}
    (closure,) = find_trap_closures(scene, few).table[["area", "parent"]][:1]
    assert closure["area"] == (kept.labels == kept.labels[48, 48]).sum()  # its outline is that of the depth as it is


def test_closures_that_the_smooth_surface_does_not_confirm_are_gone_and_others_widen():
    every = find_closures([[9, 9, 9, 9, 9, 9, 9], [9, 2, 9, 3, 7, 9, 9], [9, 9, 9, 9, 9, 9, 9]])
    smooth = find_closures([[9, 9, 9, 9, 9, 9, 9], [9, 9, 9, 3, 4, 5, 9], [9, 9, 9, 9, 9, 9, 9]])
    kept = leave_out_noise(every, smooth)
    assert kept.labels[1].tolist() == [0, 0, 0, 1, 1, 0, 0] and len(kept.table) == 1
    assert widen_traps(kept.labels, every, smooth)[1].tolist() == [0, 0, 0, 1, 1, 1, 0]


def test_left_out_noise_is_closer_to_the_truth():
    scores = []
    for scene in SMOOTH:
        truth = compute_traps(scene, TrapCriteria()).labels > 0
        found = [compute_traps(noisy(scene, 0.02), rules).labels > 0 for rules in (TrapCriteria(), LEFT_OUT)]
        scores.append([(one & truth).sum() / (one | truth).sum() for one in found])
    kept, left_out = np.mean(scores, axis=0)
    assert left_out > kept + 0.03
