"""Maps and comparisons that several tests of closures share."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from targets.closure import out_of_core

RULES = ["transparent", "sealing", "leaking"]

RIDGE = np.array(
    [
        [9, 9, 9, 9, 9, 9, 1, 9],
        [9, 6, 8, 5, 3, 7, 4, 9],  # 6 leaks at 8 up-dip into the closure of 3, which leaks at 7 past 4 to the edge at 1
        [9, 9, 9, 9, 9, 9, 9, 9],
    ]
)


IN_MEMORY: dict[Path, NDArray] = {}


def keep_rasters_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `find_closures_tiled` give arrays in place of files, which takes a tenth of the time."""

    def create(path: Path, shape: Any, kind: Any, tile: int, like: Any) -> NDArray:
        IN_MEMORY[path] = np.empty(shape, kind)
        return IN_MEMORY[path]

    monkeypatch.setattr(out_of_core, "create_raster", create)
    monkeypatch.setattr(out_of_core, "move_raster", lambda path, target: IN_MEMORY.pop(path))


def rough(seed: int, shape: tuple[int, int] = (30, 35)) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape).cumsum(0).cumsum(1)


def dome(shape: tuple[int, int], row: float, col: float, top: float, slope: float) -> NDArray:
    """A cone: depth grows by `slope` per cell away from its top."""
    r, c = np.indices(shape)
    return top + slope * np.hypot(r - row, c - col)


def same_partition(a: NDArray, b: NDArray) -> bool:
    """Whether two label maps draw the same pieces, whatever their numbers."""
    pairs = np.unique(np.stack([a.ravel(), b.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1] and ((a == 0) == (b == 0)).all()


@st.composite
def maps(draw: st.DrawFn) -> tuple[NDArray, dict[str, Any]]:
    """A small map with plateaus, and every kind of option."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    kind = draw(st.sampled_from([np.float32, np.float64, np.uint8, np.uint16, np.int16]))
    top = draw(st.sampled_from([1, 2, 4, 9, 30]))
    depth = draw(arrays(kind, shape, elements=st.integers(0, top)))
    options: dict[str, Any] = {
        "edge": draw(st.sampled_from(["open", "closed"])),
        "connectivity": draw(st.sampled_from([4, 8])),
    }
    if draw(st.booleans()):
        options["contour_interval"] = draw(st.sampled_from([0.3, 0.7, 1.0, 2.5, 3.0, 10.0]))
        options["contour_base"] = draw(st.sampled_from([0.0, 0.3, -7.0]))
    if depth.dtype.kind == "f" and draw(st.booleans()):
        depth = np.where(draw(arrays(bool, shape)), depth * kind(0.1), depth)
        depth[draw(arrays(np.uint8, shape, elements=st.integers(0, 9))) == 9] = np.nan
    if draw(st.booleans()):
        options["valid"] = draw(arrays(np.uint8, shape, elements=st.integers(0, 6))) > 0
    if draw(st.booleans()):
        options["faults"] = draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 0, 1, 2])))
        if draw(st.booleans()):
            options["fault_rule"] = draw(st.sampled_from(RULES))
        else:
            options["fault_rule"] = {int(k): draw(st.sampled_from(RULES)) for k in np.unique(options["faults"]) if k}
    return depth, options
