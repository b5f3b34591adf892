#!/usr/bin/env python
"""What several heads and the input pipeline cost a training step: against one head, and against tensors in memory.

Steps of the kinds compared alternate, so that whatever else the machine does disturbs all alike; medians are printed.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np
import torch
from torch.utils.data import DataLoader

from mtl.config import PatchConfig, TrainConfig
from mtl.data.dataset import PatchDataset, prepare_sample
from mtl.data.sample import Batch
from mtl.data.samplers import EpochSampler
from mtl.models.checkpoint import build_net
from targets.common.cli import Names, run
from targets.synthetic.structure_maps import make_structure_map

ONE, FOUR, ALL = "trap", "trap,boundary,crest,dist", "trap,boundary,crest,dist,height,depth"


@dataclass
class Contest:
    """One kind of training: its network, and where its batches come from."""

    name: str
    net: torch.nn.Module
    heads: tuple
    optimizer: torch.optim.Optimizer
    batches: Iterator[Batch]

    def step(self) -> float:
        """Seconds of one step, loading included."""
        start = time.perf_counter()
        batch = next(self.batches)
        logits = self.net(batch["inputs"].contiguous(memory_format=torch.channels_last))
        sum(
            h.compute_loss(logits[h.name], batch[f"target/{h.name}"], batch[f"valid/{h.name}"]) for h in self.heads
        ).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return time.perf_counter() - start


def contest(name: str, config: TrainConfig, scenes: list, in_memory: bool) -> Contest:
    """A network and its batches: from the pipeline of `tools/train.py`, or made once and kept."""
    torch.manual_seed(0)
    net, inputs, heads = build_net(config, pretrained=False)
    samples = [prepare_sample(scene, inputs, heads, config.targets) for scene in scenes]
    patches = PatchDataset(samples, inputs, config.patches, config.augment)
    loader = DataLoader(patches, config.loop.batch_size, sampler=EpochSampler(len(patches), 0), drop_last=True)
    batches = cycle(list(loader)) if in_memory else (batch for _ in cycle([0]) for batch in loader)
    net = net.to(memory_format=torch.channels_last).train()
    return Contest(name, net, heads, torch.optim.AdamW(net.parameters()), batches)


def main(*, size: int = 128, maps: int = 32, steps: int = 30, inputs: str = "rgb,fault,depth") -> None:
    """Print seconds per step and ratios, with their limits.

    Parameters
    ----------
    size : side of maps and patches in cells.
    """
    scenes = [make_structure_map(seed, size) for seed in range(maps)]
    config = TrainConfig(heads=Names(ONE), inputs=Names(inputs), patches=PatchConfig(size, size))
    runs = [
        contest("one head", config, scenes, in_memory=True),
        contest("four heads", replace(config, heads=Names(FOUR)), scenes, in_memory=True),
        contest("six heads", replace(config, heads=Names(ALL)), scenes, in_memory=True),
        contest("four heads, input pipeline", replace(config, heads=Names(FOUR)), scenes, in_memory=False),
    ]
    for each in runs:
        each.step()
    times = np.array([[each.step() for each in runs] for _ in range(steps)])
    seconds = np.median(times, axis=0)
    batch, threads = config.loop.batch_size, torch.get_num_threads()
    print(f"{size}x{size} cells, batches of {batch}, {threads} threads, {steps} steps each")
    for each, value in zip(runs, seconds, strict=True):
        print(f"  {each.name:28s} {value:.3f} s a step")
    four, six = np.median(times[:, 1] / times[:, 0]), np.median(times[:, 2] / times[:, 0])
    print(f"  four heads over one: {four:.3f} (limit 1.10)   six over one: {six:.3f}")
    print(f"  rate with the pipeline over tensors in memory: {np.median(times[:, 1] / times[:, 3]):.3f} (limit 0.95)")


if __name__ == "__main__":
    run(main)
