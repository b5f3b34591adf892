"""Degenerate grids and special values, in every format and by every tool that reads grids."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from tests.soak.attack import Attack, Budget, Ended, Kind, try_attacks
from tests.soak.kinds.samples import GRID_SUFFIXES, dome_depth, write_depth, write_points

SHAPES = ((1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (2, 2), (3, 3), (2, 40), (40, 40))
FILLS = {
    "dome": None, "flat": 2000.0, "zero": 0.0, "undefined": np.nan, "infinite": np.inf, "minus infinite": -np.inf,
    "1e300": 1e300, "denormal": 1e-310, "1e30": 1e30, "largest": 3.4e38, "one defined": None, "alternating": None,
    "random bits": None, "steep": None, "negative zero": -0.0,
}  # fmt: skip
ENGINE = (
    (), ("--contour-interval", "auto"), ("--contour-interval", "5"), ("--edge", "closed"), ("--connectivity", "4"),
    ("--depth-std", "5", "--realisations", "3"), ("--depth-std", "5", "--correlation", "100", "--realisations", "3"),
    ("--min-area", "0", "--min-height", "0"), ("--fill", "griddata"), ("--nodata", "none"), ("--elevation",),
    ("--nodata", "2000"),
)  # fmt: skip
OTHER_TOOLS = (
    ("check_data", "in", "--out", "out"),
    ("make_maps", "--grids", "in", "--out", "out", "--count", "1", "--longest", "64"),
    ("predict", "in", "--out", "out", "--tta", "none", "--backend", "torch"),
)


def fill(shape: tuple[int, int], name: str, random: Random) -> NDArray:
    """A depth of a shape with values of one kind."""
    rng, value = np.random.default_rng(random.randrange(2**32)), FILLS[name]
    if value is not None:
        return np.full(shape, value)
    depth = np.resize(dome_depth(40).astype(float), shape)
    if name == "one defined":
        depth[:] = np.nan
        depth[shape[0] // 2, shape[1] // 2] = 2000.0
    elif name == "alternating":
        depth = np.where(np.indices(shape).sum(0) % 2, np.nan, depth)
    elif name == "random bits":
        depth = rng.integers(0, 2**32, shape, np.uint32).view(np.float32).astype(float)
    elif name == "steep":
        depth = 10.0 ** rng.uniform(-30, 6, shape)
    return depth


def make(depth: NDArray, suffix: str, words: Sequence[str], folder: Path) -> Sequence[str]:
    """Write the grid beside a good one."""
    write_depth(dome_depth(), folder / "in" / "good.irap")
    (write_points if suffix == ".xyz" else write_depth)(depth, folder / "in" / f"bad{suffix}")
    return words


def make_tiled(depth: NDArray, suffix: str, words: Sequence[str], folder: Path) -> Sequence[str]:
    """Likewise, with the grids by name, as `--tile` needs them."""
    make(depth, suffix, words, folder)
    write_depth(dome_depth(), folder / "in" / "good.tif")
    if suffix == ".npy":
        np.save(folder / "in" / "bad.npy", depth)
    bad = next(path for path in (folder / "in").iterdir() if path.stem == "bad")
    return [words[0], bad, "in/good.tif", *words[1:]]


def good_is_done(folder: Path, ended: Ended) -> str:
    """What is wrong with one grid stops no other."""
    return "" if (folder / "out" / "good").is_dir() else f"the good grid was not done: {ended.err.strip()[-200:]}"


def degenerate(budget: Budget) -> Iterator[Attack]:
    """Shapes, values, formats and options in a random order."""
    random = Random(budget.seed)
    cases = list(product(SHAPES, FILLS, (*GRID_SUFFIXES, ".xyz", ".npy")))
    random.shuffle(cases)
    for shape, name, suffix in cases[: budget.count]:
        depth, what = fill(shape, name, random), f"{shape[0]} x {shape[1]} cells, {name}, {suffix}"
        engine = random.choice(ENGINE)
        kind = random.random()
        if suffix == ".npy" or kind < 0.2:
            form = suffix if suffix in (".npy", ".tif") else ".tif"
            tiled = ("closures", "--out", "out", "--tile", random.choice(("8", "16", "4096")), *engine)
            is_refused = {"--depth-std", "--fill"} & {*engine} or "auto" in engine
            check = (lambda folder, ended: "") if is_refused else good_is_done
            yield Attack(f"closures --tile {' '.join(engine)}: {what}", partial(make_tiled, depth, form, tiled), check)
        elif kind < 0.8:
            words = ("closures", "in", "--out", "out", *engine)
            yield Attack(f"closures {' '.join(engine)}: {what}", partial(make, depth, suffix, words), good_is_done)
        else:
            words = random.choice(OTHER_TOOLS)
            check = good_is_done if words[0] == "predict" else lambda folder, ended: ""
            yield Attack(f"{words[0]}: {what}", partial(make, depth, suffix, words), check)


KIND = Kind(
    "degenerate grids",
    "an answer or one line, and the other grids of the command are done",
    partial(try_attacks, degenerate),
    600,
)
