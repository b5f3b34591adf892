"""Claims of size that no file keeps, and files that are none: pipes, devices, circles of links, nested folders."""

import gzip
import io
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

import numpy as np

from tests.soak.attack import Attack, Budget, Kind, refused, try_attacks
from tests.soak.kinds.samples import FAULTS, dome_depth, write_depth, write_maps

CLOSURES = ("closures", "in", "--out", "out")
HUGE = 40_000  # cells a side: more than memory holds
HEADS = {
    "top.irap": f"-996 {HUGE} 50 50\n0 {50 * HUGE} 0 {50 * HUGE}\n{HUGE} 0 0 0\n0 0 0 0 0 0 0\n1 2 3\n",
    "top.zmap": f"@TOP HEADER, GRID, 5\n15, 1E30, , 4, 1\n{HUGE}, {HUGE}, 0, 1, 0, 1\n0, 0, 0\n@\n1 2 3\n",
    "top.cps3": f"FSASCI 0 1 COMPUTED 0 1E30 0\nFSATTR 0 0\nFSLIMI 0 1 0 1 0 1\nFSNROW {HUGE} {HUGE}\n"
    "FSXINC 1 1\n->T\n1 2 3\n",
    "top.gxf": f"#POINTS\n{HUGE}\n#ROWS\n{HUGE}\n#PTSEPARATION\n1\n#RWSEPARATION\n1\n#GRID\n1 2 3\n",
    "top.asc": f"ncols {HUGE}\nnrows {HUGE}\nxllcorner 0\nyllcorner 0\ncellsize 50\nNODATA_value -9999\n1 2 3\n",
    "top.grd": f"DSAA\n{HUGE} {HUGE}\n0 1\n0 1\n0 1\n1 2 3\n",
    "top.xyz": "0 0 1\n1 0 2\n1000000000 1000000000 3\n0 1 2\n1 1 2\n",
    "top.csv": "x,y,depth\n0,0,1\n0.000001,0,2\n1000000,1000000,3\n",
}


def npy_head(shape: str, kind: str = "<f4") -> bytes:
    """The head of an array file."""
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()


def npz(members: dict[str, bytes], packed: bool = True) -> bytes:
    """An archive of arrays from raw bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def zeros_npz(side: int, kind: str = "|u1") -> bytes:
    """Legal zeros of any size in an archive of a few kilobytes."""
    size, out = side * side * np.dtype(kind).itemsize, io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("depth.npy", "w", force_zip64=True) as file,
    ):
        file.write(npy_head(f"({side}, {side})", kind))
        for at in range(0, size, 2**20):
            file.write(bytes(min(2**20, size - at)))
    return out.getvalue()


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A picture that claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def claims() -> dict[str, tuple[str, bytes]]:
    """{what: (file, content)}."""
    found = {f"a head of {HUGE} x {HUGE} cells, {name}": (name, text.encode()) for name, text in HEADS.items()}
    found |= {
        f"gzip of zeros behind a head, {name}": (f"{name}.gz", gzip.compress(text.encode() + b"0 " * 2**25, 6))
        for name, text in HEADS.items()
        if name in ("top.irap", "top.xyz")
    }
    many = {f"a{i}.npy": npy_head("(1, 1)") + bytes(4) for i in range(20_000)}
    found |= {
        "npy without its data": ("top.npy", npy_head(f"({HUGE}, {HUGE})")),
        "npy of negative sides": ("top.npy", npy_head("(-1, -1)") + bytes(4)),
        "npy of a side beyond 64 bits": ("top.npy", npy_head(f"({2**70}, 1)")),
        "npy of eight axes": ("top.npy", npy_head("(9, 9, 9, 9, 9, 9, 9, 9)")),
        "npy of objects": ("top.npy", npy_head("(2, 2)", "|O") + bytes(64)),
        "npy of long texts": ("top.npy", npy_head("(2, 2)", "<U400000000")),
        "npz of tiny records": ("top.npz", npz(many, packed=False)),
        "npz with one name twice": ("top.npz", npz({"depth.npy": npy_head("(9, 9)") + bytes(324)}) * 2),
        "npz, a record that claims more": ("top.npz", npz({"depth.npy": npy_head(f"({HUGE}, {HUGE})") + bytes(64)})),
        "npz of an array of texts": ("top.npz", npz({"depth.npy": npy_head("(2, 2)", "<U400000000")})),
        "npz with a location of 2 GiB": (
            "top.npz", npz({"depth.npy": npy_head("(9, 9)") + bytes(324), "x0.npy": npy_head("(536870912,)")}),
        ),
        "zeros of 16,384 x 16,384 bytes": ("top.npz", zeros_npz(16384)),
        "zeros of 16,384 x 16,384 doubles": ("top.npz", zeros_npz(16384, "<f8")),
        "zeros of 30,000 x 30,000 bytes": ("top.npz", zeros_npz(30_000)),
        "a picture of 65,535 pixels a side": ("map/depth_norm.png", png(65535, 65535)),
        "a picture of 12,000 pixels a side, all black": ("map/depth_norm.png", png(12000, 12000, bytes(12001 * 12000))),
        "a picture without rows": ("map/rgb.png", png(2**31 - 1, 1)),
        "a Surfer grid of 2^31 rows": ("top.grd", b"DSBB" + struct.pack("<hh6d", 32767, 32767, 0, 1, 0, 1, 0, 1)),
        "an IRAP binary of 2^31 columns": (
            "top.gri",
            struct.pack(">i", 32) + struct.pack(">ii6f", -996, 2**31 - 1, 0, 1, 0, 1, 1, 1) + struct.pack(">i", 32),
        ),
        "a netCDF of 2^31 rows": ("top.nc", b"CDF\x01" + struct.pack(">iiiiI", 0, 10, 1, 1, 2**31 - 1) * 3),
        "a gzip of a gzip": ("top.irap.gz", gzip.compress(gzip.compress(HEADS["top.irap"].encode()))),
        "fault lines of one long line": ("top_faults.csv", b"x,y,z,name\n" + b"1," * 2**24),
        "settings of 10 MB": ("map.yaml", b"a: b\n" * 2_000_000),
    }  # fmt: skip
    return found


def make_claim(name: str, content: bytes, words: Sequence[str], folder: Path) -> Sequence[str]:
    """Write the claim beside a good grid."""
    write_depth(dome_depth(), folder / "in" / "good.irap")
    path = folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return words


def make_sparse(name: str, head: bytes, size: int, folder: Path) -> Sequence[str]:
    """A file of a few bytes on the disk that claims many."""
    make_claim(name, head, CLOSURES, folder)
    with (folder / "in" / name).open("r+b") as file:
        file.truncate(size)
    return CLOSURES


def sizes(budget: Budget) -> Iterator[Attack]:
    """All claims, by tools that read them; sparse files of every name."""
    for what, (name, content) in claims().items():
        yield Attack(f"closures: {what}", partial(make_claim, name, content, CLOSURES))
        words = ("check_data", "in", "--out", "out")
        yield Attack(f"check_data: {what}", partial(make_claim, name, content, words))
        if name.endswith((".npy", ".tif")):
            tiled = ("closures", f"in/{name}", "--out", "out", "--tile", "64")
            yield Attack(f"closures --tile: {what}", partial(make_claim, name, content, tiled), refused)
    heads = {name: text.encode() for name, text in HEADS.items()}
    heads |= {"top_faults.csv": FAULTS.encode(), "top.pol": b"1 2 3\n999 999 999\n", "top.shp": b"\0\0\x27\x0a"}
    heads |= {"top.tif": b"II*\0\x08\0\0\0", "top.gri": b"\0\0\0\x20", "top.nc": b"CDF\x01", "top.h5": b"\x89HDF\r\n"}
    heads |= {"map/map.yaml": b"x0: 1\n", "map/rgb.png": b"\x89PNG\r\n\x1a\n", "top.prj": b"PROJCS[", "good.prj": b"P"}
    heads |= {"good.tfw": b"1\n", "good.aux.xml": b"<PAMDataset>", "top.geojson": b"{", "top.npz": b"PK\x03\x04"}
    for name, head in heads.items():
        for size in (2**33, 2**31 + 1):
            yield Attack(f"closures: {name} of {size} bytes, all but a few of them a hole",
                         partial(make_sparse, name, head, size))  # fmt: skip


# -- files that are none -----------------------------------------------------------------------------------------


def nested(path: Path) -> None:
    """1,200 folders in each other, deeper than a path may be long."""
    here = os.open(path.parent, os.O_RDONLY)
    for name in (path.name, *["d"] * 1200):
        os.mkdir(name, dir_fd=here)
        further = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = further
    os.close(here)


def listen(path: Path) -> None:
    """A socket; its path may be 100 letters long."""
    with socket.socket(socket.AF_UNIX) as server:
        before = Path.cwd()
        os.chdir(path.parent)
        server.bind(path.name)
        os.chdir(before)


def circle(path: Path) -> None:
    """Two links that lead to each other."""
    other = path.with_name(f"{path.name}.other")
    path.symlink_to(other)
    other.symlink_to(path)


def upwards(path: Path) -> None:
    """A link to the folder above."""
    path.symlink_to(path.parent.parent, target_is_directory=True)


NO_FILES: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a full device": lambda path: path.symlink_to("/dev/full"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "the kernel's memory map": lambda path: path.symlink_to("/proc/self/mem"),
    "a socket": listen,
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a circle of links": circle,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to the folder above": upwards,
    "1,200 nested folders": nested,
    "an unreadable file": lambda path: (path.write_bytes(b"x"), path.chmod(0))[1],
    "an empty file": Path.touch,
}
PLACES = {
    "a grid": ("in/top.irap", CLOSURES), "a binary grid": ("in/top.gri", CLOSURES),
    "a GeoTIFF": ("in/top.tif", CLOSURES),
    "a table": ("in/top.xyz", CLOSURES), "an archive": ("in/top.npz", CLOSURES), "netCDF": ("in/top.nc", CLOSURES),
    "a gzip": ("in/top.irap.gz", CLOSURES), "faults": ("in/good_faults.csv", CLOSURES),
    "sticks": ("in/top.pol", CLOSURES),
    "a shape": ("in/good_faults.shp", CLOSURES), "a mask": ("in/good.msk", CLOSURES),
    "a .prj": ("in/good.prj", CLOSURES),
    "a side file": ("in/good.irap.aux.xml", CLOSURES), "a world file": ("in/good.wld", CLOSURES),
    "a sidecar": ("in/dome0/map.yaml", CLOSURES), "a picture": ("in/dome0/rgb.png", CLOSURES),
    "a depth picture": ("in/dome0/depth_norm.png", CLOSURES), "traps": ("in/dome0/traps.png", ("check_data", "in")),
    "the fault file of an option": ("faults.csv", ("closures", "in", "--out", "out", "--fault_file", "faults.csv")),
    "a grid by tiles": ("top.tif", ("closures", "top.tif", "--out", "out", "--tile", "16")),
    "an array by tiles": ("top.npy", ("closures", "top.npy", "--out", "out", "--tile", "16")),
    "zarr": ("top.zarr", ("closures", "top.zarr", "--out", "out", "--tile", "16")),
    "settings": ("run.yaml", ("closures", "in", "--out", "out", "--config", "run.yaml")),
    "a network": ("best.ckpt", ("predict", "in", "--out", "out", "--checkpoint", "best.ckpt")),
    "weights": ("model.safetensors", ("predict", "in", "--out", "out", "--checkpoint", "model.safetensors")),
    "the output folder": ("out", CLOSURES), "the lock": ("out/.in_use", CLOSURES),
    "the journal": ("out/finished.jsonl", (*CLOSURES, "--resume")), "the result": ("out/good", CLOSURES),
    "the report": ("out/report.html", ("check_data", "in", "--out", "out")),
    "the run to resume": ("run/last.ckpt", ("train", "--resume", "--out", "run", "--data", "in")),
    "its settings": ("run/config.yaml", ("train", "--resume", "--out", "run", "--data", "in")),
}  # fmt: skip


def make_no_file(place: str, make: Callable[[Path], None], words: Sequence[str], folder: Path) -> Sequence[str]:
    """Put what is no file in the place of one, among good maps."""
    write_depth(dome_depth(), folder / "in" / "good.irap")
    write_maps(folder / "in", 1)
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        path.unlink()
    make(path)
    return words


def no_files(budget: Budget) -> Iterator[Attack]:
    """Every kind in every place."""
    cases = [(what, place) for what in NO_FILES for place in PLACES]
    Random(budget.seed).shuffle(cases)
    for what, place in cases[: budget.count]:
        path, words = PLACES[place]
        yield Attack(f"{what} as {place}", partial(make_no_file, path, NO_FILES[what], words))


SIZES = Kind(
    "claims of size", "an answer or one line, within 3 GiB and 120 s of the processor", partial(try_attacks, sizes), 500
)
NO_FILE = Kind(
    "files that are none", "an answer or one line; nothing is waited for", partial(try_attacks, no_files), 500
)
