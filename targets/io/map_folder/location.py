"""Location of a picture: a world file beside it, the PAM file that GDAL and QGIS write, or the tags of a GeoTIFF."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from targets.common.optional_import import import_optional
from targets.common.rasters.gdal import ALONE
from targets.common.rasters.side_files import (
    Affine,
    parse_world_file,
    read_auxiliary,
    read_crs_beside,
    read_side_text,
    world_files,
)
from targets.errors import UserError
from targets.io.images import TIFF_SUFFIXES
from targets.scene import GeoReference
from targets.units.crs import same_crs, understand_crs

MAX_SHEAR = 1e-3  # of a pixel per pixel; larger shears are no rotation
MAX_LETTERS = 4096  # of a world file: six numbers


def read_picture_location(path: Path) -> tuple[GeoReference, str] | None:
    """Read where a picture lies, by the files beside it or its own tags.

    Parameters
    ----------
    path : Path
        The picture.

    Returns
    -------
    location : tuple[GeoReference, str] | None
        x0, y0, dx, dy, rotation of the first pixel's centre and the coordinate system, and the name of the file that
        says so; None if nothing does.

    Raises
    ------
    UserError
        A world file is damaged, or the picture is mirrored or sheared.
    """
    tagged = _tagged_location(path)
    for world in world_files(path):
        text = read_side_text(world)
        if text is None:
            continue
        if len(text) > MAX_LETTERS:
            raise UserError(world, "too long for a world file", "six numbers", "correct or remove it")
        affine = parse_world_file(text)
        if affine is None:
            raise UserError(world, f"{len(text.split())} words", "a world file: six numbers", "correct or remove it")
        crs = tagged[0].crs if tagged is not None else _crs_beside(path)
        return replace(_location(world, affine), crs=crs), world.name
    return tagged if tagged is not None and tagged[0].located else None


def check_same_location(path: Path, said: GeoReference, picture: GeoReference, by: str) -> None:
    """Refuse a map.yaml that places a picture elsewhere than the file beside it.

    Parameters
    ----------
    path : Path
        The map.yaml.
    said : GeoReference
        What it says; unknown fields contradict nothing.
    picture : GeoReference
        What the other file says.
    by : str
        Its name.

    Raises
    ------
    UserError
        They differ by more than half a pixel, 0.1 % of the spacing, or 0.1 degrees.
    """
    step = max(abs(picture.dx or 0.0), abs(picture.dy or 0.0))
    limits = {"x0": step / 2, "y0": step / 2, "dx": step / 1000, "dy": step / 1000, "rotation": 0.1}
    for key, limit in limits.items():
        own, other = getattr(said, key), getattr(picture, key)
        if key == "rotation" and own == 0:
            continue  # the default, which says nothing
        if own is not None and other is not None and abs(own - other) > limit:
            raise UserError(path, f"{key} is {own:g}, but {by} says {other:g}", "one location",
                            f"correct one of the two, or take {key} out of the first")  # fmt: skip
    if said.crs and picture.crs and not same_crs(said.crs, picture.crs):
        raise UserError(path, f"crs is {said.crs}, but {by} says {picture.crs[:80]}", "one coordinate system",
                        "correct one of the two")  # fmt: skip


def _location(path: Path, affine: Affine) -> GeoReference:
    """The location of the centre of the first pixel, from a transform that counts from its corner."""
    a, b, c, d, e, f = affine
    dx, dy = float(np.hypot(a, d)), -float(np.hypot(b, e))
    if dx == 0 or dy == 0:
        raise UserError(path, f"pixels of {dx:g} x {-dy:g}", "a size above 0", "correct or remove it")
    if abs(a * b + d * e) > MAX_SHEAR * dx * -dy:
        raise UserError(path, "the picture is sheared", "a scale and a rotation", "export it again, or resample it")
    if a * e - b * d > 0:
        raise UserError(path, "the picture is mirrored", "rows that run down", "export it with North up")
    rotation = float(np.degrees(np.arctan2(d, a)))
    try:
        return GeoReference(c + (a + b) / 2, f + (d + e) / 2, dx, dy, rotation)
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error


def _crs_beside(path: Path) -> str | None:
    """The coordinate system that a file beside the picture names, if it is understood."""
    found = read_crs_beside(path)
    try:
        return None if found is None or understand_crs(found[0]) is None else found[0]
    except UserError:
        return None


def _tagged_location(path: Path) -> tuple[GeoReference, str] | None:
    """Location and coordinate system in the file .aux.xml beside any picture, or in the tags of a GeoTIFF."""
    beside = read_auxiliary(path)
    if beside.affine is not None:
        return replace(_location(path, beside.affine), crs=_crs_beside(path)), beside.affine_file
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return None
    rasterio = import_optional("rasterio", path)
    try:
        with warnings.catch_warnings(), rasterio.Env(**ALONE):
            warnings.simplefilter("ignore")
            with rasterio.open(path, driver="GTiff") as dataset:
                transform, crs = dataset.transform, dataset.crs.to_wkt() if dataset.crs else None
    except rasterio.errors.RasterioError:
        return None  # what is damaged is refused where it is decoded
    if transform.is_identity:
        return (GeoReference(crs=crs), path.name) if crs else None
    return replace(_location(path, transform[:6]), crs=crs), path.name
