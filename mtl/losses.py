"""How wrong a head is: losses whose validity sits inside every sum, so that cells outside it weigh exactly nothing.

All take `logits` and `target` of shape (B, C, H, W) and `valid` of shape (B, 1, H, W) with 0 or 1, and return a
scalar. A batch without a valid cell gives 0 and zero gradients.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """The mean of values over valid cells: divided by the number of valid cells, not by the size of the batch."""
    return (values * valid).sum() / (valid.expand_as(values).sum().clamp(min=1))


def bce(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy over valid cells."""
    return masked_mean(F.binary_cross_entropy_with_logits(logits, target, reduction="none"), valid)


def dice(logits: Tensor, target: Tensor, valid: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - Dice of the batch as a whole (Milletari et al. 2016, V-Net, p. 6), masked inside its sums.

    Summed over the batch rather than per patch: a false alarm on a patch without traps then costs as much as
    anywhere else, where a Dice per patch would be blind to it.
    """
    probability = torch.sigmoid(logits) * valid
    target = target * valid
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + smooth) / (probability.sum() + target.sum() + smooth)


def bce_dice(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice, the common choice for masks."""
    return bce(logits, target, valid) + dice(logits, target, valid)


def peak_focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Penalty-reduced focal loss for Gaussian peaks, alpha 2, beta 4 (Law & Deng 2018, CornerNet, eq. 1).

    Divided by the number of peaks. Cells with target 1 are peaks; near a peak, false alarms cost less.
    """
    peak = (target >= 0.999) * valid  # a peak stored in half precision is still 1
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    p = torch.sigmoid(logits)
    hit = (1 - p) ** 2 * log_p * peak
    alarm = (1 - target) ** 4 * p**2 * log_q * (valid - peak)
    return -(hit + alarm).sum() / peak.sum().clamp(min=1)


def cross_entropy(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of one-hot classes, the planes of the target, over valid cells."""
    return masked_mean(-(target * F.log_softmax(logits, 1)).sum(1, keepdim=True), valid)


def slope_error(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute error of the differences between cells 1, 2, 4, 8 and 16 apart, in rows and columns.

    Gradient matching (Eigen & Fergus 2015, eq. 1; several distances as Li & Snavely 2018, MegaDepth, eq. 8). A closure
    hangs on which cells are higher than others: a surface that is off by a constant has the right closures, a rough
    one has not.
    """
    error = (prediction - target) * valid
    means = []
    for step in (1, 2, 4, 8, 16):
        for axis in (-1, -2):
            rest = error.shape[axis] - step
            if rest < 1:
                continue
            both = valid.narrow(axis, step, rest) * valid.narrow(axis, 0, rest)
            means.append(masked_mean((error.narrow(axis, step, rest) - error.narrow(axis, 0, rest)).abs(), both))
    return torch.stack(means).mean()


def smooth_l1_slopes(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Huber loss plus twice the error of the slopes, which are several times smaller."""
    return smooth_l1(prediction, target, valid) + 2 * slope_error(prediction, target, valid)


def smooth_l1(prediction: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Huber loss over valid cells, quadratic below 0.1: robust to the few cells very far from their crest."""
    return masked_mean(F.smooth_l1_loss(prediction, target, beta=0.1, reduction="none"), valid)
