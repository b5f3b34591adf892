#!/usr/bin/env python
"""What several looks are worth: figures of one look, of symmetries and of an ensemble, and whether the spread finds
what is wrong.

On 24 generated maps of 128, 192 and 256 cells. Of the spread: the rank correlation of a map's relative spread of `trap`
with 1 - IoU (the worst maps first would be 1), and how well a cell's spread tells wrong cells from right ones (area
under the ROC curve, the mean over maps).
"""

from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from mtl.config import Symmetry
from mtl.inference.predictor import load_predictor
from mtl.inference.tta import relative_spread, spread_of
from mtl.metrics.base import THRESHOLD, pool
from targets.common.cli import Names, run
from targets.scene import Scene
from targets.synthetic.structure_maps import make_scene
from targets.truth.traps import find_truth

GENERATED = ((128, 12_900_000), (192, 19_300_000), (256, 25_700_000))  # cells a side, first of eight seeds
TRAP = "trap"


def figures(checkpoints: tuple[str, ...], tta: Symmetry, scenes: list[Scene]) -> str:
    """Each output's main figure over all maps pooled, and what the spread says."""
    predictor = load_predictor(checkpoints, device="cpu", tta=tta)
    sums: dict[str, list[dict[str, float]]] = {output.name: [] for output in predictor.outputs}
    spreads, misses, finds = [], [], []
    for scene in scenes:
        truth, values = find_truth(scene, predictor.config.targets), predictor(scene)
        for output in predictor.outputs:
            sums[output.name].append(output.score.count(values[output.name], *output.target(truth)))
        if predictor.looks.several and TRAP in sums:
            wrong = ((values[TRAP][0] > THRESHOLD) != (truth.labels > 0))[scene.map_valid]
            spreads.append(relative_spread(values)[spread_of(TRAP)])
            trap = next(output for output in predictor.outputs if output.name == TRAP)
            misses.append(1 - trap.score.ratios(sums[TRAP][-1])["iou"])
            if 0 < wrong.mean() < 1:
                finds.append(roc_auc_score(wrong, values[spread_of(TRAP)][0][scene.map_valid]))
    told = [
        f"{o.name} {o.score.best} {o.score.ratios(pool(sums[o.name]))[o.score.best]:.3f}" for o in predictor.outputs
    ]
    if spreads:
        rank = spearmanr(spreads, misses, nan_policy="omit")[0]
        told.append(f"spread: rank of maps {rank:.2f}, wrong cells {np.mean(finds):.2f}")
    return ", ".join(told)


def main(*, checkpoints: Names = Names("runs/demo/best.ckpt"), tta: Symmetry = "d4") -> None:  # noqa: B008 - immutable
    """Print the figures of each network, of all together, and of the first and all in several symmetries.

    Parameters
    ----------
    checkpoints : of networks of the same heads, with commas between them.
    tta : symmetries to try beside a single look.
    """
    if not all(Path(path).exists() for path in checkpoints):
        print(f"{checkpoints}: not there; run `make demo`, or name others with --checkpoints")
        return
    torch.set_num_threads(1)
    scenes = [make_scene(seed, size) for size, first in GENERATED for seed in range(first, first + 8)]
    alone: list[tuple[tuple[str, ...], Symmetry]] = [((path,), "none") for path in checkpoints]
    several: list[tuple[tuple[str, ...], Symmetry]] = [(checkpoints, "none")] if len(checkpoints) > 1 else []
    for paths, how in (*alone, *several, (checkpoints[:1], tta), *((p, tta) for p, _ in several)):
        print(f"{len(paths)} network(s), {how}: {figures(paths, how, scenes)}", flush=True)


if __name__ == "__main__":
    run(main)
