"""Smoothing of outlines: traps with the rounded lines that a hand draws."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.scene import Bool

REACH = 4  # standard deviations, beyond which the weights are nothing


def smooth_outlines(labels: NDArray[np.int32], width: float, allowed: Bool) -> NDArray[np.int32]:
    """Round the outline of every region, as a hand does that draws it with one sweep.

    A cell belongs to a region if that holds at least half of what lies around the cell, weighted by a Gaussian. Narrow
    necks and bays vanish, long straight outlines stay.

    Parameters
    ----------
    labels : (H, W) int32
        Regions 1 to N that do not touch, 0 = none.
    width : float
        Standard deviation of the Gaussian in cells; 0 returns the labels as they are.
    allowed : (H, W) bool
        Cells that a region may have.

    Returns
    -------
    (H, W) int32
        Regions that do not touch; a region thinner than the smoothing may be gone.

    Examples
    --------
    >>> square = np.pad(np.ones((5, 5), np.int32), 2)
    >>> smooth_outlines(square, 1.5, np.ones((9, 9), bool))[2].tolist()
    [0, 0, 0, 1, 1, 1, 0, 0, 0]
    """
    if width <= 0 or not labels.any():
        return labels
    reach = int(np.ceil(REACH * width))
    smooth = np.zeros_like(labels)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        around = tuple(slice(max(side.start - reach, 0), side.stop + reach) for side in box)
        own = (labels[around] == number).astype(np.float32)
        share = cv2.GaussianBlur(own, (2 * reach + 1, 2 * reach + 1), width, borderType=cv2.BORDER_REPLICATE)
        smooth[around][(share >= 0.5) & allowed[around]] = number
    # A cell that was added keeps away from what was there of another region.
    largest = ndimage.maximum_filter(smooth, 3)
    smallest = -ndimage.maximum_filter(np.where(smooth > 0, -smooth, -(2**30)), 3)
    smooth[(largest != smallest) & (smooth > 0) & (labels != smooth)] = 0
    return smooth
