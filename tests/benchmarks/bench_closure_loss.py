#!/usr/bin/env python
"""What the loss `closure` costs a training step, as a ratio to the same step of a slim network without it.

Steps with and without it alternate. Times are those of the processor, all threads added up, so that other work on the
machine counts little.
"""

import time

import numpy as np
import torch

from mtl.config import NetConfig, OptimConfig, PatchConfig, TrainConfig
from mtl.data.dataset import PatchDataset, prepare_sample
from mtl.data.sample import Batch, traps_of
from mtl.models.checkpoint import build_net
from targets.common.cli import Names, run
from targets.synthetic.structure_maps import make_structure_map

SLIM = NetConfig("unet", "timm-mobilenetv3_small_minimal_100", "none", [64, 48, 32, 16, 16])
LOSSES = {"without": "smooth_l1+slopes", "with": "smooth_l1+slopes+closure"}


class Contest:
    """A network of heads trap and depth, and one batch that it trains on."""

    def __init__(self, loss: str, size: int, batch_size: int) -> None:
        torch.manual_seed(0)
        config = TrainConfig(
            heads=Names("trap,depth"), inputs=Names("rgb"), net=SLIM, patches=PatchConfig(size, size),
            optim=OptimConfig(losses={"depth": loss}),
        )  # fmt: skip
        self.net, inputs, self.heads = build_net(config, pretrained=False)
        scenes = [make_structure_map(seed, size) for seed in range(batch_size)]
        samples = [prepare_sample(scene, inputs, self.heads, config.targets, with_traps=True) for scene in scenes]
        patches = PatchDataset(samples, inputs, config.patches, config.augment)
        self.batch: Batch = torch.utils.data.default_collate([patches[key] for key in range(batch_size)])
        self.optimizer = torch.optim.AdamW(self.net.train().parameters())

    def step(self) -> float:
        """Seconds of processor time of one step."""
        start, batch = time.process_time(), self.batch
        logits, traps = self.net(batch["inputs"]), traps_of(batch)
        losses = [
            head.compute_loss(logits[head.name], batch[f"target/{head.name}"], batch[f"valid/{head.name}"], traps)
            for head in self.heads
        ]
        sum(losses).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return time.process_time() - start


def main(*, size: int = 128, batch_size: int = 8, steps: int = 30) -> None:
    """Print seconds per step and their ratio, with its limit.

    Parameters
    ----------
    size : side of maps and patches in cells.
    """
    contests = [Contest(loss, size, batch_size) for loss in LOSSES.values()]
    for contest in contests:
        contest.step()
    times = np.array([[contest.step() for contest in contests] for _ in range(steps)])
    for name, seconds in zip(LOSSES, np.median(times, axis=0), strict=True):
        print(f"  {name:8s} {1e3 * seconds:.0f} ms a step of {batch_size} patches of {size} x {size} cells")
    print(f"  with over without: {np.median(times[:, 1] / times[:, 0]):.3f} (limit 1.15)")


if __name__ == "__main__":
    run(main)
