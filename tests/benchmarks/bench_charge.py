"""Finite charge beside richdem2's Fill-Spill-Merge: equal volumes in every cell, and the ratio of times.

`pip install richdem2` in an environment of its own (its module shares the name of py-richdem's), and give its Python:
``python tests/benchmarks/bench_charge.py --peer PEER/bin/python``. Runs alternate, and the least time of each counts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_closure import fractal, smooth
from numpy.typing import NDArray

from targets.closure import ChargeTree, fill_closures, find_closures, grow_charge_tree

PEER = """
import os, sys, time
import numpy as np
import richdem
given = np.load(sys.argv[1])
os.dup2(os.open(os.devnull, os.O_WRONLY), 1), os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
elevation = richdem.rdarray(np.pad(given["depth"].astype(float), 1, constant_values=-1e6), no_data=-9999)
water = richdem.rdarray(np.pad(given["charge"], 1), no_data=-9999)
labels = richdem.get_new_depression_hierarchy_labels(elevation.shape)
begin = time.perf_counter()
hierarchy, flow = richdem.get_depression_hierarchy(elevation, labels)
grown = time.perf_counter()
richdem.fill_spill_merge(elevation, labels, flow, hierarchy, water)
filled = time.perf_counter()
np.savez(sys.argv[2], water=np.asarray(water)[1:-1, 1:-1], times=[grown - begin, filled - grown])
"""


def ask_peer(python: str, depth: NDArray, charge: NDArray) -> tuple[NDArray, NDArray]:
    """Height of the fluid in each cell, and seconds for the tree and for the charge."""
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "answer.npz"
        np.savez(given, depth=depth, charge=charge)
        subprocess.run([python, "-c", PEER, str(given), str(answer)], check=True, timeout=600)
        found = np.load(answer)
        return found["water"], found["times"]


def ambiguous_cells(tree: ChargeTree) -> int:
    """In how many cells three highs meet: which of two neighbours one of them spills into is a choice there."""
    depth = np.pad(tree.closures.grid.depth.astype(float), 1, constant_values=np.inf)
    drain, width = np.pad(tree.drain, 1), tree.drain.shape[1]
    row, col = np.divmod(np.unique(tree.highs.saddles.cell), width)
    around = [(row + r, col + c) for r in range(3) for c in range(3)]
    ends = np.stack([np.where(depth[at] < depth[row + 1, col + 1], drain[at], -1) for at in around])
    ends.sort(axis=0)
    return int((((np.diff(ends, axis=0) != 0).sum(axis=0) + (ends[0] >= 0)) > 2).sum())


def compare(name: str, depth: NDArray, charge: NDArray, python: str, repeats: int) -> None:
    """Print one row: times of both, in ns per cell, and the largest difference of heights."""
    ours, theirs = [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        tree = grow_charge_tree(find_closures(depth))
        grown = time.perf_counter()
        height = fill_closures(tree, charge).height
        ours.append((grown - begin, time.perf_counter() - grown))
        water, times = ask_peer(python, depth, charge)
        theirs.append(times)
    (tree_ns, fill_ns), (peer_tree, peer_fill) = (np.min(times, axis=0) / depth.size * 1e9 for times in (ours, theirs))
    apart = np.abs(height - water)
    both = (peer_tree + peer_fill) / (tree_ns + fill_ns)
    print(f"\n{name} {depth.shape[0]} x {depth.shape[1]}, ns per cell, least of {repeats}")
    print(f"  find_closures and tree {tree_ns:6.1f}   a charge {fill_ns:6.1f}")
    print(f"  richdem2, hierarchy    {peer_tree:6.1f}   a charge {peer_fill:6.1f}")
    print(f"  ratio: x{both:.1f} together, x{peer_fill / fill_ns:.1f} for each further charge")
    print(f"  heights differ by at most {apart.max(initial=0):.2g}, in {(apart > 1e-9).sum()} cells; volumes by "
          f"{abs(height.sum() / water.sum() - 1):.2g}; three highs meet in {ambiguous_cells(tree)} cells",
          flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default=sys.executable, help="a Python that has richdem2")
    parser.add_argument("--size", type=int, default=1000, help="cells a side")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for make in (smooth, fractal):
        depth = make(arguments.size).astype(np.float64)
        depth += np.random.default_rng(2).uniform(0, 1e-4, depth.shape)  # no two are equal: no choice of ways
        tree = grow_charge_tree(find_closures(depth))
        charge = np.full(depth.shape, tree.columns.capacity.sum() / depth.size / 2)
        compare(make.__name__, depth, charge, arguments.peer, arguments.repeats)


if __name__ == "__main__":
    main()
