"""Learning-rate schedules."""

import math


class CosineWithWarmup:
    """Rate over its peak at a step: linear warm-up, then half a cosine to zero. A class, because it must pickle."""

    def __init__(self, steps: int, warmup: int) -> None:
        self.steps, self.warmup = steps, warmup

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))))
