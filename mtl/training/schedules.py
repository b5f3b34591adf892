"""Learning-rate schedules by optimiser step."""

import math
from collections.abc import Callable

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from mtl.config import OptimConfig


class CosineWithWarmup:
    """Learning rate over its peak: linear warm-up, then half a cosine to zero (Loshchilov & Hutter 2017).

    A class rather than a closure, because a schedule is pickled.

    Parameters
    ----------
    steps : int
        Optimiser steps of the whole run.
    warmup : int
        Steps of the warm-up, at least 1.

    Examples
    --------
    >>> schedule = CosineWithWarmup(steps=100, warmup=10)
    >>> [round(schedule(step), 3) for step in (0, 9, 55, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """

    def __init__(self, steps: int, warmup: int) -> None:
        self.steps, self.warmup = steps, warmup

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))))


def make_schedule(optimizer: Optimizer, optim: OptimConfig, count_steps: Callable[[], int]) -> LRScheduler | None:
    """The schedule of `optim.schedule`, advanced after every optimiser step.

    Parameters
    ----------
    optimizer : Optimizer
        Its parameter groups hold the peak rates.
    optim : OptimConfig
        Names the schedule and its warm-up.
    count_steps : Callable[[], int]
        () -> optimiser steps of the whole run; not called where the schedule does not depend on them.

    Returns
    -------
    None for `constant`, and for `plateau`, which follows a metric (`mtl.training.callbacks.plateau`).
    """
    if optim.schedule == "cosine":
        steps = count_steps()
        return LambdaLR(optimizer, CosineWithWarmup(steps, max(1, round(optim.warmup_fraction * steps))))
    if optim.schedule == "one_cycle":
        steps = max(4, count_steps())  # torch divides by the length of either part less one step
        peaks = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, peaks, total_steps=steps, pct_start=max(optim.warmup_fraction, 2 / steps))
    return None
