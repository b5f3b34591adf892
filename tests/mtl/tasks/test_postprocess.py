"""Postprocessing: traps derived from a perfect head are the truth, a depth has the detail of its map."""

import numpy as np
import pytest

from mtl.evaluation.benchmark import picture_only
from mtl.metrics.masks import TRAP_METRIC
from mtl.tasks.heads import HEADS
from mtl.tasks.postprocess import DRAWN_SIGMA, SCANNED_SIGMA, closure_mask
from targets.picture_reading.colour_bands import masked_gaussian
from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.rendering.map import render
from targets.rendering.scan_effects import ScanEffects, apply_scan_effects
from targets.rendering.style import Style
from targets.scene import GeoReference
from targets.surface.resample import downsample, upsample
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.rasters import trap_mask
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene

EXACT = [pytest.param(HEADS[name], id=name) for name in ("depth", "height")]


def iou(values, truth):
    sums = TRAP_METRIC.update(values, trap_mask(truth)[None], truth.scene.map_valid)
    return TRAP_METRIC.compute(sums)["iou"]


@pytest.mark.parametrize("head", EXACT)
@pytest.mark.parametrize("rules", [TrapCriteria(), TrapCriteria(reading="contour"), TrapCriteria(faults="sealing")])
def test_a_perfect_head_gives_the_exact_traps(head, rules, monkeypatch):
    monkeypatch.setattr("mtl.tasks.postprocess.SMOOTHING_SIGMA", 0.0)  # nothing to smooth where nothing is rough
    monkeypatch.setattr("mtl.tasks.postprocess.DEPTH_ERROR", 1e-9)  # and no doubt
    scene = make_structure_map(4, 96).replace(rgb=None)
    scene = scene.replace(geo=GeoReference(0.0, 0.0, 50.0, -50.0, contour_interval=15.0, contour_base=3.0))
    options = GroundTruthOptions(rules)
    truth = build_ground_truth(scene, options)
    assert truth.labels.any()
    values, _ = head.target(truth)
    assert iou(head.derived.derive(values, scene, options, 1.0), truth) > 0.99


def test_what_a_smoothed_outline_takes_in_is_trap_in_closures_of_a_depth_too():
    scene, rules = make_structure_map(4, 96).replace(rgb=None), TrapCriteria(smoothing=2.0)
    truth = build_ground_truth(scene, GroundTruthOptions(rules))
    taken_in = (truth.labels > 0) & (truth.height <= 0)
    values, _ = HEADS["depth"].target(truth)
    answer = HEADS["depth"].derived.derive(values, scene, GroundTruthOptions(rules), 1.0)[0]
    assert taken_in.any() and (answer[taken_in] > 0.5).all() and not (answer[truth.labels == 0] > 0.5).any()


def test_smoothing_opens_a_leak_that_roughness_dammed_and_spares_the_border():
    inside = np.ones((40, 40), bool)
    inside[:, :5] = False
    flat = np.full((40, 40), 7.0, np.float32)
    np.testing.assert_allclose(masked_gaussian(flat, inside, 3.0)[inside], 7.0, rtol=1e-5)
    assert np.isnan(masked_gaussian(flat, inside, 3.0)[~inside]).all()
    rows, cols = np.indices((40, 40), np.float32)
    nose = np.abs(rows - 20) / 20 - cols / 100  # rises towards the border: no closure but those of noise
    nose += np.random.default_rng(0).normal(0, 0.1, nose.shape).astype(np.float32)
    scene = dome_scene(size=40)
    rules = TrapCriteria(min_relief=0, min_area=4)
    rough = closure_mask(nose, scene, rules).sum()
    assert rough > 40
    assert closure_mask(masked_gaussian(nose, scene.map_valid, 3.0), scene, rules).sum() < 0.2 * rough


def test_the_fused_classes_give_the_mask_back():
    scene = make_structure_map(4, 96)
    truth = build_ground_truth(scene)
    head = HEADS["fused"]
    values, _ = head.target(truth)
    assert (values.sum(0) == 1).all()
    assert iou(head.derived.derive(values, scene, truth.options, 1.0), truth) == 1


def test_without_an_inside_the_fused_classes_give_no_trap():
    scene = dome_scene()
    nothing = np.stack([np.ones(scene.shape), np.zeros(scene.shape), np.zeros(scene.shape)]).astype(np.float32)
    head = HEADS["fused"]
    assert not head.derived.derive(nothing, scene, GroundTruthOptions(), 1.0).any()


def test_a_depth_that_the_network_saw_coarsely_has_its_own_detail_again():
    scene = make_structure_map(8, 192)
    coarse = downsample(scene, 64)
    seen = upsample(np.where(coarse.map_valid, coarse.relative_depth(), np.nan), scene.shape)[None]
    refined = HEADS["depth"].postprocess(seen, scene, 3.0)
    np.testing.assert_allclose(refined[0][scene.map_valid], scene.relative_depth()[scene.map_valid], atol=1e-5)
    assert np.isnan(refined[0][~scene.map_valid]).all()
    noise = np.float32(0.001) * np.random.default_rng(0).normal(size=seen.shape)
    np.testing.assert_allclose(
        HEADS["depth"].postprocess(seen + noise, scene, 3.0), refined, atol=1e-5
    )  # no correction
    change = np.float32(0.1) * np.indices(scene.shape)[0] / 192  # what the network corrects stays
    corrected = HEADS["depth"].postprocess(seen + change, scene, 3.0)
    np.testing.assert_allclose((corrected - refined)[0][scene.map_valid], change[scene.map_valid], atol=1e-5)


def test_a_depth_of_a_grey_picture_is_smoothed():
    scene = picture_only(make_structure_map(8, 96)).replace(rgb=np.full((96, 96, 3), 200, np.uint8))
    guess = np.random.default_rng(0).normal(size=(1, 96, 96)).astype(np.float32)
    np.testing.assert_array_equal(
        HEADS["depth"].postprocess(guess, scene, 1.0)[0], masked_gaussian(guess[0], scene.map_valid, 3.0)
    )


@pytest.mark.parametrize("grain, sigma", [(0.0, DRAWN_SIGMA), (5.0, SCANNED_SIGMA)])
def test_a_depth_read_from_colours_is_smoothed_as_the_picture_asks(grain, sigma):
    """A scan leaves roughness in it; a drawn picture does not, and its small traps would go with it."""
    scene = make_structure_map(8, 192)
    rgb = apply_scan_effects(render(scene), ScanEffects(noise=grain), 0)
    guess, inside = scene.relative_depth(), scene.map_valid
    refined = HEADS["depth"].postprocess(guess[None], picture_only(scene).replace(rgb=rgb), 1.0)[0]
    reading = depth_from_colours(rgb, guess, inside)
    assert reading.noisy == (grain > 0)
    np.testing.assert_array_equal(refined, masked_gaussian(reading.depth, inside, sigma))


def test_a_trap_of_few_cells_in_a_drawn_picture_is_found():
    """Smoothed by 1.5 cells, as scans are, it was lower than 1 % of the relief."""
    rows, cols = np.indices((192, 192))
    bump = 8 * np.exp(-((rows - 100) ** 2 + (cols - 90) ** 2) / (2 * 3.0**2))
    depth = 2000 + 0.4 * cols + 10.0 * np.maximum(cols - 160, 0) - bump
    scene = dome_scene(size=192).replace(depth=depth.astype(np.float32))
    true = build_ground_truth(scene).labels > 0
    assert true.sum() < 70
    shown = picture_only(scene).replace(rgb=render(scene, Style(contour_width=0)))
    head = HEADS["depth"]
    values = head.postprocess(scene.relative_depth()[None], shown, 1.0)
    found = head.derived.derive(values, shown, GroundTruthOptions(), 1.0)[0] > 0.5
    assert (found & true).sum() > 0.7 * (found | true).sum()


def test_a_cell_as_high_above_the_spill_as_depths_err_is_trap_or_not_alike(dome, monkeypatch):
    monkeypatch.setattr("mtl.tasks.postprocess.DEPTH_ERROR", 0.02)
    head = HEADS["depth"]
    values, _ = head.target(build_ground_truth(dome))
    chance = head.derived.derive(values, dome, GroundTruthOptions(), 1.0)[0]
    share = (2100 - dome.depth) / 100  # the dome closes to its foot, and is all of the relief
    inside = share > 0.001
    np.testing.assert_allclose(chance[inside], (share / (share + 0.02))[inside], atol=0.01)
    assert not chance[~inside].any()
