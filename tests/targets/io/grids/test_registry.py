"""Grids: every format puts the same numbers at the same places, what is written comes back, damage is named."""

import gzip
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.grid_map import read_grid
from targets.io.grids.grid_format import GridFormat, normalise_orientation
from targets.io.grids.registry import FORMAT_BY_SUFFIX, FORMATS, detect_format, read_surface, write_grid
from targets.io.read_options import ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference
from tests.targets.io.grids.dialects import DIALECTS
from tests.targets.io.grids.samples import CPS3, DEPTH, GEO, IRAP, TEXTS, XYZ, ZMAP, assert_places, npy


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
@pytest.mark.parametrize("packed", [False, True])
def test_every_text_format_is_known_by_content_and_puts_each_value_in_its_place(
    tmp_path: Path, name: str, text: str, packed: bool
) -> None:
    path = tmp_path / "grid.txt"
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if packed else text.encode())
    fmt = detect_format(path)
    assert fmt is not None and fmt.name == name
    depth, geo = read_surface(path)
    np.testing.assert_array_equal(depth, DEPTH)
    assert_places(geo, GEO, DEPTH.shape)
    assert depth.dtype == np.float32 and geo.dx > 0 > geo.dy


@pytest.mark.parametrize("suffix", FORMAT_BY_SUFFIX)
@pytest.mark.parametrize("rotation", [0.0, 30.0, 140.0, -75.0])
@pytest.mark.parametrize("upside_down", [False, True])
def test_what_is_written_comes_back_in_its_place(
    tmp_path: Path, suffix: str, rotation: float, upside_down: bool
) -> None:
    r, c = np.mgrid[:7, :9]
    depth = (1500.25 + 8 * r - 4 * c).astype(np.float32)
    depth[2, 3] = depth[6, 8] = np.nan
    geo = GeoReference(4000.0, 9000.0, 25.0, 12.5 if upside_down else -12.5, rotation, "EPSG:23031", "m")
    path = tmp_path / f"grid{suffix}"
    if suffix in (".zmap", ".cps3", ".grd", ".asc") and rotation:
        with pytest.raises(UserError, match=r"grid\.\w+: .* cannot hold a map rotated.*write \.irap, \.gri or \.tif"):
            write_grid(depth, geo, path)
        assert not list(tmp_path.iterdir())
        return
    write_grid(depth, geo, path)
    back, place = read_surface(path)
    expected, above = normalise_orientation(depth, geo)
    np.testing.assert_array_equal(back, expected)
    # IRAP binary keeps coordinates as float32.
    assert_places(place, above, depth.shape, atol=2e-3 if suffix == ".gri" else 1e-6)
    if suffix in (".tif", ".npz"):
        assert (place.crs, place.depth_unit) == ("EPSG:23031", "m")


def test_sign_of_the_values_as_the_user_says(tmp_path: Path) -> None:
    path = tmp_path / "grid.npz"
    np.savez(path, depth=np.array([[-5.0, -7.0], [-6.0, np.nan]]))
    assert np.nanmax(read_surface(path)[0]) == -5
    depth, geo = read_surface(path, ReadOptions(elevation=True))
    np.testing.assert_array_equal(depth, [[5, 7], [6, np.nan]])
    assert geo == GeoReference()
    assert read_grid(path, reading=ReadOptions(elevation=True)).depth.max() == 7


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("suffix", FORMAT_BY_SUFFIX)
def test_a_cut_off_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"grid{suffix}"
    rng = np.random.default_rng(0)
    write_grid(rng.normal(2000, 50, (60, 50)).astype(np.float32), GeoReference(0.0, 0.0, 10.0, -10.0), path)
    cut(path)
    with pytest.raises(UserError, match=r"cut off|\d+ values; expected 60 x 50 = 3000") as caught:
        read_surface(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a grid of a known format: empty; expected one of CPS-3"),
        (b"\x0c", "nothing but zeros and blanks"),
        ("\xa0".encode(), "not a grid of a known format"),
        (b"Dear reader, this is a text.\n", "not a grid of a known format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a grid of a known format"),
        (POL := b"1 2 3\n4 5 6\n999.0 999.0 999.0\n", "not a grid of a known format"),
        (b"poly_id,x,y,z\n1,2,3,4\n", "not a grid of a known format"),
        (b"1 2 3 4\n5 6 7 8\n", "4 columns"),
        (b"1 2 3\n1 2 3\n5 6\n", "damaged"),
        (CPS3.replace("FSNROW 2 3\n", "").encode(), "without FSNROW"),
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


def test_wrong_writing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown suffix '\.doc'"):
        write_grid(DEPTH, GEO, tmp_path / "a.doc")
    with pytest.raises(UserError, match="no location"):
        write_grid(DEPTH, GeoReference(), tmp_path / "a.tif")
    with pytest.raises(UserError, match="crs 'Mars' is unknown"):
        write_grid(DEPTH, GeoReference(0.0, 0.0, 1.0, -1.0, crs="Mars"), tmp_path / "a.tif")


def test_a_missing_library_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xtgeo", None)
    with pytest.raises(UserError, match=r"needs the library xtgeo; pip install 'trapmtl\[geo\]'"):
        write_grid(DEPTH, GEO, tmp_path / "grid.gri")


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
            r, c = geo.rowcol(*GeoReference(**told).xy(row, col))
            r, c = int(r.round()), int(c.round())
            np.testing.assert_allclose(geo.xy(r, c), GeoReference(**told).xy(row, col), rtol=0, atol=1e-6)
            np.testing.assert_array_equal(depth[r, c], source[row, col])


def test_every_format_has_a_test() -> None:
    written = {"GeoTIFF", "IRAP/RMS binary", "npz", "npy"}
    written |= {"EarthVision points", "OpendTect horizon", "OpenWorks IJXYZ", "Petrel points"}  # tests in points/
    assert {fmt.name for fmt in FORMATS} == set(TEXTS) | written | {dialect.format for dialect in DIALECTS}


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


def test_a_gzip_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("targets.io.grids.registry.MAX_UNPACKED", 2**21)
    (tmp_path / "a.gz").write_bytes(gzip.compress(IRAP.encode() + b"0 " * 2**21))
    with pytest.raises(UserError, match="unpacks to an unreasonable size"):
        read_surface(tmp_path / "a.gz")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04" + b"\0" * 200, "not a grid of a known format: a ZIP archive"),
        (b"PK\x03\x04" + b"\0" * 26 + b"depth.npy" + b"\0" * 200, "not a zip|cut off"),
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
    detect_format(path)
    if found is None:
        read_surface(path)
        return
    with pytest.raises(UserError, match=found):
        read_surface(path)


def test_elevations_without_a_sign_become_negative_depths(tmp_path: Path) -> None:
    np.save(tmp_path / "top.npy", np.array([[0, 200]], np.uint8))
    np.testing.assert_array_equal(read_surface(tmp_path / "top.npy", ReadOptions(elevation=True))[0], [[0, -200]])


def test_records_of_formats_do_not_overlap() -> None:
    """Every format has its own name and suffixes, and a file in it is recognised by no format that is asked later."""
    assert len({fmt.name for fmt in FORMATS}) == len(FORMATS)
    suffixes = [suffix for fmt in FORMATS for suffix in fmt.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for name, texts in TEXTS.items():
        for text in texts:
            assert [fmt.name for fmt in FORMATS if fmt.recognise(text.encode())][:1] == [name]


def test_a_format_needs_one_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record in the registry is all that a new format needs to be read, listed and refused when damaged."""

    def read(path: Path, reading: ReadOptions) -> Surface:
        return Surface(np.loadtxt(path, skiprows=1), GEO)

    toy = GridFormat("toy", lambda head: head.startswith(b"TOY"), read, suffixes=(".toy",))
    monkeypatch.setattr("targets.io.grids.registry.FORMATS", (*FORMATS, toy))
    (tmp_path / "top.toy").write_text("TOY\n1 2\n3 4\n")
    (tmp_path / "damaged.toy").write_text("")
    np.testing.assert_array_equal(read_surface(tmp_path / "top.toy")[0], [[1, 2], [3, 4]])
    damaged, whole = list_maps([tmp_path])
    assert (whole.name, whole.kind) == ("top", "grid") and read_map(whole).shape == (2, 2)
    with pytest.raises(UserError, match=r"not a grid of a known format: empty; expected one of .*toy"):
        read_map(damaged)
