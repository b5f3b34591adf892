"""Finite charge: truths checked by hand, laws, and pouring cell by cell."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from targets.closure import find_closures, volume_curve
from targets.closure.charge import (
    ChargeTree,
    Filling,
    catchment_charge,
    fill_closures,
    grow_charge_tree,
    order_of_filling,
    point_charge,
    uniform_charge,
)
from targets.errors import UserError
from tests.targets.closure.cases import RIDGE, dome, maps, rough
from tests.targets.closure.pouring import Pools

TWINS = np.array([[9, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]])  # capacities 11; 3 and 2


def fill(depth: Any, charge: Any, **options: Any) -> Filling:
    return fill_closures(grow_charge_tree(find_closures(depth, **options)), charge)


def at(row: int, col: int, volume: float, shape: tuple[int, int] = (3, 6)) -> NDArray:
    charge = np.zeros(shape)
    charge[row, col] = volume
    return charge


# By hand --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volume", "stored", "contact", "lost"),
    [
        (0, [0, 0, 0], [np.nan, np.nan, np.nan], 0),
        (1, [1, 1, 0], [np.nan, 3, np.nan], 0),
        (3, [3, 3, 0], [np.nan, 5, np.nan], 0),
        (4, [4, 3, 1], [np.nan, 5, 4], 0),  # it spills into its neighbour
        (5, [5, 3, 2], [5, 5, 5], 0),  # both are full, and one
        (8, [8, 3, 2], [6, 6, 6], 0),  # three cells share the rest
        (11, [11, 3, 2], [7, 7, 7], 0),
        (13, [11, 3, 2], [7, 7, 7], 2),
    ],
)
def test_twins_fill_one_after_the_other_and_then_together(
    volume: float, stored: list[float], contact: list[float], lost: float
) -> None:
    found = fill(TWINS, at(1, 1, volume))
    np.testing.assert_array_equal(found.stored, stored)
    np.testing.assert_array_equal(found.contact, contact)
    assert found.lost == lost and found.elsewhere == found.unplaced == found.off_map == 0
    if volume == 8:
        assert found.height[1].tolist() == [0, 4, 1, 3, 0, 0] and found.height[[0, 2]].max() == 0
        assert found.area.tolist() == [3, 1, 1] and found.share.tolist() == [8 / 11, 1, 1]


def test_a_full_closure_spills_up_dip_into_the_next() -> None:
    """The ridge: the closure of 6 holds 2 and spills at 8 into that of 3, which holds 6 and spills out of the map."""
    found = fill(RIDGE, at(1, 1, 5, RIDGE.shape))
    assert found.stored.tolist() == [3, 2] and found.contact[1] == 8 and found.lost == 0
    assert fill(RIDGE, at(1, 1, 10, RIDGE.shape)).lost == 2


def test_a_basin_without_a_way_out_says_what_found_no_room() -> None:
    found = fill([[4.0, 1.0, 2.0]], [[0, 6.0, 0]], edge="closed")
    assert found.stored.tolist() == [5] and found.contact.tolist() == [4] and found.unplaced == 1


def test_closures_that_the_table_leaves_out_take_their_part() -> None:
    found = fill(RIDGE, at(1, 1, 5, RIDGE.shape), min_area=2)
    assert found.stored.tolist() == [3] and found.elsewhere == 2


def test_charge_of_fault_cells_that_were_taken_out_is_named() -> None:
    faults = TWINS == 5
    found = fill(TWINS, at(1, 2, 4), faults=faults, fault_rule="sealing")
    assert found.off_map == 4 and found.stored.sum() == 0
    with pytest.raises(UserError, match="row 1, column 2"):
        point_charge(found.tree.closures, 1, 2, 4)


def test_the_order_of_filling() -> None:
    found = find_closures(RIDGE)
    order = order_of_filling(grow_charge_tree(found), at(1, 1, 4, RIDGE.shape))
    assert order.full.tolist() == [2, 0.5] and order.begins.tolist() == [0.5, 0]
    twins = order_of_filling(grow_charge_tree(find_closures(TWINS)), at(1, 1, 5))
    assert twins.begins.tolist() == [0, 0, 0.6] and twins.full.tolist() == [2.2, 0.6, 1], (
        "a whole begins with its parts"
    )
    nothing = order_of_filling(grow_charge_tree(found), np.zeros(RIDGE.shape))
    assert np.isinf(nothing.full).all() and np.isinf(nothing.begins).all()


def test_charges_of_all_kinds() -> None:
    found = find_closures(TWINS)
    even = uniform_charge(found, 36.0)
    assert even.min() == even.max() == 2
    with_void = find_closures(np.where(TWINS == 6, np.nan, TWINS))
    assert uniform_charge(with_void, 17.0)[1].tolist() == [1, 1, 1, 1, 1, 0]
    areas = np.array([[1.0], [2.0], [1.0]])
    assert uniform_charge(found, 24.0, areas)[:, 0].tolist() == [1, 2, 1]
    assert catchment_charge(found, {1: 2.0, 3: 1.0})[1].tolist() == [0, 2, 0, 1, 0, 0]
    assert point_charge(found, [1, 1], [1, 1], [2.0, 3.0])[1, 1] == 5
    masked = np.ma.masked_equal(at(1, 1, 3), 0)
    assert fill(TWINS, masked).given == 3 and fill(TWINS, np.where(masked.mask, np.nan, 3.0)).given == 3


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda: grow_charge_tree(find_closures(TWINS, contour_interval=1)), "spill point"),
        (lambda: fill(TWINS, at(1, 1, -1)), "0 or more"),
        (lambda: fill(TWINS, at(1, 1, np.inf)), "0 or more"),
        (lambda: fill(TWINS, np.zeros((2, 2))), "the shape of depth"),
        (lambda: fill(TWINS, np.full((3, 6), "much")), "the shape of depth"),
        (lambda: grow_charge_tree(find_closures(TWINS), np.ones((2, 6))), "cell_areas"),
        (lambda: grow_charge_tree(find_closures(TWINS), 0), "cell_areas"),
        (lambda: catchment_charge(find_closures(TWINS), {4: 1.0}), "ids 1 to 3"),
        (lambda: point_charge(find_closures(TWINS), 3, 0, 1), "row 3"),
        (
            lambda: grow_charge_tree(find_closures(np.where(np.eye(3)[::-1] * np.eye(3) > 0, -1.7e308, 1e308))),
            "float64",
        ),
    ],
)
def test_what_cannot_be_charged_is_refused(work: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        work()


def test_it_equals_what_richdem2_says() -> None:
    """Heights by Fill-Spill-Merge of richdem2 2.4.3: one unit on each cell, an open border around the map."""
    depth = np.array(
        [
            [46, 11, 18, 10, 23, 28, 4, 36],
            [34, 27, 35, 24, 21, 2, 20, 3],
            [1, 53, 52, 6, 22, 42, 19, 48],
            [16, 17, 26, 37, 30, 0, 8, 51],
            [43, 54, 32, 25, 50, 9, 38, 44],
            [47, 40, 13, 12, 7, 45, 39, 55],
            [5, 49, 14, 29, 41, 33, 15, 31],
        ]
    )
    expected = np.zeros(depth.shape)
    expected[1, 5], expected[2, 3], expected[5, 4] = 2, 6, 3.25
    expected[3, 5], expected[3, 6], expected[4, 5] = 10.25, 2.25, 1.25  # one contact at 10.25
    found = fill(depth, np.ones(depth.shape))
    np.testing.assert_allclose(found.height, expected, atol=1e-12)
    assert found.lost == pytest.approx(56 - 25)


# Laws -----------------------------------------------------------------------------------------------------------------


def poured(tree: ChargeTree, charge: NDArray) -> Pools:
    """The same by brute force."""
    grid = tree.closures.grid
    inside = tree.drain >= 0
    beside = np.pad(~inside & grid.edge_open, 1, constant_values=grid.edge_open)
    pools = Pools(grid.depth, inside, np.zeros(inside.shape, bool), grid.eight)
    for r in range(3):
        for c in range(3):
            if grid.eight or 1 in (r, c):
                pools.leaving |= beside[r : r + inside.shape[0], c : c + inside.shape[1]]
    for row, col in np.argwhere(inside):
        pools.pour((int(row), int(col)), float(charge[row, col]))
    return pools


@st.composite
def charged_maps(draw: st.DrawFn) -> tuple[NDArray, NDArray, dict[str, Any]]:
    """A small map, no two depths equal, with voids, options, and a charge of some of its cells."""
    rows, cols = draw(st.tuples(st.integers(3, 8), st.integers(3, 9)))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    depth = rng.permutation(rows * cols).reshape(rows, cols).astype(float)
    if draw(st.booleans()):
        depth[rng.random(depth.shape) < 0.1] = np.nan
    charge = np.where(rng.random(depth.shape) < draw(st.sampled_from([0.1, 0.5, 1])), rng.random(depth.shape), 0)
    charge *= draw(st.sampled_from([1.0, 10.0, 100.0]))
    return (
        depth,
        charge,
        {"connectivity": draw(st.sampled_from([4, 8])), "edge": draw(st.sampled_from(["open", "closed"]))},
    )


@settings(max_examples=40, deadline=None)
@given(charged_maps())
def test_filling_equals_pouring_cell_by_cell(case: tuple[NDArray, NDArray, dict[str, Any]]) -> None:
    depth, charge, options = case
    found = fill(depth, charge, **options)
    cells = found.tree.highs.saddles.cell
    if np.unique(cells).size < cells.size:
        return  # three highs meet in one cell: which of two neighbours is filled first is a choice
    pools = poured(found.tree, np.where(np.isnan(depth), 0, charge))
    np.testing.assert_allclose(found.height, np.nan_to_num(pools.level - depth), atol=1e-9)
    assert found.lost == pytest.approx(pools.lost, abs=1e-9) and found.unplaced == pytest.approx(
        pools.unplaced, abs=1e-9
    )


def check_laws(depth: NDArray, options: dict[str, Any], seed: int) -> None:
    """Conservation, no order, monotone in charge, scale, and the order of filling; ties and options of all kinds."""
    closures = find_closures(depth, **{**options, "contour_interval": None})
    tree = grow_charge_tree(closures)
    rng = np.random.default_rng(seed)
    capacity = float(tree.columns.capacity.sum())
    charge = rng.random(depth.shape) * (rng.random(depth.shape) < 0.5) * (capacity + 1) / depth.size * 4
    table, outer = closures.table, closures.table["parent"] == 0
    np.testing.assert_allclose(
        tree.capacity, table["volume"], rtol=1e-9, atol=1e-9 * max(np.abs(table["spill_depth"]).max(initial=0), 1)
    )
    less, found, more = (fill_closures(tree, charge * k) for k in (0.5, 1, 1.5))
    for answer in (less, found, more):
        parts = answer.stored[outer].sum() + answer.elsewhere + answer.lost + answer.unplaced + answer.off_map
        assert parts == pytest.approx(answer.given, rel=1e-9, abs=1e-12)
        assert (answer.stored <= tree.capacity * (1 + 1e-9)).all() and (answer.stored >= 0).all()
        assert answer.height.sum() == pytest.approx(answer.stored[outer].sum() + answer.elsewhere, rel=1e-9, abs=1e-9)
    slack = 1e-9 * (capacity + 1)
    assert (less.stored <= found.stored + slack).all() and (found.stored <= more.stored + slack).all()
    assert (less.height <= found.height + slack).all() and less.lost <= found.lost + slack
    order = order_of_filling(tree, charge)
    assert (order.begins <= order.full).all()
    full = found.stored >= tree.capacity - slack
    assert (
        full[order.full < 1 - 1e-6].all()
        and not full[(order.full > 1 + 1e-6) & (tree.capacity > 2 * slack * 1e6)].any()
    )
    deeper = grow_charge_tree(
        find_closures(np.asarray(depth, np.float64) * 2.0, **{**options, "contour_interval": None}), 8.0
    )
    np.testing.assert_allclose(fill_closures(deeper, charge * 16).stored, found.stored * 16, rtol=1e-9, atol=slack)


@settings(max_examples=40, deadline=None)
@given(maps(), st.integers(0, 2**31))
def test_laws_of_filling(case: tuple[NDArray, dict[str, Any]], seed: int) -> None:
    check_laws(*case, seed)


def test_laws_of_a_rough_map() -> None:
    check_laws(rough(3, (60, 70)), {}, 1)
    check_laws(np.rint(rough(4, (60, 70))), {"edge": "closed"}, 2)


def test_contacts_are_those_of_the_volume_curve() -> None:
    depth = dome((31, 31), 15, 15, 1000, 2.0).astype(np.float32)
    found = find_closures(depth)
    tree = grow_charge_tree(found, 400.0)
    curve = volume_curve(found, 1, steps=7, cell_area=400.0)
    assert tree.capacity[0] == pytest.approx(curve.volume[-1], rel=1e-12)
    for contact, area, volume in zip(curve.contact[1:-1], curve.area[1:-1], curve.volume[1:-1], strict=True):
        filling = fill_closures(tree, catchment_charge(found, {1: volume}))
        assert filling.contact[0] == pytest.approx(contact, rel=1e-12) and filling.area[0] == area
