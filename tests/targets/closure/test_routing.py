"""Catchments and migration paths: truths checked by eye, laws, and filling by brute force."""

from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from targets.closure import (
    Closures,
    catchments,
    find_best_charge_points,
    find_closures,
    find_nesting,
    migration_paths,
    trace_migration,
)
from targets.closure.kernels.codes import INSIDE, OPEN
from targets.closure.routing import choose_chains
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.synthetic.structure_maps import make_structure_map
from tests.targets.closure.cases import RIDGE, maps, rough
from tests.targets.closure.filling import ends_by_filling


@pytest.mark.slow
def test_a_path_leads_from_the_spill_point_to_the_next_closure() -> None:
    found = find_closures(RIDGE)
    (to_edge, to_next) = migration_paths(found)
    assert to_next.tolist() == [[1, 2], [1, 3]]
    assert to_edge.tolist() == [[1, 5], [0, 6]]


def test_catchments_of_the_ridge() -> None:
    # row 1: 6 | 8 drains up-dip to 5 | 5 3 | 7 drains to the edge cell at 1; the edge drains out
    assert catchments(find_closures(RIDGE))[1].tolist() == [0, 2, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("min_area", [0, 6])
@pytest.mark.parametrize("whole_numbers", [False, True])
def test_paths_and_catchments_agree_with_the_table(whole_numbers: bool, min_area: int) -> None:
    depth = rough(2, (60, 50))
    depth = np.rint(depth) if whole_numbers else depth
    found = find_closures(depth, min_area=min_area)
    goal = catchments(found)
    assert (goal[found.labels > 0] == found.labels[found.labels > 0]).all()
    for row, path in zip(found.table, migration_paths(found), strict=True):
        assert path[0].tolist() == [row["spill_row"], row["spill_col"]]
        if row["parent"] == 0:
            assert found.labels[tuple(path[-1])] == row["spills_into"] or len(path) == 1
            assert all(goal[r, c] == row["spills_into"] for r, c in path[1:])
            steps = depth[path[1:, 0], path[1:, 1]]
            assert (steps <= row["spill_depth"]).all()


def beside_an_open_border(found: Closures) -> NDArray[np.bool_]:
    grid = found.grid
    state = grid.state if grid.state.size else np.full(grid.depth.shape, INSIDE)
    state = np.pad(state, 1, constant_values=OPEN if grid.edge_open else INSIDE)
    around = ndimage.generate_binary_structure(2, 2 if grid.eight else 1)
    return ndimage.binary_dilation(state == OPEN, around)[1:-1, 1:-1]


def check_paths(found: Closures) -> None:
    """A path is a chain of neighbours from the spill point to the closure it spills into, or to an open border."""
    grid, table = found.grid, found.table
    leaving = beside_an_open_border(found)
    here = grid.state == INSIDE if grid.state.size else np.ones(grid.depth.shape, bool)
    parts, _ = ndimage.label(here, ndimage.generate_binary_structure(2, 2 if grid.eight else 1))
    for row, path in zip(table, migration_paths(found), strict=True):
        assert path[0].tolist() == [row["spill_row"], row["spill_col"]]
        if row["parent"] != 0:
            assert len(path) == 1
            continue
        steps = np.abs(np.diff(path, axis=0))
        assert ((steps.max(axis=1) if grid.eight else steps.sum(axis=1)) == 1).all()
        assert len(np.unique(path, axis=0)) == len(path)
        way, end = tuple(path.T), tuple(path[-1])
        assert here[way].all()
        assert (grid.depth[way] <= row["spill_depth"]).all(), "what leaks never sinks below where it leaked"
        assert found.labels[end] == row["spills_into"]
        if row["spills_into"] == 0 and not leaving[end]:  # walled in on all sides: no further than the deepest cell
            part = parts == parts[end]
            assert not (leaving & part).any() and grid.depth[end] == grid.depth[part].max()
        assert (found.labels[way][:-1] == 0).all(), "it ends where it first meets a closure"
        assert row["spills_into"] != row["id"]


def check_catchments(found: Closures) -> None:
    """A closure lies in its own catchment, and the cell it leaks to in that of the closure it spills into."""
    goal, depth = catchments(found), found.grid.depth
    inside = found.labels > 0
    assert (goal[inside] == found.labels[inside]).all()
    here = found.grid.state == INSIDE if found.grid.state.size else np.ones(depth.shape, bool)
    assert ((goal == -1) == ~here).all()
    leaking = found.table[(found.table["parent"] == 0) & (found.table["leak_row"] >= 0)]
    assert (goal[leaking["leak_row"], leaking["leak_col"]] == leaking["spills_into"]).all()


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(maps(), st.sampled_from([0, 2, 4]), st.sampled_from([0.0, 1.5]))
def test_paths_catchments_and_table_agree(case: tuple[NDArray, dict[str, Any]], area: int, height: float) -> None:
    depth, options = case
    found = find_closures(depth, **options, min_area=area, min_height=height)
    check_paths(found)
    check_catchments(found)


@pytest.mark.parametrize("interval", [None, 12.0])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("rule", ["transparent", "sealing", "leaking"])
@pytest.mark.parametrize("edge", ["open", "closed"])
def test_catchments_equal_filling_by_brute_force(
    edge: str, rule: str, connectivity: int, interval: float | None
) -> None:
    """With `check_catchments` and `check_paths` this holds for `spills_into` and the paths as well."""
    for seed, min_area in [(1, 0), (2, 4), (3, 9)]:
        rng = np.random.default_rng(seed)
        smooth = ndimage.gaussian_filter(rng.normal(size=(11, 13)), 0.8)
        depth = smooth.ravel().argsort().argsort().reshape(smooth.shape).astype(np.float32)  # each depth once
        faults = rng.random(depth.shape) > 0.93
        found = find_closures(
            depth, None, faults, rule, edge, connectivity, contour_interval=interval, min_area=min_area
        )
        here = found.grid.state == INSIDE if found.grid.state.size else np.ones(depth.shape, bool)
        truth = ends_by_filling(depth, here, beside_an_open_border(found), found.labels, connectivity)
        goal = catchments(found)
        assert all(goal[cell] in ends for cell, ends in truth.items())
        check_catchments(found)
        check_paths(found)


@pytest.mark.parametrize("rule", ["transparent", "sealing", "leaking"])
@pytest.mark.parametrize("interval", [None, 10.0])
def test_paths_on_synthetic_maps(interval: float | None, rule: str) -> None:
    for seed in (3, 5, 700001):
        scene = make_structure_map(seed, 120)
        found = find_closures(
            scene.depth, scene.map_valid, scene.fault, rule, contour_interval=interval, min_area=20, min_height=2
        )
        check_paths(found)
        check_catchments(found)


TERRACE = np.full((3, 10), 99.0)  # highs 5, 12 and 1; saddles 18 between 5 and 12, 14 between 12 and 1; 1 leaks at 16
TERRACE[1] = [99, 20, 5, 18, 12, 14, 1, 16, 15, 15]


def test_a_high_without_a_contour_leaks_to_its_neighbour() -> None:
    # contours 0, 10, 20: 10 closes around 5 and 1, none around 12; what leaks from 5 into 12 goes on to 1 past 14
    found = find_closures(TERRACE, contour_interval=10)
    assert found.table[["crest_depth", "spill_depth", "spills_into"]].tolist() == [(1, 16, 0), (5, 18, 1)]
    assert catchments(found)[1].tolist() == [0, 2, 2, 2, 1, 1, 1, 1, 0, 0]
    assert migration_paths(found)[1].tolist() == [[1, 3], [1, 4], [1, 5], [1, 6]]


@pytest.mark.parametrize("interval", [None, 13.0])
def test_a_dropped_closure_leaks_to_its_neighbour(interval: float | None) -> None:
    # 1 with 12 inside (spill reading), or 1 and 12 each (contour 13): either way 1 receives what leaks from 5
    found = find_closures(TERRACE, contour_interval=interval, min_height=5)
    outer = found.table[found.table["parent"] == 0]
    assert outer[["crest_depth", "spills_into"]].tolist() == [(1, 0), (5, 1)]
    # the map cut off at 14: there 12 leaks over the border, and so does what it gets from 5
    cut = find_closures(TERRACE[:, :6], contour_interval=interval, min_height=5)
    assert cut.table[["crest_depth", "spills_into"]].tolist() == [(5, 0)]
    assert catchments(cut)[1].tolist() == [0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("step", [1, -1])
def test_a_high_leaks_to_a_pair_of_which_one_is_dropped(step: int) -> None:
    # contour 13 closes around 5, 1 and 8, not around 15; 8 is dropped. 5 leaks at 18 into 15, that at 16 to 1 with 8
    depth = np.full((3, 12), 99.0)
    depth[1] = [99, 20, 5, 18, 15, 16, 1, 14, 8, 17, 16.5, 16.5]
    found = find_closures(depth[:, ::step], contour_interval=13, min_height=10)
    assert found.table[["crest_depth", "spills_into"]].tolist() == [(1, 0), (5, 1)]
    assert catchments(found)[1, ::step].tolist() == [0, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0]


def test_a_path_crosses_a_dropped_closure_to_the_border() -> None:
    # 1 leaks at 6 into the high of 4, which is too small to count: on along its cells to where it leaks over the border
    depth = np.array([[9, 9, 9, 9, 9, 9, 9], [9, 1, 6, 4, 5, 5, 5], [9, 9, 9, 9, 9, 9, 9]])
    found = find_closures(depth, min_height=2)
    assert [path.tolist() for path in migration_paths(found)] == [[[1, 2], [1, 3], [1, 4], [1, 5], [1, 6]]]


@pytest.mark.parametrize("interval", [None, 10.0])
def test_paths_on_a_real_surface(shared_data: Path, interval: float | None) -> None:
    scene = read_map(next(s for s in list_maps([shared_data / "reek"]) if s.name == "topreek"))
    found = find_closures(
        scene.depth, scene.map_valid, scene.fault, "sealing", contour_interval=interval, min_area=40, min_height=5
    )
    check_paths(found)
    check_catchments(found)


def test_a_way_from_any_cell_fills_the_closure_of_its_catchment_and_the_chain_of_the_table() -> None:
    for interval in (None, 0.5):
        found = find_closures(rough(4, (40, 36)), contour_interval=interval, min_area=2)
        goal, nesting = catchments(found), find_nesting(found).innermost
        assert len(found.table) > 10
        for row, col in ((0, 0), (5, 7), (12, 30), (20, 20), (33, 3), (28, 17), (39, 35)):
            way = trace_migration(found, row, col)
            assert way.paths[0][0].tolist() == [row, col]
            assert (way.chain[0] if way.chain else 0) == goal[row, col] == (way.fills[-1] if way.fills else 0)
            for one, other in pairwise(way.chain):
                assert found.table["spills_into"][one - 1] == other
            for path in way.paths:
                assert (np.abs(np.diff(path, axis=0)).max(axis=1) == 1).all()
            for path, key in zip(way.paths, way.chain, strict=False):
                top = tuple(path[-1])
                assert found.labels[top] == key
            for path, key in zip(way.paths[1:], way.chain, strict=False):
                spill = found.table[key - 1]
                assert path[0].tolist() == [spill["spill_row"], spill["spill_col"]]
            if way.fills:
                assert nesting[tuple(way.paths[0][-1])] == way.fills[0]


def test_a_cell_off_the_map_has_no_way() -> None:
    depth = RIDGE.astype(float)
    depth[0, 0] = np.nan
    for row, col in ((0, 0), (-1, 2), (0, 99)):
        with pytest.raises(UserError, match="cell"):
            trace_migration(find_closures(depth), row, col)


@given(st.data())
def test_the_best_points_are_those_of_brute_force(data: Any) -> None:
    """Greedy over random forests: no other choice of as many starts holds more."""
    size = data.draw(st.integers(1, 7))
    onward = np.array([data.draw(st.integers(-1, k - 1)) for k in range(size)])  # to an earlier node: no circle
    worth = np.array([data.draw(st.integers(0, 9)) for _ in range(size)], float)
    count = data.draw(st.integers(1, size))

    def held(starts: tuple[int, ...]) -> float:
        nodes = set()
        for start in starts:
            while start >= 0 and start not in nodes:
                nodes.add(start)
                start = onward[start]
        return float(worth[list(nodes)].sum())

    chains = choose_chains(onward, worth, count)
    best = max(held(starts) for starts in combinations(range(size), count))
    assert sum(worth[list(chain)].sum() for chain in chains) == best
    assert len({node for chain in chains for node in chain}) == sum(map(len, chains))


def test_the_best_points_of_a_map_fill_all_that_they_can() -> None:
    found = find_closures(rough(4, (40, 36)))
    outermost = found.table[found.table["parent"] == 0]
    points = find_best_charge_points(found, 10**6)
    assert sorted(key for point in points for key in point.chain) == outermost["id"].tolist()
    assert sum(point.added for point in points) == pytest.approx(outermost["volume"].sum())
    added = [point.added for point in points]
    assert added == sorted(added, reverse=True) and points[0].chain == trace_migration(found, *points[0][1:3]).chain
