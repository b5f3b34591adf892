"""Closures as a data set of xarray: coordinates, units, coordinate system, and the way to netCDF and back."""

from pathlib import Path

import numpy as np
import pytest

from targets.analysis.xarray_dataset import closures_dataset
from targets.closure import Closures, SearchOptions, find_closures
from targets.errors import UserError
from targets.scene import GeoReference
from tests.targets.closure.cases import dome

xarray = pytest.importorskip("xarray")

DEPTH = dome((12, 15), 6, 7, 1000, 5.0)


def labelled(dims: tuple[str, str] = ("y", "x")) -> "xarray.DataArray":
    """The dome on cells of 50 m, from north to south, in a coordinate system of CF."""
    import pyproj

    coords = {"y": 6000 - 50.0 * np.arange(12), "x": 400 + 50.0 * np.arange(15)}
    depth = xarray.DataArray(DEPTH, coords, ("y", "x"), attrs={"units": "m"}).transpose(*dims)
    return depth.assign_coords(spatial_ref=((), 0, {"crs_wkt": pyproj.CRS(23031).to_wkt()}))


def placed(geo: GeoReference) -> Closures:
    found = find_closures(DEPTH)
    return Closures(found.labels, found.height, found.table, found.grid, geo)


@pytest.mark.parametrize("dims", [("y", "x"), ("x", "y")])
def test_the_accessor_gives_a_data_set_on_the_same_coordinates(dims: tuple[str, str]) -> None:
    import trapmtl.xarray  # registers it

    depth = labelled(dims)
    data = depth.closures.find(options=SearchOptions(min_area=4))
    assert data.label.dims == dims and all((data[name] == depth[name]).all() for name in dims)
    found = find_closures(depth, min_area=4)
    assert (data.label.values == found.labels).all() and data.closure.values.tolist() == [1]
    assert data.crest_x.item() == 750 and data.crest_y.item() == 5700
    assert data.area.item() == found.table["area"][0] * 2500 and data.area.attrs["units"] == "m2"
    assert data.spill_depth.attrs["units"] == data.height_above_spill.attrs["units"] == "m"
    assert data.label.attrs["grid_mapping"] == "spatial_ref" and found.geo.xy_unit == "m"
    crest = data.height_above_spill.sel(x=750, y=5700)
    assert crest == pytest.approx(data.height.item())
    assert trapmtl.xarray.closures_dataset(found, depth).equals(depth.closures.find(options=SearchOptions(min_area=4)))


def test_netcdf_and_back(tmp_path: Path) -> None:
    data = closures_dataset(find_closures(labelled()), labelled())
    data.to_netcdf(tmp_path / "closures.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "closures.nc", engine="scipy", decode_coords="all") as back:
        assert back.identical(data) or back.equals(data)
        assert back.touches_fault.dtype == bool and "spatial_ref" in back.coords
        again = find_closures((back.spill_depth.item() - back.height_above_spill).assign_attrs(units="m"))
        assert again.geo.crs is not None and "ED50" in again.geo.crs


def test_a_map_without_labels_gets_those_of_its_location() -> None:
    straight = closures_dataset(placed(GeoReference(400.0, 6000.0, 50.0, -50.0, crs="EPSG:23031")))
    assert straight.label.dims == ("y", "x") and straight.x.values[:2].tolist() == [400, 450]
    assert straight.y.values[-1] == 6000 - 11 * 50 and "crs_wkt" in straight.spatial_ref.attrs
    turned = closures_dataset(placed(GeoReference(400.0, 6000.0, 50.0, -50.0, rotation=30.0)))
    assert turned.label.dims == ("row", "col") and turned.x.dims == ("row", "col")
    assert turned.x.values[0, 1] == pytest.approx(400 + 50 * np.cos(np.pi / 6))
    in_time = closures_dataset(placed(GeoReference(depth_unit="ms")))
    assert "volume" not in in_time and "spatial_ref" not in in_time.coords and in_time.height.attrs["units"] == "ms"
    assert "every 5" in closures_dataset(find_closures(DEPTH, contour_interval=5)).attrs["reading"]


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(UserError, match="like"):
        closures_dataset(find_closures(DEPTH), labelled()[1:])
