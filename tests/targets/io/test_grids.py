"""Grids: every format puts the same numbers at the same places, what is written comes back, damage is named."""

import gzip
import io
import struct
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.grids.registry import (
    FORMATS,
    WRITERS,
    fault_lines,
    format_of,
    read_grid,
    read_surface,
    seen_from_above,
    write_classes,
    write_grid,
)
from targets.io.scattered_points import grid_of_points
from targets.scene import Geo

# One map in every format: 2 rows and 3 columns of 100 m x 50 m, the upper left node at (1000, 2050), no value in the
# lower right one. Row 0 is the upper one.
DEPTH = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, np.nan]])
GEO = Geo(1000.0, 2050.0, 100.0, -50.0)

IRAP = """-996 2 100.0 50.0
1000.0 1200.0 2000.0 2050.0
3 0.0 1000.0 2000.0
0 0 0 0 0 0 0
40 50 9999900.0 10 20 30
"""
ZMAP = """! exported
@TOP HEADER, GRID, 2
15, 0.1000000E+31, , 4, 1
2, 3, 1000.0, 1200.0, 2000.0, 2050.0
0.0, 0.0, 0.0
@
 10.0 40.0
 20.0 50.0
 30.0 0.1000000E+31
"""
CPS3 = """! a comment
FSASCI 0 1 "Computed" 0 0.1E+31 0
FSATTR 0 0
FSLIMI 1000.0 1200.0 2000.0 2050.0 10.0 50.0
FSNROW 2 3
FSXINC 100.0 50.0
->Top
10.0 40.0 20.0 50.0
30.0 0.1E+31
"""
CPS3_BARE = CPS3.removeprefix("! a comment\n").replace("->Top\n", "").replace("0.1E+31", "-999.25")
# Fields of full width stand without a space between them, and the null may be given as text.
ZMAP_FULL = """@TOP HEADER, GRID, 2
8, , -9999.00, 4, 1,
2, 3, 1000.0, 1200.0, 2000.0, 2050.0,
0.0, 0.0, 0.0,
@
  10.000  40.000
  20.000  50.000
30.00000-9999.00
"""
GXF = """! a comment
Free text
#POINTS
3
#ROWS
2
#PTSEPARATION
100.0
#RWSEPARATION
50.0
#XORIGIN
1000.0
#YORIGIN
2000.0
#ROTATION
0.0
#DUMMY
9999999.0
##XMAX
1200.0
#GRID
40.0 50.0 9999999.0
10.0 20.0 30.0
"""
XYZ = "".join(f"{1000 + 100 * c} {2050 - 50 * r} {DEPTH[r, c]}\n" for c in (2, 0, 1) for r in (1, 0) if r * c < 2)
XYZ_NULL = "X Y Z\n" + XYZ + "1200 2000 1E30\n"
NODES = [(r, c) for r in (0, 1) for c in (0, 1, 2) if r * c < 2]
XYZ_LINES = "# 1: X\n# 2: Y\n# 3: Inline\n# 4: Crossline\n# 5: Z\n" + "".join(
    f"{1000 + 100 * c}.00 {2050 - 50 * r}.00 {r + 7} {c + 9} {DEPTH[r, c]}\n" for r, c in NODES
)
IJXYZ = "".join(f"{r + 7} {c + 9} {1000.5 + 100 * c} {2050.5 - 50 * r} {DEPTH[r, c] + 0.5}\n" for r, c in NODES)
CSV = "x,y,depth,quality\n" + "".join(line.replace(" ", ",").replace("\n", ",3\n") for line in XYZ.splitlines(True))
TEXTS = {
    "IRAP/RMS ASCII": [IRAP],
    "ZMAP+": [ZMAP, ZMAP_FULL],
    "CPS-3": [CPS3, CPS3_BARE],
    "GXF": [GXF],
    "XYZ points": [XYZ, XYZ_NULL, XYZ_LINES, CSV],
}


def assert_places(geo: Geo, expected: Geo, shape: tuple[int, int], atol: float = 1e-6) -> None:
    r, c = np.indices(shape)
    np.testing.assert_allclose(geo.xy(r, c), expected.xy(r, c), rtol=0, atol=atol)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
@pytest.mark.parametrize("packed", [False, True])
def test_every_text_format_is_known_by_content_and_puts_each_value_in_its_place(
    tmp_path: Path, name: str, text: str, packed: bool
) -> None:
    path = tmp_path / "grid.txt"
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if packed else text.encode())
    assert format_of(path) == name
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, DEPTH)
    assert_places(geo, GEO, DEPTH.shape)
    assert depth.dtype == np.float32 and geo.dx > 0 > geo.dy


@pytest.mark.parametrize(
    ("told", "crs", "unit"),
    [
        ("", None, None),
        ('#MAP_PROJECTION\n"ED50 / UTM zone 32N"\n"International 1924",6378388,0.08199189\n', "EPSG:23032", None),
        ("#MAP_PROJECTION\nProject grid of 1974\n", None, None),
        ("! Export cartographic reference system:\n!\n!  name   : X\n!  epsg code       : 23032\n!\n"
         "!    datum:\n!      epsg code: 6230\n", "EPSG:23032", None),
        ("! default depth measure unit: meters\n! default seismic time unit: ms\n!   dataDomain=TVD\n", None, "m"),
        ("! default depth measure unit: feet\n! default seismic time unit: ms\n!   dataDomain=TWT\n", None, "ms"),
    ],
)  # fmt: skip
def test_a_gxf_file_may_tell_coordinate_system_and_unit(
    tmp_path: Path, told: str, crs: str | None, unit: str | None
) -> None:
    path = tmp_path / "grid.gxf"
    path.write_text(GXF.replace("#POINTS", f"{told}#POINTS"))
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, DEPTH)
    assert (geo.crs, geo.depth_unit) == (crs, unit)


# 4 columns and 3 rows, 1.5 apart along x and 2.25 along y; counted down each column from the top left.
CPS3_ODD = """! Exported by hand
!
FSASCI 0 1 COMPUTED 0 {null}
! attributes say nothing that is needed
FSATTR 0 0
FSLIMI 100.25 104.75 -3.0 1.5 1.0 12.0
FSNROW 3 4
FSXINC 1.5 2.25
->A name: with 3 numbers 1 2
! a comment below the name
1 2 3 4
5 6 7 {null} 9 10

11 12
"""


@pytest.mark.parametrize("null", ["0.1E+31", "0.1000000E+31", "1e30", "-99999.0", "9999"])
@pytest.mark.parametrize("suffix", ["", ".cps3", ".dat", ".zmap"])
def test_cps3_runs_down_its_columns_from_the_top_left(tmp_path: Path, null: str, suffix: str) -> None:
    path = tmp_path / f"grid{suffix}"
    path.write_text(CPS3_ODD.format(null=null))
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, [[1, 4, 7, 10], [2, 5, np.nan, 11], [3, 6, 9, 12]])
    assert (geo.x0, geo.y0, geo.dx, geo.dy, geo.rotation) == (100.25, 1.5, 1.5, -2.25, 0)
    path.write_text(CPS3_ODD.format(null=null).replace("\n", "\r\n").lower().replace("1.5 2.25", "1.5, 2.25"))
    np.testing.assert_array_equal(read_surface(path)[0], depth)


def test_line_numbers_may_come_first(tmp_path: Path) -> None:
    path = tmp_path / "points"
    path.write_text(IJXYZ)
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, DEPTH + 0.5)
    assert_places(geo, Geo(1000.5, 2050.5, 100, -50), DEPTH.shape)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("rotation", [0.0, 30.0, 140.0, -75.0])
@pytest.mark.parametrize("upside_down", [False, True])
def test_what_is_written_comes_back_in_its_place(
    tmp_path: Path, suffix: str, rotation: float, upside_down: bool
) -> None:
    r, c = np.mgrid[:7, :9]
    depth = (1500.25 + 8 * r - 4 * c).astype(np.float32)
    depth[2, 3] = depth[6, 8] = np.nan
    geo = Geo(4000.0, 9000.0, 25.0, 12.5 if upside_down else -12.5, rotation, "EPSG:23031", "m")
    path = tmp_path / f"grid{suffix}"
    if suffix == ".zmap" and rotation:
        with pytest.raises(
            UserError, match=r"grid\.zmap: ZMAP\+ cannot hold a map rotated.*write \.irap, \.gri or \.tif"
        ):
            write_grid(depth, geo, path)
        assert not list(tmp_path.iterdir())
        return
    write_grid(depth, geo, path)
    back, place = read_surface(path)
    expected, above = seen_from_above(depth, geo)
    np.testing.assert_array_equal(back, expected)
    # IRAP binary keeps coordinates as float32.
    assert_places(place, above, depth.shape, atol=2e-3 if suffix == ".gri" else 1e-6)
    if suffix in (".tif", ".npz"):
        assert (place.crs, place.depth_unit) == ("EPSG:23031", "m")


def test_labels_stay_whole_numbers_in_a_geotiff(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    labels = np.arange(12, dtype=np.int32).reshape(3, 4)
    write_grid(labels, GEO, tmp_path / "labels.tif")
    with rasterio.open(tmp_path / "labels.tif") as source:
        assert source.dtypes == ("int32",)
        # The corner of the first cell lies half a cell up and left of its centre.
        assert (source.transform.c, source.transform.f) == (950.0, 2075.0)
    write_grid(labels > 5, GEO, tmp_path / "mask.tif")
    np.testing.assert_array_equal(read_surface(tmp_path / "mask.tif")[0], labels > 5)


def test_a_large_geotiff_is_cloud_optimised_and_its_overview_invents_no_labels(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    labels = np.repeat(np.repeat(np.array([[1, 9], [9, 1]], np.int32), 301, axis=0), 301, axis=1)
    depth = labels.astype(np.float32)
    depth[0, 0] = np.nan
    for name, values, small in (("labels", labels, {1, 9}), ("depth", depth, None)):
        write_grid(values, GEO, tmp_path / f"{name}.tif")
        with rasterio.open(tmp_path / f"{name}.tif") as source:
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and source.overviews(1) == [2]
            np.testing.assert_array_equal(source.read(1), values)
            half = source.read(1, out_shape=(301, 301))
            assert np.isfinite(half).all() and (small is None or set(np.unique(half)) == small)


def test_classes_have_their_colours_and_names(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    classes = {"both": (10, 200, 30, 255), "one & only": (9, 9, 9, 255)}
    write_classes(np.eye(5, dtype=np.uint8), GEO, tmp_path / "classes.tif", classes)
    with rasterio.open(tmp_path / "classes.tif") as source:
        assert [source.colormap(1)[value] for value in (1, 2)] == list(classes.values()) and source.nodata == 0
        np.testing.assert_array_equal(source.read(1), np.eye(5))
    entries = ElementTree.parse(tmp_path / "classes.qml").iter("paletteEntry")
    assert [(e.get("value"), e.get("label"), e.get("color")) for e in entries] == [
        ("1", "both", "#0ac81e"), ("2", "one & only", "#090909")]  # fmt: skip


def test_rows_are_flipped_so_that_the_map_is_seen_from_above() -> None:
    r, c = np.indices((3, 4))
    for dx, dy in [(20, -10), (20, 10), (-20, 10), (-20, -10)]:
        geo = Geo(500.0, 900.0, dx, dy, 25.0)
        x, _ = geo.xy(r, c)
        flipped, above = seen_from_above(x, geo)
        np.testing.assert_allclose(above.xy(r, c)[0], flipped)
        assert above.dx > 0 > above.dy
    values = np.zeros((2, 2))
    assert seen_from_above(values, Geo()) == (values, Geo())


def test_elevation_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "grid.npz"
    np.savez(path, depth=np.array([[-5.0, -7.0], [-6.0, np.nan]]))
    assert np.nanmax(read_surface(path)[0]) == -5
    depth, geo = read_surface(path, elevation=True)
    np.testing.assert_array_equal(depth, [[5, 7], [6, np.nan]])
    assert geo == Geo()
    assert read_grid(path, elevation=True).depth.max() == 7


@pytest.mark.parametrize("rotation", [0.0, 1.6, 33.0, -44.0, 66.6, 170.0])
@pytest.mark.parametrize("spacing", [(50.0, -50.0), (12.5, -25.0), (10.0, -140.0)])
def test_points_in_any_order_find_their_grid(rotation: float, spacing: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    geo = Geo(461000.0, 5926000.0, *spacing, rotation)
    r, c = (v.ravel() for v in np.indices((60, 90)))
    kept = rng.permutation(len(r))[: int(0.8 * len(r))]
    x, y = geo.xy(r[kept], c[kept])
    # Exports round to centimetres; the depth of a node tells where it belongs.
    values, found = grid_of_points(x.round(2), y.round(2), 1000.0 * r[kept] + c[kept])
    assert np.isfinite(values).sum() == len(kept)
    # The axes may be named the other way round, so compare places and not rows.
    rows, cols = np.nonzero(np.isfinite(values))
    node = values[rows, cols]
    np.testing.assert_allclose(found.xy(rows, cols), geo.xy(node // 1000, node % 1000), rtol=0, atol=1e-3)
    assert found.dx > 0 > found.dy and -45.01 < found.rotation < 45.01


def test_points_off_a_grid_are_refused() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 500)) * 1000
    with pytest.raises(ValueError, match="regular grid"):
        grid_of_points(x, y, x)
    with pytest.raises(ValueError, match="on one line"):
        grid_of_points(np.arange(9.0), 2 * np.arange(9.0), x[:9])
    with pytest.raises(ValueError, match="too few"):
        grid_of_points(x[:3], y[:3], x[:3])


def test_voids_are_faults_when_no_file_says_where_they_are(tmp_path: Path) -> None:
    r, c = np.mgrid[:40, :60]
    depth = (2000 + r + (c > 30) * 40).astype(np.float32)
    depth[5:30, 29:32] = np.nan
    depth[:8, :8] = np.nan
    path = tmp_path / "top.npz"
    write_grid(depth, GEO, path)
    scene = read_grid(path)
    void = np.isnan(depth) & ((r > 8) | (c > 8))
    void[5:30, 29:32] = True
    np.testing.assert_array_equal(scene.fault, void)
    np.testing.assert_array_equal(scene.depth_valid, ~np.isnan(depth))
    assert not scene.map_valid[:8, :8].any() and scene.map_valid.sum() == 2400 - 64
    x, y = GEO.xy([10, 30], [20, 20])
    (tmp_path / "f.csv").write_text(f"fault,x,y\nA,{x[0]},{y[0]}\nA,{x[1]},{y[1]}\n")
    scene = read_grid(path, [tmp_path / "f.csv"])
    assert scene.fault[10:31, 20].all() and not scene.fault[5:30, 30].any()
    (tmp_path / "f.csv").write_text("fault,x,y\nA,1,1\nA,2,2\n")
    with pytest.raises(UserError, match=r"f\.csv: none of its lines lies on top\.npz"):
        read_grid(path, [tmp_path / "f.csv"])


def test_horizons_of_one_place_share_their_group(tmp_path: Path) -> None:
    for name, geo in [("a", GEO), ("b", GEO), ("c", Geo(1100.0, 2050.0, 100.0, -50.0)), ("d", Geo())]:
        write_grid(DEPTH, geo, tmp_path / f"{name}.npz")
    a, b, c, d = (read_grid(tmp_path / f"{name}.npz").group for name in "abcd")
    assert a == b != c and d == "d"


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_cut_off_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grid{suffix}"
    rng = np.random.default_rng(0)
    write_grid(rng.normal(2000, 50, (60, 50)).astype(np.float32), Geo(0.0, 0.0, 10.0, -10.0), path)
    cut(path)
    with pytest.raises(UserError, match=r"cut off|\d+ values; expected 60 x 50 = 3000") as caught:
        read_surface(path)
    assert str(path) in str(caught.value)


def npy_bomb(path: Path) -> None:
    """An .npz whose array claims 10^12 cells."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("depth.npy", head.getvalue() + bytes(100))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a grid of a known format; expected one of npz"),
        (b"Dear reader, this is a text.\n", "not a grid of a known format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a grid of a known format"),
        (POL := b"1 2 3\n4 5 6\n999.0 999.0 999.0\n", "not a grid of a known format"),
        (b"poly_id,x,y,z\n1,2,3,4\n", "not a grid of a known format"),
        (b"1 2 3 4\n5 6 7 8\n", "4 columns"),
        (b"1 2 3\n1 2 3\n5 6\n", "damaged"),
        (CPS3.replace("FSXINC 100.0 50.0\n", "").encode(), "without FSXINC"),
        (CPS3.replace("FSNROW 2 3", "FSNROW 3 2").encode(), "contradict FSLIMI"),
        (CPS3.replace("30.0", "").encode(), "5 values; expected 2 x 3 = 6"),
        (CPS3.replace("2 3\n", "200000 300000\n").replace("100.0 50.0", "6.667e-4 2.5e-4").encode(), "claims 200000"),
        (gzip.compress(IRAP.encode(), mtime=0)[:-20], "Compressed file ended"),
    ],
)
def test_what_is_no_grid_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "grid"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_surface(path)
    assert says in str(caught.value) and str(caught.value).startswith(str(path))


def test_arrays_that_are_no_map_are_named(tmp_path: Path) -> None:
    path = tmp_path / "grid.npz"
    cases = [
        ({"cell_z": np.zeros((2, 2))}, "holds cell_z; expected an array 'depth'"),
        ({"depth": np.zeros(4)}, "shape (4,)"),
        ({"depth": np.full((2, 2), np.inf)}, "infinite"),
        ({"depth": np.full((2, 2), 1e30)}, "beyond 1e+06"),
        ({"depth": np.array([[None, {}]])}, "not a grid"),
        ({"depth": np.array([["a", "b"]])}, "array of <U1"),
    ]
    for arrays, says in cases:
        np.savez(path, **arrays)
        with pytest.raises(UserError) as caught:
            read_surface(path)
        assert says in str(caught.value)
    npy_bomb(path)
    with pytest.raises(UserError, match="claims 1000000 x 1000000 cells"):
        read_surface(path)
    write_grid(np.full((3, 3), np.nan), GEO, path)
    with pytest.raises(UserError, match="the map is empty"):
        read_grid(path)


def test_wrong_writing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown suffix '\.doc'"):
        write_grid(DEPTH, GEO, tmp_path / "a.doc")
    with pytest.raises(UserError, match="no location"):
        write_grid(DEPTH, Geo(), tmp_path / "a.tif")
    with pytest.raises(UserError, match="crs 'Mars' is unknown"):
        write_grid(DEPTH, Geo(0.0, 0.0, 1.0, -1.0, crs="Mars"), tmp_path / "a.tif")


def test_a_missing_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "grid.dat"
    path.write_text(GXF)
    monkeypatch.setitem(sys.modules, "xtgeo", None)
    with pytest.raises(UserError, match=r"needs the library xtgeo; pip install 'trapmtl\[geo\]'"):
        read_surface(path)


ORIGINALS = {
    "reek/original/topreek_rota.gri": "reek/topreek.npz",
    "drogon/original/01_topvolantis.gri": "drogon/topvolantis.npz",
    "drogon/original/02_toptherys.gri": "drogon/toptherys.npz",
    "drogon/original/03_topvolon.gri": "drogon/topvolon.npz",
    "fangst/original/fangst_top_rot_gxf.dat": "fangst/top_fangst.npz",
    "f3/original/F3_Demo_0_FS4.dat.gz": "f3/fs4_twt.npz",
}


@pytest.mark.parametrize("original", ORIGINALS)
def test_originals_agree_with_the_arrays_made_from_them(shared_data: Path, original: str) -> None:
    depth, geo = read_surface(shared_data / original)
    array, place = read_surface(shared_data / ORIGINALS[original])
    np.testing.assert_array_equal(depth, array)
    # The F3 points say where they lie to a centimetre; the array's geometry was fitted to them in another way.
    assert_places(geo, place, depth.shape, atol=0.2 if "F3" in original else 1e-9)


def test_every_array_reads_with_its_nodes_in_place(shared_data: Path) -> None:
    paths = [path for path in sorted(shared_data.glob("*/*.npz")) if path.parent.name != "mrst_reference"]
    assert len(paths) == 18
    for path in paths:
        with np.load(path) as data:
            source, told = data["depth"], {key: float(data[key]) for key in ("x0", "y0", "dx", "dy", "rotation")}
        depth, geo = read_surface(path)
        assert geo.dx > 0 > geo.dy and geo.depth_unit in ("m", "ms")
        for row, col in [(0, 0), (0, source.shape[1] - 1), (source.shape[0] - 1, 5), (17, 31)]:
            r, c = geo.rowcol(*Geo(**told).xy(row, col))
            r, c = int(r.round()), int(c.round())
            np.testing.assert_allclose(geo.xy(r, c), Geo(**told).xy(row, col), rtol=0, atol=1e-6)
            np.testing.assert_array_equal(depth[r, c], source[row, col])


def test_faults_lie_on_the_steps_in_depth(shared_data: Path) -> None:
    """The surface is several times steeper in fault cells than elsewhere: nothing is mirrored or shifted."""
    for name, file in [("reek/topreek.npz", "reek/faults.csv"),
                       ("drogon/topvolantis.npz", "drogon/topvolantis_fault_traces.csv")]:  # fmt: skip
        scene = read_grid(shared_data / name, [shared_data / file])
        slope = np.hypot(*np.gradient(np.where(scene.map_valid, scene.depth, np.nan)))
        ratio = np.nanmedian(slope[scene.fault]) / np.nanmedian(slope[~scene.fault])
        assert ratio > 4
        assert 0.005 < scene.fault[scene.map_valid].mean() < 0.1


def test_sticks_give_the_traces_made_from_them(shared_data: Path) -> None:
    folder = shared_data / "drogon" / "original"
    scene = read_grid(folder / "01_topvolantis.gri", sorted(folder.glob("*.pol")))
    traces = fault_lines(shared_data / "drogon" / "topvolantis_fault_traces.csv", scene.depth, scene.geo)
    for i, expected in enumerate(traces, 1):
        (trace,) = fault_lines(folder / f"fault_F{i}.pol", scene.depth, scene.geo)
        assert trace.name == f"fault_F{i}" and len(trace.points) == len(expected.points)
        # Where the horizon steps at the fault a stick crosses it several times, so a few points differ.
        assert np.median(np.abs(trace.points - expected.points).max(axis=1)) < 2
    with_traces = read_grid(shared_data / "drogon" / "topvolantis.npz",
                            [shared_data / "drogon" / "topvolantis_fault_traces.csv"])  # fmt: skip
    both = scene.fault & with_traces.fault
    assert both.sum() > 0.9 * with_traces.fault.sum()


def test_every_format_has_a_test() -> None:
    written = {"GeoTIFF", "IRAP/RMS binary", "npz", "npy"}
    assert set(FORMATS) == set(TEXTS) | written


def irap_binary(rows: int = 2, cols: int = 3, lengths: tuple[int, ...] = (24,), values: bytes | None = None) -> bytes:
    """`DEPTH` as IRAP binary, its values in records of these lengths."""
    head = struct.pack(">ii i6f i", 32, -996, rows, 1000, 1200, 2000, 2050, 100, 50, 32)
    head += struct.pack(">i if2f i", 16, cols, 0, 1000, 2000, 16) + struct.pack(">9i", 28, *[0] * 7, 28)
    cells = np.where(np.isnan(DEPTH), 1e30, DEPTH)[::-1].astype(">f4").tobytes() if values is None else values
    body, at = b"", 0
    for length in lengths:
        body += struct.pack(">i", length) + cells[at : at + max(length, 0)] + struct.pack(">i", length)
        at += max(length, 0)
    return head + body


@pytest.mark.parametrize("lengths", [(24,), (12, 12), (4,) * 6])
def test_irap_binary_comes_in_records_of_any_length(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    (tmp_path / "a").write_bytes(irap_binary(lengths=lengths))
    depth, geo = read_surface(tmp_path / "a")
    np.testing.assert_array_equal(depth, DEPTH)
    assert_places(geo, GEO, DEPTH.shape)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (irap_binary(lengths=(8, -8, 16)), "a record of -8 bytes"),  # a reader that follows it goes in circles
        (irap_binary(lengths=(0, 24)), "a record of 0 bytes"),
        (irap_binary(lengths=(28,)), "a record of 28 bytes"),
        (irap_binary(rows=-2, cols=-3), "claims -2 x -3 cells"),
        (irap_binary(rows=2**31 - 1, cols=2**31 - 1), "claims 2147483647 x 2147483647 cells"),
        (irap_binary(rows=16000, cols=16000), "cut off"),
        (irap_binary() + b"\0", "1 bytes behind the last value"),
        (irap_binary()[:60], "cut off"),
    ],
)
def test_irap_binary_that_lies_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=found):
        read_surface(tmp_path / "a")


def test_decompression_bombs_are_refused_by_their_heads(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (60000, 60000)})
    for name in ("depth", "x0", "units"):
        with zipfile.ZipFile(tmp_path / f"{name}.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("depth.npy", npy(DEPTH) if name != "depth" else head.getvalue())
            if name != "depth":
                archive.writestr(f"{name}.npy", head.getvalue())
    (tmp_path / "a.npy").write_bytes(head.getvalue())
    word = io.BytesIO()
    np.lib.format.write_array_header_1_0(word, {"descr": "<U90000000", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(tmp_path / "word.npz", "w") as archive:
        archive.writestr("depth.npy", npy(DEPTH))
        archive.writestr("crs.npy", word.getvalue())
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "compress": "deflate", "sparse_ok": True}
    with rasterio.open(tmp_path / "a.tif", "w", width=60000, height=60000, tiled=True, **profile):
        pass
    block = {"tiled": True, "blockxsize": 65536, "blockysize": 65536}
    with rasterio.open(tmp_path / "block.tif", "w", width=8, height=8, **block, **profile):
        pass
    found = {"depth.npz": "60000 x 60000 cells", "x0.npz": "60000 x 60000 cells", "units.npz": "60000 x 60000 cells",
             "a.npy": "60000 x 60000 cells", "word.npz": "an array of <U90000000", "a.tif": "60000 x 60000 cells",
             "block.tif": "65536 x 65536 cells"}  # fmt: skip
    for name, said in found.items():
        assert (tmp_path / name).stat().st_size < 500_000
        with pytest.raises(UserError, match=said):
            read_surface(tmp_path / name)


def npy(array: np.ndarray) -> bytes:
    """An array as np.save writes it."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_a_gzip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("targets.io.grids.registry.MAX_UNPACKED", 2**21)
    (tmp_path / "a.gz").write_bytes(gzip.compress(IRAP.encode() + b"0 " * 2**21))
    with pytest.raises(UserError, match="unpacks to an unreasonable size"):
        read_surface(tmp_path / "a.gz")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04" + b"\0" * 200, "not a zip|cut off"),
        (b"PK\x05\x06", "not a grid of a known format"),
        (XYZ.replace("1000 ", "nan ").encode(), "x or y is missing"),  # fitting a grid to them would never end
        (XYZ.replace("1000 ", "1e308 ").encode(), "x or y is missing"),
        (("#" + "1" * 5000 + ": X\n" + XYZ).encode(), None),  # Python refuses to read so long a number
        (IRAP.replace("100.0 50.0", "nan 50.0").encode(), "dx is nan"),
        (IRAP.replace("100.0 50.0", "0 50.0").encode(), "dx is 0"),
        (IRAP.replace("-996 2", "-996 -2").encode(), "values; expected -2 x 3"),
        (CPS3.replace("FSNROW 2 3", "FSNROW 99999 99999").encode(), "contradict"),
        (ZMAP.replace("2, 3, 1000", "99999, 99999, 1000").encode(), "99999 x 99999 cells"),
        (IRAP.replace("40 50", "40 fifty").encode(), "unmatched data|no number"),
    ],
)
def test_hostile_grids_end_in_one_line(tmp_path: Path, content: bytes, found: str | None) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    format_of(path)
    if found is None:
        read_surface(path)
        return
    with pytest.raises(UserError, match=found):
        read_surface(path)
