"""Tables of named points, such as wells and places: a name, x and y a row, under headings in any usual words."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from targets.common.files.input_files import require_file
from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.io.text_tables.headings import Heading, Role, parse_heading
from targets.io.text_tables.small_table import read_small_table

GIS_SUFFIXES = (".shp", ".gpkg", ".geojson", ".json", ".parquet")
EXPECTED = "rows of x, y and name under headings that say so"


class NamedPoints(NamedTuple):
    """Points with names.

    Attributes
    ----------
    names : tuple[str, ...]
        Of each point.
    x, y : (N,) float64
        Map coordinates.
    """

    names: tuple[str, ...]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def read_named_points(path: str | Path) -> NamedPoints:
    """Read a table of named points: text with any usual separator, or points of a GIS.

    Parameters
    ----------
    path : str | Path
        CSV or other text with headings such as x, y, name or Easting;Northing;Well; or a Shapefile, GeoPackage, GeoJSON
        or GeoParquet of points.

    Returns
    -------
    NamedPoints
        Rows without a name or a coordinate are left out.

    Raises
    ------
    UserError
        The file cannot be read, or has no such columns.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "wells.csv").write_text("Well;Easting;Northing\\n31/2-A;1000,5;2000\\nB 1;1500;2100\\n")
    ...     read_named_points(Path(folder, "wells.csv"))
    NamedPoints(names=('31/2-A', 'B 1'), x=array([1000.5, 1500. ]), y=array([2000., 2100.]))
    """
    path = require_file(path, "a table of named points")
    points = _read_gis(path) if path.suffix.lower() in GIS_SUFFIXES else _read_text(path)
    known = [bool(name) and bool(np.isfinite([x, y]).all()) for name, x, y in zip(*points, strict=True)]
    if not any(known):
        raise UserError(path, "no row has a name, an x and a y", EXPECTED)
    return NamedPoints(
        tuple(name for name, is_known in zip(points.names, known, strict=True) if is_known),
        points.x[known],
        points.y[known],
    )


def _read_text(path: Path) -> NamedPoints:
    table = read_small_table(path, "a table of named points", EXPECTED)
    headings = [parse_heading(word) for word in table.headings]
    columns = {role: _column(headings, role) for role in ("x", "y", "name")}
    if missing := [role for role, column in columns.items() if column is None]:
        found = ", ".join(table.headings)[:200]
        raise UserError(path, f"no column {' and '.join(missing)} among: {found}", EXPECTED, "write x,y,name as line 1")
    texts = {role: [words[column or 0] for _, words in table.rows] for role, column in columns.items()}
    x, y = (np.array([_number(table.dialect.to_number(word)) for word in texts[role]]) for role in ("x", "y"))
    return NamedPoints(tuple(texts["name"]), x, y)


def _column(headings: list[Heading], role: Role) -> int | None:
    """The column of a role, of several the likeliest, then the first."""
    found = [(heading.rank, column) for column, heading in enumerate(headings) if heading.role == role]
    return min(found)[1] if found else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _read_gis(path: Path) -> NamedPoints:
    geopandas = import_optional("geopandas", path, otherwise="save it as CSV")
    try:
        frame = geopandas.read_parquet(path) if path.suffix.lower() == ".parquet" else geopandas.read_file(path)
    except Exception as error:  # the libraries' errors have no common class
        raise UserError(path, f"cannot be read ({error})"[:300], "points with a column of names") from error
    column = _column([parse_heading(str(name)) for name in frame.columns], "name")
    if column is None or not len(frame) or not (frame.geom_type == "Point").all():
        raise UserError(path, f"{', '.join(sorted(set(frame.geom_type)))} with the columns "
                        f"{', '.join(map(str, frame.columns))}"[:300], "points with a column name")  # fmt: skip
    names = frame.iloc[:, column].fillna("").astype(str).str.strip()
    return NamedPoints(tuple(names), frame.geometry.x.to_numpy(float), frame.geometry.y.to_numpy(float))
