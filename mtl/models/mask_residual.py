"""Residual of a mask: the logits of a head start from a given mask, and the network learns their change alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl.tasks.base import Head
from mtl.tasks.postprocess import START_LOGIT

MISSING_BELOW = -0.25  # masks are 0 to 1, and -1 where they are not given; between cells they are interpolated
HIDDEN = 16  # channels between features and change


class MaskResidual(nn.Module):
    """Logits of a head where a mask is given: those of the mask, and a learned change, which is 0 before training.

    The change is learned from the features and the mask together. Without the mask it could only be more certain of
    what the mask says by finding the same traps in the features, and would lose on new maps those that it does not
    find there.

    In evaluation the change counts only if it was accepted (`accepted` above one half), because it made maps that
    validate better; else the answer is the mask.

    Parameters
    ----------
    width : int
        Channels of the features that the change is learned from.
    head : Head
        The head.
    """

    accepted: Tensor

    def __init__(self, width: int, head: Head) -> None:
        super().__init__()
        last = nn.Conv2d(HIDDEN, head.channels, 3, padding=1)
        for start in last.parameters():
            nn.init.zeros_(start)
        self.change = nn.Sequential(nn.Conv2d(width + 1, HIDDEN, 3, padding=1), nn.ReLU(), last)
        self.register_buffer("accepted", torch.zeros(()))

    def forward(self, plain: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        """Logits of the head.

        Parameters
        ----------
        plain : (B, channels, H, W) float
            Logits where no mask is given.
        features : (B, width, h, w) float
            Features that all heads read, perhaps of fewer cells.
        mask : (B, 1, H, W) float
            1 inside the mask, 0 outside, -1 where it is not given.

        Returns
        -------
        (B, channels, H, W) float
        """
        if features.shape[-2:] != mask.shape[-2:]:
            features = F.interpolate(features, mask.shape[-2:], mode="bilinear", align_corners=False)
        sign = 2 * mask - 1
        change = self.change(torch.cat([features, sign], 1))
        if not self.training:
            change = change * (self.accepted > 0.5).to(change.dtype)
        return torch.where(mask < MISSING_BELOW, plain, sign * START_LOGIT + change)
