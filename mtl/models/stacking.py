"""Stacking of trap probabilities: a logistic regression over all learned and computed ones, for each input set."""

import copy
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from torch import nn

from mtl.distributed.collectives import all_gather_objects
from mtl.tasks.base import Output
from targets.scene import Bool, Float

MAX_PROBABILITY = 0.99  # of a computed mask, which is 0 or 1, so that its logit is finite
MIN_IOU_GAIN = 0.02  # over the best output alone, out of fold
CELLS_PER_MAP = 20_000  # that the weights are fitted to; more would not change four numbers


class Stacking(nn.Module):
    """Logistic regression over the logits of several trap probabilities; until it is fitted, their mean.

    There is one for each set of inputs that a map may come with: what is computed from a given depth deserves more
    trust than what is computed from a picture. Its offset is moved so that 0.5 is the threshold of the largest
    intersection over union: few cells are trap, and the likeliest class of a cell is too often "no trap". Where it
    gains little over the best output alone, on maps that it was not fitted to, that output is taken: closures are exact
    on maps of any kind, what is learned may not be.

    Parameters
    ----------
    outputs : Sequence[Output]
        The outputs that are probabilities of trap.
    input_sets : Sequence[Sequence[str]]
        Sets of inputs that a map may come with.

    Examples
    --------
    >>> from mtl.tasks.heads import HEADS
    >>> stacking = Stacking([HEADS["trap"], HEADS["depth"].derived], [("rgb",)])
    >>> predictions = {"trap": np.full((1, 1, 1), 0.9), "depth_traps": np.full((1, 1, 1), 0.5)}
    >>> stacking(predictions, ("rgb",))
    array([[[0.75]]], dtype=float32)
    """

    weights: torch.Tensor
    offset: torch.Tensor

    def __init__(self, outputs: Sequence[Output], input_sets: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self.output_names = tuple(output.name for output in outputs)
        self.input_sets = [frozenset(names) for names in input_sets]
        self.register_buffer("weights", torch.full((len(input_sets), len(outputs)), 1 / len(outputs)))
        self.register_buffer("offset", torch.zeros(len(input_sets)))

    def forward(self, predictions: Mapping[str, Float], visible: Sequence[str]) -> Float:
        """Stack the predictions of a map.

        Parameters
        ----------
        predictions : Mapping[str, Float]
            {output: (1, H, W) probability of trap, NaN outside the map}.
        visible : Sequence[str]
            The inputs that the network was shown.

        Returns
        -------
        (1, H, W) float32 probability of trap, NaN outside the map.
        """
        row = self.input_sets.index(frozenset(visible))
        weights, offset = self.weights[row].cpu().numpy(), float(self.offset[row])
        logits = np.tensordot(weights, self._logits(predictions), axes=1) + offset
        return expit(logits)[None].astype(np.float32)

    def _logits(self, predictions: Mapping[str, Float]) -> Float:
        """(outputs, H, W) logits of the probabilities, which are clipped so that they are finite."""
        p = np.clip(
            np.stack([predictions[name][0] for name in self.output_names]), 1 - MAX_PROBABILITY, MAX_PROBABILITY
        )
        return np.log(p / (1 - p))

    def unfitted_copy(self) -> "Stacking":
        """A stacking of the same outputs that is not fitted yet."""
        other = copy.deepcopy(self)
        other.weights.fill_(1 / len(self.output_names))
        other.offset.zero_()
        return other

    def fit(self, maps: Sequence["LabelledMap"]) -> None:
        """Fit the weights to whole maps, those of each set of inputs to the maps that were shown by it.

        Maps of a single class (all trap, or none at all) leave the weights as they are.

        Parameters
        ----------
        maps : Sequence[LabelledMap]
            Of this process; all processes of a run fit to the maps of all of them.
        """
        for row, names in enumerate(self.input_sets):
            self._fit_row(row, [one for one in maps if frozenset(one[0]) == names])

    def _fit_row(self, row: int, maps: Sequence["LabelledMap"]) -> None:
        """Fit the weights of one set of inputs."""
        own = []
        for _, predictions, target, valid, group, *_ in maps:
            step = max(1, int(valid.sum()) // CELLS_PER_MAP)
            cells = self._logits(predictions)[:, valid].T[::step], target[0][valid][::step] > 0.5
            own.append(LabelledCells(group, *cells))
        everywhere: list[LabelledCells] = all_gather_objects(own)
        if not everywhere:
            return
        logits, truth = _joined(everywhere)
        if len(np.unique(truth)) < 2:
            return
        alone = [iou_of_cells(plane > 0, truth) for plane in logits.T]
        best = int(np.argmax(alone))
        if out_of_fold_iou(everywhere, best) < alone[best] + MIN_IOU_GAIN:
            weights, offset = np.eye(len(alone))[best], 0.0
        else:
            weights, offset = fit_weights(logits, truth)
        self.weights[row] = torch.from_numpy(weights)
        self.offset[row] = offset


class LabelledCells(NamedTuple):
    """Cells of a predicted map with their truth.

    Attributes
    ----------
    group : str
        Maps of a group are not independent of each other.
    logits : (n, outputs) float
        Of every output.
    truth : (n,) bool
        Which cells are trap.
    """

    group: str
    logits: Float
    truth: Bool


def fit_weights(logits: Float, truth: Bool) -> tuple[NDArray[np.float64], float]:
    """Weights (outputs,) of logits (n, outputs), and the offset by which 0 is the threshold of the largest IoU."""
    # C: hardly any shrinkage, the cells are many and the weights few
    weights = LogisticRegression(C=1e3).fit(logits, truth).coef_[0]
    return weights, -best_threshold(logits @ weights, truth)


def out_of_fold_iou(maps: Sequence[LabelledCells], best: int) -> float:
    """Intersection over union of weights fitted to each half of the groups, on the other half.

    Parameters
    ----------
    maps : Sequence[LabelledCells]
        Of both classes. Those of a single group are judged by weights that are fitted to themselves.
    best : int
        The output that answers for a half whose other half is of one class.
    """
    halves = halves_of([one.group for one in maps])
    predicted, known = [], []
    for half in sorted(set(halves.values())):
        own = [one for one in maps if halves[one.group] == half]
        others = [one for one in maps if halves[one.group] != half] or own
        (logits, truth), (own_logits, own_truth) = (_joined(part) for part in (others, own))
        if len(np.unique(truth)) < 2:
            predicted.append(own_logits[:, best] > 0)
        else:
            weights, offset = fit_weights(logits, truth)
            predicted.append(own_logits @ weights + offset > 0)
        known.append(own_truth)
    return iou_of_cells(np.concatenate(predicted), np.concatenate(known))


def _joined(maps: Sequence[LabelledCells]) -> tuple[Float, Bool]:
    """Logits and truth of the cells of several maps."""
    return np.concatenate([one.logits for one in maps]), np.concatenate([one.truth for one in maps])


class LabelledMap(NamedTuple):
    """A predicted map with its truth, for the fit of a stacking.

    Attributes
    ----------
    visible : Sequence[str]
        The inputs that the network was shown.
    predictions : Mapping[str, Float]
        {output: (1, H, W) probability of trap}.
    target : (1, H, W) float32
        1 in traps.
    valid : (H, W) bool
        Where the target is known.
    group : str, default ''
        Maps of a group are not independent of each other.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell (`Scene.cell_sides`).
    """

    visible: Sequence[str]
    predictions: Mapping[str, Float]
    target: Float
    valid: Bool
    group: str = ""
    cell_sides: tuple[float, float] = (1.0, 1.0)


def halves_of(groups: Sequence[str]) -> dict[str, int]:
    """{group: 0 or 1}: the first half of the groups by name, and the others; a single group is all in the first.

    Examples
    --------
    >>> halves_of(["c", "a", "b", "a"])
    {'a': 0, 'b': 0, 'c': 1}
    """
    names = sorted(set(groups))
    return {name: int(number >= (len(names) + 1) // 2) for number, name in enumerate(names)}


def iou_of_cells(prediction: Bool, truth: Bool) -> float:
    """Intersection over union of cells (n,).

    Examples
    --------
    >>> iou_of_cells(np.array([True, True, False]), np.array([True, False, False]))
    0.5
    """
    return float((prediction & truth).sum() / max(1, (prediction | truth).sum()))


def best_threshold(logits: Float, truth: Bool) -> float:
    """The threshold of the largest intersection over union.

    Parameters
    ----------
    logits : (n,) float
        Of cells.
    truth : (n,) bool
        Which of them are trap.

    Returns
    -------
    Halfway between the smallest logit that is called trap and the next one.

    Examples
    --------
    >>> best_threshold(np.array([3.0, 1.0, -1.0, -2.0]), np.array([True, True, False, False]))
    0.0
    """
    order = np.argsort(-logits, kind="stable")
    hits = np.cumsum(truth[order])
    called = np.arange(1, len(order) + 1)
    iou = hits / (called + truth.sum() - hits)
    iou[:-1][np.diff(logits[order]) == 0] = 0  # cells of one value are called trap together
    last = int(iou.argmax())
    falling = np.append(logits[order], logits.min() - 1)
    return float(falling[last : last + 2].mean())


def mean_stacking(stackings: Sequence[Stacking | None]) -> Stacking | None:
    """The stacking of an ensemble: its logit is the mean of its members' logits on the same maps.

    Parameters
    ----------
    stackings : Sequence[Stacking | None]
        Of the members.

    Returns
    -------
    None where the members have none.
    """
    members = [stacking for stacking in stackings if stacking is not None]
    if not members:
        return None
    mean = copy.deepcopy(members[0])
    mean.weights.copy_(torch.stack([stacking.weights for stacking in members]).mean(0))
    mean.offset.copy_(torch.stack([stacking.offset for stacking in members]).mean(0))
    return mean
