"""A GeoTIFF by tiles has the closures that it has in memory: voids, masks, nodata, undeclared nulls, sign and scale."""

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from targets.analysis import out_of_core
from targets.analysis.analyse import analyse
from targets.analysis.options import NO_DEPTH_ERROR, ClosureOptions
from targets.analysis.out_of_core import analyse_tiled, name_grids
from targets.common.rasters.windowed import open_raster
from targets.errors import UserError
from targets.io.grid_map import read_grid
from targets.io.read_options import ReadOptions

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("zarr")

FOUR_PLACES = rasterio.Affine(50, 0, 1000, 0, -50, 9000)


def write_geotiff(path: Path, values: NDArray, mask: NDArray | None = None, **profile: Any) -> None:
    """Write one band; scale, offset and a mask inside the file as asked."""
    scale, offset = profile.pop("scale", 1), profile.pop("offset", 0)
    head = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": values.dtype,
            "transform": FOUR_PLACES}  # fmt: skip
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **head | profile) as file:
        file.write(values, 1)
        file.scales, file.offsets = (scale,), (offset,)
        if mask is not None:
            file.write_mask(mask)


def surface(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Depths, and where there are none: voids inside, gaps of faults, bays, a ragged border."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(40, 90, 2))
    depth = ndimage.gaussian_filter(rng.normal(size=shape), 3) * 300 + 2000
    row, col = np.indices(shape)
    gone = np.hypot(row - rng.integers(shape[0]), col - rng.integers(shape[1])) < rng.integers(2, 12)
    gone |= np.abs(row - rng.integers(shape[0]) + (col - 20) * rng.normal()) < 1.5
    gone |= row + col < rng.integers(0, 30)
    gone |= rng.random(shape) < 0.01
    return depth, gone


def kinds_of_files(depth: NDArray, gone: NDArray[np.bool_]) -> dict[str, tuple[NDArray, dict[str, Any], ReadOptions]]:
    """{kind: values, how they are written, how they are read} of one surface."""
    single = depth.astype(np.float32)
    tenths = np.round(depth * 10).astype(np.int16)
    usual = ReadOptions()
    return {
        "nan": (np.where(gone, np.nan, single), {}, usual),
        "float64": (np.where(gone, np.nan, depth), {}, usual),
        "nodata": (np.where(gone, -9999, single).astype(np.float32), {"nodata": -9999}, usual),
        "undeclared": (np.where(gone, -9999, single).astype(np.float32), {}, usual),
        "1e30": (np.where(gone, 1e30, single).astype(np.float32), {}, usual),
        "least float": (np.where(gone, np.finfo(np.float32).min, single).astype(np.float32), {}, usual),
        "named": (np.where(gone, 777, single).astype(np.float32), {}, ReadOptions(nodata=777.0)),
        "infinite": (np.where(gone, -np.inf, single), {}, usual),
        "mask inside": (np.where(gone, 0, single).astype(np.float32), {"mask": ~gone}, usual),
        "scaled": (np.where(gone, -32768, tenths).astype(np.int16),
                   {"nodata": -32768, "scale": 0.1, "offset": 5.0}, usual),
        "elevation": (np.where(gone, np.nan, -single), {}, usual),
        "said elevation": (np.where(gone, np.nan, 3000 - single), {}, ReadOptions(elevation=True)),
    }  # fmt: skip


KINDS = tuple(kinds_of_files(*surface(0)))


@pytest.mark.parametrize(("kind", "seed"), [*zip(KINDS, itertools.count(), strict=False)])
def test_tiles_and_memory_agree(kind: str, seed: int, tmp_path: Path) -> None:
    check(kind, seed, tmp_path)


@pytest.mark.soak
def test_tiles_and_memory_agree_on_many_files(tmp_path: Path) -> None:
    for number, (seed, kind) in enumerate(itertools.product(range(20, 23), KINDS)):
        check(kind, seed, tmp_path / str(number))


def check(kind: str, seed: int, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    depth, gone = surface(seed)
    values, profile, reading = kinds_of_files(depth, gone)[kind]
    path = folder / "top.tif"
    write_geotiff(path, values, **profile)
    rng = np.random.default_rng(seed)
    interval = None if rng.random() < 0.5 else 7.0
    options = ClosureOptions(contour_interval=interval, min_area=3, connectivity=8 if rng.random() < 0.5 else 4)
    scene = read_grid(path, reading=reading)
    expected = analyse(scene, options)
    found = analyse_tiled(path, folder / "out", options, NO_DEPTH_ERROR, int(rng.integers(16, 40)), reading)
    np.testing.assert_array_equal(open_raster(folder / "out" / "labels.tif")[:, :], expected.closures.labels)
    np.testing.assert_array_equal(open_raster(folder / "out" / "height.tif")[:, :], expected.closures.height)
    table = np.load(folder / "out" / "table.npy")
    assert table.size == expected.closures.table.size > 3
    for name in set(table.dtype.names) - {"touches_fault", "volume"}:
        np.testing.assert_array_equal(table[name], expected.closures.table[name])
    assert np.allclose(table["volume"], expected.closures.table["volume"])
    assert scene.provenance is not None
    assert [line.partition(": ")[2] for line in found.lines[1:]] == list(scene.provenance.notes)


def test_names_are_unique_and_lead_nowhere_else() -> None:
    paths = ["north/top.tif", "south/top.tif", "...tif", "north/top.tif", "a b?.tif"]
    assert [source.name for source in name_grids(paths)] == ["north_top", "south_top", "map", "a_b"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tile": 0}, "at least 8 cells"),
        ({"reading": ReadOptions(fill="griddata")}, "inpaint"),
        ({"options": ClosureOptions(contour_interval="auto")}, "auto with --tile"),
        ({"options": ClosureOptions(contour_interval=1e-13)}, "at least"),
        ({"values": np.full((20, 20), np.nan, np.float32)}, "the map is empty"),
        ({"values": np.full((20, 20), np.inf, np.float32)}, "the map is empty"),
        ({"scale": np.inf}, "top.tif"),
        ({"scale": 1e308}, "top.tif"),
        ({"offset": -np.inf}, "top.tif"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    values = given.get("values", np.linspace(1000, 2000, 400, dtype=np.float32).reshape(20, 20))
    profile = {name: given[name] for name in ("scale", "offset") if name in given}
    write_geotiff(tmp_path / "top.tif", values, **profile)
    with pytest.raises(UserError, match=words):
        analyse_tiled(tmp_path / "top.tif", tmp_path / "out", given.get("options", ClosureOptions()), NO_DEPTH_ERROR,
                      given.get("tile", 8), given.get("reading", ReadOptions()))  # fmt: skip
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_masks_and_more_tiles_than_can_be_done_are_refused_before_the_grid_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_geotiff(tmp_path / "top.tif", np.zeros((20, 20), np.float32))
    np.save(tmp_path / "mask.npy", np.eye(20, dtype=bool))
    with pytest.raises(UserError, match=r"mask.npy: an array of bool"):
        analyse_tiled(tmp_path / "mask.npy", tmp_path / "out", ClosureOptions(), NO_DEPTH_ERROR, 8, ReadOptions())
    monkeypatch.setattr(out_of_core, "MAX_TILES", 8)
    with pytest.raises(UserError, match=r"cuts top.tif into 9 tiles; expected at most 8"):
        analyse_tiled(tmp_path / "top.tif", tmp_path / "out", ClosureOptions(), NO_DEPTH_ERROR, 8, ReadOptions())


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2)])
def test_degenerate_grids_close_nothing(shape: tuple[int, int], tmp_path: Path) -> None:
    write_geotiff(tmp_path / "top.tif", np.arange(1000, 1000 + np.prod(shape), dtype=np.float32).reshape(shape))
    found = analyse_tiled(tmp_path / "top.tif", tmp_path / "out", ClosureOptions(), NO_DEPTH_ERROR, 8, ReadOptions())
    assert found.summary.startswith("0 closures")


@pytest.mark.parametrize("place", ["control points", "world file"])
def test_results_lie_where_a_grid_without_a_transform_does(place: str, tmp_path: Path) -> None:
    path, values = tmp_path / "top.tif", surface(0)[0].astype(np.float32)
    profile: dict[str, Any] = {"transform": None}
    if place == "control points":
        control = rasterio.control.GroundControlPoint
        corners = [(0, 0), (0, 20), (20, 0), (20, 20)]
        points = [control(row, col, 1000 + 50 * col, 9000 - 50 * row) for row, col in corners]
        profile = {"gcps": points, "crs": "EPSG:23031", "transform": None}
    else:
        (tmp_path / "top.tfw").write_text("50\n0\n0\n-50\n1025\n8975\n")
    write_geotiff(path, values, **profile)
    analyse_tiled(path, tmp_path / "out", ClosureOptions(), NO_DEPTH_ERROR, 16, ReadOptions())
    with rasterio.open(tmp_path / "out" / "labels.tif") as file:
        assert file.transform.almost_equals(FOUR_PLACES, 1e-6)
        assert (file.crs is not None) is (place == "control points")


@pytest.mark.filterwarnings("ignore")
def test_a_grid_without_a_location_raises_no_warning(tmp_path: Path) -> None:
    row, col = np.indices((30, 30))
    write_geotiff(tmp_path / "top.tif", np.hypot(row - 15, col - 15) + 2000, transform=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = analyse_tiled(tmp_path / "top.tif", tmp_path / "out", ClosureOptions(), NO_DEPTH_ERROR, 30,
                              ReadOptions())  # fmt: skip
    assert found.summary.startswith("1 closure,") and [str(one.message) for one in caught] == []
