"""How long do the targets of a whole data set take? Prints seconds per 1,000 maps, and the ratio to the limit.

For each map its closures, and from them the target of every head of `mtl.tasks.heads`; scenes are in memory already.
The limit is 60 s for 1,000 maps of 700 x 700 cells on 2 cores.
"""

import argparse
import os
import time
from multiprocessing import get_context

from mtl.tasks.heads import HEADS
from targets.scene import Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import build_ground_truth

LIMIT = 60.0  # s per 1,000 maps
KINDS = 10  # different maps

maps: list[Scene] = []  # of a worker


def prepare(size: int) -> None:
    """In a worker, before the clock starts: make the maps."""
    maps.extend(make_structure_map(seed, size) for seed in range(KINDS))


def all_targets(number: int) -> dict[str, float]:
    """Seconds spent on the closures of a map and on each head's target."""
    spent, start = {}, time.perf_counter()
    answer = build_ground_truth(maps[number % KINDS])
    spent["closures"] = time.perf_counter() - start
    for name, head in HEADS.items():
        start = time.perf_counter()
        head.target(answer)
        spent[name] = time.perf_counter() - start
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="maps")
    parser.add_argument("--size", type=int, default=700, help="cells a side")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.environ["NUMBA_NUM_THREADS"] = "1"  # each worker has one core
    with get_context("spawn").Pool(arguments.workers, prepare, (arguments.size,)) as pool:
        runs = []
        for _ in range(1 + arguments.repeats):  # the first one compiles
            start = time.perf_counter()
            spent = pool.map(all_targets, range(arguments.count), chunksize=5)
            runs.append((time.perf_counter() - start, spent))
    wall, spent = min(runs[1:], key=lambda run: run[0])
    seconds = wall / arguments.count * 1000
    size = arguments.size
    print(f"\n{arguments.count} maps of {size} x {size}, targets of {len(HEADS)} heads, {arguments.workers} processes")
    print(f"  {seconds:.1f} s per 1,000 maps; limit {LIMIT:.0f} s, x{LIMIT / seconds:.2f}")
    print("  ms per map: " + ", ".join(f"{k} {sum(s[k] for s in spent) / len(spent) * 1e3:.1f}" for k in spent[0]))


if __name__ == "__main__":
    main()
