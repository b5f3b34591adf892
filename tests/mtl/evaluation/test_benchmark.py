"""The benchmark: each case gives the network what it names, and counts what can be counted by hand."""

import numpy as np
import torch

from mtl.data.channels import INPUTS
from mtl.evaluation.baselines import baseline_traps
from mtl.evaluation.benchmark import (
    CASES,
    PICKING_NOISE,
    TRUTH_OPTIONS,
    input_sets_for,
    make_case_scene,
    mask_and_crest_planes,
    run_benchmark,
)
from mtl.inference.predictor import Predictor
from mtl.metrics.keypoints import MASK_AND_CREST_METRIC
from mtl.tasks.heads import HEADS
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene, tiny_config

PICTURE, UNKNOWN, DEPTH, CLOSURE, NOISY = CASES


class CopyClosures(torch.nn.Module):
    """A network whose trap is the closure input."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(1e4))

    def forward(self, x):
        return {"trap": (x * self.weight - 1).clamp(-9, 9)}


def copying_predictor(input_sets=()):
    records = (INPUTS["closure"],)
    return Predictor((CopyClosures(),), None, records, (HEADS["trap"],), tiny_config(input_sets=list(input_sets)))


def test_a_network_that_copies_the_closures_scores_as_they_do(tmp_path):
    for name, crest in (("a", (0.4, 0.5)), ("b", (0.6, 0.4))):
        write_map_folder(dome_scene(name, crest=crest), tmp_path / "maps" / name, depth_bits=32)
    text, failed = run_benchmark(copying_predictor(), [str(tmp_path / "maps")], tmp_path / "out", ReadOptions())
    assert not failed
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]
    assert [row[1] for row in rows[:3]] == ["the network needs other inputs"] * 3
    network, exact, left_out, noisy, noisy_exact, _ = rows[3:]
    assert exact[2:] == left_out[2:] == ["1.000", "1.000", "0.000", "0.000"]
    assert float(network[2]) > 0.97 and network[3] == "1.000"
    assert noisy[0] == NOISY.name and float(noisy_exact[2]) < 1
    assert (tmp_path / "out" / "rgb_+_fault_+_depth_+_closure" / "worst.png").exists()


def test_a_case_gives_what_it_names(dome):
    picture, depth, noisy = (make_case_scene(case, 0, dome) for case in (UNKNOWN, DEPTH, NOISY))
    assert not picture.has_depth and not picture.fault.any() and not picture.depth.any()
    np.testing.assert_array_equal(depth.depth, dome.depth)
    assert len(np.unique(noisy.depth)) <= 256
    off = (noisy.depth - dome.depth).std() / 100  # the dome's relief
    assert PICKING_NOISE / 3 < off < PICKING_NOISE * 3
    assert not np.array_equal(picture.rgb, make_case_scene(PICTURE, 0, dome).rgb)
    np.testing.assert_array_equal(picture.rgb, make_case_scene(UNKNOWN, 0, dome).rgb)
    assert not np.array_equal(noisy.depth, make_case_scene(NOISY, 1, dome).depth)


def test_a_case_gives_no_more_than_it_names():
    sets = ["rgb", "rgb,fault,depth", "rgb,fault,depth,closure"]
    one = copying_predictor(sets)
    assert [input_sets_for(one, case) for case in (PICTURE, DEPTH, CLOSURE)] == [sets[:1], sets[:2], sets]
    assert input_sets_for(copying_predictor(), DEPTH) == []


def test_crests_are_hit_within_five_cells(dome):
    truth = build_ground_truth(dome, TRUTH_OPTIONS)
    labels, crests, _ = baseline_traps("exact", TRUTH_OPTIONS.traps, dome)
    true = mask_and_crest_planes(truth.labels, truth.crests)
    for off, hits in ((3, 1.0), (6, 0.0)):
        metrics = MASK_AND_CREST_METRIC.compute(
            MASK_AND_CREST_METRIC.update(
                mask_and_crest_planes(labels, crests + np.array([0, off])), true, dome.map_valid
            )
        )
        assert (metrics["iou"], metrics["crest_hits"], metrics["crest_precision"]) == (1.0, hits, hits)
