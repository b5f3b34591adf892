"""Run plan: maps, patches and steps of a training run, printed before it starts."""

import math
from dataclasses import dataclass

from mtl.data.samplers import number_of_batches


@dataclass(frozen=True)
class FlightPlan:
    """What one run will do, in numbers: printed before it starts.

    Attributes
    ----------
    patches : int
        Different ones; shown : in an epoch, repetitions counted; batch : of each process.
    """

    maps: int
    validation_maps: int
    patches: int
    shown: int
    batch: int
    accumulate: int
    epochs: int
    processes: int = 1

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return math.ceil(number_of_batches(self.shown, self.batch, self.processes) / self.accumulate)

    def __str__(self) -> str:
        return (
            f"{self.maps} training maps -> {self.patches} patches, {self.validation_maps} validation maps; "
            f"{self.shown} patches an epoch in {self.steps} steps of {self.batch * self.accumulate * self.processes}; "
            f"{self.epochs} epochs, {self.steps * self.epochs} steps, {self.shown * self.epochs} patches in all"
            + (f"; {self.processes} processes" if self.processes > 1 else "")
        )
