"""Depth of a map folder: a grey picture or a grid, normalised or in depth units."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.io.grids.registry import load_surface
from targets.io.images import read_grey
from targets.io.map_folder.sidecar import Sidecar
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.scene import GeoReference


class DepthFile(NamedTuple):
    """The depth as it lies in its file.

    Attributes
    ----------
    values : (H, W) float | None
        Positive down; of a picture normalised, 0 = white = shallowest. None if there is no depth.
    measured : (H, W) bool | None
        The cells that have a depth in the file.
    geo : GeoReference
        Location and units, of grid and sidecar together.
    notes : tuple[str, ...]
        What had to be assumed, one sentence each.
    """

    values: NDArray | None
    measured: NDArray[np.bool_] | None
    geo: GeoReference
    notes: tuple[str, ...] = ()


def read_depth(files: Mapping[str, Path], sidecar: Sidecar, reading: ReadOptions = DEFAULT_READING) -> DepthFile:
    """Read the depth of a map.

    Parameters
    ----------
    files : Mapping[str, Path]
        {kind: file} of the map.
    sidecar : Sidecar
        Its polarity applies to both kinds of files; its location overrides that of a grid.
    reading : ReadOptions, default DEFAULT_READING
        What a grid does not say itself.

    Returns
    -------
    depth : DepthFile

    Raises
    ------
    UserError
        The file is damaged, or the unit is known but not the range of a picture.
    """
    if "depth" in files:
        surface = load_surface(files["depth"], replace(reading, elevation=sidecar.inverted or reading.elevation))
        geo = replace(surface.geo, **sidecar.given_fields())
        return DepthFile(surface.values, ~np.isnan(surface.values), geo, surface.notes)
    if "depth_norm" not in files:
        return DepthFile(None, None, sidecar.geo)
    if sidecar.geo.depth_unit is not None and sidecar.geo.depth_range is None:
        raise UserError(files.get("map", files["depth_norm"]), f"depth_unit {sidecar.geo.depth_unit} without a "
                        "depth_range", "both or neither",
                        "add depth_range: [shallowest, deepest], the depths of white and of black")  # fmt: skip
    grey, opaque = read_grey(files["depth_norm"])
    return DepthFile(grey if sidecar.inverted else 1 - grey, opaque, sidecar.geo)


def read_true_depth(files: Mapping[str, Path], sidecar: Sidecar, depth: NDArray | None) -> NDArray:
    """Read the true surface of a poor depth, ``depth_clean.png``; in depth units if its range is known.

    Raises
    ------
    UserError
        The file is damaged, there is no depth that is a copy of it, or no range beside a depth grid.
    """
    path = files["depth_clean"]
    if depth is None or ("depth" in files and sidecar.geo.depth_range is None):
        found = "a true surface, but no depth that is a copy of it" if depth is None else "no depth_range in map.yaml"
        raise UserError(path, found, "a depth beside it, and a depth_range if that is a grid", "add it")
    grey, _ = read_grey(path)
    return to_depth_units(grey if sidecar.inverted else 1 - grey, sidecar.geo)


def to_depth_units(normalised: NDArray, geo: GeoReference) -> NDArray:
    """Scale a normalised depth to `geo.depth_range`; as it is when the range is unknown.

    Examples
    --------
    >>> to_depth_units(np.array([0.0, 0.5]), GeoReference(depth_range=(1000.0, 1200.0))).tolist()
    [1000.0, 1100.0]
    """
    if geo.depth_range is None:
        return normalised
    low, high = geo.depth_range
    return low + normalised * (high - low)


def encode_depth(depth: NDArray, low: float, high: float, bits: int) -> NDArray:
    """A depth as grey levels of 8 or 16 bits, white at `low` and black at `high`.

    Examples
    --------
    >>> encode_depth(np.array([1000.0, 1200.0]), 1000.0, 1200.0, 8).tolist()
    [255, 0]
    """
    white = (high - depth.astype(np.float64)) / max(high - low, 1e-12)
    dtype = np.uint8 if bits == 8 else np.uint16
    return (np.clip(white, 0, 1) * (2**bits - 1)).round().astype(dtype)
