"""Measures the tables of docs/experiments/interpreters.md: default and fitted rules against what interpreters draw.

python docs/experiments/measure_interpreters.py --surfaces ../shared/data --out runs/interpreters
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from targets.io.catalogue import find_maps, read_map
from targets.io.read_options import ReadOptions
from targets.rules import fit_rules
from targets.scene import Bool, Scene
from targets.surface.resample import downsample
from targets.synthetic.interpreters.habits import label_traps
from targets.synthetic.interpreters.registry import INTERPRETERS, with_drawn_traps
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

SIZE, MAPS = 160, 30
TRAINING_SEED, TEST_SEED, SURFACE_SEED = 41, 42, 43  # as the comment of configs/ablations/interpreters.yaml
RESAMPLES = 2000
FIELDS = {"reek": "reek and drogon", "drogon": "reek and drogon"} | {
    field: field for field in ("fangst", "f3", "sleipner", "penobscot", "dem_sthelens")
}


def main() -> None:
    """Print a line for each interpreter, number of drawn maps and test set, and write the sums of every map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreters", nargs="+", default=list(INTERPRETERS))
    parser.add_argument("--drawn", nargs="+", type=int, default=[1, 2, 5, 20])
    parser.add_argument("--seeds", type=int, default=5, help="choices of the drawn maps")
    parser.add_argument(
        "--surfaces", type=Path, help="folder of the folders of real surfaces; none: generated maps alone"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/interpreters"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    generated = {
        seed: [make_structure_map(seed * 100_000 + k, SIZE) for k in range(MAPS)] for seed in (TRAINING_SEED, TEST_SEED)
    }
    surfaces = read_surfaces(given.surfaces) if given.surfaces else []
    for name in given.interpreters:
        training = [with_drawn_traps(scene, name, TRAINING_SEED) for scene in generated[TRAINING_SEED]]
        tests = {
            "generated": [with_drawn_traps(scene, name, TEST_SEED) for scene in generated[TEST_SEED]],
            "real": [with_drawn_traps(scene, name, SURFACE_SEED) for scene in surfaces],
        }
        tests = {key: scenes for key, scenes in tests.items() if scenes}
        habit = INTERPRETERS[name].habit
        judge(given.out, name, "own habit", tests, [lambda scene, habit=habit: label_traps(scene, habit) > 0])
        judge(given.out, name, "default rules", tests, [by_rules(TrapCriteria())])
        for count in given.drawn:
            start, fitted = perf_counter(), []
            for seed in range(given.seeds):
                found = fit_rules(choose(training, count, seed))
                fitted.append(by_rules(found.rules))
                print(f"  {name}, {count} drawn, choice {seed}: {found.sentence()}", flush=True)
            judge(given.out, name, f"{count} drawn", tests, fitted)
            print(f"  {(perf_counter() - start) / given.seeds:.1f} s a fit with its test", flush=True)


def read_surfaces(folder: Path) -> list[Scene]:
    """Real surfaces as `make_maps --longest 160` writes them, whose cells are the map's own; a field is one group."""
    scenes = []
    for field, group in FIELDS.items():
        sources = find_maps([folder / field], ReadOptions(quiet=True)).sources
        scenes += [downsample(read_map(source), SIZE).replace(group=group, coarsening=1.0) for source in sources]
    return scenes


def choose(scenes: Sequence[Scene], count: int, seed: int) -> list[Scene]:
    """Choose the maps that are drawn; on one of them at least there is a trap."""
    order = [scenes[k] for k in np.random.default_rng(seed).permutation(len(scenes))]
    first = next(k for k, scene in enumerate(order) if scene.traps is not None and scene.traps.any())
    order.insert(0, order.pop(first))
    return order[:count]


def by_rules(rules: TrapCriteria) -> Callable[[Scene], Bool]:
    """Map -> traps by some rules."""
    return lambda scene: compute_traps(scene, rules).labels > 0


def judge(
    out: Path, name: str, row: str, tests: dict[str, list[Scene]], answers: Sequence[Callable[[Scene], Bool]]
) -> None:
    """Print pooled IoU over maps, the mean of some answers, with its bootstrap interval; write the sums of maps."""
    for test, scenes in tests.items():
        sums = np.array([[count(answer(scene), scene) for scene in scenes] for answer in answers])
        groups = [scene.group for scene in scenes]
        low, high = interval(sums, groups)
        value = pooled(sums).mean()
        print(
            f"{name} | {test} | {row} | {value:.3f} [{low:.3f}, {high:.3f}] | {pooled(sums).round(3).tolist()}",
            flush=True,
        )
        with (out / "sums.csv").open("a", newline="", encoding="utf-8") as file:
            for seed, by_map in enumerate(sums.tolist()):
                lines = zip(scenes, by_map, strict=True)
                csv.writer(file).writerows([name, test, row, seed, scene.name, *pair] for scene, pair in lines)


def count(answer: Bool, scene: Scene) -> tuple[int, int]:
    """Cells of intersection and of union with what was drawn."""
    assert scene.traps is not None
    return int((answer & scene.traps & scene.map_valid).sum()), int(((answer | scene.traps) & scene.map_valid).sum())


def pooled(sums: NDArray) -> NDArray[np.float64]:
    """IoU over all maps: (answers, maps, 2) -> (answers,)."""
    total = sums.sum(axis=1)
    return np.asarray(total[:, 0] / np.maximum(total[:, 1], 1))


def interval(sums: NDArray, groups: Sequence[str]) -> tuple[float, float]:
    """The 95 % interval of the mean over answers: groups of maps and answers are drawn with replacement."""
    rng, members = np.random.default_rng(0), [np.flatnonzero(np.array(groups) == g) for g in sorted(set(groups))]
    means = []
    for _ in range(RESAMPLES):
        maps = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        means.append(pooled(sums[rng.integers(len(sums), size=len(sums))][:, maps]).mean())
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
