"""Trap instances on planes drawn by hand: what each head adds, and what happens without it."""

from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage

from mtl.prediction.instances import (
    MIN_AREA,
    add_instance_planes,
    enclosure_probability,
    find_instances,
    instance_outputs,
    instance_planes,
)
from mtl.tasks.heads import FUSION, HEADS, trap_outputs
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene

SHAPE = (64, 64)
ROWS, COLS = np.indices(SHAPE)
LEFT, RIGHT = (np.hypot(ROWS - 32, COLS - col) for col in (20, 44))
MASK = np.minimum(LEFT, RIGHT) < 14  # two discs that flow together at column 32

TOUCHING = {
    "trap": np.where(MASK, 0.9, 0.1),
    "boundary": np.where(MASK & (np.abs(COLS - 32) <= 1), 0.8, 0.1),
    "crest": np.maximum(np.exp(-((LEFT / 6) ** 2) / 2), np.exp(-((RIGHT / 6) ** 2) / 2)),
    "dist": np.minimum(LEFT, RIGHT),
}


def segment(**planes):
    maps = {name: plane[None].astype(np.float32) for name, plane in planes.items()}
    return find_instances(maps, [HEADS[name] for name in planes])


def chosen(*names):
    return {name: TOUCHING[name] for name in names}


@pytest.mark.parametrize("more", [more for n in range(4) for more in combinations(["boundary", "crest", "dist"], n)])
def test_two_touching_domes_are_two_instances_where_each_has_a_crest_and_a_ridge_is_between(more) -> None:
    labels, _ = segment(**chosen("trap", *more))
    apart = "crest" in more and len(more) > 1
    assert labels.max() == (2 if apart else 1)
    if apart:
        assert labels[32, 20] != labels[32, 44] and 0 not in labels[32, [20, 44]]
        assert not ((labels > 0) & (COLS == 32)).any() or "boundary" not in more  # the ridge is where it is cut
        line = MASK & (labels == 0)
        assert set(COLS[line]) <= {31, 32, 33} and line.sum() == np.ptp(ROWS[MASK & (COLS == 32)]) + 1
        assert not (ndimage.maximum_filter(labels == 1, footprint=np.ones((3, 3)))[labels == 2]).any()


def test_two_domes_are_divided_along_the_boundary_ridge_wherever_it_lies() -> None:
    for ridge in (28, 36):
        boundary = np.where(MASK & (np.abs(COLS - ridge) <= 1), 0.8, 0.1)
        labels, _ = segment(trap=TOUCHING["trap"], boundary=boundary, crest=TOUCHING["crest"])
        assert labels.max() == 2 and set(COLS[MASK & (labels == 0)]) <= {ridge - 1, ridge, ridge + 1}


def test_every_component_is_divided_by_itself() -> None:
    above, _ = segment(**TOUCHING)
    labels, _ = segment(**{name: np.vstack([plane, plane]) for name, plane in TOUCHING.items()})
    assert labels.max() == 4
    for half in np.split(labels, 2):
        np.testing.assert_array_equal(half > 0, above > 0)


def test_a_weak_crest_divides_nothing() -> None:
    weak = TOUCHING | {"crest": np.where(LEFT < RIGHT, 1, 0.9 * 0.5) * TOUCHING["crest"]}
    assert segment(**{name: weak[name] for name in ("trap", "boundary", "crest", "dist")})[0].max() == 1


def test_the_distance_to_the_crest_says_which_crest_a_cell_belongs_to() -> None:
    """Crests that lie askew in the mask: halfway between them a cell goes to the crest that `dist` says is nearer."""
    second = np.hypot(ROWS - 32, COLS - 36)
    crest = np.maximum(np.exp(-((LEFT / 4) ** 2) / 2), np.exp(-((second / 4) ** 2) / 2))
    labels, _ = segment(trap=TOUCHING["trap"], crest=crest, dist=np.minimum(LEFT, second))
    line = MASK & (labels == 0)
    assert labels.max() == 2 and set(COLS[line]) <= {27, 28, 29}


def test_without_a_mask_what_a_boundary_encloses_is_trap() -> None:
    ring = np.where(np.abs(LEFT - 12) < 2, 0.8, 0.05)
    labels, probability = segment(boundary=ring)
    assert labels.max() == 1 and probability[32, 20] == np.float32(0.8)
    assert np.hypot(*np.argwhere(labels > 0).T - np.array([[32], [20]])).max() == pytest.approx(12, abs=1.5)
    ring[30:35, 32] = 0.05  # a gap: nothing is enclosed any more
    ring[30:35, 30:36] = 0.05
    assert segment(boundary=ring)[0].max() == 0
    assert enclosure_probability(np.zeros(SHAPE, np.float32)).max() == 0


def test_small_components_are_no_instances_and_labels_have_no_gaps() -> None:
    trap = np.zeros(SHAPE)
    trap[0:2, 0:20] = trap[30:36, 0:3] = trap[50:60, 50:60] = 0.9
    labels, _ = segment(trap=trap)
    assert MIN_AREA == 40 and set(np.unique(labels)) == {0, 1, 2} and not labels[30:36].any()


def test_the_last_output_with_the_role_mask_counts() -> None:
    heads = [HEADS["trap"], HEADS["boundary"], FUSION]
    maps = {"trap": TOUCHING["trap"], "boundary": TOUCHING["boundary"], "fusion": np.where(LEFT < 10, 0.7, 0.0)}
    labels, probability = find_instances({name: plane[None].astype(np.float32) for name, plane in maps.items()}, heads)
    np.testing.assert_array_equal(probability, maps["fusion"].astype(np.float32))
    assert trap_outputs(heads)[-1] is FUSION and labels.max() == 1


def test_instances_of_all_heads_are_scored_beside_the_components_of_the_mask() -> None:
    heads = [HEADS[name] for name in TOUCHING]
    maps = add_instance_planes({name: plane[None].astype(np.float32) for name, plane in TOUCHING.items()}, heads)
    assert maps["instances"][0].max() == 2 and maps["mask_components"][0].max() == 1 and set(TOUCHING) <= set(maps)
    assert [output.name for output in instance_outputs([HEADS["boundary"]])] == ["instances"]
    assert instance_outputs([HEADS["crest"], HEADS["dist"]]) == []


def test_confidence_is_the_mean_probability_and_nan_outside_the_map_is_no_trap() -> None:
    trap = np.where(LEFT < 8, 0.9, np.where(RIGHT < 8, 0.6, 0.0))
    trap[:, :8] = np.nan
    planes = instance_planes({"trap": trap[None].astype(np.float32)}, [HEADS["trap"]])
    assert sorted({round(float(sure), 6) for sure in planes[1][planes[0] > 0]}) == [0.6, 0.9]
    assert np.isfinite(planes).all()


def test_true_targets_give_the_true_traps_back() -> None:
    first, second = dome_scene(size=96, crest=(0.2, 0.2)), dome_scene(size=96, crest=(0.8, 0.8))
    scene = first.replace(depth=np.minimum(first.depth, second.depth))
    truth = build_ground_truth(scene, GroundTruthOptions())
    heads = [HEADS[name] for name in ("trap", "boundary", "crest", "dist")]
    maps = {head.name: head.target(truth)[0] for head in heads}
    labels, _ = find_instances(maps, heads)
    assert truth.labels.max() == 2
    np.testing.assert_array_equal(labels > 0, truth.labels > 0)
    assert len({(a, b) for a, b in zip(labels.flat, truth.labels.flat, strict=True)}) == 3


def test_what_a_boundary_encloses_is_eroded_by_the_same_length_on_oblong_cells():
    """The outer half of a band of 5 cells is 2 of them: 4 rows and 1 column of cells twice as wide as high each way."""
    ring = np.zeros((60, 60), np.float32)
    ring[8:52, 8:52], ring[20:40, 11:49] = 1, 0
    inside = enclosure_probability(ring, (0.5, 2.0)) > 0.5
    rows, cols = np.nonzero(inside)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (12, 47, 9, 50)
