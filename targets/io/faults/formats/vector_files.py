"""Fault lines in vector files of a GIS: GeoJSON, Shapefile, GeoPackage, and tables with geometries as text (WKT)."""

import io
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.io.faults.columns import Column, make_point_table
from targets.io.faults.fault_format import FaultFile, FaultFormat, check_file, read_text
from targets.io.faults.splitting import close_rings, number_values, split_points
from targets.io.text_tables.encoding import detect_encoding
from targets.surface.rasterize_faults import FaultLine

SHAPEFILE_MAGIC = b"\x00\x00\x27\x0a"
SQLITE_MAGIC = b"SQLite format 3\x00"
WKT = re.compile(rb"(MULTI)?(LINESTRING|POLYGON)\s*(Z|M|ZM)?\s*\(", re.IGNORECASE)
COMPANIONS = (".shx", ".dbf", ".prj", ".cpg")
NAMES = (  # attributes that name a fault; the earlier ones win
    "fault faultname fault_name faultnam fault_nam fault_id faultid разлом сброс нарушение",
    "name names label title имя название наименов",
    "poly_id polyid id fid objectid",
)


def _is_geojson(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"{") and (b'"Feature' in text or b'"coordinates"' in text or b'"geometries"' in text)


def _is_shapefile(head: bytes) -> bool:
    return head.startswith(SHAPEFILE_MAGIC)


def _is_geopackage(head: bytes) -> bool:
    return head.startswith(SQLITE_MAGIC)


def _read_geojson(path: Path) -> FaultFile:
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise UserError(path, f"damaged JSON ({error})", "GeoJSON in UTF-8", "export or copy it again") from error
    member = content.get("crs") if isinstance(content, dict) else None
    crs = (member.get("properties") or {}).get("name") if isinstance(member, dict) else None
    geopandas = import_optional("geopandas", path)
    with tempfile.TemporaryDirectory() as folder:  # the driver goes by content and suffix; a copy has no neighbours
        copy = Path(folder) / "faults.geojson"
        copy.write_text(json.dumps(content), "utf-8")
        frame = geopandas.read_file(copy, engine="pyogrio")
    return _frame_lines([("", frame)], path, str(crs) if crs else None)


def _read_shapefile(path: Path) -> FaultFile:
    geopandas, pyogrio = import_optional("geopandas", path), import_optional("pyogrio", path)
    siblings = {file.suffix.lower(): file for file in path.parent.iterdir() if file.stem == path.stem}
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:  # a copy: GDAL writes a missing index beside the file
        for suffix, file in {".shp": path, **{key: siblings[key] for key in COMPANIONS if key in siblings}}.items():
            check_file(file)
            shutil.copyfile(file, Path(folder) / f"faults{suffix}")
        copy = Path(folder) / "faults.shp"
        if ".shx" not in siblings:
            pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": True})
        try:
            says_encoding = ".cpg" in siblings or ".dbf" not in siblings or _says_encoding(siblings[".dbf"])
            frame = geopandas.read_file(copy, engine="pyogrio", **({} if says_encoding else {"encoding": "ISO-8859-1"}))
        finally:
            pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": None})
    if ".dbf" not in siblings:
        notes.append("no .dbf beside it: its faults have no names")
    if not says_encoding:
        notes += _decode_texts(frame)
    return _frame_lines([("", frame)], path, _crs_text(frame), notes)


def _says_encoding(dbf: Path) -> bool:
    """Whether a .dbf names its code page, in byte 29."""
    with dbf.open("rb") as file:
        return file.read(30)[29:] not in (b"", b"\x00")


def _decode_texts(frame: Any) -> list[str]:
    """Texts that were read byte by byte in the encoding under which they make sense."""
    columns = [name for name in frame.columns if name != "geometry" and not frame[name].map(_is_ascii).all()]
    data = "\n".join(str(value) for name in columns for value in frame[name]).encode("latin-1", "ignore")
    encoding = detect_encoding(data) if columns else None
    if encoding is None:
        return []
    for name in columns:
        frame[name] = [value.encode("latin-1").decode(encoding, "backslashreplace") if isinstance(value, str) else value
                       for value in frame[name]]  # fmt: skip
    return [f"no .cpg beside it: its names are read as {encoding}"]


def _is_ascii(value: object) -> bool:
    return not isinstance(value, str) or value.isascii()


def _read_geopackage(path: Path) -> FaultFile:
    geopandas, pyogrio = import_optional("geopandas", path), import_optional("pyogrio", path)
    with tempfile.TemporaryDirectory() as folder:  # a copy: SQLite writes journals beside the file
        copy = Path(folder) / "faults.gpkg"
        shutil.copyfile(path, copy)
        kinds = {str(name): str(kind) for name, kind in pyogrio.list_layers(copy) if kind is not None}
        lines = [name for name, kind in kinds.items() if not kind.startswith(("Point", "MultiPoint"))]
        chosen = [name for name in lines if "fault" in name.lower() or "разлом" in name.lower()] or lines or list(kinds)
        if not chosen:
            raise UserError(path, "holds no layer of lines or polygons", "fault polygons or traces")
        frames = [(name, geopandas.read_file(copy, layer=name, engine="pyogrio")) for name in chosen]
    notes = [] if len(kinds) == 1 else [f"layers {', '.join(chosen)} of {len(kinds)} are read"]
    return _frame_lines(frames, path, _crs_text(frames[0][1]), notes)


def _is_wkt_table(head: bytes) -> bool:
    first, _, rest = head.partition(b"\n")
    return WKT.search(rest) is not None and WKT.search(first) is None and not _is_geojson(head)


def _read_wkt_table(path: Path) -> FaultFile:
    """A table with a column of geometries in well-known text, as QGIS and PostGIS write it."""
    geopandas, pandas, shapely = (import_optional(name, path) for name in ("geopandas", "pandas", "shapely"))
    text, notes = read_text(path)
    table = pandas.read_csv(io.StringIO(text), sep=None, engine="python", dtype=str, keep_default_na=False)
    columns = [
        name for name in table.columns if table[name].map(lambda cell: WKT.match(cell.encode()) is not None).any()
    ]
    if not columns:
        raise UserError(path, "no column of geometries", "LINESTRING (...) or POLYGON (...) in a column")
    shapes = shapely.from_wkt(table[columns[0]].replace("", None).to_numpy())
    frame = geopandas.GeoDataFrame(table.drop(columns=columns), geometry=shapes)
    return _frame_lines([("", frame)], path, None, list(notes))


def _crs_text(frame: Any) -> str | None:
    if frame.crs is None:
        return None
    authority = frame.crs.to_authority()
    return ":".join(authority) if authority else str(frame.crs.to_wkt())


def _frame_lines(
    frames: list[tuple[str, Any]], path: Path, crs: str | None, notes: list[str] | None = None
) -> FaultFile:
    """The polygons and lines of layers; layers of points are read as a table."""
    shapely = import_optional("shapely", path)
    lines: list[FaultLine] = []
    notes, named, holes, tables = list(notes or []), False, 0, []
    for _, frame in frames:
        frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
        column = _name_column(frame)
        names = [str(i) for i in range(len(lines), len(lines) + len(frame))]
        if column is not None:
            names, named = [_text(value, i) for i, value in enumerate(frame[column])], True
        points = []
        for name, geometry in zip(names, frame.geometry, strict=True):
            for part in _parts(geometry, shapely):
                kind = part.geom_type
                if kind == "Point":
                    points.append(part)
                elif kind == "Polygon":
                    holes += len(part.interiors)
                    lines += close_rings([FaultLine(name, _coordinates(part.exterior, shapely))], True)[0]
                elif kind in ("LineString", "LinearRing"):
                    lines.append(FaultLine(name, _coordinates(part, shapely)))
        if points and not lines and len(points) == len(frame):
            tables.append(_points_as_table(frame, shapely, path))
    for table in tables:
        lines, named, notes = [*lines, *table.lines], table.is_named, [*notes, *table.notes]
    if holes:
        notes.append(f"{holes} hole{'s'[: holes != 1]} in its polygons {'is' if holes == 1 else 'are'} filled")
    return FaultFile(lines, named, tuple(notes), crs)


def _parts(geometry: Any, shapely: Any) -> list[Any]:
    """The single geometries in one that may be a collection of collections."""
    found, left = [], [geometry]
    while left:
        one = left.pop(0)
        if hasattr(one, "geoms"):
            left = [*one.geoms, *left]
        elif not one.is_empty:
            found.append(one)
    return found


def _coordinates(line: Any, shapely: Any) -> np.ndarray:
    return np.asarray(shapely.get_coordinates(line, include_z=True), np.float64)


def _name_column(frame: Any) -> str | None:
    """The attribute that names the faults, by its name, or else the first one of texts."""
    columns = [name for name in frame.columns if name != frame.geometry.name]
    for words in NAMES:
        for name in columns:
            if str(name).casefold() in words.split() and frame[name].notna().any():
                return str(name)
    texts = [name for name in columns if frame[name].map(lambda value: isinstance(value, str)).any()]
    return str(texts[0]) if texts else None


def _text(value: object, place: int) -> str:
    """A name; features without one are numbered."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value == "":
        return f"unnamed {place + 1}"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _points_as_table(frame: Any, shapely: Any, path: Path) -> FaultFile:
    """Points of lines, such as QGIS extracts them, with the attributes as the columns of a table."""
    xyz = shapely.get_coordinates(frame.geometry.values, include_z=True)
    columns = [
        Column([], xyz[:, i], heading) for i, heading in enumerate("xyz"[: 3 if np.isfinite(xyz[:, 2]).any() else 2])
    ]
    for name in frame.columns:
        if name != frame.geometry.name and str(name).casefold() not in ("x", "y", "z"):
            values = frame[name].tolist()
            numbers = None
            if all(isinstance(value, int | float) for value in values):
                numbers = np.array(values, np.float64)
            columns.append(Column([str(value) for value in values], numbers, str(name)))
    columns = [
        Column([""] * len(frame), column.numbers, column.heading) if not column.words else column for column in columns
    ]
    table = make_point_table(columns, np.zeros(len(frame), np.int64), path)
    lines, notes = split_points(table)
    return FaultFile(lines, table.names is not None and number_values(table.names).size > 0, notes)


GEOJSON = FaultFormat("GeoJSON", _is_geojson, _read_geojson)
SHAPEFILE = FaultFormat("Shapefile", _is_shapefile, _read_shapefile)
WKT_TABLE = FaultFormat("table of geometries (WKT)", _is_wkt_table, _read_wkt_table)
GEOPACKAGE = FaultFormat("GeoPackage", _is_geopackage, _read_geopackage)
