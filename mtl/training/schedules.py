"""Learning-rate schedules by optimiser step."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from mtl.config import OptimConfig


def cosine_with_warmup(step: int, steps: int, warmup: int) -> float:
    """Learning rate over its peak: linear warm-up, then half a cosine to zero (Loshchilov & Hutter 2017).

    Parameters
    ----------
    step : int
        The optimiser step, from 0.
    steps : int
        Optimiser steps of the whole run.
    warmup : int
        Steps of the warm-up, at least 1.

    Examples
    --------
    >>> [round(cosine_with_warmup(step, steps=100, warmup=10), 3) for step in (0, 9, 55, 100)]
    [0.1, 1.0, 0.5, 0.0]
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


class _Resumable(LRScheduler):
    """A schedule whose state is its position alone, so that a resumed run may have another number of steps."""

    POSITION = ("last_epoch", "_step_count", "_last_lr", "base_lrs", "lr_lambdas")

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the position of a checkpoint, at the rate that it has now."""
        super().load_state_dict({name: state_dict[name] for name in self.POSITION if name in state_dict})
        self.last_epoch, count = self.last_epoch - 1, self._step_count
        self._step_count += 1  # at its first step torch asks whether the optimiser has made one
        self.step()
        self._step_count = count


class ResumableLambda(_Resumable, LambdaLR):
    """torch's LambdaLR."""


class ResumableOneCycle(_Resumable, OneCycleLR):
    """torch's OneCycleLR."""


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
        warmup = max(1, round(optim.warmup_fraction * steps))
        # of a partial torch saves no numbers: a resumed run may have another number of steps
        return ResumableLambda(optimizer, partial(cosine_with_warmup, steps=steps, warmup=warmup))
    if optim.schedule == "one_cycle":
        steps = max(4, count_steps())  # torch divides by the length of either part less one step
        peaks = [group["lr"] for group in optimizer.param_groups]
        return ResumableOneCycle(optimizer, peaks, total_steps=steps, pct_start=max(optim.warmup_fraction, 2 / steps))
    return None
