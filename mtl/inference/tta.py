"""Test-time augmentation and deep ensembles: per-cell mean and standard deviation over networks and symmetries.

Averaging networks and reading their disagreement as uncertainty: Lakshminarayanan et al. 2017 (deep ensembles).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtl.config import Symmetry
from mtl.data.symmetries import SYMMETRIES, d4_transform, invert_d4
from mtl.inference.tiling import Net
from mtl.tasks.base import Head
from targets.scene import Float


def std_name(name: str) -> str:
    """Name of a head's standard deviation, among predictions and as a file.

    Examples
    --------
    >>> std_name("trap")
    'trap_std'
    """
    return f"{name}_std"


def logits_name(name: str) -> str:
    """Name of a head's logits among what is blended."""
    return f"{name}_logits"


def relative_std(predictions: Mapping[str, Float]) -> dict[str, float]:
    """Uncertainty of a whole map by head: sum of the standard deviation over the sum of |values|.

    Relative, because a map with little trap has little to disagree about; see docs/experiments/inference.md.

    Parameters
    ----------
    predictions : Mapping[str, Float]
        {output: (C, H, W)} of a predictor.

    Returns
    -------
    {`std_name(head)`: relative standard deviation}; empty without an ensemble or test-time augmentation.

    Examples
    --------
    >>> relative_std({"trap": np.array([[[0.5, 0.0]]]), "trap_std": np.array([[[0.1, 0.1]]])})
    {'trap_std': 0.4}
    """
    return {
        std: float(np.nansum(predictions[std]) / max(np.nansum(np.abs(values)), 1e-9))
        for name, values in predictions.items()
        if (std := std_name(name)) in predictions
    }


@dataclass(frozen=True)
class Ensemble:
    """Networks that predict a tile in several symmetries, as one network: each head is averaged by its own rule.

    Attributes
    ----------
    nets : Sequence[Net]
        Members, of the same heads.
    heads : Sequence[Head]
        Their heads; `Head.blend` says whether values or logits are averaged.
    tta : Symmetry
        Symmetries in which every member predicts every tile.
    """

    nets: Sequence[Net]
    heads: Sequence[Head]
    tta: Symmetry

    @property
    def has_std(self) -> bool:
        """Whether there are several views, and so a standard deviation."""
        return len(self.nets) * len(SYMMETRIES[self.tta]) > 1

    def __call__(self, tiles: Tensor) -> dict[str, Tensor]:
        """Predict tiles.

        Parameters
        ----------
        tiles : (B, C, H, W) float32
            Inputs; H equals W where symmetries turn by a quarter.

        Returns
        -------
        {head: (B, channels, H, W) mean of values, or of logits where the head's rule says so}, and of several views
        {`std_name(head)`: standard deviation of the values over the views, in the head's unit}.
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
            view = d4_transform(tiles, turns, flip)
            for net in self.nets:
                logits = {name: values.float() for name, values in net(view).items()}
                yield {name: invert_d4(v, turns, flip) for name, v in logits.items()}


class RunningMoments:
    """Mean and standard deviation of tensors that come one by one (Welford 1962): exactly 0 for equal ones.

    Examples
    --------
    >>> moments = RunningMoments()
    >>> for value in (1.0, 3.0):
    ...     moments.add(torch.tensor(value))
    >>> float(moments.mean), float(moments.std())
    (2.0, 1.0)
    """

    mean: Tensor

    def __init__(self) -> None:
        self._count = 0

    def add(self, values: Tensor) -> None:
        """Add a tensor, of the shape of the first."""
        self._count += 1
        if self._count == 1:
            self.mean, self._squares = values, torch.zeros_like(values)
            return
        off = values - self.mean
        self.mean = self.mean + off / self._count
        self._squares += off * (values - self.mean)

    def std(self) -> Tensor:
        """Standard deviation of the tensors so far, over their number (no correction)."""
        return (self._squares / self._count).sqrt()
