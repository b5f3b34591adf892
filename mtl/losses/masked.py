"""Masked losses: validity sits inside every sum, so that cells outside it weigh exactly nothing.

All functions take logits and target (B, C, H, W) and valid (B, 1, H, W) with 0 or 1, and return a scalar that is
smallest, and not below 0, where the answer is right. A batch without a valid cell gives 0 and zero gradients. Sums run
over the whole batch: a false alarm on a patch without traps then costs as much as anywhere else, where a ratio per
patch would be blind to it. Several processes that train together share one global batch
(`mtl.distributed.collectives`).

A loss is one record of `LOSSES`; the record of a head names the one that trains it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from operator import add
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mtl.distributed.collectives import all_gather, all_reduce
from mtl.losses.closure_layer import closure_cost
from targets.errors import UserError
from targets.truth.criteria import TrapCriteria

Task = Literal["binary", "heatmap", "regression", "multiclass"]
DEFAULT_CRITERIA = TrapCriteria()


class MaskedTraps(NamedTuple):
    """The traps of a batch of maps, as a loss on closures reads them.

    Attributes
    ----------
    planes : (B, 4, H, W) float32
        Of `targets.truth.rasters.closure_planes`; any value, also NaN, where they are not known.
    known : (B, 1, H, W) bool or float
        1 in cells of the map, where traps are known.
    """

    planes: Tensor
    known: Tensor


@dataclass(frozen=True)
class Loss:
    """A loss and the tasks that it fits.

    Attributes
    ----------
    name : str
        Name in `optim.losses`.
    tasks : tuple[Task, ...]
        Tasks of the heads that it can train. A `regression` head hands over its values in place of its logits.
    function : Callable[..., Tensor]
        (logits, target, valid) -> scalar.
    logits_per_channel : int, default 1
        Planes of logits for each channel of the target.
    weighs_errors : bool, default False
        `function` takes `fp_weight` and `fn_weight`.
    reads_traps : bool, default False
        `function` takes the map's traps after `valid`, and `criteria`: it is for heads that predict a depth, and says
        something where no depth is known.
    """

    name: str
    tasks: tuple[Task, ...]
    function: Callable[..., Tensor]
    logits_per_channel: int = 1
    weighs_errors: bool = False
    reads_traps: bool = False

    def __call__(self, logits: Tensor, target: Tensor, valid: Tensor, traps: MaskedTraps | None = None) -> Tensor:
        """The loss of a batch.

        Parameters
        ----------
        logits : (B, C · logits_per_channel, H, W) float
            Computed in float32: half precision would overflow in the sums.
        target : (B, C, H, W) float
            Any value, also NaN, where it is not valid.
        valid : (B, 1, H, W) bool or float
            1 where the target is known.
        traps : MaskedTraps | None, default None
            The traps of the maps, for a loss that reads them.
        """
        known = target.float().masked_fill(valid == 0, 0.0)  # NaN times 0 would be NaN
        more = (traps,) if self.reads_traps else ()
        return self.function(logits.float(), known, valid.float(), *more)


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """The mean of values over the valid cells of the global batch; 0 without a valid cell.

    Examples
    --------
    >>> values, valid = torch.tensor([[[[1.0, 3.0, 50.0]]]]), torch.tensor([[[[1.0, 1.0, 0.0]]]])
    >>> masked_mean(values, valid)
    tensor(2.)
    """
    total, cells = all_reduce(torch.stack([(values * valid).sum(), valid.expand_as(values).sum()]))
    return total / cells.clamp(min=1)


# -- binary masks ------------------------------------------------------------------------------------------------


def bce(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy over valid cells.

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        Target 0 or 1.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    return masked_mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none"), valid)


def overlap_loss(
    probability: Tensor, target: Tensor, valid: Tensor, fp_weight: float, fn_weight: float, dims: tuple[int, ...]
) -> Tensor:
    """1 - hits / (hits + fp_weight · false alarms + fn_weight · misses), each summed over the dimensions `dims`.

    Half a cell is added above and below, so that nothing predicted where nothing is counts as right.

    Parameters
    ----------
    probability, target : (B, C, H, W) float32
        0 to 1.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    fp_weight, fn_weight : float
        Weights of false alarms and misses.
    dims : tuple[int, ...]
        Dimensions that are summed.
    """
    probability, target = probability * valid, target * valid
    planes = probability * target, probability, target
    hits, predicted, true = all_reduce(torch.stack([plane.sum(dims) for plane in planes]))
    false_alarms, misses = predicted - hits, true - hits
    return 1 - (hits + 0.5) / (hits + fp_weight * false_alarms + fn_weight * misses + 0.5)


def tversky(logits: Tensor, target: Tensor, valid: Tensor, fp_weight: float = 0.3, fn_weight: float = 0.7) -> Tensor:
    """1 - Tversky index (Salehi et al. 2017, eq. 3), in which false alarms and misses have their own weights.

    Parameters
    ----------
    fp_weight, fn_weight : float
        Weights of false alarms and misses; alpha and beta of the paper.
    """
    return overlap_loss(torch.sigmoid(logits), target, valid, fp_weight, fn_weight, (0, 1, 2, 3))


def dice(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """1 - Dice (Milletari et al. 2016, V-Net, p. 6), which is the Tversky index with equal weights.

    Examples
    --------
    >>> target = torch.tensor([[[[1.0, 0.0]]]])
    >>> round(dice(40 * (target - 0.5), target, torch.ones_like(target)).item(), 6)
    0.0
    """
    return tversky(logits, target, valid, 0.5, 0.5)


def focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy times the squared error (Lin et al. 2017, eq. 4, gamma 2, without class weights).

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        Target 0 or 1.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    error = torch.sigmoid(logits) - target
    return masked_mean(error**2 * F.binary_cross_entropy_with_logits(logits, target, reduction="none"), valid)


def lovasz(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Lovász hinge (Berman et al. 2018, alg. 1): the convex extension of 1 - IoU of the valid cells.

    Invalid cells stand last in its sorting, where they change no other cell's weight.

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        Target 0 or 1.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    truth = ((target > 0.5) * valid).flatten()
    margin = torch.where(valid > 0, 1 - logits * torch.where(target > 0.5, 1, -1), -torch.inf).flatten()
    truth, margin = all_gather(truth), all_gather(margin)
    order = margin.argsort(descending=True)
    truth = truth[order]
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard_loss = 1 - (truth.sum() - truth.cumsum(0)) / union
    weight = torch.diff(jaccard_loss, prepend=jaccard_loss.new_zeros(1))
    return (F.relu(margin[order]) * weight).sum()


MAX_DISTANCE = 16  # cells; a false alarm farther from the outline costs no more, and a patch without outline is as far


def boundary(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Boundary loss (Kervadec et al. 2019, eq. 5): a wrong cell costs its distance to the target's outline.

    The paper's signed distance times probability, plus the constant that makes 0 the least. Distances are computed
    here, from the target, in units of MAX_DISTANCE and no longer than it. Combine it with another loss, as
    `bce+boundary`: cells at the outline hardly weigh.

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        Target 0 or 1.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    inside, known = target > 0.5, valid > 0
    to_outside, to_inside = (distance_to(known & cells, MAX_DISTANCE) for cells in (~inside, inside))
    distance = torch.where(inside, to_outside, to_inside) / MAX_DISTANCE
    return masked_mean((torch.sigmoid(logits) - target).abs() * distance, valid)


def distance_to(cells: Tensor, max_distance: int) -> Tensor:
    """Euclidean distance in cells to the nearest True of (B, C, H, W), exact up to `max_distance`, and never more.

    Squared distances are carried along columns and then along rows (Felzenszwalb & Huttenlocher 2012).

    Examples
    --------
    >>> distance_to(torch.tensor([[[[True, False, False, False]]]]), 2).tolist()
    [[[[0.0, 1.0, 2.0, 2.0]]]]
    """
    far = float(max_distance**2)
    squared = torch.where(cells, 0.0, far)
    for dim, padding in ((2, (0, 0, max_distance, max_distance)), (3, (max_distance, max_distance, 0, 0))):
        padded, length = F.pad(squared, padding, value=far), squared.shape[dim]
        offsets = range(-max_distance, max_distance + 1)
        shifted = (padded.narrow(dim, max_distance + k, length) + k**2 for k in offsets)
        squared = reduce(torch.minimum, shifted)
    return squared.clamp(max=far).sqrt()


# -- heatmaps ----------------------------------------------------------------------------------------------------


def peak_focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Penalty-reduced focal loss for Gaussian peaks, alpha 2, beta 4 (Law & Deng 2018, CornerNet, eq. 1).

    Divided by the number of peaks. Cells with target 1 are peaks; near a peak, false alarms cost less.

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        Target 0 to 1, 1 on peaks.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    peak = (target >= 0.999) * valid  # a peak stored in half precision is still 1
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    p = torch.sigmoid(logits)
    hit = (1 - p) ** 2 * log_p * peak
    false_alarm = (1 - target) ** 4 * p**2 * log_q * (valid - peak)
    total, peaks = all_reduce(torch.stack([(hit + false_alarm).sum(), peak.sum()]))
    return -total / peaks.clamp(min=1)


# -- regression --------------------------------------------------------------------------------------------------


def smooth_l1(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Huber loss over valid cells, quadratic below 0.1: robust to the few cells very far from their crest.

    Parameters
    ----------
    values, target : (B, C, H, W) float32
        Both over `Head.scale`.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    return masked_mean(F.smooth_l1_loss(values, target, beta=0.1, reduction="none"), valid)


def gradient_error(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute error of the differences between cells 1, 2, 4, 8 and 16 apart, in rows and columns.

    Gradient matching (Eigen & Fergus 2015, eq. 1; several distances as Li & Snavely 2018, MegaDepth, eq. 8). Closures
    depend on which cells are higher than others: a surface with a constant offset has the right closures, a rough one
    has not.

    Parameters
    ----------
    values, target : (B, C, H, W) float32
        Both over `Head.scale`.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
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
    """Twice the gradient error, as slopes are several times smaller than values: to be added to `smooth_l1`."""
    return 2 * gradient_error(values, target, valid)


MAX_LOG_VARIANCE = 8.0  # log-variances stay within ± this, so that a cell counts at most e^8 times


def heteroscedastic(values: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Squared error over a variance that the head predicts in every cell (Kendall & Gal 2017, eq. 8).

    `values` has the target's planes and then as many of log-variance: cells that cannot be known count less. A constant
    makes 0 the least. (One learned variance for the whole head is what `optim.balance: uncertainty` does.)

    Parameters
    ----------
    values : (B, 2C, H, W) float32
        Means over `Head.scale`, then log-variances.
    target : (B, C, H, W) float32
        Over `Head.scale`.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    mean, raw = values.chunk(2, 1)
    log_variance = MAX_LOG_VARIANCE * torch.tanh(raw / MAX_LOG_VARIANCE)
    cost = 0.5 * (torch.exp(-log_variance) * (mean - target) ** 2 + log_variance + MAX_LOG_VARIANCE)
    return masked_mean(cost, valid)


def closure(
    values: Tensor, target: Tensor, valid: Tensor, traps: MaskedTraps, criteria: TrapCriteria = DEFAULT_CRITERIA
) -> Tensor:
    """Mean cost of false and missed height above spill of the predicted surface (`mtl.losses.closure_layer`).

    A partner where depths are known, as `smooth_l1+slopes+closure`; where none is, it alone says something.

    Parameters
    ----------
    values, target : (B, 1, H, W) float32
        Relative depth, +1 = shallowest .. -1 = deepest; the target is not read.
    valid : (B, 1, H, W) float32
        Not read: traps are known in other cells than depths are.
    traps : MaskedTraps
        Drawn or computed traps of the maps.
    criteria : TrapCriteria
        Which closures count.
    """
    known = traps.known.float()
    planes = traps.planes.float().masked_fill(known == 0, 0.0)
    return masked_mean(closure_cost(-values, planes, known, criteria), known)


# -- classes -----------------------------------------------------------------------------------------------------


def cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of one-hot classes, the planes of the target, over valid cells.

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        One-hot target.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
    return masked_mean(-(target * F.log_softmax(logits, 1)).sum(1, keepdim=True), valid)


def class_dice(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """1 - Dice of one-hot classes, the planes of the target: the mean over classes.

    Parameters
    ----------
    logits, target : (B, C, H, W) float32
        One-hot target.
    valid : (B, 1, H, W) float32
        1 where the target is known, else 0.
    """
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
        Loss("closure", ("regression",), closure, reads_traps=True),
        Loss("heteroscedastic", ("regression",), heteroscedastic, logits_per_channel=2),
        Loss("cross_entropy", ("multiclass",), cross_entropy),
        Loss("class_dice", ("multiclass",), class_dice),
    )
}


def find_loss(
    name: str,
    task: Task,
    option: str,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    criteria: TrapCriteria = DEFAULT_CRITERIA,
) -> Loss:
    """The loss of this name, or the sum of several: `bce+dice`.

    Parameters
    ----------
    name : str
        Names of `LOSSES` with + between them.
    task : Task
        Of the head that is to be trained with it.
    option : str
        The setting that names it, for error messages.
    fp_weight, fn_weight : float
        Weights of false alarms and misses in `tversky`.
    criteria : TrapCriteria
        Which closures count in `closure`.

    Raises
    ------
    UserError
        An unknown name, or a loss of another task.

    Examples
    --------
    >>> find_loss("bce+dice", "binary", "optim.losses.trap").name
    'bce+dice'
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
            raise UserError(
                option, f"{part} is for {' or '.join(record.tasks)}, the task of this head is {task}", expected
            )
        if record.weighs_errors:
            record = replace(record, function=partial(record.function, fp_weight=fp_weight, fn_weight=fn_weight))
        if record.reads_traps:
            record = replace(record, function=partial(record.function, criteria=criteria))
        parts.append(record)
    if len({record.logits_per_channel for record in parts}) > 1:
        raise UserError(option, f"{name} adds losses of different planes", expected)
    if len(parts) == 1:
        return parts[0]
    reads_traps = any(record.reads_traps for record in parts)
    total = partial(sum_losses, parts)
    return Loss(name, (task,), total, parts[0].logits_per_channel, reads_traps=reads_traps)


def sum_losses(parts: Sequence[Loss], logits: Tensor, target: Tensor, valid: Tensor, *traps: MaskedTraps) -> Tensor:
    """The sum of several losses; those that read traps get them."""
    return reduce(add, (part.function(logits, target, valid, *(traps if part.reads_traps else ())) for part in parts))
