"""Measures how well closures are kept, dropped, joined and cut: by a fitted rule, closure by closure, by a trap head.

python docs/experiments/measure_objects.py --drawn 5 20 --seeds 3
python docs/experiments/measure_objects.py --interpreters sealing --checkpoint runs/cuts/best.ckpt
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from measure_interpreters import MAPS, SIZE, TEST_SEED, TRAINING_SEED, choose
from numpy.typing import NDArray
from scipy import ndimage

from mtl.config import THRESHOLD
from mtl.inference.predictor import load_predictor
from mtl.tasks.objects import LIKE, MapObjects, chosen_candidates, fit_choice, known_objects, map_objects
from targets.rules import fit_rules
from targets.scene import Scene
from targets.synthetic.interpreters.registry import INTERPRETERS, with_drawn_traps
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import label_interpreted_traps

Labels = NDArray[np.int32]
DECISIONS = ("keep", "drop", "join", "apart", "cut", "traps")
TOUCHED = 0.15  # of a closure: drawn to that part it was kept
WHOLE = 0.8  # drawn to less it was cut; an unsteady hand leaves that much of all but the smallest


def main() -> None:
    """Print a line for each interpreter, number of drawn maps and way to decide: F1 and the number of cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreters", nargs="+", default=list(INTERPRETERS))
    parser.add_argument("--drawn", nargs="+", type=int, default=[5, 20])
    parser.add_argument("--seeds", type=int, default=3, help="choices of the drawn maps")
    parser.add_argument("--checkpoint", type=Path, help="of a run on maps that the interpreter drew, with its rules")
    given = parser.parse_args()
    maps = {
        seed: [make_structure_map(seed * 100_000 + k, SIZE) for k in range(MAPS)] for seed in (TRAINING_SEED, TEST_SEED)
    }
    for name in given.interpreters:
        training, tests = ([with_drawn_traps(scene, name, seed) for scene in maps[seed]] for seed in maps)
        if given.checkpoint is not None:
            for way, sums in decide_by_network(given.checkpoint, tests).items():
                print(f"{name} | {given.checkpoint} | {way} | {describe(sums)}", flush=True)
            continue
        for count in given.drawn:
            counts = np.sum([decide(choose(training, count, seed), tests) for seed in range(given.seeds)], axis=0)
            for way, sums in zip(("rule", "objects"), counts, strict=True):
                print(f"{name} | {count} drawn | {way} | {describe(sums)}", flush=True)


def decide(drawn: Sequence[Scene], tests: Sequence[Scene]) -> NDArray[np.int64]:
    """(2, decisions, 3) hits, false and missed ones on test maps by the rule, and by the choice fitted without a network."""  # noqa: E501
    rules = fit_rules(drawn).rules
    numbers = fit_choice([known_objects(map_objects(one, rules), labels_of(one), one.group) for one in drawn])
    sums = np.zeros((2, len(DECISIONS), 3), np.int64)
    for scene in tests:
        objects, labels = map_objects(scene, rules), labels_of(scene)
        sums[0] += judge(objects, objects.rules, labels)
        sums[1] += judge(objects, chosen_labels(objects, numbers), labels)
    return sums


def decide_by_network(checkpoint: Path, tests: Sequence[Scene]) -> dict[str, NDArray[np.int64]]:
    """{way: (decisions, 3) as in `decide`} of a trained network's rules, trap head and choice of closures."""
    predictor = load_predictor(checkpoint, "cpu")
    sums: dict[str, NDArray[np.int64]] = {}
    for scene in tests:
        objects, answer = map_objects(scene, predictor.config.targets.traps), predictor(scene)
        found = {"rule": objects.rules} | {
            name: ndimage.label(answer[name][0] > THRESHOLD)[0] for name in ("trap", "objects")
        }
        for way, labels in found.items():
            sums[way] = sums.get(way, 0) + judge(objects, labels, labels_of(scene))
    return sums


def labels_of(scene: Scene) -> Labels:
    """The drawn traps of a map one by one."""
    assert scene.traps is not None
    return label_interpreted_traps(scene, scene.traps).labels


def chosen_labels(objects: MapObjects, numbers: NDArray[np.float64]) -> Labels:
    """The chosen candidates of a map one by one."""
    found = np.zeros(objects.scene.shape, np.int32)
    if objects.candidates:
        log_odds = np.nan_to_num(objects.table) @ numbers[:-2] + numbers[-2]
        for k in chosen_candidates([one.parent for one in objects.candidates], log_odds):
            found[objects.candidates[k].box][objects.candidates[k].cells] = k + 1
    return found


def judge(objects: MapObjects, found: Labels, drawn: Labels) -> NDArray[np.int64]:
    """(decisions, 3) hits, false and missed ones on one map, by labels of what was found and of what was drawn.

    A closure is kept if any of it is a trap, and cut if that is a part of it only. The two largest culminations of a
    closure, where both are drawn, are joined or apart by the labels at their crests. Traps are those found and drawn
    ones that are like each other.
    """
    kept, joined, apart, cut = [], [], [], []
    inside: list[list[int]] = [[] for _ in objects.candidates]
    for k, one in enumerate(objects.candidates):
        if one.parent >= 0:
            inside[one.parent].append(k)
        else:
            ours, theirs = ((labels[one.box][one.cells] > 0).mean() for labels in (found, drawn))
            kept.append((ours > 0, theirs > TOUCHED))
            cut.append((TOUCHED < ours < WHOLE, TOUCHED < theirs < WHOLE))
    for members in inside:
        largest = sorted(members, key=lambda k: -objects.candidates[k].cells.sum())[:2]
        if len(largest) == 2:
            places = np.array([crest_of(objects, k) for k in largest])
            (one, other), (his, her) = found[tuple(places.T)], drawn[tuple(places.T)]
            if his and her:
                joined.append((one == other > 0, his == her))
                apart.append((one != other and one > 0 and other > 0, his != her))
    dropped = [(not ours, not theirs) for ours, theirs in kept]
    sums = [agreement(pairs) for pairs in (kept, dropped, joined, apart, cut)]
    return np.array([*sums, matched_traps(found, drawn)], np.int64)


def crest_of(objects: MapObjects, number: int) -> tuple[int, int]:
    """Row and column of the shallowest cell of a candidate."""
    one = objects.candidates[number]
    depth = np.where(one.cells, objects.scene.depth[one.box], np.inf)
    row, col = np.unravel_index(int(depth.argmin()), depth.shape)
    return int(row) + one.box[0].start, int(col) + one.box[1].start


def agreement(pairs: Sequence[tuple[bool, bool]]) -> list[int]:
    """Hits, false and missed ones of decisions (ours, theirs)."""
    ours, theirs = np.array(pairs, bool).reshape(-1, 2).T
    return [int((ours & theirs).sum()), int((ours & ~theirs).sum()), int((~ours & theirs).sum())]


def matched_traps(found: Labels, drawn: Labels) -> list[int]:
    """Hits, false and missed traps; a hit has an IoU of at least `LIKE` with a drawn trap."""
    shared, _, _ = np.histogram2d(
        found.ravel(), drawn.ravel(), bins=[np.arange(found.max() + 2), np.arange(drawn.max() + 2)]
    )
    areas, theirs = shared.sum(axis=1), shared.sum(axis=0)
    iou = shared / np.maximum(areas[:, None] + theirs - shared, 1)
    hits = int((iou[1:, 1:].max(axis=1, initial=0) >= LIKE).sum())
    return [hits, int((areas[1:] > 0).sum()) - hits, len(theirs) - 1 - hits]


def describe(sums: NDArray[np.int64]) -> str:
    """F1 of each decision and the number of its cases."""
    f1 = 2 * sums[:, 0] / np.maximum(2 * sums[:, 0] + sums[:, 1] + sums[:, 2], 1)
    return ", ".join(
        f"{name} {value:.3f} ({hits + missed})"
        for name, value, (hits, _, missed) in zip(DECISIONS, f1, sums.tolist(), strict=True)
    )


if __name__ == "__main__":
    main()
