"""Run plan: maps, patches and steps of a training run, printed before it starts."""

import math
from dataclasses import dataclass

from mtl.data.samplers import number_of_batches


@dataclass(frozen=True)
class RunPlan:
    """What one run will do, in numbers: printed before it starts.

    Attributes
    ----------
    patches : int
        Different ones; shown : in an epoch, repetitions counted; batch : of each process.
    """

    maps: int
    validation_maps: int
    patches: int
    patches_per_epoch: int
    batch: int
    accumulate: int
    epochs: int
    processes: int = 1

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        return math.ceil(number_of_batches(self.patches_per_epoch, self.batch, self.processes) / self.accumulate)

    def __str__(self) -> str:
        return (
            f"{self.maps} training maps -> {self.patches} patches, {self.validation_maps} validation maps; "
            f"{self.patches_per_epoch} patches an epoch in {self.steps_per_epoch} steps of {self.batch * self.accumulate * self.processes}; "
            f"{self.epochs} epochs, {self.steps_per_epoch * self.epochs} steps, {self.patches_per_epoch * self.epochs} patches in all"
            + (f"; {self.processes} processes" if self.processes > 1 else "")
        )
