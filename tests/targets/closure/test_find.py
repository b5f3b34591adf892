"""Closures are the traps a geologist would draw, and those of the readable reference."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from targets.closure import Closures, catchments, find_closures
from targets.closure.reference import reference_closures
from tests.targets.closure.cases import RULES, dome, maps, same_partition


def facts_of_rows(closures: Closures) -> list[tuple]:
    """(Crest depth, spill depth, area, volume) of each row and of its parent, whatever the order of rows."""
    t = closures.table
    facts = [(r["crest_depth"], r["spill_depth"], r["area"], round(r["volume"], 6)) for r in t]
    return sorted((f, facts[r["parent"] - 1] if r["parent"] else ()) for f, r in zip(facts, t, strict=True))


def check_against_reference(depth: NDArray, **options: Any) -> None:
    found = find_closures(depth, **options)
    truth = reference_closures(depth, **options)

    def fact(c: Any) -> tuple:
        z = depth[c.cells].astype(float)
        return (z.min(), c.spill_depth, int(c.cells.sum()), round(float((c.spill_depth - z).sum()), 6))

    assert facts_of_rows(found) == sorted((fact(c), fact(c.parent) if c.parent else ()) for c in truth)
    labels = np.zeros(depth.shape, int)
    for number, root in enumerate([c for c in truth if c.parent is None], 1):
        labels[root.cells] = number
    assert same_partition(found.labels, labels)
    check_laws_of_the_table(depth, found, **options)


def check_laws_of_the_table(depth: NDArray, found: Closures, **options: Any) -> None:
    """The laws of the table that need no reference."""
    t, labels = found.table, found.labels
    connectivity, contour = options.get("connectivity", 8), options.get("contour_interval")
    assert (t["id"] == np.arange(1, t.size + 1)).all()
    roots = t[t["parent"] == 0]
    assert (t["parent"][: roots.size] == 0).all(), "outermost closures come first"
    assert labels.max(initial=0) == roots.size
    assert (np.bincount(labels.ravel(), minlength=roots.size + 1)[1:] == roots["area"]).all()
    inside = labels > 0
    assert (found.height[~inside] == 0).all() and (found.height[inside] > 0).all()
    expected = t["spill_depth"][labels[inside] - 1] - depth[inside].astype(float)
    assert (found.height[inside] == expected.astype(np.float32)).all()
    volume = np.bincount(labels.ravel(), found.height.ravel(), minlength=roots.size + 1)[1:]
    assert np.allclose(volume, roots["volume"], rtol=1e-5)
    assert (t["height"] == t["spill_depth"] - t["crest_depth"]).all() and (t["height"] > 0).all()
    for r in t:
        assert depth[r["crest_row"], r["crest_col"]] == r["crest_depth"]
        assert depth[r["spill_row"], r["spill_col"]] == r["spill_depth"]
        assert r["contour_depth"] == r["spill_depth"] if contour is None else r["contour_depth"] < r["spill_depth"]
        step = abs(r["leak_row"] - r["spill_row"]), abs(r["leak_col"] - r["spill_col"])
        if r["leak_row"] >= 0:
            assert (max(step) if connectivity == 8 else sum(step)) == 1
            assert depth[r["leak_row"], r["leak_col"]] <= r["spill_depth"]
        top = r
        while top["parent"]:
            outer = t[top["parent"] - 1]
            assert outer["area"] > top["area"] and outer["spill_depth"] > top["spill_depth"]
            assert outer["crest_depth"] <= top["crest_depth"]
            top = outer
        assert labels[r["crest_row"], r["crest_col"]] == top["id"]
        if r["parent"] == 0:
            chain = [r["id"]]
            while chain[-1]:
                chain.append(t["spills_into"][chain[-1] - 1])
                assert len(chain) <= t.size + 1, "what leaks ends up outside"
            depths = [t["spill_depth"][i - 1] for i in chain[:-1]]
            assert all(a >= b for a, b in pairwise(depths)), "a leak never goes to a lower closure"
        elif r["spills_into"] != r["parent"]:
            assert t["parent"][r["spills_into"] - 1] == r["parent"] and r["spills_into"] != r["id"]


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(maps())
def test_equals_the_reference(case: tuple[NDArray, dict[str, Any]]) -> None:
    depth, options = case
    check_against_reference(depth, **options)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(maps())
def test_equals_the_reference_on_thousands_of_maps(case: tuple[NDArray, dict[str, Any]]) -> None:
    depth, options = case
    check_against_reference(depth, **options)


@pytest.mark.slow
@pytest.mark.parametrize("interval", [None, 7.0])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("edge", ["open", "closed"])
def test_equals_the_reference_in_every_combination(
    edge: str, rule: str, connectivity: int, interval: float | None
) -> None:
    rng = np.random.default_rng(7)
    for top in (4, 30, 10**6):
        depth = rng.integers(0, top, (14, 17)).astype(np.float32) * np.float32(30 / top)
        valid = rng.random(depth.shape) > 0.05
        faults = rng.random(depth.shape) > 0.9
        check_against_reference(
            depth, valid=valid, faults=faults, fault_rule=rule, edge=edge, connectivity=connectivity,
            contour_interval=interval,
        )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(maps())
def test_turning_the_map_turns_the_answer(case: tuple[NDArray, dict[str, Any]]) -> None:
    depth, options = case
    straight = find_closures(depth, **options)
    for turns in range(4):
        for flip in (False, True):

            def turn(a: Any, turns: int = turns, flip: bool = flip) -> Any:
                return a if not isinstance(a, np.ndarray) else np.rot90(a.T if flip else a, turns)

            turned = find_closures(turn(depth), **{k: turn(v) for k, v in options.items()})
            assert same_partition(turned.labels, turn(straight.labels))
            assert (turned.height == turn(straight.height)).all()
            assert facts_of_rows(turned) == facts_of_rows(straight)


@pytest.mark.parametrize("interval", [None, 7.0])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8, np.uint16, np.int16, np.int32, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_number_type_and_memory_order_do_not_matter(kind: Any, order: Any, interval: float | None) -> None:
    rng = np.random.default_rng(3)
    depth, valid, faults = rng.integers(0, 200, (40, 30)), rng.random((40, 30)) > 0.02, rng.random((40, 30)) > 0.95
    rules: dict[str, Any] = {"fault_rule": "sealing", "contour_interval": interval}
    expected = find_closures(depth.astype(np.float64), valid, faults, **rules)
    found = find_closures(
        np.asarray(depth, dtype=kind, order=order), np.asarray(valid, order=order), np.asarray(faults, order=order),
        **rules,
    )  # fmt: skip
    assert (found.labels == expected.labels).all() and (found.table == expected.table).all()
    assert (found.height == expected.height).all() and (catchments(found) == catchments(expected)).all()


@pytest.mark.parametrize("interval", [None, 7.0])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.int64])
def test_depths_may_be_negative(kind: Any, interval: float | None) -> None:
    """Depths below a higher datum, or negated elevations: all closures stay, their depths move by the shift."""
    depth = np.random.default_rng(4).integers(0, 200, (40, 30))
    plain = find_closures(depth, contour_interval=interval)
    for shift in (-100, -1000):  # some of the depths below zero, all of them
        found = find_closures((depth + shift).astype(kind), contour_interval=interval, contour_base=shift)
        assert (found.labels == plain.labels).all() and (found.height == plain.height).all()
        expected = plain.table.copy()
        for name in ("crest_depth", "spill_depth", "contour_depth"):
            expected[name] += shift
        assert (found.table == expected).all()


def test_zero_has_no_sign() -> None:
    depth = np.random.default_rng(6).integers(-1, 2, (20, 20)).astype(np.float32)
    signed = np.where((depth == 0) & (np.indices(depth.shape).sum(axis=0) % 2 == 0), np.float32(-0.0), depth)
    for interval in (None, 0.5):
        plain, found = (find_closures(z, contour_interval=interval) for z in (depth, signed))
        assert (found.labels == plain.labels).all() and (found.table == plain.table).all()


def test_a_cone_is_closed_down_to_where_it_meets_the_edge() -> None:
    # 21 x 21, top in the middle: the nearest edge cell is 10 cells away, so it leaks at 1000 + 2*10
    found = find_closures(dome((21, 21), 10, 10, 1000, 2.0))
    (row,) = found.table
    assert (row["crest_row"], row["crest_col"], row["crest_depth"]) == (10, 10, 1000)
    assert row["spill_depth"] == 1020 and row["height"] == 20 and row["leak_row"] == -1 and row["spills_into"] == 0
    r, c = np.indices((21, 21)) - 10
    assert (found.labels == (np.hypot(r, c) < 10)).all()
    assert row["volume"] == pytest.approx((20 - 2 * np.hypot(r, c))[np.hypot(r, c) < 10].sum())


def test_the_last_closed_contour_of_a_cone() -> None:
    # contours at 1000, 1008, 1016, (1024 is open): the last one that closes is 1016, 8 cells from the top
    found = find_closures(dome((21, 21), 10, 10, 1000, 2.0), contour_interval=8)
    r, c = np.indices((21, 21)) - 10
    assert (found.labels == (np.hypot(r, c) <= 8)).all()
    assert found.table["contour_depth"] == 1016 and found.table["spill_depth"] == 1020


def test_a_contour_exactly_at_the_spill_depth_does_not_close() -> None:
    found = find_closures(dome((21, 21), 10, 10, 1000, 2.0), contour_interval=10)
    assert found.table["contour_depth"] == 1010


TWO_HIGHS = np.array(
    [
        [9, 9, 9, 9, 9, 9, 9],
        [9, 2, 5, 3, 7, 9, 9],  # highs 2 and 3 with a saddle at 5, the whole leaks at 7 ...
        [9, 9, 9, 9, 9, 6, 4],  # ... past 6 to the edge at 4
        [9, 9, 9, 9, 9, 9, 9],
    ]
)


def test_two_highs_in_one_closure() -> None:
    found = find_closures(TWO_HIGHS)
    t = found.table
    names = ["crest_depth", "spill_depth", "area", "volume", "parent", "spills_into"]
    assert [tuple(r) for r in t[names]] == [(2, 7, 3, 5 + 2 + 4, 0, 0), (2, 5, 1, 3, 1, 3), (3, 5, 1, 2, 1, 2)]
    assert (t["spill_row"][0], t["spill_col"][0], t["leak_row"][0], t["leak_col"][0]) == (1, 4, 2, 5)
    assert found.labels[1].tolist() == [0, 1, 1, 1, 0, 0, 0]


def test_many_closures_around_one_crest() -> None:
    # a ridge of 300 highs: high k is 0.5 shallower than the saddle before it, at k*k; each saddle adds one high, and
    # all that is shallower on a flank, which falls from each cell of the ridge to any depth
    ridge = np.repeat(np.arange(300.0) ** 2, 2)[1:]
    ridge[::2] -= 0.5
    depth = np.full((4, ridge.size + 2), 1e6)
    depth[1, 1:-1] = ridge
    flank = depth[2, 1:-1]
    flank[:] = ridge + 1000 + np.random.default_rng(0).integers(0, 90000, ridge.size)
    t = find_closures(depth).table
    first, others = t[t["crest_col"] == 1], t[t["crest_col"] > 1]
    assert first["spill_depth"].tolist() == [1e6, *(np.arange(299, 0, -1.0) ** 2)]
    held = [np.concatenate([ridge[: 2 * k - 1], flank[flank < z]]) for k, z in enumerate(first["spill_depth"][::-1], 1)]
    assert first["area"].tolist() == [cells.size for cells in held[::-1]]
    assert first["volume"].tolist() == [
        (z - cells).sum() for z, cells in zip(first["spill_depth"], held[::-1], strict=True)
    ]
    assert first["parent"].tolist() == [0, *first["id"][:-1]]
    assert (others["area"] == 1).all() and (others["height"] == 0.5).all() and others.size == 299


def test_a_closure_spills_into_the_next_one_updip() -> None:
    #            the deeper closure at 6 leaks at 8 to the shallower one at 3, which leaks at 7 off the map
    depth = np.array([[9] * 8, [9, 6, 8, 5, 3, 7, 4, 9], [9] * 8])
    depth[0, 6] = 1
    t = find_closures(depth).table
    assert t["crest_depth"].tolist() == [3, 6] and t["spills_into"].tolist() == [0, 1]


def test_fault_rules() -> None:
    # a ramp that rises to the right and is cut by a fault in column 4
    depth = np.tile(np.array([9, 8, 7, 6, 5, 4, 3, 2]), (7, 1))
    depth[0], depth[-1] = 12, 12
    faults = np.zeros(depth.shape, bool)
    faults[:, 4] = True
    assert find_closures(depth, faults=faults).table.size == 0
    sealed = find_closures(depth, faults=faults, fault_rule="sealing")
    assert sealed.table["spill_depth"].tolist() == [9] and sealed.table["touches_fault"].tolist() == [True]
    assert (sealed.labels[1:-1, 1:4] == 1).all() and sealed.table["area"] == 15
    assert find_closures(depth, faults=faults, fault_rule="leaking").table.size == 0
    assert find_closures(depth, faults=faults * 3, fault_rule={3: "sealing"}).table["area"] == 15


def test_a_leaking_fault_lowers_the_column() -> None:
    depth = dome((21, 21), 10, 10, 1000, 2.0)
    faults = np.zeros(depth.shape, np.int32)
    faults[10, 16] = 5  # its neighbour, 5 cells from the top, is where the closure now leaks
    assert find_closures(depth, faults=faults, fault_rule="leaking").table["spill_depth"] == 1010
    assert find_closures(depth, faults=faults, fault_rule={5: "transparent"}).table["spill_depth"] == 1020


def test_a_flat_map_and_a_ramp_have_no_closure() -> None:
    for edge in ("open", "closed"):
        assert find_closures(np.full((5, 6), 3), edge=edge).table.size == 0
    assert find_closures(np.tile(np.arange(9.0), (5, 1))).table.size == 0
    assert find_closures(np.full((3, 3), np.nan)).table.size == 0
    assert find_closures(np.zeros((3, 3)), valid=np.zeros((3, 3), bool)).table.size == 0


def test_a_walled_map_is_full_at_its_deepest_cell() -> None:
    found = find_closures(np.tile(np.arange(5.0), (3, 1)), edge="closed")
    assert found.table["spill_depth"] == 4 and found.table["leak_row"] == -1
    assert (found.labels[:, :4] == 1).all() and (found.labels[:, 4] == 0).all()


def test_small_closures_are_dropped_and_the_rest_renumbered() -> None:
    depth = np.random.default_rng(5).normal(size=(60, 60)).cumsum(0).cumsum(1)
    everything = find_closures(depth)
    some = find_closures(depth, min_area=5, min_height=0.5)
    kept = everything.table[(everything.table["area"] >= 5) & (everything.table["height"] >= 0.5)]
    assert 0 < some.table.size < everything.table.size
    for name in ("crest_row", "crest_col", "spill_depth", "area", "volume"):
        assert (some.table[name] == kept[name]).all()
    assert (some.labels[np.isin(everything.labels, kept["id"])] > 0).all()
    check_laws_of_the_table(depth, some)


def test_the_answer_of_mrst(shared_data: Path) -> None:
    """MRST co2lab's `trapAnalysis`, cell based, is the spill reading with 4 neighbours."""
    reference = np.load(shared_data / "mrst_reference" / "gauss_200_cellbased.npz")
    found = find_closures(reference["cell_z"], connectivity=4)
    assert same_partition(found.labels, reference["traps"])
    roots = found.table[found.table["parent"] == 0]
    assert sorted(roots["spill_depth"]) == sorted(reference["trap_z"])
