"""Full disks of many sizes under every tool that writes."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

import numpy as np

from tests.soak.attack import Attack, Budget, Ended, Kind, run_tool, try_attacks
from tests.soak.kinds.samples import TINY_RUN, dome_depth, write_depth, write_maps

FORMATS = ("tif", "gri", "irap", "zmap", "cps3", "grd", "asc", "npz")
VECTORS = ("gpkg", "geojson", "parquet", "shp", "pol", "cps3", "csv")
TRAIN = ("train", "--data", "in", "--out", "out", *TINY_RUN, "--loop.epochs", "1")
COMMANDS: dict[str, Sequence[str]] = {
    **{f"closures to {form}": ("closures", "in", "--out", "out", "--grids", form) for form in FORMATS},
    **{f"closures to {form}": ("closures", "in", "--out", "out", "--vectors", form) for form in VECTORS},
    "closures --tile to GeoTIFF": ("closures", "big.tif", "--out", "out", "--tile", "64", "--min-area", "1",
                                   "--min-height", "0"),
    "closures --tile to zarr": ("closures", "big.npy", "--out", "out", "--tile", "64", "--min-area", "1",
                                "--min-height", "0"),
    "make_maps": ("make_maps", "--out", "out", "--count", "1", "--size", "64"),
    "make_salt": ("make_salt", "--out", "out", "--count", "2", "--test", "1"),
    "check_data": ("check_data", "in", "--out", "out"),
    "predict": ("predict", "in", "--out", "out", "--tta", "none", "--backend", "torch"),
    "evaluate": ("evaluate", "--data", "in", "--out", "out", "--tta", "none", "--backend", "torch"),
    "train": TRAIN,
    "export": ("export", "--out", "out.safetensors"),
}  # fmt: skip
SMALL = 20 * 2**20  # bytes of the largest file that any of them writes


def make(words: Sequence[str], folder: Path) -> Sequence[str]:
    """Write the maps that a command reads."""
    write_depth(dome_depth(), folder / "in" / "top.irap")
    write_maps(folder / "in")
    rng = np.random.default_rng(1)
    depth = rng.normal(2000, 10, (160, 160)).astype(np.float32)
    write_depth(depth, folder / "big.tif")
    np.save(folder / "big.npy", depth)
    return words


def whole_again(words: Sequence[str], folder: Path, ended: Ended) -> str:
    """With room again the same command gives an answer."""
    again = [*words, "--resume"] if words[0] == "train" and (folder / "out" / "last.ckpt").exists() else words
    second = run_tool(again, folder)
    if second.code or second.left:
        return f"with room again: exit {second.code}, {second.left or second.err.strip()[-300:]}"
    return ""


def same_files(words: Sequence[str], folder: Path, ended: Ended) -> str:
    """Where the command said that it was well, its files are those that it writes with room."""
    if ended.code == 0:
        (folder / "out").rename(folder / "first")
    found = whole_again(words, folder, ended)
    if found or ended.code:
        return found
    for path in (folder / "first").rglob("*"):
        other = folder / "out" / path.relative_to(folder / "first")
        if path.is_file() and path.suffix in (".tif", ".npy", ".irap", ".zmap", ".asc", ".csv", ".pol") and (
            path.read_bytes() != other.read_bytes()
        ):  # fmt: skip
            return f"exit 0, but {path.name} is not what it is with room"
    return ""


def disks(budget: Budget) -> Iterator[Attack]:
    """Sizes from a few bytes to that of the largest file, by all commands in turns."""
    random = Random(budget.seed)
    for number in range(budget.count):
        what = list(COMMANDS)[number % len(COMMANDS)]
        words, size = COMMANDS[what], int(10 ** random.uniform(2, 6.2))
        check = partial(same_files if words[0] == "closures" else whole_again, words)
        yield Attack(f"{what}, {size} bytes", partial(make, words), check, most=size)


KIND = Kind(
    "full disks", "one line, nothing half-written, the same command works with room", partial(try_attacks, disks), 400
)
