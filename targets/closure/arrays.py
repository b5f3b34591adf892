"""Arrays that callers bring, made plain: masked ones, labelled ones of xarray, lists, any type of number and order."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.errors import UserError
from targets.scene import GeoReference
from targets.units.names import parse_unit

FILL_KEYS = ("_FillValue", "missing_value", "nodata", "nodatavals")  # attributes of undecoded xarray data
X_NAMES = ("x", "lon", "longitude", "easting", "eastings", "e")
EVEN = 1e-3  # of a spacing: float32 coordinates of a large map are rounded by about as much
MAX_EXACT = 2**53  # whole numbers up to here are exact in float64


class PlainArray(NamedTuple):
    """An array without mask or labels.

    Attributes
    ----------
    values : ndarray
        The numbers; under the mask they can be anything.
    undefined : bool, as values
        Cells without a value, by a mask or a declared fill value; None: every cell has one.
    """

    values: NDArray
    undefined: NDArray[np.bool_] | None


def plain_array(array: Any, name: str, like: Any = None) -> PlainArray:
    """Make an array plain that may be masked (`numpy.ma`) or labelled (`xarray.DataArray`).

    Fill values, scale and offset that a labelled array declares in its attributes are applied; those of one that xarray
    or rioxarray decoded are applied already.

    Parameters
    ----------
    array : array_like
        What the caller brought.
    name : str
        The argument, for errors.
    like : array_like, default None
        What it must lie on: where both are labelled, its dimensions are put into the order of this one, and its
        coordinates must be the same.

    Returns
    -------
    PlainArray

    Raises
    ------
    UserError
        It cannot be made an array of numbers, or lies elsewhere than `like`.

    Examples
    --------
    >>> plain_array(np.ma.masked_equal([[1, -999]], -999), "depth").undefined.tolist()
    [[False, True]]
    """
    if not is_labelled(array):
        return PlainArray(_to_numpy(array, name), _mask_of(array))
    array = laid_on(array, like, name)
    values = array.values
    plain = PlainArray(_to_numpy(values, name), _mask_of(values))
    declared = [array.attrs[key] for key in FILL_KEYS if key in array.attrs]
    declared.append(getattr(getattr(array, "rio", None), "nodata", None))
    fills = np.array([fill for value in declared if value is not None for fill in np.ravel(value)], float)
    undefined = plain.undefined
    if fills.size > 0 and plain.values.dtype.kind in "iuf":
        filled = np.isin(plain.values, fills[np.isfinite(fills)])
        undefined = filled if undefined is None else undefined | filled
    values = plain.values
    if "scale_factor" in array.attrs or "add_offset" in array.attrs:
        values = values * float(array.attrs.get("scale_factor", 1)) + float(array.attrs.get("add_offset", 0))
    return PlainArray(values, undefined)


def is_labelled(array: Any) -> bool:
    """Whether it is a `DataArray` of xarray, or looks like one."""
    return all(hasattr(array, name) for name in ("dims", "coords", "attrs", "shape", "values", "transpose"))


def _to_numpy(array: Any, name: str) -> NDArray:
    """The numbers as NumPy's own array, without a mask."""
    if hasattr(array, "data_vars"):
        raise UserError(name, "a data set of several variables", "one array", 'take one of them: data["depth"]')
    try:
        return np.asarray(array.data if isinstance(array, np.ma.MaskedArray) else array)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(name, f"no array of numbers ({error})", "(H, W) numbers in rows of one length") from error


def _mask_of(array: Any) -> NDArray[np.bool_] | None:
    """The mask of an array of `numpy.ma`; None where nothing is masked."""
    if not isinstance(array, np.ma.MaskedArray) or not np.ma.is_masked(array):
        return None
    mask = np.ma.getmaskarray(array)
    return mask if mask.dtype == np.bool_ else None


def _single_band(array: Any) -> Any:
    """A labelled array of a raster with one band, without the dimension of bands."""
    while len(array.dims) > 2 and 1 in (array.shape[0], array.shape[-1]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    return array


def laid_on(array: Any, like: Any, name: str) -> Any:
    """A labelled array without a dimension of bands and, if `like` is labelled too, with its order of dimensions.

    Parameters
    ----------
    array : array_like
        Any array; one without labels is returned as it is.
    like : array_like
        What it must lie on, or None.
    name : str
        The argument, for errors.

    Returns
    -------
    array_like
        A view.

    Raises
    ------
    UserError
        Its dimensions or coordinates are others than those of `like`.
    """
    if not is_labelled(array):
        return array
    array = _single_band(array)
    if not is_labelled(like):
        return array
    like = _single_band(like)
    if set(array.dims) != set(like.dims):
        raise UserError(name, f"dimensions {', '.join(map(str, array.dims))}", ", ".join(map(str, like.dims)))
    array = array.transpose(*like.dims)
    for dim in like.dims:
        if dim in array.coords and dim in like.coords:
            own, others = array.coords[dim].values, like.coords[dim].values
            if own.shape == others.shape and not np.array_equal(own, others):
                raise UserError(name, f"other coordinates along {dim} than the depth's", "the same cells",
                                f"sort or resample it: {name}.reindex_like(depth)")  # fmt: skip
    return array


# Checks ---------------------------------------------------------------------------------------------------------------


def check_depth(depth: ArrayLike) -> NDArray:
    """Depth as a C-ordered float32 or float64 array that holds every value exactly.

    Parameters
    ----------
    depth : (H, W) float or integer, positive down
        The map: any array that `plain_array` takes.

    Returns
    -------
    (H, W) float32 or float64
        The same depths; NaN where there is none.

    Raises
    ------
    UserError
        It is no grid of numbers, or too large for 32-bit indices.
    """
    values, undefined = plain_array(depth, "depth")
    if values.ndim != 2 or values.size == 0:
        raise UserError("depth", f"shape {values.shape}", "(H, W) with at least one cell")
    if values.size >= 2**31:
        raise UserError("depth", f"{values.size} cells", "fewer than 2^31", "crop the map or take every second cell")
    if values.dtype.kind not in "buif" or values.dtype.itemsize > 8:
        raise UserError("depth", f"type {values.dtype}", "numbers: float32, float64 or integers")
    if values.dtype.kind in "ui" and values.itemsize == 8:
        known = values if undefined is None else values[~undefined]
        if known.size > 0 and (known.max() > MAX_EXACT or known.min() < -MAX_EXACT):
            raise UserError("depth", "integers beyond 2^53", "numbers that float64 can hold")
    kind = np.float32 if np.can_cast(values.dtype, np.float32) else np.float64
    exact = np.ascontiguousarray(values, kind)
    if undefined is not None:
        exact = np.where(undefined, kind(np.nan), exact)
    return exact


def check_mask(mask: ArrayLike, name: str, shape: tuple[int, int], like: Any = None) -> NDArray[np.bool_]:
    """A mask that fits the map, False where it is undefined; `name` is the argument named in the error."""
    values, undefined = plain_array(mask, name, like)
    if values.shape != shape or values.dtype != np.bool_:
        raise UserError(name, f"{values.dtype} {values.shape}", f"bool {shape}, the shape of depth")
    return values if undefined is None else values & ~undefined


def check_faults(faults: ArrayLike, shape: tuple[int, int], like: Any = None) -> NDArray:
    """A mask of faults, or their numbers, that fits the map; none where it is undefined."""
    values, undefined = plain_array(faults, "faults", like)
    if values.shape != shape or values.dtype.kind not in "bui":
        raise UserError("faults", f"{values.dtype} {values.shape}", f"bool or integers {shape}, the shape of depth")
    return values if undefined is None else np.where(undefined, values.dtype.type(0), values)


def georeference_of(depth: Any) -> GeoReference:
    """The location of a labelled array, as far as its coordinates say it; of any other array nothing.

    Parameters
    ----------
    depth : array_like
        A `DataArray` with evenly spaced coordinates has a location; the coordinate system comes from rioxarray or from
        the grid mapping of CF (``spatial_ref``), units from the attributes `units`.

    Returns
    -------
    GeoReference
    """
    if not is_labelled(depth):
        return GeoReference()
    depth = _single_band(depth)
    depth_unit = _unit_of(depth)
    if len(depth.dims) != 2 or not all(dim in depth.coords for dim in depth.dims):
        return GeoReference(depth_unit=depth_unit)
    along_rows, along_cols = (_even_steps(depth.coords[dim].values) for dim in depth.dims)
    if along_rows is None or along_cols is None:
        return GeoReference(depth_unit=depth_unit)
    # A map whose rows run along x is turned by 90 degrees.
    turned = str(depth.dims[0]).lower() in X_NAMES
    (x0, _), (y0, _) = (along_rows, along_cols) if turned else (along_cols, along_rows)
    dx, dy = along_cols[1], -along_rows[1] if turned else along_rows[1]
    crs = _crs_of(depth)
    return GeoReference(
        x0, y0, dx, dy, rotation=90.0 if turned else 0.0, crs=crs,
        xy_unit=None if crs else _unit_of(depth.coords[depth.dims[0]]), depth_unit=depth_unit,
    )  # fmt: skip


def _crs_of(array: Any) -> str | None:
    """The coordinate system of a labelled array: that of rioxarray, else the variable that CF calls a grid mapping."""
    if crs := getattr(getattr(array, "rio", None), "crs", None):
        return str(crs.to_string())
    name = array.attrs.get("grid_mapping", getattr(array, "encoding", {}).get("grid_mapping", "spatial_ref"))
    mapping = array.coords[name].attrs if name in array.coords else {}
    return next((str(mapping[key]) for key in ("crs_wkt", "spatial_ref") if mapping.get(key)), None)


def _unit_of(array: Any) -> str | None:
    """The unit in the attributes of a labelled array."""
    return parse_unit(str(array.attrs.get("units", "")))


def _even_steps(values: NDArray) -> tuple[float, float] | None:
    """First value and step of evenly spaced coordinates; None of others."""
    if values.ndim != 1 or values.size < 2 or values.dtype.kind not in "iuf":
        return None
    first, last = float(values[0]), float(values[-1])
    step = (last - first) / (values.size - 1)
    even = first + step * np.arange(values.size)
    is_even = step != 0 and np.isfinite(step) and np.abs(values - even).max() <= EVEN * abs(step)
    return (first, step) if is_even else None
