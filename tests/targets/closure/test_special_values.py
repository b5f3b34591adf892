"""Special values (NaN, infinities, denormals, the largest numbers) and degenerate shapes: an answer, or one line."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from targets.closure import (
    Closures,
    SearchOptions,
    TileOptions,
    catchments,
    cells_of,
    closure_probability,
    fault_share,
    fill_closures,
    find_closures,
    find_closures_tiled,
    grow_charge_tree,
    migration_paths,
    order_of_filling,
    uniform_charge,
    volume_curve,
)
from targets.closure.nesting import find_nesting
from targets.errors import UserError
from tests.targets.closure.cases import dome, keep_rasters_in_memory

SPECIAL = [np.nan, np.inf, -np.inf, 1e38, -1e38, 3.4e38, -3.4e38, 1e-45, -1e-45, 1e-38, -0.0, 0.0, 5.0, 2000.0]
INTERVALS = [None, None, 0.7, 5.0, 1e-13, 1e-300, 1e30, 1e308]
BASES = [0.0, 0.3, 1e18, -1e300]


class Now(Executor):
    """Does what it is given at once."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@st.composite
def extreme_maps(draw: st.DrawFn) -> tuple[NDArray, dict[str, Any]]:
    """A map of special values, or of any bits at all, and extreme options."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    if draw(st.booleans()):
        depth = draw(arrays(kind, shape, elements=st.sampled_from([float(kind(value)) for value in SPECIAL])))
    else:
        depth = draw(arrays(np.uint32 if kind is np.float32 else np.uint64, shape)).view(kind)
    options: dict[str, Any] = {
        "edge": draw(st.sampled_from(["open", "closed"])),
        "connectivity": draw(st.sampled_from([4, 8])),
        "contour_interval": draw(st.sampled_from(INTERVALS)),
        "contour_base": draw(st.sampled_from(BASES)),
        "min_height": draw(st.sampled_from([0, 1, np.inf])),
    }
    if draw(st.booleans()):
        options["valid"] = draw(arrays(bool, shape))
    if draw(st.booleans()):
        options |= {"faults": draw(arrays(bool, shape)), "fault_rule": draw(st.sampled_from(["sealing", "leaking"]))}
    return depth, options


def ask_everything(found: Closures) -> None:
    """Ask every question about an answer; what goes wrong raises."""
    with np.errstate(all="ignore"):
        catchments(found), migration_paths(found), fault_share(found, np.zeros(found.labels.shape, bool))
        find_nesting(found)
        if found.grid.interval == 0:
            try:
                tree = grow_charge_tree(found)
            except UserError as error:
                assert "beyond float64" in str(error)
            else:
                charge = uniform_charge(found, 1.0)
                filling = fill_closures(tree, charge)
                assert (filling.stored >= 0).all() and (filling.height >= 0).all() and filling.lost >= 0
                order_of_filling(tree, charge)
        for id in range(1, min(3, found.table.size + 1)):
            assert cells_of(found, id).sum() == found.table["area"][id - 1]
            volume_curve(found, id, steps=3)


def check_extreme(depth: NDArray, options: dict[str, Any], out: Path) -> None:
    """What is not finite is outside; memory and tiles agree, or both refuse."""
    rest = {name: value for name, value in options.items() if name not in ("valid", "faults")}
    grids = options.get("valid"), options.get("faults")
    tiles = TileOptions(3 if max(depth.shape) < 10 else 25)

    def tiled() -> Any:
        return find_closures_tiled(depth, out, *grids, SearchOptions(**rest), tiles, Now())

    try:
        found = find_closures(depth, **options)
    except UserError:
        with pytest.raises(UserError):
            tiled()
        return
    usual = find_closures(np.where(np.isfinite(depth), depth, np.nan), **options)
    for answer in (usual, tiled()):
        np.testing.assert_array_equal(answer.labels, found.labels)
        np.testing.assert_array_equal(answer.height, found.height)
        assert answer.table.size == found.table.size
        assert (answer.table["spill_depth"] == found.table["spill_depth"]).all()
    ask_everything(found)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(extreme_maps())
def test_any_bits_are_a_map(tmp_path: Path, case: tuple[NDArray, dict[str, Any]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        keep_rasters_in_memory(patch)
        check_extreme(*case, tmp_path)


@pytest.mark.soak
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(extreme_maps())
def test_any_bits_are_a_map_hundreds_of_times(tmp_path: Path, case: tuple[NDArray, dict[str, Any]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        keep_rasters_in_memory(patch)
        check_extreme(*case, tmp_path)


@pytest.mark.parametrize("interval", [None, 5.0])
@pytest.mark.parametrize("value", [-np.inf, np.inf])
def test_infinite_depths_lie_outside(
    value: float, interval: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_rasters_in_memory(monkeypatch)
    depth = 2000 - 60 * np.exp(-(dome((64, 64), 30, 30, 0, 1.0) ** 2) / 120)
    depth[::3] = value
    check_extreme(depth, {"contour_interval": interval}, tmp_path)
    check_extreme(depth.astype(np.float32), {"contour_interval": interval, "edge": "closed"}, tmp_path)
    assert (closure_probability(depth, 1.0, 4, 3, contour_interval=interval).probability[::3] == 0).all()


# Degenerate grids -----------------------------------------------------------------------------------------------------

SHAPES = [(1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (2, 2), (2, 40), (3, 3)]
CONTENTS = {
    "equal": lambda shape: np.full(shape, 7.0),
    "zero": np.zeros,
    "empty": lambda shape: np.full(shape, np.nan),
    "one cell": lambda shape: np.where(np.arange(shape[0] * shape[1]).reshape(shape) == 0, 7.0, np.nan),
    "steps": lambda shape: np.arange(shape[0] * shape[1], dtype=float).reshape(shape),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_degenerate_maps_have_an_answer(
    shape: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_rasters_in_memory(monkeypatch)
    for make, edge, interval in itertools.product(CONTENTS.values(), ("open", "closed"), (None, 2.0)):
        depth = make(shape)
        options = {"edge": edge, "contour_interval": interval}
        check_extreme(depth, options, tmp_path)
        found = find_closures(depth, **options)
        assert found.labels.shape == found.height.shape == shape
        if edge == "open" and 1 in shape:
            assert found.table.size == 0, "every cell lies beside the border"
        chance = closure_probability(depth, 1.0, 1, 3, **options)
        assert chance.probability.shape == shape


# Numbers without bounds -----------------------------------------------------------------------------------------------

CONE = dome((21, 31), 10, 12, 1000, 2.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"contour_interval": 1e-13}, "contour_interval: 1e-13; expected at least"),
        ({"contour_interval": 5, "contour_base": 1e300}, "beside contour_base of 1e\\+300"),
        ({"contour_interval": np.inf}, "positive"),
        ({"contour_interval": "5"}, "positive"),
        ({"contour_base": None}, "finite"),
        ({"min_area": np.nan}, "min_area"),
        ({"min_height": "high"}, "min_height"),
    ],
)
def test_options_out_of_proportion_are_refused(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        find_closures(CONE, **options)
    with pytest.raises(UserError, match=words):
        find_closures_tiled(CONE, tmp_path, options=SearchOptions(**options), tiles=TileOptions(10))


@pytest.mark.parametrize("interval", [1e-7, 1e-9, 1e30, 1e308])
def test_fine_and_coarse_contours_end(interval: float) -> None:
    """Contours closer than depths of float32 give the spill reading; coarser than the map, nothing closes."""
    found = find_closures(CONE.astype(np.float32), contour_interval=interval)
    spill = find_closures(CONE.astype(np.float32))
    assert (found.labels == (spill.labels if interval < 1 else 0)).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"std": 1e308}, "100 times the relief"),
        ({"std": 1e39}, "100 times the relief"),
        ({"std": np.nan}, "missing"),
        ({"std": -1.0}, "negative"),
        ({"std": np.ones((3, 3))}, "shape of depth"),
        ({"std": "five"}, "number"),
        ({"correlation": 500.0}, "0 to 31, the longer side"),
        ({"correlation": 5e11}, "0 to 31"),
        ({"correlation": np.inf}, "0 to 31"),
        ({"correlation": np.nan}, "0 to 31"),
        ({"realisations": 10**9}, "at most 100,000"),
        ({"realisations": 2.5}, "at least 1"),
        ({"seed": -1}, "seed"),
        ({"depth": CONE * 1e300}, "at most 1e\\+30"),
    ],
)
def test_errors_of_depth_out_of_proportion_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        closure_probability(**{"depth": CONE, "std": 1.0, "correlation": 3.0, "realisations": 3} | given)


def test_a_deviation_may_be_missing_outside_of_the_map() -> None:
    depth = CONE.copy()
    depth[:3] = np.nan
    std = np.where(np.isnan(depth), np.nan, 2.0)
    found = closure_probability(depth, std, 3, 5)
    expected = closure_probability(depth, 2.0, 3, 5)
    masked = closure_probability(depth, np.ma.masked_invalid(std), 3, 5)
    assert (found.probability == expected.probability).all() and (masked.probability == expected.probability).all()


# No kernel leaves its arrays ------------------------------------------------------------------------------------------

COMPACT = ["tests/targets/closure/test_special_values.py", "tests/targets/closure/test_arrays.py",
           "tests/targets/closure/test_routing.py", "tests/targets/closure/test_find.py",
           "tests/targets/closure/test_charge.py",
           "tests/targets/closure/test_out_of_core.py", "tests/targets/closure/tiles",
           "tests/targets/closure/kernels/test_merge.py"]  # fmt: skip


SMALL = "bits or degenerate or filling or turning or tiles or agree_with_the_table"  # tests of maps of few cells


def run_tests(*words: str, **environment: str) -> None:
    """Run tests in a process of its own, in which numba is set up by the environment."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *words]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, env=os.environ | environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.long
def test_no_kernel_leaves_its_arrays() -> None:
    """On small maps, with kernels as Python functions: every index is compared with its array, nothing is compiled."""
    run_tests("--noconftest", *COMPACT, "-k", SMALL, NUMBA_DISABLE_JIT="1")  # its conftest imports torch


@pytest.mark.soak
def test_no_compiled_kernel_leaves_its_arrays(tmp_path: Path) -> None:
    """All these tests with bounds checked, which needs kernels compiled anew, in a cache of their own."""
    run_tests(*COMPACT, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
