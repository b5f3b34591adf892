"""Run plan: maps, patches and steps of a training run, printed before it starts."""

import math
from dataclasses import dataclass

from mtl.data.samplers import count_batches


@dataclass(frozen=True)
class RunPlan:
    """What a run will do, in numbers.

    Attributes
    ----------
    maps, validation_maps : int
        Maps to train on and to validate on.
    patches : int
        Different patches of the training maps.
    patches_per_epoch : int
        Patches of an epoch, repetitions counted.
    batch_size : int
        Patches of a batch in each process.
    accumulate_batches : int
        Batches per optimiser step.
    epochs : int
        Epochs of the whole run.
    processes : int, default 1
        Processes that train together.

    Examples
    --------
    >>> print(RunPlan(6, 2, patches=24, patches_per_epoch=24, batch_size=8, accumulate_batches=1, epochs=10))
    6 training maps -> 24 patches, 2 validation maps; 24 patches an epoch in 3 steps of 8; 10 epochs, 30 steps, 240 patches in all
    """  # noqa: E501 - one line is printed

    maps: int
    validation_maps: int
    patches: int
    patches_per_epoch: int
    batch_size: int
    accumulate_batches: int
    epochs: int
    processes: int = 1

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        batches = count_batches(self.patches_per_epoch, self.batch_size, self.processes)
        return math.ceil(batches / self.accumulate_batches)

    def __str__(self) -> str:
        step = self.batch_size * self.accumulate_batches * self.processes
        steps, patches = self.steps_per_epoch * self.epochs, self.patches_per_epoch * self.epochs
        return (
            f"{self.maps} training maps -> {self.patches} patches, {self.validation_maps} validation maps; "
            f"{self.patches_per_epoch} patches an epoch in {self.steps_per_epoch} steps of {step}; "
            f"{self.epochs} epochs, {steps} steps, {patches} patches in all"
            + (f"; {self.processes} processes" if self.processes > 1 else "")
        )
