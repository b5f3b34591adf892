"""Tables as programs write them: heads, nulls, units and sign of each; what is no surface; what is refused."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.grids.registry import detect_format, load_surface
from targets.io.read_options import ReadOptions
from tests.targets.io.grids.points.dialects import (
    DEGREES,
    STRAIGHT,
    TURNED,
    WHOLE,
    Dialect,
    assert_is_known,
    known_depth,
    read_dialect,
    write_table,
)

LINES = ("line", "trace", "x", "y", "z")
OPENWORKS = """@File_Version: 4
@Coordinate_Type_is: 3
@Project_Unit_is: meters , ST_ED50_UTM31N_P23031_T1133 , PROJECTED_COORDINATE_SYSTEM
#Horizon_name____________-> Top 2013
#Export_XY_Unit__________-> meters
#Export_Z_Unit___________-> milliseconds

#End_of_Horizon_ASCII_Header_
"""
EARTHVISION = """# Type: scattered data
# Version: 6
# Format: free
# Field: 1 x
# Field: 2 y
# Field: 3 z meters
# Field: 4 column integer
# Field: 5 row integer
# Projection: Local Rectangular
# Units: meters
# End:
# Grid_size: 12 x 9
# Null_value: {null}
"""
PETREL = """# Petrel Points with attributes
# Unit in X and Y direction: m
# Unit in depth: ft
VERSION 1
BEGIN HEADER
X
Y
Z
FLOAT,Amplitude
STRING,Surface name
END HEADER
"""
PROGRAMS = {
    "OpenWorks IJXYZ": Dialect(TURNED, preamble=OPENWORKS, columns=LINES, footer="EOD", digits=5, floats=True),
    "EarthVision points": Dialect(preamble=EARTHVISION.format(null="-99999"), columns=("x", "y", "z", "trace", "line"),
                                  null="-99999.0000"),
    "OpendTect horizon": Dialect(TURNED, preamble='# "X"\t"Y"\t"Z"\t"Amplitude"\n# - - - - - - - - - -', separator="\t",
                                 columns=("x", "y", "z", "attribute")),
    "Petrel points": Dialect(TURNED, preamble=PETREL, columns=("x", "y", "z", "attribute", "text")),
}  # fmt: skip
OTHERS = {
    "OpendTect, one heading a line": Dialect(
        TURNED, preamble="# 1: X\n# 2: Y\n# 3: Inline\n# 4: Crossline\n# 5: Z\n# 6: Amplitude", null="1e30",
        columns=("x", "y", "line", "trace", "z", "attribute")),
    "RMS with attributes": Dialect(preamble="String  Name\nFloat Amp", columns=("x", "y", "z", "text", "attribute"),
                                   separator="  "),
    "IRAP classic points": Dialect(footer="999.000000 999.000000 999.000000"),
    "GeoEAS": Dialect(preamble="Top Reek\n4\nAmplitude\nX\nY\nDepth", columns=("attribute", "x", "y", "z")),
    "pandas with its index": Dialect(separator=",", names=("", "X_UTME", "Y_UTMN", "Z_TVDSS"),
                                     columns=("id", "x", "y", "z")),
    "R without a heading of the rows": Dialect(names=("Amplitude", "x", "y", "z"),
                                               columns=("id", "attribute", "x", "y", "z")),
    "a row of units": Dialect(separator=";", decimal=",", preamble="Easting;Northing;Depth\nm;m;ft"),
    "Excel in German": Dialect(TURNED, separator=";", decimal=",", names=("Rechtswert", "Hochwert", "Tiefe"),
                               encoding="utf-8-sig", newline="\r\n"),
    "headings behind a title of two lines": Dialect(preamble="Top Reek\n12.05.2020 by N.N.\n", names=("X", "Y", "Z")),
    "other columns with words of depth": Dialect(separator=",", names=("X", "Y", "Depth error", "Depth"),
                                                 columns=("x", "y", "attribute", "z")),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_is_recognised(tmp_path: Path, name: str) -> None:
    dialect = PROGRAMS[name]
    surface = read_dialect(tmp_path, dialect)
    assert_is_known(surface, dialect)
    fmt = detect_format(tmp_path / "table")
    assert surface.format == name and fmt is not None and fmt.name == name


@pytest.mark.parametrize("name", OTHERS)
def test_heads_of_other_programs(tmp_path: Path, name: str) -> None:
    surface = read_dialect(tmp_path, OTHERS[name])
    assert_is_known(surface, OTHERS[name])
    assert detect_format(tmp_path / "table") is not None


def test_units_are_read_from_heads_and_headings(tmp_path: Path) -> None:
    expected = {"OpenWorks IJXYZ": ("ms", "m"), "EarthVision points": ("m", "m"), "Petrel points": ("ft", "m")}
    for name, units in expected.items():
        geo = read_dialect(tmp_path, PROGRAMS[name]).geo
        assert (geo.depth_unit, geo.xy_unit) == units, name
    geo = read_dialect(tmp_path, OTHERS["a row of units"]).geo
    assert (geo.depth_unit, geo.xy_unit) == ("ft", "m")
    for heading, unit in {
        "Z (ft)": "ft",
        "Depth [m]": "m",
        "TWT(ms)": "ms",
        "depth_ft": "ft",
        "Время, мс": "ms",
    }.items():
        dialect = Dialect(separator=";", names=("X (km)", "Y (km)", heading), geo=STRAIGHT)
        geo = read_dialect(tmp_path, dialect).geo
        assert (geo.depth_unit, geo.xy_unit) == (unit, "km"), heading


def test_charisma_lines_have_words_between_the_numbers(tmp_path: Path) -> None:
    depth = known_depth()
    rows = [f"INLINE : {1300 + r} XLINE : {2040 + c} {x:.2f} {y:.2f} {depth[r, c]:.3f} Top"
            for (r, c), known in np.ndenumerate(np.isfinite(depth)) if known for x, y in [TURNED.xy(r, c)]]  # fmt: skip
    (tmp_path / "table").write_text("\n".join(rows))
    assert_is_known(load_surface(tmp_path / "table"), Dialect(TURNED))


@pytest.mark.parametrize("null", ["-99999", "-999.25", "0", "1e30", "1000000"])
def test_a_declared_null_of_any_size_is_undefined(tmp_path: Path, null: str) -> None:
    for preamble in (EARTHVISION.format(null=null), f"# nodata: {null}\n", f"NoData value = {null}\nx y z line trace"):
        dialect = Dialect(preamble=preamble, columns=("x", "y", "z", "trace", "line"), null=null)
        surface = read_dialect(tmp_path, dialect)
        assert_is_known(surface, dialect)
        assert not any("undefined" in note for note in surface.notes)


def test_an_undeclared_null_is_left_out_and_reported(tmp_path: Path) -> None:
    dialect = Dialect(null="-999.25")
    surface = read_dialect(tmp_path, dialect)
    assert_is_known(surface, dialect)
    assert "3 cells of exactly -999.25" in surface.notes[0]
    named = read_dialect(tmp_path, Dialect(null="2345.5"), ReadOptions(nodata=2345.5))
    assert_is_known(named, dialect)


def test_longitudes_and_latitudes_are_degrees_in_any_order(tmp_path: Path) -> None:
    for names, columns in (
        (("lon", "lat", "z"), ("x", "y", "z")),
        (("Latitude", "Longitude", "Depth"), ("y", "x", "z")),
    ):
        dialect = Dialect(DEGREES, separator=",", names=names, columns=columns, digits=5)
        surface = read_dialect(tmp_path, dialect)
        assert_is_known(surface, dialect)
        assert surface.geo.xy_unit == "degrees"
        assert abs(float(surface.geo.dx or 0)) == 0.0625


def test_projected_coordinates_win_over_degrees(tmp_path: Path) -> None:
    dialect = Dialect(
        TURNED, separator=",", names=("lon", "lat", "X", "Y", "Z"), columns=("line", "trace", "x", "y", "z")
    )
    assert_is_known(read_dialect(tmp_path, dialect), dialect)


def test_a_heading_of_elevations_says_the_sign(tmp_path: Path) -> None:
    depth = np.where(np.isfinite(known_depth()), known_depth(), 2000.0)
    for heading in ("Elevation (m)", "height", "Абс. отметка"):
        text = f"X\tY\t{heading}\n" + "".join(f"{25 * c}\t{25 * r}\t{z}\n" for (r, c), z in np.ndenumerate(depth))
        (tmp_path / "table").write_text(text, "utf-8")
        surface = load_surface(tmp_path / "table")
        assert surface.is_elevation and surface.values.max() == np.float32(-depth.min())
        assert "positive up" in surface.notes[0]
        as_user_says = load_surface(tmp_path / "table", ReadOptions(elevation=False))
        assert as_user_says.values.max() == np.float32(depth.max()) and as_user_says.notes == ()


def test_line_numbers_alone_give_a_map_without_a_location(tmp_path: Path) -> None:
    dialect = Dialect(columns=("line", "trace", "z"), names=("Inline", "Crossline", "Z"))
    surface = read_dialect(tmp_path, dialect)
    assert not surface.geo.located and "no location" in surface.notes[0]
    assert sorted(surface.values[np.isfinite(surface.values)]) == sorted(
        np.float32(known_depth()[np.isfinite(known_depth())])
    )


@pytest.mark.parametrize(
    ("mark", "decimal", "separator"),
    [(" ", ",", ";"), (".", ",", ";"), (",", ".", " "), (",", ".", ";"), ("'", ".", ";")],
)
def test_thousands_are_parted_where_there_is_no_doubt(tmp_path: Path, mark: str, decimal: str, separator: str) -> None:
    depth = known_depth()
    rows = []
    for (r, c), z in np.ndenumerate(depth):
        x, y = STRAIGHT.xy(r, c)
        words = [
            f"{value:,.3f}".replace(",", "_").replace(".", decimal).replace("_", mark) for value in (x, y, z) if z == z
        ]
        rows += [separator.join(words)] if words else []
    (tmp_path / "table").write_text("\n".join(rows))
    assert_is_known(load_surface(tmp_path / "table"), Dialect())


@pytest.mark.parametrize("columns", ["x=3,y=4,z=5", "z=Z 2,y=Y,x=X", "Z=5,X=3,Y=4", "z=5"])
def test_the_user_names_the_columns(tmp_path: Path, columns: str) -> None:
    dialect = Dialect(separator=",", names=("Z 1", "Z 3", "X", "Y", "Z 2"), columns=("line", "trace", "x", "y", "z"))
    surface = read_dialect(tmp_path, dialect, ReadOptions(columns=tuple(columns.split(","))))
    assert_is_known(surface, dialect)
    assert surface.notes == ()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("x=3,y=4", "several columns of depths: Z 1, Z 3, Z 2"),
        ("x=1,y=2,z=9", "no column 9; expected a number from 1 to 5, or a heading: Z 1"),
        ("x=1,y=2,z=depth", "no column depth"),
        ("x=1,y=1,z=2", "one column given twice"),
        ("a=1", "expected x, y and z with a column each"),
        ("5", "expected x, y and z with a column each"),
    ],
)
def test_wrong_names_of_columns_are_named(tmp_path: Path, columns: str, said: str) -> None:
    dialect = Dialect(separator=",", names=("Z 1", "Z 3", "X", "Y", "Z 2"), columns=("line", "trace", "x", "y", "z"))
    with pytest.raises(UserError, match=said):
        read_dialect(tmp_path, dialect, ReadOptions(columns=tuple(columns.split(","))))


def swap(text: str, line: int, new: str) -> str:
    lines = text.splitlines()
    lines[line] = new
    return "\n".join(lines) + "\n"


def table(**fields: object) -> str:
    """The text of the surface."""
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / "table", Dialect(**fields))  # type: ignore[arg-type]
        return (Path(folder) / "table").read_bytes().decode()


def random_rows(row: str) -> str:
    """Rows of 60 random points with x, y, z and their number i."""
    points = np.random.default_rng(0).random((60, 3)) * [5000, 5000, 100]
    return "".join(row.format(x=x, y=y, z=z, i=i) for i, (x, y, z) in enumerate(points))


PLAIN, COMMAS = table(), table(separator=",", names=("X", "Y", "Z"))
TWO_DEPTHS = {"separator": ",", "names": ("X", "Y", "Depth", "TVDSS"), "columns": ("x", "y", "z", "z")}
UNKNOWN = {"separator": ",", "names": ("X", "Y", "A", "B"), "columns": ("x", "y", "z", "attribute")}
NO_XY = {"separator": ",", "names": ("A", "Z", "B"), "columns": ("attribute", "z", "attribute")}
DOUBTFUL = "".join(f"{461 + r},{500} {932 + c},{250} {2 + r},{100 + c}\n" for r in range(5) for c in range(5))
JOINED = PLAIN.splitlines()[40] + " " + PLAIN.splitlines()[41]
REFUSED = {
    "four columns that show nothing": (random_rows("{x:.1f} {y:.1f} {z:.1f} {z:.2f}\n"), "--columns x=1"),
    "a line number before the depth": (table(columns=("x", "y", "line", "z")), "--columns x=1"),
    "two depths of one rank": (table(**TWO_DEPTHS), "several columns of depths: Depth, TVDSS"),
    "two unknown columns": (table(**UNKNOWN), "no single column of z among X, Y, A, B"),
    "no coordinates": (table(**NO_XY), "no single column of x and y"),
    "headings in another order and number": ("Y coordinate X coordinate Z\n" + PLAIN, "do not fit 3 columns"),
    "a word among the numbers": (
        swap(PLAIN, 40, "461000 5932000 about2000"),
        r"line 41 \('461000 5932000 about2000'\)",
    ),
    "a row cut short": (
        swap(PLAIN, 40, "461000.0 5932000.0"),
        "line 41 .* holds 2 columns, the lines before 3; damaged",
    ),
    "two rows in one line": (swap(PLAIN, 40, JOINED), "line 41"),
    "a file cut off": (PLAIN[: len(PLAIN) * 2 // 3].rpartition(" ")[0], "damaged or cut off"),
    "an x that is empty": (swap(COMMAS, 40, ",5932000.0,2000.0"), r"x or y is missing in some rows \(1\)"),
    "headings amid the rows": (swap(PLAIN, 40, "X Y Z"), "line 41"),
    "commas for decimals or thousands": (DOUBTFUL, "decimals or thousands"),
    "random points": (random_rows("{x:.2f} {y:.2f} {z:.2f}\n"), "do not lie on a regular grid"),
    "a line of points": ("".join(f"{a} {2 * a} {a}\n" for a in range(30)), "on one line"),
    "two surfaces in one table": (PLAIN + table(whole=True), "hold several depths"),
    "lines parted by 999": ("1 2 3\n4 5 6\n7 8 9\n999 999 999\n1 2 3\n4 5 6\n7 7 7\n", "not a grid of a known format"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_known_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    text, said = REFUSED[name]
    (tmp_path / "table").write_text(text)
    with pytest.raises(UserError, match=said):
        load_surface(tmp_path / "table")


SQUARES = [(x + 600 * k, y, k) for k in range(3)
           for x, y in ((2400, 7500), (2430, 7500), (2280, 7200), (2250, 7200), (2400, 7500))]  # fmt: skip
XTGEO = "X_UTME,Y_UTMN,Z_TVDSS,POLY_ID\n"
NO_SURFACE = {
    "fault polygons with an id": "".join(f"{x} {y} 1950 {k}\n" for x, y, k in SQUARES),
    "fault polygons of xtgeo": XTGEO + "".join(f"{x}.5,{y}.5,1950,{k}\n" for x, y, k in SQUARES),
    "fault sticks": random_rows("{x:.2f} {y:.2f} {z:.2f}\n999 999 999\n"),
    "well tops": "Well,X,Y,Z,Surface\n" + random_rows("W{i},{x:.2f},{y:.2f},{z:.2f},Top\n"),
    "a well path": "MD,X,Y,Z\n" + "".join(f"{30 * i},{500 + 3 * i},{700 + 4 * i},{25 * i}\n" for i in range(60)),
    "a vertical well": "".join(f"500.0 700.0 {25 * i}\n" for i in range(60)),
    "statistics": "epoch,loss,iou\n" + "".join(f"{i},{1 / (i + 1):.4f},{i / 60:.4f}\n" for i in range(60)),
    "closures": "id,crest_x,crest_y,crest_depth_m,area_m2\n" + random_rows("{i},{x:.1f},{y:.1f},{z:.1f},{x:.0f}\n"),
    "a well log": "~Curve\nDEPT.M\nGR.API\nNPHI.V/V\n~A\n" + random_rows("{i}.1524 {z:.3f} {x:.4f}\n"),
    "a matrix": "\n".join(" ".join(f"{a * b:.2f}" for a in range(20)) for b in range(20)),
    "a letter": "Dear reader,\n\nthese are 3 numbers: 1, 2, 3, and 4 5 6.\n",
}


@pytest.mark.parametrize("name", NO_SURFACE)
def test_other_tables_are_no_surfaces(tmp_path: Path, name: str) -> None:
    (tmp_path / "table.csv").write_text(NO_SURFACE[name])
    assert detect_format(tmp_path / "table.csv") is None
    with pytest.raises(UserError):
        load_surface(tmp_path / "table.csv")


def test_whole_numbers_keep_depth_and_line_numbers_apart(tmp_path: Path) -> None:
    """Depths in whole milliseconds, coordinates in whole metres, everything whole."""
    for columns in (LINES, ("x", "y", "z", "line", "trace"), ("x", "y", "line", "trace", "z")):
        dialect = Dialect(WHOLE, columns=columns, whole=True, digits=0)
        assert_is_known(read_dialect(tmp_path, dialect), dialect)


def test_northings_before_eastings_are_reported(tmp_path: Path) -> None:
    for names, count in (((), 1), (("X", "Y", "Z"), 1), (("Easting", "Northing", "Z"), 0)):
        surface = read_dialect(tmp_path, Dialect(columns=("y", "x", "z"), names=names))
        assert len(surface.notes) == count
    assert "northing and easting, the map is mirrored (--columns x=2,y=1,z=3)" in read_dialect(
        tmp_path, Dialect(columns=("y", "x", "z"))).notes[0]  # fmt: skip
    named = ReadOptions(columns=("x=2", "y=1", "z=3"))
    assert_is_known(read_dialect(tmp_path, Dialect(columns=("y", "x", "z")), named), Dialect())


@pytest.mark.parametrize("kind", ["gzip", "plain"])
def test_a_folder_lists_points_and_no_other_tables(tmp_path: Path, kind: str) -> None:
    suffix = ".gz" if kind == "gzip" else ""
    for name, text in {"top.csv": COMMAS, "base.txt": PLAIN, **{f"{k}.csv": v for k, v in NO_SURFACE.items()}}.items():
        (tmp_path / (name + suffix)).write_bytes(gzip.compress(text.encode()) if suffix else text.encode())
    found = [path.name for path in sorted(tmp_path.iterdir()) if detect_format(path) is not None]
    assert found == ["base.txt" + suffix, "top.csv" + suffix]
