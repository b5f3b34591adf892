"""Files of outlines for other programs: GeoPackage, GeoJSON, Shapefile, RMS/IRAP text, CPS-3 lines and CSV."""

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.common.csv_tables import write_csv
from targets.common.optional_import import import_optional
from targets.io.vectors import VectorLayer, geojson_coordinates, write_as_error, write_geojson, write_geopackage
from targets.scene import GeoReference
from targets.units.crs import crs_for_library

VectorFormat = Literal["gpkg", "geojson", "shp", "pol", "cps3", "csv"]
MAX_FIELD = 10  # letters of a field's name in a Shapefile
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
DEPTHS = ("contour_depth", "spill_depth")  # attributes that hold the depth of an outline
SEPARATOR = "999.000000 999.000000 999.000000\n"
CPS3_HEAD = "FFASCI 0 1 COMPUTED 0 1E+30\nFFATTR 3 1\n"


def write_outlines(
    layers: Sequence[VectorLayer], geo: GeoReference, stem: Path, vectors: VectorFormat = "gpkg"
) -> list[Path]:
    """Write vector layers in the format of the user's choice.

    GeoPackage and GeoJSON hold all layers in one file. Else each layer is a file of its own beside `stem`, named after
    it: a Shapefile with all attributes, in UTF-8, names of fields cut to ten letters; ``.pol`` (x y z, rows of 999
    between lines); ``.cps`` (CPS-3 lines, behind each ``->`` the id); ``_points.csv`` (a row per point, with id, part
    and number of the point). Those in text hold polygons and lines, CSV crests and spill points too; z is the depth of
    the outline, positive down, 0 where a layer has none. A hole of a polygon is a ring of its own.

    Parameters
    ----------
    layers : Sequence[VectorLayer]
        At least one.
    geo : GeoReference
        The map's location; without one GeoJSON in columns and rows is written, whatever was chosen.
    stem : Path
        Path of the one file without its suffix, such as ``folder/closures``.
    vectors : VectorFormat, default 'gpkg'
        The format.

    Returns
    -------
    files : list[Path]
        What was written.

    Raises
    ------
    UserError
        A library is missing, the coordinate system is unknown, or a file cannot be written.
    """
    if not geo.located or vectors == "geojson":
        path = stem.with_name(f"{stem.name}.geojson")
        write_geojson(layers, geo, path)
        return [path]
    if vectors == "gpkg":
        path = stem.with_name(f"{stem.name}.gpkg")
        write_geopackage(layers, geo, path)
        return [path]
    write, suffix = {"shp": (_write_shapefile, ".shp"), "pol": (_write_pol, ".pol"), "cps3": (_write_cps3, ".cps"),
                     "csv": (_write_points, "_points.csv")}[vectors]  # fmt: skip
    files = []
    for layer in layers:
        if layer.geometry_type != "Point" or vectors in ("shp", "csv"):
            files.append(stem.with_name(f"{layer.name}{suffix}"))
            write(layer, geo, files[-1])
    return files


def _lines(layer: VectorLayer, geo: GeoReference) -> Iterator[tuple[str, int, NDArray[np.float64]]]:
    """Id, number of the part, and x, y, z (n, 3) of every ring, line or point of a layer."""
    names = layer.attributes.dtype.names or ()
    depth = next((name for key in DEPTHS for name in names if name.startswith(key)), None)
    for i, (geometry, row) in enumerate(zip(layer.geometries, layer.attributes, strict=True), 1):
        name = str(row["id"]) if "id" in names else str(i)
        coordinates = geojson_coordinates(geometry, layer.geometry_type, geo)
        lines = [ring for polygon in coordinates for ring in polygon] if layer.geometry_type == "MultiPolygon" else (
            [coordinates] if layer.geometry_type == "LineString" else [[coordinates]])  # fmt: skip
        z = float(row[depth]) if depth is not None and np.isfinite(row[depth]) else 0.0
        for part, line in enumerate(lines, 1):
            xy = np.array(line, np.float64)
            yield name, part, np.column_stack([xy, np.full(len(xy), z)])


def _text(points: NDArray[np.float64]) -> str:
    return "".join(f"{x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in points.tolist())


def _write_pol(layer: VectorLayer, geo: GeoReference, path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("".join(_text(points) + SEPARATOR for _, _, points in _lines(layer, geo)), "ascii")


def _write_cps3(layer: VectorLayer, geo: GeoReference, path: Path) -> None:
    with atomic_write(path) as temporary:
        text = "".join(f"->{name}\n{_text(points)}" for name, _, points in _lines(layer, geo))
        temporary.write_text(CPS3_HEAD + text, "ascii")


def _write_points(layer: VectorLayer, geo: GeoReference, path: Path) -> None:
    rows = (
        [f"{x:.6f}", f"{y:.6f}", f"{z:.6f}", name, part, number]
        for name, part, points in _lines(layer, geo)
        for number, (x, y, z) in enumerate(points.tolist(), 1)
    )
    write_csv(path, ("x", "y", "z", "id", "part", "point"), rows)


def _write_shapefile(layer: VectorLayer, geo: GeoReference, path: Path) -> None:
    libraries = ("geopandas", "shapely", "pandas")
    geopandas, shapely, pandas = (import_optional(name, path, otherwise="ask for GeoJSON") for name in libraries)
    names = layer.attributes.dtype.names or ()
    frame = pandas.DataFrame(
        {short: layer.attributes[name] for name, short in zip(names, _short_names(names), strict=True)}
    )
    frame = frame.astype({name: "int32" for name in frame.columns if frame[name].dtype == bool})
    shapes = [
        shapely.geometry.shape(
            {"type": layer.geometry_type, "coordinates": geojson_coordinates(geometry, layer.geometry_type, geo)}
        )
        for geometry in layer.geometries
    ]
    located = geopandas.GeoDataFrame(frame, geometry=shapes, crs=crs_for_library(geo.crs) if geo.crs else None)
    # GDAL writes a Polygon or a MultiPolygon into the same kind of Shapefile.
    kind = "Polygon" if layer.geometry_type == "MultiPolygon" else layer.geometry_type
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), write_as_error(path):
        warnings.filterwarnings("ignore", message="'crs' was not provided")  # a map may have none
        located.to_file(Path(folder) / "layer.shp", driver="ESRI Shapefile", engine="pyogrio", geometry_type=kind,
                        encoding="UTF-8")  # fmt: skip
        for suffix in SHAPEFILE_PARTS[::-1]:  # the .shp last: it is what others look for
            part = Path(folder) / f"layer{suffix}"
            if part.exists():
                with atomic_write(path.with_suffix(suffix)) as temporary:
                    shutil.copyfile(part, temporary)
            else:
                path.with_suffix(suffix).unlink(missing_ok=True)


def _short_names(names: Sequence[str]) -> list[str]:
    """Names of fields of ten letters, each once.

    Examples
    --------
    >>> _short_names(["id", "crest_depth_m", "crest_depth_ft"])
    ['id', 'crest_dept', 'crest_dep1']
    """
    short: list[str] = []
    for name in names:
        field, number = re.sub(r"\W", "_", name)[:MAX_FIELD], 0
        while field in short:
            number += 1
            field = f"{name[: MAX_FIELD - len(str(number))]}{number}"
        short.append(field)
    return short
