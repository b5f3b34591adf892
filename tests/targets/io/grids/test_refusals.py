"""Grids that lie, lead to other files or leave the choice open: one line, in bounded time and memory."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.grids.registry import load_surface
from targets.io.read_options import ReadOptions
from tests.targets.io.grids import dialects
from tests.targets.io.grids.dialects import COLS, DEPTH, ROWS
from tests.targets.io.grids.samples import npy

READING = ReadOptions(elevation=False)


def changed(write: Callable[[Path], None], old: str, new: str, path: Path) -> None:
    write(path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def npz(path: Path, entries: list[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)


def head(descr: object, shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": descr, "fortran_order": False, "shape": shape})
    return content.getvalue()


def netcdf_variables(path: Path) -> None:
    dialects.classic(path, name="mean", more="std p90")


def netcdf_uneven(path: Path) -> None:
    from scipy.io import netcdf_file

    dialects.classic(path)
    with netcdf_file(path, "a") as file:
        file.variables["x"][2] = 1130


def netcdf_times(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["depth"] = np.ones((3, 4, 5))


def hdf5_bomb(path: Path) -> None:
    """Blocks of 128 bytes, one of which unpacks to 64 MB."""
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_dataset("depth", (4, 8), "f4", chunks=(4, 8), compression="gzip")
        data.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**26)))


def hdf5_elsewhere(path: Path) -> None:
    import h5py

    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["z"] = np.ones((4, 5))
    with h5py.File(path, "w") as file:
        file["depth"] = h5py.ExternalLink("other.h5", "/z")
        file["alias"] = h5py.SoftLink("/depth")
        layout = h5py.VirtualLayout((4, 5), "f4")
        layout[:] = h5py.VirtualSource(str(path.with_name("other.h5")), "z", (4, 5))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", (4, 5), "f4", external=[(str(path.with_name("other.h5")), 0, 80)])


def vrt(path: Path, old: str = "", new: str = "") -> None:
    changed(dialects.vrt, old, new, path)


def spill_file(path: Path) -> None:
    dialects.gdal(path, driver="HFA", USE_SPILL="YES")


SOURCE = '<SourceFilename relativeToVRT="1">left.tif'


def source(name: str, relative: int = 1) -> Callable[[Path], None]:
    """A VRT with another name for one of its sources."""
    return partial(vrt, old=SOURCE, new=f'<SourceFilename relativeToVRT="{relative}">{name}')


CASES: dict[str, tuple[Callable[[Path], None], str]] = {
    "zmap: one value more": (partial(changed, dialects.zmap, "@\n", "@\n1.0\n"), "36 values; expected 5 x 7"),
    "zmap: no number in the head": (partial(changed, dialects.zmap, "1000.0000", "west"), "expected rows, columns"),
    "zmap: no end of the head": (partial(changed, dialects.zmap, "\n@\n", "\n"), "a ZMAP\\+ head without an end"),
    "zmap: a word that nobody knows": (partial(changed, dialects.zmap, "1500.2500", "shale"), "damaged|values"),
    "cps3: one row": (partial(changed, partial(dialects.cps3, spacing=False), "FSNROW 5 7", "FSNROW 1 35"),
                      "1 x 35 nodes without FSXINC"),
    "cps3: too few limits": (partial(changed, dialects.cps3, " 8900.0 9000.0 1400 1600", ""), "too few numbers behind"),
    "gxf: compressed": (partial(changed, dialects.gxf, "#GRID", "#GTYPE\n3\n#GRID"), "a compressed GXF grid"),
    "gxf: sense 9": (partial(changed, dialects.gxf, "#SENSE\n1\n", "#SENSE\n9\n"), "#SENSE 9; expected 1 to 4"),
    "gxf: no rows": (partial(changed, dialects.gxf, "#ROWS\n5\n", ""), "a GXF grid without #ROWS"),
    "gxf: a file as projection": (partial(changed, dialects.gxf, "#GRID", "#MAP_PROJECTION\n+init=/tmp/pipe:1\n#GRID"),
                                  "never looked up"),
    "irap: a head alone": (lambda path: path.write_text("-996 5 50 25\n"), "a head of 4 numbers"),
    "surfer: one row": (partial(changed, dialects.surfer_text, "DSAA\n7 5", "DSAA\n35 1"), "two or more each way"),
    "surfer: a claim": (partial(changed, dialects.surfer_text, "\n7 5", "\n70000 70000"), "claims 70000 x 70000"),
    "surfer 6: cut off": (lambda path: path.write_bytes(b"DSBB" + struct.pack("<2h6d", 7, 5, *[0] * 6) + b"12"),
                          "cut off"),
    "surfer 7: no data": (lambda path: path.write_bytes(b"DSRB" + struct.pack("<2i", 4, 2)), "no section"),
    "surfer 7: a length below 0": (lambda path: path.write_bytes(b"DSRB" + struct.pack("<i", -8)), "of -8 bytes"),
    "esri: no place": (partial(changed, dialects.esri, "xllcorner", "xlleft"), "neither xllcorner nor xllcenter"),
    "esri: no values": (lambda path: path.write_text("ncols 7\nnrows 5\nxllcorner 0\nyllcorner 0\ncellsize 1\n"),
                        "a head without values; expected rows of numbers, or a .flt"),
    "esri: no size": (partial(changed, dialects.esri, "nrows", "nlines"), "expected ncols, nrows"),
    "text: zero bytes": (lambda path: path.write_bytes(b"-996 5 " + b" " * 2**16 + bytes(8)), "zero bytes amid"),
    "netcdf: three surfaces": (netcdf_variables, r"3 variables of rows and columns \(mean, std, p90\)"),
    "netcdf: uneven": (netcdf_uneven, "coordinates x of uneven steps"),
    "netcdf: three times": (netcdf_times, "of 3 dimensions longer than 1"),
    "netcdf: a block": (hdf5_bomb, "a block that unpacks to more than its cells take"),
    "netcdf: other files": (hdf5_elsewhere, r"0 variables of rows and columns \(none\)"),
    "imagine: another file": (spill_file, r"values in another file \(.ige\)"),
    "vrt: an absolute name": (source("/etc/left.tif", 0), "leads to"),
    "vrt: a folder above": (source("../left.tif"), "leads to"),
    "vrt: the network": (source("/vsicurl/http://a.b/c.tif"), "leads to '/vsicurl"),
    "vrt: a driver": (source("netcdf:left.tif"), "leads to"),
    "vrt: a missing source": (source("no.tif"), "no such file"),
    "vrt: another VRT": (source("grid.dat"), "is no GeoTIFF"),
    "vrt: a warped one": (partial(vrt, old="<VRTDataset ", new='<VRTDataset subClass="VRTWarpedDataset" '), "computes"),
    "vrt: a function": (partial(vrt, old="<NoDataValue>", new="<PixelFunctionCode>x</PixelFunctionCode><NoDataValue>"),
                        "a VRT with PixelFunctionCode"),
    "vrt: raw bytes": (partial(vrt, old="<VRTRasterBand ", new='<VRTRasterBand subClass="VRTRawRasterBand" '), "comp"),
    "vrt: entities": (partial(vrt, old="<GeoTransform", new="<!ENTITY b SYSTEM 'file:///etc/passwd'><GeoTransform"),
                      "declares entities"),
    "npz: two entries of a name": (lambda path: npz(path, [("depth.npy", npy(DEPTH)), ("depth", npy(DEPTH))]),
                                   "two arrays 'depth'"),
    "npz: a texts' bomb": (lambda path: npz(path, [("depth.npy", head("<U4000", (2**13, 2**13)) + bytes(9))]),
                           "an array of <U4000"),
    "npz: records": (lambda path: npz(path, [("depth.npy", head([("a", "<f8", (4096,))], (9, 9)) + bytes(9))]),
                     "an array of"),
    "npz: objects": (lambda path: npz(path, [("depth.npy", head("|O", (9, 9)) + bytes(9))]), "an array of objects"),
    "npz: few coordinates": (lambda path: np.savez(path.open("wb"), depth=DEPTH, x=np.arange(3), y=np.arange(5)),
                             r"an array 'x' of int64 of shape \(3,\)"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("case", CASES)
def test_it_ends_in_one_line(tmp_path: Path, case: str) -> None:
    write, message = CASES[case]
    path = tmp_path / "grid.dat"
    write(path)
    with pytest.raises(UserError, match=message) as caught:
        load_surface(path, READING)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("arrays", "note"),
    [
        ({"z": DEPTH}, "its array 'z' is taken"),
        ({"horizon": DEPTH, "x0": 3.0}, "its array 'horizon' is taken"),
        ({"arr_0": DEPTH}, "its array 'arr_0' is taken"),
        ({"depth": DEPTH, "other": DEPTH}, ""),
        ({"depth": DEPTH, "mask": np.isnan(DEPTH)}, "its array of a mask is not used"),
    ],
)
def test_arrays_of_other_names_are_reported(tmp_path: Path, arrays: dict[str, np.ndarray], note: str) -> None:
    np.savez(tmp_path / "grid.npz", **arrays)
    surface = load_surface(tmp_path / "grid.npz", READING)
    np.testing.assert_array_equal(surface.values, DEPTH.astype(np.float32))
    assert note in "; ".join(surface.notes) and bool(note) is bool(surface.notes)


def test_coordinates_of_columns_and_rows_are_a_location(tmp_path: Path) -> None:
    np.savez(tmp_path / "grid.npz", z=DEPTH, x=1000 + 50.0 * np.arange(COLS), y=9000 - 25.0 * np.arange(ROWS))
    geo = load_surface(tmp_path / "grid.npz", READING).geo
    assert (geo.x0, geo.y0, geo.dx, geo.dy) == (1000, 9000, 50, -25)


@pytest.mark.parametrize(("attribute", "depth"), [({"positive": "down"}, True), ({"positive": "up"}, False),
                                                  ({"standard_name": "altitude"}, False), ({}, True)])  # fmt: skip
def test_netcdf_says_which_way_is_up(tmp_path: Path, attribute: dict[str, str], depth: bool) -> None:
    from scipy.io import netcdf_file

    dialects.classic(tmp_path / "grid.nc")
    with netcdf_file(tmp_path / "grid.nc", "a") as file:
        for key, text in attribute.items():
            setattr(file.variables["z"], key, text)
    surface = load_surface(tmp_path / "grid.nc")
    np.testing.assert_array_equal(surface.values, (1 if depth else -1) * DEPTH.astype(np.float32))
    assert surface.geo.depth_unit == "m" and surface.geo.xy_unit == "m"
    assert ("read as elevations" in " ".join(surface.notes)) is not depth
    assert "elevations" not in " ".join(load_surface(tmp_path / "grid.nc", ReadOptions(elevation=True)).notes)


def test_netcdf_without_coordinates_says_so(tmp_path: Path) -> None:
    from scipy.io import netcdf_file

    with netcdf_file(tmp_path / "grid.nc", "w") as file:
        for name, size in (("row", ROWS), ("col", COLS)):
            file.createDimension(name, size)
        file.createVariable("depth", "f8", ("row", "col"))[:] = DEPTH
    surface = load_surface(tmp_path / "grid.nc")
    assert not surface.geo.located and "no location" in " ".join(surface.notes)
