"""The final answer where a run has several about traps: what is learned and what is computed from it, weighed."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from torch import nn

from mtl.distributed.collectives import all_gather_objects
from mtl.tasks.base import Output
from targets.scene import Bool, Float

MAX_PROBABILITY = 0.99  # a computed mask is 0 or 1; it counts as this sure, so that its logit is finite
MIN_IOU_GAIN = 0.02  # of intersection over union on the maps it is fitted to, by which it must exceed the best answer alone
CELLS_PER_MAP = 20_000  # of one map that the weights are fitted to; more would not change four numbers


class Stacking(nn.Module):
    """A logistic regression on the logits of several trap probabilities; until it is fitted, their mean.

    One for each set of inputs by which a map may be known: what is computed from a given depth deserves more trust
    than what is computed from a picture. It is moved so that 0.5 is the threshold of the largest intersection over
    union: few cells are trap, and the likeliest answer for a cell is too often no. Where it gains little over the best
    of the answers, that one is taken alone: closures are exact on maps of any kind, what is learned may not be.

    Parameters
    ----------
    parts
        The outputs that say where the traps are.
    sets
        Of inputs.
    """

    weights: torch.Tensor
    offset: torch.Tensor

    def __init__(self, parts: Sequence[Output], sets: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.output_names = tuple(part.name for part in parts)
        self.input_sets = [frozenset(names) for names in sets]
        self.register_buffer("weights", torch.full((len(sets), len(parts)), 1 / len(parts)))
        self.register_buffer("offset", torch.zeros(len(sets)))

    def forward(self, maps: Mapping[str, Float], shown: Sequence[str]) -> Float:
        """(1, H, W) probability of trap of a map that is known by some inputs, NaN outside the map."""
        row = self.input_sets.index(frozenset(shown))
        logits = np.tensordot(self.weights[row].cpu().numpy(), self._logits(maps), axes=1) + float(self.offset[row])
        return expit(logits)[None].astype(np.float32)

    def _logits(self, maps: Mapping[str, Float]) -> Float:
        p = np.clip(np.stack([maps[name][0] for name in self.output_names]), 1 - MAX_PROBABILITY, MAX_PROBABILITY)
        return np.log(p / (1 - p))

    def fit(self, answers: Sequence[tuple[Sequence[str], Mapping[str, Float], Float, Bool]]) -> None:
        """Fit the weights to whole maps: (inputs shown, values by output, target (1, H, W), valid (H, W)) of each.

        Maps of a single kind of cell (all trap, or none at all) leave the weights as they are.
        """
        for row, names in enumerate(self.input_sets):
            own = [(maps, target, valid) for shown, maps, target, valid in answers if frozenset(shown) == names]
            self._fit_row(row, own)

    def _fit_row(self, row: int, answers: Sequence[tuple[Mapping[str, Float], Float, Bool]]) -> None:
        """Fit the weights of one set of inputs."""
        features, truth = [], []
        for maps, target, valid in answers:
            step = max(1, int(valid.sum()) // CELLS_PER_MAP)
            features.append(self._logits(maps)[:, valid].T[::step])
            truth.append(target[0][valid][::step] > 0.5)
        features, truth = all_gather_objects(features), all_gather_objects(truth)
        if not features or len(np.unique(np.concatenate(truth))) < 2:
            return
        logits, wanted = np.concatenate(features), np.concatenate(truth)
        alone = [iou_of_cells(plane > 0, wanted) for plane in logits.T]
        best = int(np.argmax(alone))
        # C: hardly any shrinkage, the cells are many and the weights few
        weights = LogisticRegression(C=1e3).fit(logits, wanted).coef_[0]
        offset = -best_threshold(logits @ weights, wanted)
        if iou_of_cells(logits @ weights + offset > 0, wanted) < alone[best] + MIN_IOU_GAIN:
            weights, offset = np.eye(len(alone))[best], 0.0
        self.weights[row] = torch.from_numpy(weights)
        self.offset[row] = offset


def iou_of_cells(called: Bool, truth: Bool) -> float:
    """Intersection over union of cells (n,)."""
    return float((called & truth).sum() / max(1, (called | truth).sum()))


def best_threshold(logits: Float, truth: Bool) -> float:
    """The value above which the cells (n,) called trap have the largest intersection over union with the truth (n,)."""
    order = np.argsort(-logits, kind="stable")
    hits = np.cumsum(truth[order])
    called = np.arange(1, len(order) + 1)
    iou = hits / (called + truth.sum() - hits)
    iou[:-1][np.diff(logits[order]) == 0] = 0  # cells of one value are called trap together
    last = int(iou.argmax())
    falling = np.append(logits[order], logits.min() - 1)
    return float(falling[last : last + 2].mean())


def mean_stacking(fusions: Sequence[Stacking | None]) -> Stacking | None:
    """The fusion of an ensemble: its logit is the mean of its members' on the same maps. None where they have none."""
    members = [fusion for fusion in fusions if fusion is not None]
    if not members:
        return None
    mean = copy.deepcopy(members[0])
    mean.weights.copy_(torch.stack([fusion.weights for fusion in members]).mean(0))
    mean.offset.copy_(torch.stack([fusion.offset for fusion in members]).mean(0))
    return mean
