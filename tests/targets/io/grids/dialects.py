"""One known surface in the dialects of every grid format: `DIALECTS`."""

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.scene import GeoReference

ROWS, COLS = 5, 7
r, c = np.mgrid[:ROWS, :COLS]
DEPTH = 1500.25 + 8 * r - 4 * c + 0.5 * (r * c % 3)
DEPTH[2, 3] = DEPTH[4, 6] = np.nan
GEO = GeoReference(1000.0, 9000.0, 50.0, -25.0)
SQUARE = replace(GEO, dy=-50.0)


@dataclass(frozen=True)
class Dialect:
    """A way to write the surface.

    Attributes
    ----------
    format : str
        The name of the format.
    name : str
        Of the dialect.
    write : Callable[[Path], None]
        Writes the surface.
    geo : GeoReference
        Where it lies.
    note : str
        A part of the note that reading must give; "": none is given.
    suffix : str
        Of the file.
    atol : float
        Rounding of the values.
    """

    format: str
    name: str
    write: Callable[[Path], None]
    geo: GeoReference = GEO
    note: str = ""
    suffix: str = ".dat"
    atol: float = 0.0


def words(values: NDArray, null: str, form: str = "{:.4f}") -> list[str]:
    return [null if np.isnan(value) else form.format(value) for value in values.ravel().tolist()]


def lines(all_words: list[str], per_line: int, separator: str = " ") -> str:
    return "".join(separator.join(all_words[i : i + per_line]) + "\n" for i in range(0, len(all_words), per_line))


def limits(geo: GeoReference, edges: bool = False) -> tuple[float, float, float, float]:
    """xmin, xmax, ymin, ymax of nodes, or of the edges of cells."""
    x, y = geo.xy([0, ROWS - 1], [0, COLS - 1])
    half = (abs(geo.dx or 0) / 2, abs(geo.dy or 0) / 2) if edges else (0.0, 0.0)
    return float(x[0]) - half[0], float(x[1]) + half[0], float(y[1]) - half[1], float(y[0]) + half[1]


def text(path: Path, content: str, newline: str = "\n", mark: str = "") -> None:
    path.write_bytes((mark + content.replace("\n", newline)).encode())


def with_comma(word: str) -> str:
    """A number, or several, with decimal commas."""
    return word.replace(".", ",")


def fortran(word: str) -> str:
    """A number as Fortran writes it in double precision: 1500.25 as 0.150025D+04."""
    value = float(word)
    digits, exponent = f"{value / 10:.12E}".split("E")
    return f"{digits}D{int(exponent) + 1:+03d}"


# -- ZMAP+ -------------------------------------------------------------------------------------------------------


def zmap(
    path: Path, *, geo: GeoReference = GEO, null: tuple[str, str, str] = ("-99999.0000", "", "-99999.0000"),
    comment: str = "! exported", behind: str = "", per_line: int = 5, tail: str = "", edges: bool = False,
    change: Callable[[str], str] = str, form: str = "{:.4f}", start: int = 1, width: int = 15, third: bool = True,
    name: str = "TOP HEADER", newline: str = "\n", mark: str = "",
) -> None:  # fmt: skip
    """Null is its number and its text in the head, and what stands for it in the body."""
    body = [change(word) for word in words(DEPTH.T, null[2], form)]
    columns = [lines(body[i : i + ROWS], per_line) for i in range(0, len(body), ROWS)]
    if start > 1 or form.startswith("{:1"):  # fields of full width
        full = [word.rjust(width) for word in body]
        columns = ["".join(" " * (start - 1) + "".join(full[i : i + ROWS][k : k + per_line]) + "\n"
                           for k in range(0, ROWS, per_line)) for i in range(0, len(body), ROWS)]  # fmt: skip
    head = [comment, f"@{name}, GRID, {per_line}{tail}", f"{width}, {null[0]}, {null[1]}, 4, {start}{tail}",
            ", ".join([str(ROWS), str(COLS), *(f"{limit:.4f}" for limit in limits(geo, edges))]) + tail]  # fmt: skip
    head += [f"0.0000, 0.0000, 0.0000{tail}"] * third + ["@"] + [behind] * bool(behind)
    text(path, "\n".join(line for line in head if line) + "\n" + "".join(columns), newline, mark)


def zmap_dialects() -> list[Dialect]:
    rms = "!     RMS - Reservoir Modeling System GRID TO ZYCOR GRID"
    plus = "+ Grid data starts after this line"
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "RMS": {"comment": rms, "behind": plus, "per_line": 5},
        "RMS with trailing commas": {"comment": rms, "behind": plus, "tail": ","},
        "OpenWorks": {"comment": "!\n! Landmark Zmap grid file name: top.dat\n!", "null": ("1.0E+30", "", "1.0E+30"),
                      "per_line": 4, "tail": ","},
        "null as text": {"null": ("", "-9999.0000", "-9999.0000")},
        "null as a word": {"null": ("", "NULL", "NULL")},
        "a word that is not in the head": {"null": ("-99999.0", "", "Undef")},
        "Fortran null": {"null": ("0.1000000E+31", "", "0.1000000E+31")},
        "double precision": {"change": fortran, "null": ("-0.99999D+05", "", "-99999.0"), "form": "{:.4f}"},
        "one value a line": {"per_line": 1},
        "fields of full width": {"form": "{:10.4f}", "width": 10, "null": ("-9999.0000", "", "-9999.0000")},
        "a start column": {"form": "{:10.4f}", "width": 10, "start": 4, "null": ("-9999.0000", "", "-9999.0000")},
        "lower case": {"name": "top header", "comment": "! Created", "null": ("1e30", "", "1e30")},
        "no third line": {"third": False},
        "Windows": {"newline": "\r\n", "mark": "\ufeff"},
        "decimal commas": {"change": with_comma},
        "remarks amid": {"behind": "! remark\n+ another"},
    }  # fmt: skip
    made = [Dialect("ZMAP+", name, partial(zmap, **kw)) for name, kw in options.items()]
    gdal = {"comment": "!\n! Created by GDAL.\n!", "name": "GRID FILE", "edges": True}
    made += [
        Dialect("ZMAP+", "GDAL", partial(zmap, **gdal), note="written by GDAL"),
        Dialect("ZMAP+", "GDAL without its comment", partial(zmap, **gdal | {"comment": ""}), note="written by GDAL"),
        Dialect("ZMAP+", "square cells by edges", partial(zmap, geo=SQUARE, edges=True), SQUARE, "edges of the cells"),
        Dialect("ZMAP+", "GDAL with nodes as points", partial(zmap, geo=SQUARE, comment="! Created by GDAL."),
                SQUARE, "taken as nodes"),
        Dialect("ZMAP+", "square cells by nodes", partial(zmap, geo=SQUARE), SQUARE),
    ]  # fmt: skip
    return made


# -- CPS-3 -------------------------------------------------------------------------------------------------------


def cps3(
    path: Path, *, null: str = "0.1E+31", ascii_line: str = "FSASCI 0 1 COMPUTED 0 {null} 0", spacing: bool = True,
    order: str = "ALNX", name: str = "->Top\n", change: Callable[[str], str] = str, per_line: int = 5,
    newline: str = "\n", case: Callable[[str], str] = str, comment: str = "",
) -> None:  # fmt: skip
    xmin, xmax, ymin, ymax = limits(GEO)
    head = {"A": ascii_line.format(null=null), "L": f"FSLIMI {xmin} {xmax} {ymin} {ymax} 1400 1600", "T": "FSATTR 0 0",
            "N": f"FSNROW {ROWS} {COLS}", "X": "FSXINC 50.0 25.0" if spacing else ""}  # fmt: skip
    body = lines([change(word) for word in words(DEPTH.T, null)], per_line)
    text(path, comment + "".join(f"{case(head[key])}\n" for key in order if head[key]) + name + comment + body, newline)


def cps3_dialects() -> list[Dialect]:
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "Petrel": {"order": "ATLNX", "null": "0.1000000E+31", "comment": "! by Petrel\n"},
        "no name": {"name": ""},
        "null -999.25": {"null": "-999.25"},
        "null 9999": {"null": "9999"},
        "no null": {"ascii_line": "FSASCI 0 1 COMPUTED 0", "null": "1E30"},
        "another order": {"order": "XNLA"},
        "lower case": {"case": str.lower},
        "double precision": {"change": fortran, "null": "1e30"},
        "Windows": {"newline": "\r\n"},
        "remarks": {"comment": "# a remark\n"},
        "one value a line": {"per_line": 1},
    }
    made = [Dialect("CPS-3", name, partial(cps3, **kw)) for name, kw in options.items()]
    return [*made, Dialect("CPS-3", "no FSXINC", partial(cps3, spacing=False), note="FSXINC is missing")]


# -- IRAP ASCII --------------------------------------------------------------------------------------------------


def irap(
    path: Path, *, rotation: float = 0.0, null: str = "9999900.000000", per_line: int = 6, newline: str = "\n",
    change: Callable[[str], str] = str, comment: str = "", turn: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    x0, y0 = GEO.x0 or 0.0, (GEO.y0 or 0.0) - (ROWS - 1) * 25
    head = [f"-996 {ROWS} 50.000000 25.000000", f"{x0} {x0 + (COLS - 1) * 50} {y0} {y0 + (ROWS - 1) * 25}",
            f"{COLS} {rotation} {(turn or (x0, y0))[0]} {(turn or (x0, y0))[1]}", "0 0 0 0 0 0 0"]  # fmt: skip
    body = lines([change(word) for word in words(DEPTH[::-1], null)], per_line)
    text(path, comment + "\n".join(head) + "\n" + body, newline)


def turned(rotation: float, about: tuple[float, float] | None = None) -> GeoReference:
    """`GEO` turned about its lower left node, or about a point."""
    low = (GEO.x0 or 0.0, (GEO.y0 or 0.0) - (ROWS - 1) * 25)
    about = low if about is None else about
    x0, y0 = GeoReference(*about, 1.0, 1.0, rotation).xy((GEO.y0 or 0) - about[1], (GEO.x0 or 0) - about[0])
    return replace(GEO, x0=float(x0), y0=float(y0), rotation=rotation)


def irap_dialects() -> list[Dialect]:
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "rounded null": {"null": "9999900"},
        "null of Petrel": {"null": "0.1000000E+31"},
        "one value a line": {"per_line": 1},
        "Windows": {"newline": "\r\n"},
        "double precision": {"change": fortran},
        "comments": {"comment": "! by hand\n# too\n"},
    }
    made = [Dialect("IRAP/RMS ASCII", name, partial(irap, **kw)) for name, kw in options.items()]
    made += [Dialect("IRAP/RMS ASCII", f"turned by {angle}", partial(irap, rotation=angle), turned(angle))
             for angle in (30.0, -75.0, 200.0)]  # fmt: skip
    return [
        *made,
        Dialect("IRAP/RMS ASCII", "turned about nothing", partial(irap, rotation=30.0, turn=(0, 0)), turned(30.0)),
        Dialect("IRAP/RMS ASCII", "turned about a corner", partial(irap, rotation=30.0, turn=(1200, 8950)),
                turned(30.0, (1200, 8950)), "turned about"),
        Dialect("IRAP/RMS ASCII", "undeclared null", partial(irap, null="-999.25"), note="exactly -999.25"),
    ]  # fmt: skip


# -- GXF ---------------------------------------------------------------------------------------------------------

# For each #SENSE the rows of the surface, as seen from above, in the order of the file.
SENSES: dict[int, Callable[[NDArray], NDArray]] = {
    1: lambda z: z[::-1], -1: lambda z: z[::-1].T,
    2: lambda z: z.T, -2: lambda z: z,
    3: lambda z: z[:, ::-1], -3: lambda z: z[:, ::-1].T,
    4: lambda z: z[::-1, ::-1].T, -4: lambda z: z[::-1, ::-1],
}  # fmt: skip


def gxf(
    path: Path, *, sense: int = 1, short: bool = False, dummy: str = "9999999.0", transform: str = "",
    rotation: float = 0.0, more: str = "", newline: str = "\n", raw: NDArray = DEPTH,
) -> None:  # fmt: skip
    stored = SENSES[sense](raw)
    vertical = sense in (-1, 2, -3, 4)
    keys = {"POINTS": stored.shape[1], "ROWS": stored.shape[0], "PTSEPARATION": 25.0 if vertical else 50.0,
            "RWSEPARATION": 50.0 if vertical else 25.0, "XORIGIN": 1000.0, "YORIGIN": 8900.0, "ROTATION": rotation,
            "SENSE": sense, "DUMMY": dummy, "TRANSFORM": transform}  # fmt: skip
    head = "".join(f"#{key[:4] if short else key}\n{value}\n" for key, value in keys.items() if value != "")
    null = dummy or "*"
    body = "".join(lines(words(row, null), 6) for row in stored)
    text(path, "! a comment\n" + head + more + "#GRID\n" + body, newline)


def gxf_dialects() -> list[Dialect]:
    made = [Dialect("GXF", f"sense {sense}", partial(gxf, sense=sense),
                    note="" if abs(sense) == 1 else f"#SENSE {sense}") for sense in SENSES]  # fmt: skip
    options: dict[str, dict[str, Any]] = {
        "short keys": {"short": True},
        "dummy *": {"dummy": "*"},
        "transform": {"transform": "2.0 100.0", "raw": (DEPTH - 100) / 2},
        "transform with a unit": {"transform": '2.0 100.0 "ft"', "raw": (DEPTH - 100) / 2},
        "Windows": {"newline": "\r\n"},
        "more keys": {"more": '##XMAX\n1300\n#UNIT_LENGTH\n"m",1\n#TITLE\nTop\n#ZMAXIMUM\n1600\n'},
    }
    made += [Dialect("GXF", name, partial(gxf, **kw)) for name, kw in options.items()]
    return [*made, Dialect("GXF", "turned", partial(gxf, rotation=30.0), turned(30.0))]


# -- Surfer and Esri ---------------------------------------------------------------------------------------------


def surfer_text(path: Path, *, null: str = "1.70141E+38", newline: str = "\n", per_line: int = 10) -> None:
    xmin, xmax, ymin, ymax = limits(GEO)
    rows = "\n".join(lines(words(row, null), per_line) for row in DEPTH[::-1])
    text(path, f"DSAA\n{COLS} {ROWS}\n{xmin} {xmax}\n{ymin} {ymax}\n1400 1600\n{rows}", newline)


def surfer6(path: Path) -> None:
    values = np.where(np.isnan(DEPTH), 1.70141e38, DEPTH)[::-1].astype("<f4")
    path.write_bytes(b"DSBB" + struct.pack("<2h6d", COLS, ROWS, *limits(GEO), 1400, 1600) + values.tobytes())


def surfer7(path: Path, *, blank: float = 1.70141e38, faults: bool = False) -> None:
    values = np.where(np.isnan(DEPTH), blank, DEPTH)[::-1].astype("<f8").tobytes()
    xmin, _, ymin, _ = limits(GEO)
    grid = struct.pack("<2i8d", ROWS, COLS, xmin, ymin, 50, 25, 1400, 1600, 0, blank)
    sections = [(b"DSRB", struct.pack("<i", 2)), (b"GRID", grid), (b"DATA", values)]
    sections += [(b"FLTI", struct.pack("<2i", 0, 0))] * faults
    path.write_bytes(b"".join(tag + struct.pack("<i", len(content)) + content for tag, content in sections))


def esri(
    path: Path, *, geo: GeoReference = SQUARE, centre: bool = False, null: str = "-9999", says: bool = True,
    case: Callable[[str], str] = str, change: Callable[[str], str] = str, newline: str = "\n",
) -> None:  # fmt: skip
    xmin, _, ymin, _ = limits(geo, edges=not centre)
    place = "center" if centre else "corner"
    dx, dy = geo.dx or 0.0, -(geo.dy or 0.0)
    size = f"cellsize {dx}" if dx == dy else f"dx {dx}\ndy {dy}"
    head = f"ncols {COLS}\nnrows {ROWS}\nxll{place} {xmin}\nyll{place} {ymin}\n{size}\n"
    head += f"NODATA_value {null}\n" if says else ""
    body = "".join(" ".join(change(word) for word in words(row, null)) + " \n" for row in DEPTH)
    text(path, case(head) + body, newline)


def esri_floats(path: Path, order: str = "LSBFIRST") -> None:
    """The values in a .flt beside the head."""
    esri(path)
    lines_of_head = path.read_text().splitlines()[:6]
    path.write_text("\n".join([*lines_of_head, f"byteorder {order}"]) + "\n")
    values = np.where(np.isnan(DEPTH), -9999, DEPTH)
    path.with_suffix(".flt").write_bytes(values.astype("<f4" if order == "LSBFIRST" else ">f4").tobytes())


def gis_dialects() -> list[Dialect]:
    options: dict[str, dict[str, Any]] = {
        "corner": {},
        "centre": {"centre": True},
        "null by default": {"says": False},
        "null of another program": {"null": "-3.4028234663852886e+38"},
        "nan": {"null": "nan"},
        "upper case": {"case": str.upper},
        "Windows": {"newline": "\r\n"},
        "decimal commas": {"change": with_comma, "case": with_comma},
        "cells that are no squares": {"geo": GEO},
    }
    return [
        *(Dialect("Esri ASCII", name, partial(esri, **kw), kw.get("geo", SQUARE)) for name, kw in options.items()),
        Dialect("Esri ASCII", "float grid", esri_floats, SQUARE, suffix=".hdr"),
        Dialect("Esri ASCII", "float grid, big-endian", partial(esri_floats, order="MSBFIRST"), SQUARE, suffix=".hdr"),
        Dialect("Surfer 6 text", "Surfer", surfer_text),
        Dialect("Surfer 6 text", "another blank", partial(surfer_text, null="1.70141000000000e+038", per_line=3)),
        Dialect("Surfer 6 text", "Windows", partial(surfer_text, newline="\r\n")),
        Dialect("Surfer 6 binary", "Surfer", surfer6),
        Dialect("Surfer 7", "Surfer", surfer7),
        Dialect("Surfer 7", "another blank", partial(surfer7, blank=-9999.0)),
        Dialect("Surfer 7", "faults", partial(surfer7, faults=True), note="fault traces"),
    ]


# -- netCDF ------------------------------------------------------------------------------------------------------


def classic(
    path: Path, *, up: bool = True, name: str = "z", short: bool = False, names: tuple[str, str] = ("x", "y"),
    transposed: bool = False, more: str = "", float_axes: bool = False, fill: float = -32768, lead: bool = False,
) -> None:  # fmt: skip
    """As GMT, QGIS and models write classic netCDF."""
    from scipy.io import netcdf_file

    depth = DEPTH[::-1] if up else DEPTH
    y = 9000.0 - 25 * np.arange(ROWS)
    with netcdf_file(path, "w") as file:
        for dim, axis in zip(names, (1000.0 + 50 * np.arange(COLS), y[::-1] if up else y), strict=True):
            file.createDimension(dim, len(axis))
            variable = file.createVariable(dim, "f4" if float_axes else "f8", (dim,))
            variable[:] = axis
            variable.units = "m"
        if lead:
            file.createDimension("time", 1)
        dims = (names[0], names[1]) if transposed else (names[1], names[0])
        stored = depth.T if transposed else depth
        for key in (name, *more.split()):
            variable = file.createVariable(key, "i2" if short else "f4", (*(("time",) if lead else ()), *dims))
            values = np.where(np.isnan(stored), fill, (stored - 1500) / 0.25 if short else stored)
            variable[:] = (values + (7 if key != name else 0)).reshape(variable.shape)
            variable._FillValue = np.array(fill, "i2" if short else "f4")
            variable.units = "m"
            if short:
                variable.scale_factor, variable.add_offset = 0.25, 1500.0
        file.Conventions = "CF-1.7"


def old_gmt(path: Path, *, by_cells: bool = False) -> None:
    """As GMT wrote before version 4.2."""
    from scipy.io import netcdf_file

    xmin, xmax, ymin, ymax = limits(GEO, edges=by_cells)
    with netcdf_file(path, "w") as file:
        file.createDimension("side", 2)
        file.createDimension("xysize", ROWS * COLS)
        for key, values in (("x_range", (xmin, xmax)), ("y_range", (ymin, ymax)), ("spacing", (50, 25))):
            file.createVariable(key, "f8", ("side",))[:] = values
        file.createVariable("dimension", "i4", ("side",))[:] = (COLS, ROWS)
        z = file.createVariable("z", "f4", ("xysize",))
        z[:] = DEPTH.ravel()
        z.node_offset = np.int32(by_cells)


def netcdf4(path: Path, *, packed: bool = True) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for key, values in (("lat", 9000.0 - 25 * np.arange(ROWS)), ("lon", 1000.0 + 50 * np.arange(COLS))):
            file[key] = values
            file[key].make_scale(key)
        how = {"compression": "gzip", "shuffle": True} if packed else {}
        z = file.create_dataset("depth", data=DEPTH.astype("f4"), **how)
        z.dims[0].attach_scale(file["lat"])
        z.dims[1].attach_scale(file["lon"])
        z.attrs["_FillValue"] = np.float32(np.nan)


def netcdf_dialects() -> list[Dialect]:
    options: dict[str, dict[str, Any]] = {
        "GMT": {},
        "rows from the top": {"up": False},
        "lon and lat": {"names": ("lon", "lat")},
        "scaled whole numbers": {"short": True},
        "columns first": {"transposed": True},
        "float coordinates": {"float_axes": True},
        "another fill value": {"fill": 9.96921e36},
        "a time of one step": {"lead": True},
    }
    made = [Dialect("netCDF", name, partial(classic, **kw), suffix=".nc") for name, kw in options.items()]
    return [
        *made,
        Dialect("netCDF", "two variables", partial(classic, more="std"), note="'z' is taken", suffix=".nc"),
        Dialect("netCDF", "old GMT", old_gmt, suffix=".grd"),
        Dialect("netCDF", "old GMT by cells", partial(old_gmt, by_cells=True), suffix=".grd"),
        Dialect("netCDF", "netCDF-4", netcdf4, suffix=".nc"),
        Dialect("netCDF", "netCDF-4 unpacked", partial(netcdf4, packed=False), suffix=".nc"),
    ]


# -- rasters of GDAL ---------------------------------------------------------------------------------------------


def corner(geo: GeoReference) -> Any:
    """The transform of GDAL, which counts from the corner of the first cell."""
    import rasterio

    a, b, c0, d, e, f = geo.affine()
    return rasterio.Affine(a, b, c0 - (a + b) / 2, d, e, f - (d + e) / 2)


def gdal(
    path: Path, *, driver: str = "GTiff", geo: GeoReference | None = GEO, null: str = "nodata", dtype: str = "float32",
    scale: tuple[float, float] = (1.0, 0.0), depth: NDArray = DEPTH, **creation: Any,
) -> None:  # fmt: skip
    """Null is how undefined cells are declared: nodata, nan, mask, alpha, or none."""
    import rasterio
    from rasterio.enums import ColorInterp

    value = {"nan": np.nan}.get(null, -9999.0 if np.dtype(dtype).kind in "if" else 0)
    stored = np.where(np.isnan(depth), value, (depth - scale[1]) / scale[0]).astype(dtype)
    profile = {"driver": driver, "height": ROWS, "width": COLS, "count": 2 if null == "alpha" else 1, "dtype": dtype,
               "nodata": value if null in ("nodata", "nan") else None, **creation}  # fmt: skip
    if geo is not None:
        profile["transform"] = corner(geo)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as file:
        file.write(stored, 1)
        if scale != (1, 0):
            file.scales, file.offsets = (scale[0],), (scale[1],)
        if null == "mask":
            file.write_mask(~np.isnan(depth))
        if null == "alpha":
            file.write(np.where(np.isnan(depth), 0, 255).astype(dtype), 2)
            file.colorinterp = (ColorInterp.gray, ColorInterp.alpha)


def with_world_file(path: Path, suffix: str) -> None:
    gdal(path, geo=None)
    path.with_suffix(suffix).write_text("50\n0\n0\n-25\n1000\n9000\n")


def with_aux(path: Path) -> None:
    gdal(path, geo=None, null="none")
    path.with_name(f"{path.name}.aux.xml").write_text(
        "<PAMDataset><GeoTransform> 975, 50, 0, 9012.5, 0, -25</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>-9.999E+03</NoDataValue><UnitType>m</UnitType></PAMRasterBand>'
        "</PAMDataset>"
    )


def with_control_points(path: Path) -> None:
    import rasterio
    from rasterio.control import GroundControlPoint

    gdal(path, geo=None)
    transform = corner(GEO)
    with rasterio.open(path, "r+") as file:
        points = [GroundControlPoint(row, col, transform.c + transform.a * col, transform.f + transform.e * row)
                  for row in (0, ROWS) for col in (0, COLS)]  # fmt: skip
        file.gcps = (points, rasterio.CRS.from_epsg(23031))


def vrt(path: Path) -> None:
    """Two GeoTIFFs side by side."""
    import rasterio

    xml = [f'<VRTDataset rasterXSize="{COLS}" rasterYSize="{ROWS}">',
           "<GeoTransform>975, 50, 0, 9012.5, 0, -25</GeoTransform>",
           '<VRTRasterBand dataType="Float32" band="1"><NoDataValue>-9999</NoDataValue>']  # fmt: skip
    for name, start, stop in (("left.tif", 0, 3), ("right.tif", 3, COLS)):
        part = np.where(np.isnan(DEPTH), -9999, DEPTH)[:, start:stop].astype("float32")
        size = {"height": ROWS, "width": stop - start, "count": 1, "dtype": "float32", "nodata": -9999}
        with rasterio.open(path.with_name(name), "w", driver="GTiff", **size) as file:
            file.write(part, 1)
        box = f'yOff="0" xSize="{stop - start}" ySize="{ROWS}"'
        xml.append(f'<SimpleSource><SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand>'
                   f'<SrcRect xOff="0" {box}/><DstRect xOff="{start}" {box}/></SimpleSource>')  # fmt: skip
    path.write_text("".join(xml) + "</VRTRasterBand></VRTDataset>")


def geotiff_dialects() -> list[Dialect]:
    make = partial(Dialect, "GeoTIFF", suffix=".tif")
    kinds = itertools.product(("float32", "float64"), ("nodata", "nan", "mask", "alpha"))
    made = [make(f"{dtype}, {null}", partial(gdal, dtype=dtype, null=null)) for dtype, null in kinds]
    scaled = {"scale": (0.25, 1400.0)}
    made += [make(f"{dtype}, {null}, scaled", partial(gdal, dtype=dtype, null=null, **scaled))
             for dtype, null in itertools.product(("int16", "uint16", "int32"), ("nodata", "mask"))]  # fmt: skip
    for name, geo in {"south up": replace(GEO, y0=8900.0, dy=25.0), "turned": replace(GEO, rotation=30.0),
                      "mirrored": replace(GEO, x0=1300.0, dx=-50.0)}.items():  # fmt: skip
        depth = DEPTH[::-1] if name == "south up" else DEPTH[:, ::-1] if name == "mirrored" else DEPTH
        place = GEO if name != "turned" else geo
        made.append(make(name, partial(gdal, geo=geo, depth=depth), place))
    return [
        *made,
        make("undeclared null", partial(gdal, null="none"), note="exactly -9999"),
        make("tiles", partial(gdal, tiled=True, blockxsize=16, blockysize=16, compress="deflate")),
        make("big", partial(gdal, BIGTIFF="YES")),
        make("world file", partial(with_world_file, suffix=".tfw"), note="location is that of grid.tfw"),
        make("another world file", partial(with_world_file, suffix=".tifw"), note="grid.tifw"),
        make("auxiliary file", with_aux, note="grid.tif.aux.xml"),
        make("control points", with_control_points, note="ground control points"),
        Dialect("ERDAS Imagine", "GDAL", partial(gdal, driver="HFA"), suffix=".img"),
        Dialect("ERDAS Imagine", "GDAL, packed", partial(gdal, driver="HFA", COMPRESSED="YES"), suffix=".img"),
        Dialect("VRT", "two parts", vrt, suffix=".vrt"),
    ]


DIALECTS = [
    *zmap_dialects(), *cps3_dialects(), *irap_dialects(), *gxf_dialects(), *gis_dialects(), *netcdf_dialects(),
    *geotiff_dialects(),
]  # fmt: skip
