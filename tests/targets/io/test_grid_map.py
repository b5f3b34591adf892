"""Grids as maps: voids, faults and groups."""

from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.faults.on_horizon import read_faults_on_horizon
from targets.io.grid_map import read_grid
from targets.io.grids.registry import write_grid
from targets.scene import GeoReference
from tests.targets.io.grids.samples import DEPTH, GEO


def test_voids_are_faults_when_no_file_says_where_they_are(tmp_path: Path) -> None:
    r, c = np.mgrid[:40, :60]
    depth = (2000 + r + (c > 30) * 40).astype(np.float32)
    depth[5:30, 29:32] = np.nan
    depth[:8, :8] = np.nan
    path = tmp_path / "top.npz"
    write_grid(depth, GEO, path)
    scene = read_grid(path)
    void = np.isnan(depth) & ((r > 8) | (c > 8))
    void[5:30, 29:32] = True
    np.testing.assert_array_equal(scene.fault, void)
    np.testing.assert_array_equal(scene.depth_valid, ~np.isnan(depth))
    assert not scene.map_valid[:8, :8].any() and scene.map_valid.sum() == 2400 - 64
    x, y = GEO.xy([10, 30], [20, 20])
    (tmp_path / "f.csv").write_text(f"fault,x,y\nA,{x[0]},{y[0]}\nA,{x[1]},{y[1]}\n")
    scene = read_grid(path, [tmp_path / "f.csv"])
    assert scene.fault[10:31, 20].all() and not scene.fault[5:30, 30].any()
    (tmp_path / "f.csv").write_text("fault,x,y\nA,1,1\nA,2,2\n")
    with pytest.raises(
        UserError,
        match=r"f\.csv: none of its lines lies on top\.npz: x .* and y .*; the grid has x .* and y .*--fault_file none",
    ):
        read_grid(path, [tmp_path / "f.csv"])


def test_horizons_of_one_place_share_their_group(tmp_path: Path) -> None:
    for name, geo in [("a", GEO), ("b", GEO), ("c", GeoReference(1100.0, 2050.0, 100.0, -50.0)), ("d", GeoReference())]:
        write_grid(DEPTH, geo, tmp_path / f"{name}.npz")
    a, b, c, d = (read_grid(tmp_path / f"{name}.npz").group for name in "abcd")
    assert a == b != c and d == "d"


@pytest.mark.parametrize(("spacing", "apart"), [(0.001, 0.3), (0.05, 0.4), (25.0, 25.0)])
def test_maps_that_lie_apart_are_groups_of_their_own(tmp_path: Path, spacing: float, apart: float) -> None:
    for name, shift in [("a", 0.0), ("b", apart), ("c", spacing * 1e-3)]:
        write_grid(DEPTH, GeoReference(2.1 + shift, 60.1 + shift, spacing, -spacing), tmp_path / f"{name}.npz")
    a, b, c = (read_grid(tmp_path / f"{name}.npz").group for name in "abc")
    assert a == c != b


def test_faults_lie_on_the_steps_in_depth(shared_data: Path) -> None:
    """The surface is several times steeper in fault cells than elsewhere: nothing is mirrored or shifted."""
    for name, file in [("reek/topreek.npz", "reek/faults.csv"),
                       ("drogon/topvolantis.npz", "drogon/topvolantis_fault_traces.csv")]:  # fmt: skip
        scene = read_grid(shared_data / name, [shared_data / file])
        slope = np.hypot(*np.gradient(np.where(scene.map_valid, scene.depth, np.nan)))
        ratio = np.nanmedian(slope[scene.fault]) / np.nanmedian(slope[~scene.fault])
        assert ratio > 4
        assert 0.005 < scene.fault[scene.map_valid].mean() < 0.1


def test_sticks_give_the_traces_made_from_them(shared_data: Path) -> None:
    folder = shared_data / "drogon" / "original"
    scene = read_grid(folder / "01_topvolantis.gri", sorted(folder.glob("*.pol")))
    traces = read_faults_on_horizon(
        shared_data / "drogon" / "topvolantis_fault_traces.csv", scene.depth, scene.geo
    ).lines
    for i, expected in enumerate(traces, 1):
        (trace,) = read_faults_on_horizon(folder / f"fault_F{i}.pol", scene.depth, scene.geo).lines
        assert trace.name == f"fault_F{i}" and len(trace.points) == len(expected.points)
        # Where the horizon steps at the fault a stick crosses it several times, so a few points differ.
        assert np.median(np.abs(trace.points - expected.points).max(axis=1)) < 2
    with_traces = read_grid(shared_data / "drogon" / "topvolantis.npz",
                            [shared_data / "drogon" / "topvolantis_fault_traces.csv"])  # fmt: skip
    both = scene.fault & with_traces.fault
    assert both.sum() > 0.9 * with_traces.fault.sum()
