"""One dome on the ground, on grids in every unit: its area and volume stay what they are."""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyproj
import pytest

from targets.analysis.analyse import Analysis, analyse, summarise
from targets.analysis.closure_table import write_closure_table
from targets.analysis.layers import make_vector_layers
from targets.analysis.options import ClosureOptions, DepthError
from targets.closure import cells_of
from targets.io.outline_files import OutlineOptions
from targets.scene import GeoReference, Scene

RADIUS, HEIGHT = 2000.0, 100.0  # metres
AREA, VOLUME = np.pi * RADIUS**2, np.pi * RADIUS**2 * HEIGHT / 2
FEET = 0.3048
SIDE = 41.0  # metres of a cell
GEOD = pyproj.Geod(ellps="WGS84")


def dome_on(xy: str, depth_unit: str | None, radius: float = RADIUS) -> Scene:
    """A paraboloid 100 m high, or 100 ms where depths are times, in the middle of a flat map."""
    size = 121
    middle = (size - 1) / 2
    rows, cols = np.indices((size, size))
    if xy == "degrees":
        dx, dy = SIDE / 55_800, SIDE / 111_412
        geo = GeoReference(4.0, 60.0 + middle * dy, dx, -dy, crs="EPSG:4326", depth_unit=depth_unit)
        lon, lat = geo.xy(rows, cols)
        *_, distance = GEOD.inv(np.full(lon.shape, 4.0 + middle * dx), np.full(lon.shape, 60.0), lon, lat)
    else:
        crs = xy if ":" in xy else None
        step = SIDE / {"ft": FEET, "km": 1000.0, "EPSG:2278": 1200 / 3937}.get(xy, 1.0)
        unit = None if xy == "unknown" or crs else xy
        geo = GeoReference(3_100_000.0, 13_500_000.0, step, -step, 0.0, crs, depth_unit, xy_unit=unit)
        distance = np.hypot(rows - middle, cols - middle) * SIDE
    metres = 2000 + HEIGHT * np.minimum(1, (distance / radius) ** 2)
    depth = (metres / {"ft": FEET}.get(depth_unit or "m", 1.0)).astype(np.float32)
    inside = np.ones(depth.shape, bool)
    return Scene("dome", depth, inside, inside, ~inside, geo=geo)


def files_of(analysis: Analysis, folder: Path) -> tuple[dict[str, str], dict[str, object]]:
    """The first row of the table, and the attributes of the first polygon."""
    write_closure_table(analysis.table, folder / "closures.csv", analysis.scene.geo.units)
    with (folder / "closures.csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    attributes = make_vector_layers(analysis)[0].attributes
    return row, {name: attributes[name][0] for name in attributes.dtype.names}


@pytest.mark.parametrize("xy", ["m", "km", "ft", "EPSG:2278", "degrees"])
@pytest.mark.parametrize("depth_unit", ["m", "ft", "ms"])
def test_area_and_volume_do_not_depend_on_the_units_of_the_grid(xy: str, depth_unit: str, tmp_path: Path) -> None:
    analysis, height = analyse(dome_on(xy, depth_unit)), HEIGHT / (FEET if depth_unit == "ft" else 1)
    for row in files_of(analysis, tmp_path):
        assert float(row["area_m2"]) == pytest.approx(AREA, rel=0.005)
        assert float(row["catchment_m2"]) >= float(row["area_m2"])
        assert float(row[f"height_{depth_unit}"]) == pytest.approx(height, abs=0.01)
        if depth_unit == "ms":
            assert not any("volume" in name for name in row)
        else:
            assert float(row["volume_m3"]) == pytest.approx(VOLUME, rel=0.005)
        assert not {"area", "height", "volume", "crest_depth", "catchment"} & set(row)
    assert "(12.6 km²)" in summarise(analysis) or "(12.5 km²)" in summarise(analysis)


@pytest.mark.parametrize(("xy", "unit", "names"), [
    ("unknown", None, {"area", "height", "volume", "crest_depth", "catchment"}),
    ("unknown", "m", {"area", "height_m", "volume", "crest_depth_m", "catchment"}),
    ("m", None, {"area_m2", "height", "volume", "crest_depth", "catchment_m2"}),
])  # fmt: skip
def test_columns_of_unknown_units_have_plain_names(xy: str, unit: str | None, names: set[str], tmp_path: Path) -> None:
    analysis = analyse(dome_on(xy, unit))
    for row in files_of(analysis, tmp_path):
        assert names <= set(row)
    assert ("km²" in summarise(analysis)) == (xy == "m")


def test_percentiles_are_in_the_same_units_as_the_closure() -> None:
    certain = DepthError(0.0, 300.0, realisations=1)
    for xy, depth_unit in (("degrees", "ft"), ("ft", "m"), ("m", "m")):
        row = analyse(dome_on(xy, depth_unit), error=certain).table[0]
        for name in ("area", "height", "volume"):
            assert row[f"{name}_p50"] == pytest.approx(row[name], rel=2e-4 if xy == "degrees" else 1e-6)


def rough_scene() -> Scene:
    """A map with nested closures over a degree of latitude, where cells differ by 3 %."""
    rng = np.random.default_rng(5)
    depth = (2000 + rng.normal(size=(30, 25)).cumsum(0).cumsum(1)).astype(np.float32)
    inside = np.ones(depth.shape, bool)
    geo = GeoReference(3.0, 61.0, 0.04, -0.0334, crs="EPSG:4230", depth_unit="m")
    return Scene("rough", depth, inside, inside, ~inside, geo=geo)


def test_closures_in_degrees_have_the_areas_of_their_polygons() -> None:
    scene = rough_scene()
    analysis = analyse(scene, ClosureOptions(min_area=1, min_height=0))
    geod = pyproj.CRS("EPSG:4230").get_geod()
    shapes = {
        int(row["id"]): shape
        for layer in make_vector_layers(analysis, OutlineOptions(outlines="cells"))
        if layer.name in ("closures", "nested_closures")
        for row, shape in zip(layer.attributes, layer.geometries, strict=True)
    }  # fmt: skip
    outermost = (analysis.table["parent"] == 0).sum()
    assert len(analysis.table) > outermost + 10
    for row in (*analysis.table[:10], *analysis.table[outermost : outermost + 10]):
        area = 0.0
        for polygon in shapes[int(row["id"])]:
            for number, ring in enumerate(polygon):
                lon, lat = scene.geo.xy(*_dense(ring).T)
                part, _ = geod.polygon_area_perimeter(lon, lat)
                area += abs(part) if number == 0 else -abs(part)
        assert row["area"] == pytest.approx(area, rel=0.001)
        cells = cells_of(analysis.closures, int(row["id"]))
        weights = np.broadcast_to(scene.geo.cell_areas(scene.shape), scene.shape)
        above = np.where(cells, row["spill_depth"] - scene.depth.astype(float), 0)
        assert row["volume"] == pytest.approx((above * weights).sum(), rel=1e-6, abs=1.0)


def _dense(ring: np.ndarray) -> np.ndarray:
    """More points on a ring: the side of a polygon follows a parallel, and the shortest way does not."""
    return np.concatenate([np.linspace(a, b, 5) for a, b in pairwise(ring)])
