"""What becomes of a map's picture on its way through a copier, a report and a scanner?"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.common.rgb_planes import weakest
from targets.errors import UserError


@dataclass(frozen=True)
class ScanEffects:
    """What happens to a finished picture, in this order; by default nothing.

    Attributes
    ----------
    blur : float, default 0.0
        Pixels, standard deviation.
    cast : tuple[int, int, int], default (0, 0, 0)
        Grey levels that red, green and blue are brighter by.
    fade : float, default 0.0
        Share of the contrast that is lost, towards paper.
    noise : float, default 0.0
        Grey levels, standard deviation of the grain.
    jpeg : int, default 0
        Quality 1 to 100 of a JPEG it is kept as; 0: none.
    """

    blur: float = 0.0
    colour_cast: tuple[int, int, int] = (0, 0, 0)
    fade: float = 0.0
    noise: float = 0.0
    jpeg_quality: int = 0

    def __post_init__(self) -> None:
        if min(self.blur, self.noise) < 0 or not 0 <= self.fade < 1 or not 0 <= self.jpeg_quality <= 100:
            raise UserError("scan", f"{self}", "blur and noise of 0 or more, fade below 1, jpeg from 0 to 100")


def apply_scan_effects(picture: NDArray[np.uint8], scan: ScanEffects, seed: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the picture after all that; paper that was white stays white.

    Parameters
    ----------
    seed : int
        Of the grain.
    """
    if scan == ScanEffects():
        return picture
    paper = weakest(picture) == 255
    if scan.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), scan.blur)
    if any(scan.colour_cast) or scan.fade or scan.noise:
        levels = picture * np.float32(1 - scan.fade) + np.float32(255 * scan.fade)
        levels += np.array(scan.colour_cast, np.float32)
        if scan.noise:
            grain = np.random.default_rng([seed, 1]).standard_normal(picture.shape, np.float32)
            levels += np.float32(scan.noise) * grain
        picture = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if scan.jpeg_quality:
        # JPEG keeps red and blue unlike, and OpenCV's order of them is the other one.
        _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, scan.jpeg_quality])
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1].copy()
    picture[paper] = 255
    return picture
