"""Closures as a data set of xarray: labels and heights on the map's own coordinates, the table along a dimension."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from targets.closure import Closures, SearchOptions, find_closures, in_map_units
from targets.closure.arrays import is_labelled, laid_on
from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.scene import GeoReference

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

DEFAULT_SEARCH = SearchOptions()
LONG_NAMES = {
    "label": "outermost closure of each cell, 0 = none",
    "height_above_spill": "height above the spill depth of that closure",
    "crest_depth": "depth of the highest cell",
    "spill_depth": "depth at which the closure leaks",
    "contour_depth": "depth of the outline",
    "height": "contour depth minus crest depth",
    "volume": "volume between the surface and the contour depth",
    "parent": "smallest closure around it, 0 = outermost",
    "spills_into": "outermost closure that receives the leak, 0 = out of the map",
}


def closures_dataset(closures: Closures, like: "DataArray | None" = None) -> "Dataset":
    """Make a data set of closures, for xarray, rioxarray and netCDF.

    Parameters
    ----------
    closures : Closures
        Of `find_closures`.
    like : DataArray | None, default None
        The depth in which they were found: its dimensions and coordinates are kept. Without it dimensions are y and x
        where the map is located, with coordinates x and y of every cell on a rotated grid; else row and col.

    Returns
    -------
    Dataset
        ``label`` and ``height_above_spill`` on the map; the columns of `in_map_units` along ``closure``, whose
        coordinate are the ids. Units are attributes; the coordinate system is in ``spatial_ref``, as CF and rioxarray
        have it.

    Raises
    ------
    UserError
        xarray is not installed, or `like` is another map.

    Examples
    --------
    >>> from targets.closure import find_closures
    >>> data = closures_dataset(find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]]))
    >>> dict(data.sizes), data.label.values[1].tolist(), data.height.values.tolist()
    ({'row': 3, 'col': 4, 'closure': 1}, [0, 1, 1, 0], [4.0])
    """
    xarray = import_optional("xarray", "closures_dataset", "xarray")
    geo = closures.geo
    if like is not None and is_labelled(like):
        depth = laid_on(like, None, "like")
        if depth.shape != closures.labels.shape:
            raise UserError("like", f"shape {depth.shape}", f"{closures.labels.shape}, the depth of these closures")
        dims, coords = tuple(depth.dims), dict(depth.coords)
    else:
        dims, coords = _coordinates(geo, closures.labels.shape)
    grids = {"label": closures.labels, "height_above_spill": closures.height}
    table, units = in_map_units(closures), geo.units
    names = [name for name in table.dtype.names or () if name != "id" and (name != "volume" or units.has_volume)]
    data = xarray.Dataset(
        {name: (dims, values) for name, values in grids.items()} | {name: ("closure", table[name]) for name in names},
        coords | {"closure": table["id"]},
        {"Conventions": "CF-1.8", "title": "closed structural traps", "reading": _reading(closures)},
    )
    for name, variable in data.data_vars.items():
        unit = units.of_column("height" if name == "height_above_spill" else str(name))
        variable.attrs |= {"units": unit} if unit else {}
        variable.attrs |= {"long_name": LONG_NAMES[str(name)]} if name in LONG_NAMES else {}
    if "spatial_ref" not in data.coords and (mapping := _grid_mapping(geo.crs)):
        data = data.assign_coords(spatial_ref=((), np.int32(0), mapping))
    if "spatial_ref" in data.coords:
        for name in grids:
            data[name].attrs["grid_mapping"] = "spatial_ref"
    return data


def _coordinates(geo: GeoReference, shape: tuple[int, int]) -> tuple[tuple[str, str], dict[str, Any]]:
    """Dimensions and coordinates of a map that came without labels."""
    if not geo.located:
        return ("row", "col"), {}
    unit = {"units": geo.xy_unit} if geo.xy_unit else {}
    if geo.rotation % 360:
        x, y = geo.xy(*np.indices(shape, np.float64))
        return ("row", "col"), {"x": (("row", "col"), x, unit), "y": (("row", "col"), y, unit)}
    x, _ = geo.xy(np.zeros(shape[1]), np.arange(shape[1], dtype=np.float64))
    _, y = geo.xy(np.arange(shape[0], dtype=np.float64), np.zeros(shape[0]))
    return ("y", "x"), {"x": ("x", x, unit), "y": ("y", y, unit)}


def _grid_mapping(crs: str | None) -> dict[str, Any]:
    """Attributes of CF for a coordinate system; none where it is unknown."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(crs) if crs else None
    except CRSError:
        return {}
    return {} if system is None else system.to_cf() | {"spatial_ref": system.to_wkt()}


def _reading(closures: Closures) -> str:
    """How far down closures reach, in words."""
    grid = closures.grid
    contours = f"last closed contour, every {grid.interval:g} from {grid.base:g}"
    return contours if grid.interval else "down to the spill point"


class ClosuresAccessor:
    """``depth.closures`` of a `DataArray` of xarray, after ``import trapmtl.xarray``.

    Parameters
    ----------
    depth : DataArray
        A depth map, positive down.
    """

    def __init__(self, depth: "DataArray") -> None:
        self._depth = depth

    def find(self, valid: Any = None, faults: Any = None, options: SearchOptions = DEFAULT_SEARCH) -> "Dataset":
        """Find the closed structural traps of the map.

        Parameters
        ----------
        valid, faults : array_like, default None
            As in `targets.closure.find_closures`.
        options : SearchOptions, default SearchOptions()
            Likewise its other arguments.

        Returns
        -------
        Dataset
            Of `closures_dataset`.

        Raises
        ------
        UserError
            As `targets.closure.find_closures`.
        """
        rest = {field.name: getattr(options, field.name) for field in fields(options)}
        return closures_dataset(find_closures(self._depth, valid, faults, **rest), self._depth)
