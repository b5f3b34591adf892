"""Closures found tile by tile are those found in memory, whatever the tiles."""

import os
import pickle
import signal
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from targets.closure import SearchOptions, TiledClosures, TileOptions, find_closures, find_closures_tiled
from targets.closure.tiles import table
from targets.common.dask_cluster import LOCAL, LOCAL_SETTINGS, MAX_LOSSES, cluster_executor
from targets.common.rasters.windowed import GeoTiff, open_raster
from targets.errors import UserError
from tests.targets.closure.cases import RULES, dome, keep_rasters_in_memory, maps

rasterio = pytest.importorskip("rasterio")
zarr = pytest.importorskip("zarr")


class Now(Executor):
    """Does what it is given at once."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class FarAway(Now):
    """Does it as another machine would, to which work and results are sent as bytes."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        sent = pickle.dumps((fn, args, kwargs))
        assert len(sent) < 50_000, "paths are sent, not grids"
        fn, args, kwargs = pickle.loads(sent)
        return super().submit(lambda: pickle.loads(pickle.dumps(fn(*args, **kwargs))))


def find_tiled(depth: Any, out: Path, **given: Any) -> TiledClosures:
    """`find_closures_tiled` with the options of its records by name."""
    rest = {name: given[name] for name in ("valid", "faults", "workers") if name in given}
    tiles = {name: given[name] for name in ("side", "form", "height") if name in given}
    search = {name: value for name, value in given.items() if name not in {*rest, *tiles}}
    return find_closures_tiled(depth, out, options=SearchOptions(**search), tiles=TileOptions(**tiles), **rest)


def same(found: TiledClosures, depth: NDArray, **options: Any) -> int:
    """Check an answer against the one found in memory; how many closures there are."""
    expected = find_closures(depth, **options)
    assert (np.asarray(found.labels[:, :]) == expected.labels).all()
    assert found.height is not None and (np.asarray(found.height[:, :]) == expected.height).all()
    assert found.table.shape == expected.table.shape
    for name in expected.table.dtype.names or ():
        if name == "volume":  # added up in another order
            assert np.allclose(found.table[name], expected.table[name], rtol=1e-12, atol=1e-9)
        else:
            assert (found.table[name] == expected.table[name]).all(), name
    return expected.table.size


def random_map(seed: int) -> tuple[NDArray, dict[str, Any], int]:
    """A map with plateaus, voids, faults, any options, and a tile size that cuts it at odd places."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(8, 31, 2))
    kind = rng.choice([np.float32, np.float64, np.uint8, np.int16])
    depth = rng.integers(0, rng.choice([2, 4, 9, 30, 1000]), shape).astype(kind)
    if rng.random() < 0.5:
        depth = (ndimage.uniform_filter(depth.astype(float), 3) * 8).astype(kind)
    options: dict[str, Any] = {
        "edge": str(rng.choice(["open", "open", "closed"])),
        "connectivity": int(rng.choice([4, 8])),
        "min_area": int(rng.choice([0, 0, 5])),
        "min_height": float(rng.choice([0, 0, 1.5])),
    }
    if rng.random() < 0.5:
        options |= {"contour_interval": float(rng.choice([0.7, 1, 3, 10])), "contour_base": float(rng.choice([0, 0.3]))}
    if kind in (np.float32, np.float64) and rng.random() < 0.5:
        depth[rng.random(shape) < 0.08] = np.nan
    if rng.random() < 0.4:
        options["valid"] = rng.random(shape) > rng.choice([0.02, 0.2])
    if rng.random() < 0.6:
        options["faults"] = rng.choice([0, 0, 0, 0, 0, 0, 1, 2], shape)
        options["fault_rule"] = {1: str(rng.choice(RULES)), 2: str(rng.choice(RULES))}
    return depth, options, int(rng.integers(3, 10))


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(maps(), st.integers(2, 5))
def test_small_maps_with_everything(tmp_path: Path, case: tuple[NDArray, dict[str, Any]], tile: int) -> None:
    depth, options = case
    with pytest.MonkeyPatch.context() as patch:
        keep_rasters_in_memory(patch)
        same(find_tiled(depth, tmp_path, side=tile, workers=Now(), **options), depth, **options)


def check_random_maps(seeds: range, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_rasters_in_memory(monkeypatch)
    monkeypatch.setattr(table, "CHUNK", 64)  # the table is put together in many steps
    for seed in seeds:
        depth, options, tile = random_map(seed)
        same(find_tiled(depth, out, side=tile, workers=Now(), **options), depth, **options)


@pytest.mark.slow
def test_maps_of_many_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_random_maps(range(12), tmp_path, monkeypatch)


@pytest.mark.soak
def test_a_hundred_maps_of_many_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_random_maps(range(12, 125), tmp_path, monkeypatch)


def test_one_cone_on_four_tiles(tmp_path: Path) -> None:
    # as in test_closure: 21 x 21, top in the middle of the map, which is where four tiles meet
    found = find_tiled(dome((21, 21), 10, 10, 1000, 2.0), tmp_path, side=10)
    (row,) = found.table
    assert (row["crest_row"], row["crest_col"], row["crest_depth"], row["spill_depth"]) == (10, 10, 1000, 1020)
    inside = np.hypot(*(np.indices((21, 21)) - 10)) < 10
    assert (np.asarray(found.labels[:, :]) == inside).all() and row["area"] == inside.sum()


def test_a_closure_in_the_next_tile_takes_the_leak(tmp_path: Path) -> None:
    # highs 2 and 3 in tiles of their own; 3 leaks at 5 to 2, which leaks at 6 to the border
    depth = np.array([[9] * 8, [6, 2, 4, 4.5, 5, 4, 3, 9], [9] * 8], np.float32)
    found = find_tiled(depth, tmp_path, side=4)
    table = found.table
    assert table["crest_depth"].tolist() == [2, 2, 3] and table["spills_into"].tolist() == [0, 3, 2]
    assert table["crest_col"].tolist() == [1, 1, 6] and table["parent"].tolist() == [0, 1, 1]


def test_a_smooth_surface_of_many_cells(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((700, 600)).astype(np.float32)
    depth = ndimage.gaussian_filter(noise, 3) * 100
    assert same(find_tiled(depth, tmp_path, side=256), depth) > 500


@pytest.mark.parametrize(("name", "form"), [("top.tif", "tif"), ("top.zarr", "zarr"), ("top.npy", "zarr")])
def test_files_in_and_out(tmp_path: Path, name: str, form: str) -> None:
    depth = np.random.default_rng(2).integers(0, 50, (90, 70)).astype(np.int16)
    hidden = depth.copy()
    hidden[20:30, 10:40] = -999
    place = rasterio.Affine(50, 0, 1000, 0, -50, 9000)
    if name.endswith("tif"):
        head = {"driver": "GTiff", "height": 90, "width": 70, "count": 1, "dtype": "int16", "nodata": -999}
        with rasterio.open(tmp_path / name, "w", **head, transform=place, crs="EPSG:23031") as file:
            file.write(hidden, 1)
    elif name.endswith("zarr"):
        zarr.create_array(tmp_path / name, data=hidden)
    else:
        np.save(tmp_path / name, hidden)
    valid = hidden != -999
    np.save(tmp_path / "valid.npy", valid)
    found = find_tiled(
        tmp_path / name, tmp_path / "out", valid=tmp_path / "valid.npy", side=32, form=form, workers=FarAway()
    )
    assert same(found, depth, valid=valid) > 50
    again = open_raster(tmp_path / "out" / f"labels.{form}")
    assert (np.asarray(again[:, :]) == find_closures(depth, valid).labels).all()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"height.{form}", f"labels.{form}", "table.npy"]
    if form == "tif":  # nodata alone says the same; the location is that of the source
        head = {"driver": "GTiff", "height": 90, "width": 70, "count": 1, "dtype": "uint8", "nodata": 0}
        faults = np.random.default_rng(3).random(depth.shape) > 0.9
        for kind, values in (("valid", valid), ("faults", faults)):
            with rasterio.open(tmp_path / f"{kind}.tif", "w", **head) as file:
                file.write(values.astype(np.uint8), 1)
        more = {"valid": tmp_path / "valid.tif", "faults": tmp_path / "faults.tif", "fault_rule": "sealing"}
        bare = find_tiled(tmp_path / name, tmp_path / "bare", side=32, form=form, **more)
        same(bare, depth, valid=valid, faults=faults, fault_rule="sealing")
        assert (find_tiled(tmp_path / name, tmp_path / "nodata", side=32).table == found.table).all()
        with rasterio.open(tmp_path / "out" / "labels.tif") as file:
            assert file.transform == place and file.crs.to_epsg() == 23031


@pytest.mark.long
def test_a_dask_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    depth = np.random.default_rng(5).integers(0, 90, (160, 150)).astype(np.float32)
    np.save(tmp_path / "top.npy", depth)
    settings = LOCAL_SETTINGS | {"distributed.scheduler.allowed-failures": MAX_LOSSES}
    with cluster_executor(LOCAL, 2, settings) as (crew, client):
        pids = list(client.run(os.getpid).values())
        asked: list[Future] = []

        class Watched(Executor):
            def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
                asked.append(crew.submit(fn, *args, **kwargs))
                if len(asked) == 12:
                    os.kill(pids[0], signal.SIGKILL)
                return asked[-1]

        found = find_tiled(tmp_path / "top.npy", tmp_path / "out", side=40, workers=Watched())
    assert same(found, depth) > 1000 and len(asked) == 3 * 16


def find_on_a_full_disk(depth: NDArray, out: Path, most: int) -> str:
    """Whether the answer is "right" or "refused" where no file may grow beyond so many bytes; nothing else happens."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        found = find_tiled(depth, out, side=64, form="tif", workers=Now())
    except UserError as error:
        assert "free space" in str(error) and not list(out.iterdir())
        return "refused"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    same(found, depth)
    return "right"


def test_a_full_disk_leaves_no_wrong_geotiff(tmp_path: Path) -> None:
    depth = np.random.default_rng(1).normal(2000, 10, (128, 128)).astype(np.float32)
    find_tiled(depth, tmp_path / "whole", side=64, form="tif", workers=Now())
    largest = max(file.stat().st_size for file in (tmp_path / "whole").iterdir())
    sizes = [*range(0, largest, largest // 9), largest - 1, largest - 600, 1 << 24]
    answers = [find_on_a_full_disk(depth, tmp_path / str(size), size) for size in sizes]
    assert answers.count("refused") == len(sizes) - 1 and answers[-1] == "right"


def test_a_window_that_was_lost_silently_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As GDAL does when the disk is full while it closes a file."""
    write = GeoTiff.__setitem__

    def lose_the_last_row(self: GeoTiff, window: Any, values: NDArray) -> None:
        write(self, window, np.vstack([values[:-1], np.zeros_like(values[-1:])]))

    monkeypatch.setattr(GeoTiff, "__setitem__", lose_the_last_row)
    with pytest.raises(UserError, match="disk is full"):
        find_tiled(dome((40, 40), 13, 13, 1000, 1.0), tmp_path, side=16, form="tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"depth": np.zeros(4)}, "at least one cell"),
        ({"depth": "nowhere.tif"}, "no such file"),
        ({"valid": np.ones((2, 2), bool)}, "shape of depth"),
        ({"valid": np.ones((3, 3))}, "bool"),
        ({"side": 0}, "at least 1"),
        ({"form": "png"}, "tif"),
        ({"edge": "shut"}, "open"),
        ({"faults": np.ones((3, 3), bool), "fault_rule": "open"}, "transparent"),
        ({"faults": np.ones((3, 3), bool), "fault_rule": {7: "sealing"}}, "does not have"),
        ({"fault_rule": {7: "sealing"}}, "does not have"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        find_tiled(**{"depth": np.zeros((3, 3)), "out": tmp_path, **options})
