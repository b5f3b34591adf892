"""What several looks at a tile say together: networks of an ensemble, mirrored and turned tiles, their mean and spread.

Averaging networks and reading where they disagree as uncertainty is Lakshminarayanan et al. 2017 (deep ensembles).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from mtl.config import Symmetry
from mtl.inference.tiling import Net
from mtl.tasks.base import Head
from targets.scene import Float

# Of each setting: quarter turns, and then whether left and right change places.
SYMMETRIES: dict[Symmetry, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "mirror": ((0, False), (0, True)),
    "flips": tuple(product((0, 2), (False, True))),
    "d4": tuple(product(range(4), (False, True))),
}


def std_name(name: str) -> str:
    """What the spread of a head is called, among values and as a file."""
    return f"{name}_spread"


def logits_name(name: str) -> str:
    """What the raw answer of a head is called."""
    return f"{name}_logits"


def relative_std(values: Mapping[str, Float]) -> dict[str, float]:
    """{`spread_of(head)`: sum of the spread over the sum of |values|} of a whole map; empty of a single look.

    Relative, because a map with little trap has little to disagree about: of 24 generated maps the mean spread is the
    smaller the worse a map is predicted.
    """
    return {
        spread: float(np.nansum(values[spread]) / max(np.nansum(np.abs(planes)), 1e-9))
        for name, planes in values.items()
        if (spread := std_name(name)) in values
    }


@dataclass(frozen=True)
class Ensemble:
    """Every network of an ensemble looks at a tile in every symmetry; each head is averaged by its own rule."""

    nets: Sequence[Net]
    heads: Sequence[Head]
    tta: Symmetry

    @property
    def has_std(self) -> bool:
        """Whether there is a spread."""
        return len(self.nets) * len(SYMMETRIES[self.tta]) > 1

    def __call__(self, tiles: Tensor) -> dict[str, Tensor]:
        """What is blended of tiles (B, C, H, W), square where they are turned by a quarter.

        {head: (B, channels, H, W) mean of values, or of logits where the head's rule says so}, and of several looks
        {`spread_of(head)`: standard deviation over the looks, in the head's unit}.
        """
        means = {head.name: RunningMoments() for head in self.heads}
        values = {h.name: means[h.name] if h.blend == "values" else RunningMoments() for h in self.heads}
        for logits in self._views(tiles):
            for head in self.heads:
                values[head.name].add(head.values(logits[head.name]))
                if head.blend == "logits":
                    means[head.name].add(head.main_logits(logits[head.name]))
        blended = {name: moments.mean for name, moments in means.items()}
        if self.has_std:
            blended |= {std_name(name): moments.std() for name, moments in values.items()}
        return blended

    def _views(self, tiles: Tensor) -> Iterator[dict[str, Tensor]]:
        """The logits of each network in each symmetry, turned back."""
        for turns, flip in SYMMETRIES[self.tta]:
            seen = torch.rot90(tiles, turns, (-2, -1))
            seen = seen.flip(-1) if flip else seen
            for net in self.nets:
                answer = {name: values.float() for name, values in net(seen).items()}
                yield {name: torch.rot90(v.flip(-1) if flip else v, -turns, (-2, -1)) for name, v in answer.items()}


class RunningMoments:
    """Mean and standard deviation of tensors that come one by one (Welford 1962): exactly 0 for equal ones."""

    mean: Tensor

    def __init__(self) -> None:
        self._count = 0

    def add(self, values: Tensor) -> None:
        """One more, of the shape of the first."""
        self._count += 1
        if self._count == 1:
            self.mean, self._squares = values, torch.zeros_like(values)
            return
        off = values - self.mean
        self.mean = self.mean + off / self._count
        self._squares += off * (values - self.mean)

    def std(self) -> Tensor:
        """Standard deviation of those seen, divided by their number."""
        return (self._squares / self._count).sqrt()
