#!/usr/bin/env python
"""Test-time augmentation and ensembles: metrics of single networks and of averages, and whether the standard deviation
finds errors.

On 24 generated maps of 128, 192 and 256 cells. Of the standard deviation: the rank correlation of a map's relative one
of `trap` with 1 - IoU (the worst maps first would be 1), and how well a cell's tells wrong cells from right ones (area
under the ROC curve, the mean over maps).
"""

from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from mtl.config import THRESHOLD, Symmetry
from mtl.inference.predictor import load_predictor
from mtl.inference.tta import relative_std, std_name
from mtl.metrics.base import add_states
from targets.common.cli import Names, run
from targets.scene import Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import build_ground_truth

GENERATED = ((128, 12_900_000), (192, 19_300_000), (256, 25_700_000))  # cells a side, first of eight seeds
TRAP = "trap"


def summarise(checkpoints: tuple[str, ...], tta: Symmetry, scenes: list[Scene]) -> str:
    """The primary metric of each output over all maps, and what the standard deviation finds."""
    predictor = load_predictor(checkpoints, device="cpu", tta=tta)
    sums: dict[str, list[dict[str, float]]] = {output.name: [] for output in predictor.outputs}
    stds, misses, finds = [], [], []
    for scene in scenes:
        truth, values = build_ground_truth(scene, predictor.config.targets), predictor(scene)
        for output in predictor.outputs:
            sums[output.name].append(output.metric.update(values[output.name], *output.target(truth)))
        if predictor.ensemble.has_std and TRAP in sums:
            wrong = ((values[TRAP][0] > THRESHOLD) != (truth.labels > 0))[scene.map_valid]
            stds.append(relative_std(values)[std_name(TRAP)])
            trap = next(output for output in predictor.outputs if output.name == TRAP)
            misses.append(1 - trap.metric.compute(sums[TRAP][-1])["iou"])
            if 0 < wrong.mean() < 1:
                finds.append(roc_auc_score(wrong, values[std_name(TRAP)][0][scene.map_valid]))
    lines = []
    for output in predictor.outputs:
        primary = output.metric.primary
        lines.append(f"{output.name} {primary} {output.metric.compute(add_states(sums[output.name]))[primary]:.3f}")
    if stds:
        rank = spearmanr(stds, misses, nan_policy="omit")[0]
        lines.append(f"standard deviation: rank of maps {rank:.2f}, wrong cells {np.mean(finds):.2f}")
    return ", ".join(lines)


def main(*, checkpoints: Names = Names("runs/demo/best.ckpt"), tta: Symmetry = "d4") -> None:  # noqa: B008 - immutable
    """Print the metrics of each network, of all together, and of the first and all with test-time augmentation.

    Parameters
    ----------
    checkpoints : Names
        Checkpoints of networks of the same heads, with commas between them.
    tta : Symmetry, default 'd4'
        Symmetries of the test-time augmentation.
    """
    if not all(Path(path).exists() for path in checkpoints):
        print(f"{checkpoints}: not there; run `make demo`, or name others with --checkpoints")
        return
    torch.set_num_threads(1)
    scenes = [make_structure_map(seed, size) for size, first in GENERATED for seed in range(first, first + 8)]
    alone: list[tuple[tuple[str, ...], Symmetry]] = [((path,), "none") for path in checkpoints]
    several: list[tuple[tuple[str, ...], Symmetry]] = [(checkpoints, "none")] if len(checkpoints) > 1 else []
    for paths, how in (*alone, *several, (checkpoints[:1], tta), *((p, tta) for p, _ in several)):
        print(f"{len(paths)} network(s), {how}: {summarise(paths, how, scenes)}", flush=True)


if __name__ == "__main__":
    run(main)
