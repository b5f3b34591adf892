"""Location of a picture: a world file beside it, the PAM file that GDAL and QGIS write, or the tags of a GeoTIFF."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.io.images import TIFF_SUFFIXES
from targets.scene import GeoReference
from targets.units.crs import same_crs, understand_crs

DRIVERS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP",
           ".tif": "GTiff", ".tiff": "GTiff"}  # fmt: skip
MAX_SHEAR = 1e-3  # of a pixel per pixel; larger shears are no rotation
MAX_BYTES = 4096  # of a world file: six numbers


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
    world = _world_file(path)
    if world is not None:
        crs = tagged[0].crs if tagged is not None else _projection_file(path)
        return replace(_location(world, _six_numbers(world)), crs=crs), world.name
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


def _world_file(path: Path) -> Path | None:
    """The world file of a picture: map.pgw, map.pngw or map.wld beside map.png; upper case too."""
    suffix = path.suffix.lower().lstrip(".")
    endings = (f"{suffix[0]}{suffix[-1]}w", f"{suffix}w", "wld")
    for ending in (*endings, *(ending.upper() for ending in endings)):
        if (candidate := path.with_suffix(f".{ending}")).is_file():
            return candidate
    return None


def _six_numbers(path: Path) -> list[float]:
    if path.stat().st_size > MAX_BYTES:
        raise UserError(path, "too long for a world file", "six numbers", "correct or remove it")
    words = path.read_text("utf-8", errors="replace").split()
    try:
        numbers = [float(word.replace(",", ".")) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != 6 or not np.isfinite(numbers).all():
        raise UserError(path, f"{len(words)} words", "a world file: six numbers", "correct or remove it")
    return numbers


def _location(path: Path, numbers: list[float]) -> GeoReference:
    """The location from the six numbers of a world file: of the centre of the first pixel."""
    a, d, b, e, x0, y0 = numbers
    dx, dy = float(np.hypot(a, d)), -float(np.hypot(b, e))
    if dx == 0 or dy == 0:
        raise UserError(path, f"pixels of {dx:g} x {-dy:g}", "a size above 0", "correct or remove it")
    if abs(a * b + d * e) > MAX_SHEAR * dx * -dy:
        raise UserError(path, "the picture is sheared", "a scale and a rotation", "export it again, or resample it")
    if a * e - b * d > 0:
        raise UserError(path, "the picture is mirrored", "rows that run down", "export it with North up")
    rotation = float(np.degrees(np.arctan2(d, a)))
    try:
        return GeoReference(x0, y0, dx, dy, rotation)
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error


def _projection_file(path: Path) -> str | None:
    """The coordinate system in a .prj file beside the picture, if it is understood."""
    candidate = path.with_suffix(".prj")
    if not candidate.is_file() or candidate.stat().st_size > 10 * MAX_BYTES:
        return None
    text = candidate.read_text("utf-8", errors="replace").strip()
    try:
        return text if understand_crs(text) is not None else None
    except UserError:
        return None


def _tagged_location(path: Path) -> tuple[GeoReference, str] | None:
    """Location and coordinate system in the tags of a GeoTIFF, or in the file .aux.xml beside any picture."""
    pam = path.with_name(f"{path.name}.aux.xml")
    if path.suffix.lower() not in TIFF_SUFFIXES and not pam.is_file():
        return None
    rasterio = import_optional("rasterio", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(path, driver=DRIVERS[path.suffix.lower()]) as dataset:
                transform, crs = dataset.transform, dataset.crs.to_wkt() if dataset.crs else None
                is_located = not transform.is_identity
    except rasterio.errors.RasterioError:
        return None  # what is damaged is refused where it is decoded
    if not is_located:
        return (GeoReference(crs=crs), pam.name) if crs else None
    a, b, c, d, e, f = transform[:6]
    numbers = [a, d, b, e, c + (a + b) / 2, f + (d + e) / 2]  # of the first pixel's centre, not corner
    return replace(_location(path, numbers), crs=crs), pam.name if pam.is_file() else path.name
