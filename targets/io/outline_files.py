"""Files of outlines for other programs: GeoPackage, GeoJSON, GeoParquet, Shapefile, RMS/IRAP, CPS-3 lines and CSV."""

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.common.atomic_write import atomic_write
from targets.common.csv_tables import write_csv
from targets.common.optional_import import import_optional
from targets.io.vectors import (
    VectorLayer,
    make_geodataframe,
    ogr_type,
    write_as_error,
    write_geojson,
    write_geopackage,
)
from targets.scene import GeoReference

VectorFormat = Literal["gpkg", "geojson", "parquet", "shp", "pol", "cps3", "csv"]
MAX_FIELD = 10  # letters of a field's name in a Shapefile
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
SEPARATOR = "999.000000 999.000000 999.000000\n"
CPS3_HEAD = "FFASCI 0 1 COMPUTED 0 1E+30\nFFATTR 3 1\n"


@dataclass(frozen=True)
class OutlineOptions:
    """How outlines are drawn and in which format they are written.

    Attributes
    ----------
    vectors : VectorFormat, default 'gpkg'
        Format of polygons, points and lines: gpkg, geojson, parquet (GeoParquet), shp, pol (RMS/IRAP text), cps3 or
        csv; maps without a location get geojson.
    outlines : Literal['smooth', 'cells'], default 'smooth'
        Outlines of traps: contours between the centres of cells that enclose the area of the cells (smooth), or the
        sides of the cells (cells). The same cells lie inside both.
    simplify : float, default 0.0
        Points of outlines are left out that lie within this distance of the line without them, in map units (metres on
        a map in degrees, cells without a location); 0 keeps all. No outline crosses another one.
    """

    vectors: VectorFormat = "gpkg"
    outlines: Literal["smooth", "cells"] = "smooth"
    simplify: float = 0.0


DEFAULT_OUTLINES = OutlineOptions()


def write_outlines(
    layers: Sequence[VectorLayer], geo: GeoReference, stem: Path, vectors: VectorFormat = "gpkg"
) -> list[Path]:
    """Write vector layers in the format of the user's choice.

    GeoPackage and GeoJSON hold all layers in one file. Else each layer is a file of its own beside `stem`, named after
    it: ``.parquet`` (GeoParquet) and ``.shp`` (in UTF-8, names of fields cut to ten letters) with all attributes;
    ``.pol`` (x y z, rows of 999 between lines); ``.cps`` (CPS-3 lines, behind each ``->`` the id); ``_points.csv`` (a
    row per point, with id, part and number of the point). Those in text hold polygons and lines, CSV crests and spill
    points too. The third coordinate is the depth, positive down, of an outline that of its contact; where none
    is known, text holds 0. A hole of a polygon in text is a ring of its own.

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
    write, suffix = {"parquet": (_write_parquet, ".parquet"), "shp": (_write_shapefile, ".shp"),
                     "pol": (_write_pol, ".pol"), "cps3": (_write_cps3, ".cps"),
                     "csv": (_write_points, "_points.csv")}[vectors]  # fmt: skip
    files = []
    for layer in layers:
        if layer.geometry_type != "Point" or vectors in ("parquet", "shp", "csv"):
            files.append(stem.with_name(f"{layer.name}{suffix}"))
            write(layer, geo, files[-1])
    return files


def _lines(layer: VectorLayer, geo: GeoReference) -> Iterator[tuple[str, int, NDArray[np.float64]]]:
    """Id, number of the part, and x, y, z (n, 3) of every ring, line or point of a layer."""
    names = layer.attributes.dtype.names or ()
    for i, (coordinates, row) in enumerate(zip(layer.coordinates(geo, some=True), layer.attributes, strict=True), 1):
        name = str(row["id"]) if "id" in names else str(i)
        lines = [ring for polygon in coordinates for ring in polygon] if layer.geometry_type == "MultiPolygon" else (
            [coordinates] if layer.geometry_type == "LineString" else [[coordinates]])  # fmt: skip
        for part, line in enumerate(lines, 1):
            points = np.array(line, np.float64)
            yield name, part, points if points.shape[1] == 3 else np.pad(points, ((0, 0), (0, 1)))


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


def _write_parquet(layer: VectorLayer, geo: GeoReference, path: Path) -> None:
    import_optional("pyarrow", path, otherwise="ask for gpkg")
    located = make_geodataframe(layer, geo, path)
    with atomic_write(path) as temporary:
        located.to_parquet(temporary, index=False)


def _write_shapefile(layer: VectorLayer, geo: GeoReference, path: Path) -> None:
    located = make_geodataframe(layer, geo, path)
    names = layer.attributes.dtype.names or ()
    located = located.rename(columns=dict(zip(names, _short_names(names), strict=True)))
    located = located.astype({name: "int32" for name in located.columns if located[name].dtype == bool})
    # GDAL writes a Polygon or a MultiPolygon into the same kind of Shapefile.
    kind = ogr_type(layer).replace("MultiPolygon", "Polygon")
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
