"""Soak of the closure engine: maps of special values and of any bits, with bounds of arrays checked in every kernel.

``python -m tests.soak.closures [maps] [first seed]`` starts itself again with ``NUMBA_BOUNDSCHECK=1``, kernels compiled
anew.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from targets.errors import UserError
from tests.targets.closure.cases import keep_rasters_in_memory
from tests.targets.closure.test_special_values import BASES, INTERVALS, SPECIAL, check_extreme

LARGEST = {np.float32: [3.4e38, -3.4e38], np.float64: [1e308, -1e308, 5e-324]}


def random_map(rng: np.random.Generator) -> tuple[NDArray, dict]:
    """A map of one of four kinds with special values strewn in, and any options."""
    shape = tuple(rng.integers(1, 14, 2))
    kind = rng.choice([np.float32, np.float64])
    with np.errstate(all="ignore"):
        depth = [
            lambda: rng.normal(size=shape) * 10.0 ** rng.integers(-40, 38),
            lambda: np.full(shape, rng.choice(SPECIAL)),
            lambda: rng.choice(SPECIAL, shape),
            lambda: rng.integers(0, 2**64, shape, np.uint64).view(np.float64),
        ][rng.integers(4)]().astype(kind)
        strewn = rng.choice(np.array([*SPECIAL, *LARGEST[kind]], kind), shape)
        depth = np.where(rng.random(shape) < rng.choice([0, 0.1, 0.5]), strewn, depth)
    options = {
        "edge": str(rng.choice(["open", "closed"])),
        "connectivity": int(rng.choice([4, 8])),
        "contour_interval": INTERVALS[rng.integers(len(INTERVALS))],
        "contour_base": BASES[rng.integers(len(BASES))],
        "min_area": int(rng.choice([0, 2])),
    }
    if rng.random() < 0.3:
        options["valid"] = rng.random(shape) > 0.2
    if rng.random() < 0.3:
        faults = rng.integers(0, 3, shape)
        rules = {int(k): str(rng.choice(["sealing", "leaking", "transparent"])) for k in np.unique(faults) if k}
        options |= {"faults": faults, "fault_rule": rules}
    return depth, options


def main(count: int, first: int) -> None:
    """Try so many maps and print what became of them."""
    began, failures = time.monotonic(), 0
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        keep_rasters_in_memory(patch)
        for seed in range(first, first + count):
            try:
                check_extreme(*random_map(np.random.default_rng(seed)), Path(folder))
            except (AssertionError, IndexError, ValueError, UserError) as error:
                failures += 1
                print(f"seed {seed}: {type(error).__name__}: {str(error).strip().splitlines()[0]}", flush=True)
    print(f"{count} maps with bounds checked, {failures} failures, {time.monotonic() - began:.0f} s")
    sys.exit(failures > 0)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "3000", "0"][:2] if len(sys.argv) < 3 else sys.argv[1:3]
    if os.environ.get("NUMBA_BOUNDSCHECK") == "1":
        main(int(arguments[0]), int(arguments[1]))
    else:
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": cache}
            command = [sys.executable, "-m", "tests.soak.closures", *arguments]
            sys.exit(subprocess.run(command, env=environment).returncode)
