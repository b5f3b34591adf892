"""How wrong a head is: losses whose validity sits inside every sum, so that cells outside it weigh exactly nothing.

All take `logits` and `target` of shape (B, C, H, W) and `valid` of shape (B, 1, H, W) with 0 or 1, and return a
scalar, least (and not below 0) where the answer is right. A batch without a valid cell gives 0 and zero gradients.
Sums run over the batch as a whole: a false alarm on a patch without traps then costs as much as anywhere else, where a
ratio per patch would be blind to it. Several processes that train together have one batch (`mtl.distributed.collectives`).

Which one a head is trained with stands in its record; `choose` finds another one by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.distributed.collectives import joined, over_all
from targets.errors import UserError

Task = Literal["binary", "heatmap", "regression", "multiclass"]


@dataclass(frozen=True)
class Loss:
    """One loss by its name. Call it with logits, target and valid of any float type; it computes in float32.

    Attributes
    ----------
    name : str
        What `optim.losses` calls it.
    kinds : tuple[Kind, ...]
        The kinds of head it fits. A head of kind `quantity` hands over its values in place of its logits.
    error : Callable[..., Tensor]
        (logits, target, valid) -> scalar.
    planes : int, default 1
        Planes of logits per channel of the target.
    unequal : bool, default False
        `error` takes fp_weight and fn_weight.
    """

    name: str
    tasks: tuple[Task, ...]
    function: Callable[..., Tensor]
    logits_per_channel: int = 1
    weighs_errors: bool = False

    def __call__(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """The loss of a batch: half precision would overflow in its sums."""
        return self.function(logits.float(), target.float(), valid.float())


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """The mean of values over valid cells: divided by the number of valid cells, not by the size of the batch."""
    total, cells = over_all(torch.stack([(values * valid).sum(), valid.expand_as(values).sum()]))
    return total / cells.clamp(min=1)


def bce(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy over valid cells."""
    return masked_mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none"), valid)


def overlap_loss(
    probability: Tensor, target: Tensor, valid: Tensor, fp_weight: float, fn_weight: float, sums: tuple[int, ...]
) -> Tensor:
    """1 - hits / (hits + fp_weight · false alarms + fn_weight · misses), each summed over the dimensions `sums`.

    Half a cell is added above and below, so that nothing found where nothing is counts as right.
    """
    probability, target = probability * valid, target * valid
    hits, seen, true = over_all(torch.stack([plane.sum(sums) for plane in (probability * target, probability, target)]))
    alarms, misses = seen - hits, true - hits
    return 1 - (hits + 0.5) / (hits + fp_weight * alarms + fn_weight * misses + 0.5)


def tversky(logits: Tensor, target: Tensor, valid: Tensor, fp_weight: float = 0.3, fn_weight: float = 0.7) -> Tensor:
    """1 - Tversky's index (Salehi et al. 2017, eq. 3): false alarms and misses have a weight each.

    Their alpha is `fp_weight`, their beta `fn_weight`.
    """
    return overlap_loss(torch.sigmoid(logits), target, valid, fp_weight, fn_weight, (0, 1, 2, 3))


def dice(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """1 - Dice (Milletari et al. 2016, V-Net, p. 6), which is Tversky's index with equal weights."""
    return tversky(logits, target, valid, 0.5, 0.5)


def focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy times the squared miss (Lin et al. 2017, eq. 4, gamma 2, without class weights)."""
    miss = torch.sigmoid(logits) - target
    return masked_mean(miss**2 * F.binary_cross_entropy_with_logits(logits, target, reduction="none"), valid)


def lovasz(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Lovász hinge (Berman et al. 2018, alg. 1): the convex extension of 1 - IoU of the valid cells.

    Invalid cells stand last in its sorting, where they change no other cell's weight.
    """
    truth = ((target > 0.5) * valid).flatten()
    margin = torch.where(valid > 0, 1 - logits * torch.where(target > 0.5, 1, -1), -torch.inf).flatten()
    truth, margin = joined(truth), joined(margin)
    order = margin.argsort(descending=True)
    truth = truth[order]
    union = truth.sum() + (1 - truth).cumsum(0)
    lost = 1 - (truth.sum() - truth.cumsum(0)) / union
    weight = torch.diff(lost, prepend=lost.new_zeros(1))
    return (F.relu(margin[order]) * weight).sum()


MAX_DISTANCE = 16  # cells; a false alarm farther from the outline costs no more, and a patch without outline is as far


def boundary(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Boundary loss (Kervadec et al. 2019, eq. 5): a wrong cell costs its distance to the target's outline.

    The paper's signed distance times probability, plus the constant that makes 0 the least. Distances are computed
    here, from the target, in units of REACH and no longer than it. Give it a partner, as `bce+boundary`: cells at the
    outline hardly weigh.
    """
    inside, known = target > 0.5, valid > 0
    away = torch.where(inside, distance_to(known & ~inside, MAX_DISTANCE), distance_to(known & inside, MAX_DISTANCE)) / MAX_DISTANCE
    return masked_mean((torch.sigmoid(logits) - target).abs() * away, valid)


def distance_to(there: Tensor, reach: int) -> Tensor:
    """Euclidean distance in cells to the nearest True of (B, C, H, W), exact up to `reach`, and never more.

    Squared distances are carried along columns and then along rows (Felzenszwalb & Huttenlocher 2012).
    """
    far = float(reach**2)
    squared = torch.where(there, 0.0, far)
    for dim, around in ((2, (0, 0, reach, reach)), (3, (reach, reach, 0, 0))):
        padded, length = F.pad(squared, around, value=far), squared.shape[dim]
        shifted = (padded.narrow(dim, reach + k, length) + k**2 for k in range(-reach, reach + 1))
        squared = reduce(torch.minimum, shifted)
    return squared.clamp(max=far).sqrt()


def peak_focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Penalty-reduced focal loss for Gaussian peaks, alpha 2, beta 4 (Law & Deng 2018, CornerNet, eq. 1).

    Divided by the number of peaks. Cells with target 1 are peaks; near a peak, false alarms cost less.
    """
    peak = (target >= 0.999) * valid  # a peak stored in half precision is still 1
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    p = torch.sigmoid(logits)
    hit = (1 - p) ** 2 * log_p * peak
    alarm = (1 - target) ** 4 * p**2 * log_q * (valid - peak)
    total, peaks = over_all(torch.stack([(hit + alarm).sum(), peak.sum()]))
    return -total / peaks.clamp(min=1)


def smooth_l1(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Huber loss over valid cells, quadratic below 0.1: robust to the few cells very far from their crest."""
    return masked_mean(F.smooth_l1_loss(values, target, beta=0.1, reduction="none"), valid)


def gradient_error(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute error of the differences between cells 1, 2, 4, 8 and 16 apart, in rows and columns.

    Gradient matching (Eigen & Fergus 2015, eq. 1; several distances as Li & Snavely 2018, MegaDepth, eq. 8). A closure
    hangs on which cells are higher than others: a surface that is off by a constant has the right closures, a rough
    one has not.
    """
    error = (values - target) * valid
    means = []
    for step in (1, 2, 4, 8, 16):
        for axis in (-1, -2):
            rest = error.shape[axis] - step
            if rest < 1:
                continue
            both = valid.narrow(axis, step, rest) * valid.narrow(axis, 0, rest)
            means.append(masked_mean((error.narrow(axis, step, rest) - error.narrow(axis, 0, rest)).abs(), both))
    return torch.stack(means).mean()


def gradient_loss(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Twice the error of the slopes, which are several times smaller than the values: a partner of `smooth_l1`."""
    return 2 * gradient_error(values, target, valid)


SPREAD = 8.0  # log-variances stay within ± this, so that a cell counts at most e^8 times


def heteroscedastic(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Squared error over a variance that the head predicts in every cell (Kendall & Gal 2017, eq. 8).

    `values` has the target's planes and then as many of log-variance: cells that cannot be known count less. A constant
    makes 0 the least. (One learned variance for the whole head is what `optim.balance: uncertainty` does.)
    """
    guess, raw = values.chunk(2, 1)
    log_variance = SPREAD * torch.tanh(raw / SPREAD)
    return masked_mean(0.5 * (torch.exp(-log_variance) * (guess - target) ** 2 + log_variance + SPREAD), valid)


def cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of one-hot classes, the planes of the target, over valid cells."""
    return masked_mean(-(target * F.log_softmax(logits, 1)).sum(1, keepdim=True), valid)


def class_dice(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """1 - Dice of one-hot classes, the planes of the target: the mean over classes."""
    return overlap_loss(torch.softmax(logits, 1), target, valid, 0.5, 0.5, (0, 2, 3)).mean()


LOSSES = {
    record.name: record
    for record in (
        Loss("bce", ("binary", "heatmap"), bce),
        Loss("dice", ("binary",), dice),
        Loss("tversky", ("binary",), tversky, weighs_errors=True),
        Loss("focal", ("binary",), focal),
        Loss("lovasz", ("binary",), lovasz),
        Loss("boundary", ("binary",), boundary),
        Loss("peak_focal", ("heatmap",), peak_focal),
        Loss("smooth_l1", ("regression",), smooth_l1),
        Loss("slopes", ("regression",), gradient_loss),
        Loss("heteroscedastic", ("regression",), heteroscedastic, logits_per_channel=2),
        Loss("cross_entropy", ("multiclass",), cross_entropy),
        Loss("class_dice", ("multiclass",), class_dice),
    )
}


def find_loss(name: str, task: Task, option: str, fp_weight: float = 0.3, fn_weight: float = 0.7) -> Loss:
    """The loss of this name, or the sum of several: `bce+dice`.

    Parameters
    ----------
    kind : Kind
        Of the head that is to be trained with it.
    option : str
        The setting that names it, for the message.
    fp_weight, fn_weight : float
        Weights of false alarms and misses in `tversky`.

    Raises
    ------
    UserError
        An unknown name, or a loss of another kind of head.
    """
    fitting = [record for record in LOSSES.values() if task in record.tasks]
    expected = f"one of {', '.join(record.name for record in fitting)}"
    if len(addable := [record.name for record in fitting if record.logits_per_channel == 1]) > 1:
        expected += f", or a sum such as {'+'.join(addable[:2])}"
    parts = []
    for part in name.split("+"):
        if part not in LOSSES:
            raise UserError(option, f"unknown loss {part!r}", expected, "check the spelling")
        record = LOSSES[part]
        if task not in record.tasks:
            raise UserError(option, f"{part} is for {' or '.join(record.tasks)}, this head is of {task}", expected)
        if record.weighs_errors:
            record = replace(record, error=partial(record.function, fp_weight=fp_weight, fn_weight=fn_weight))
        parts.append(record)
    if len({record.logits_per_channel for record in parts}) > 1:
        raise UserError(option, f"{name} adds losses of different planes", expected)
    return parts[0] if len(parts) == 1 else Loss(name, (task,), partial(summed, parts), parts[0].logits_per_channel)


def summed(parts: Sequence[Loss], logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """The sum of several losses."""
    return reduce(add, (part(logits, target, valid) for part in parts))
