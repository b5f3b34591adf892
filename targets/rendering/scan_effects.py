"""Scan effects: what copying, printing and scanning do to the picture of a map."""

from dataclasses import dataclass

import cv2
import numpy as np

from targets.common.rgb_planes import weakest
from targets.errors import UserError
from targets.rendering.palettes import RGB


@dataclass(frozen=True)
class ScanEffects:
    """What happens to a finished picture, in this order; by default nothing.

    Attributes
    ----------
    blur : float, default 0.0
        Standard deviation of the blur, in pixels.
    colour_cast : tuple[int, int, int], default (0, 0, 0)
        Grey levels by which red, green and blue are brighter.
    fade : float, default 0.0
        Share of the contrast that is lost towards the white of paper, from 0 up to 1.
    noise : float, default 0.0
        Standard deviation of the grain, in grey levels.
    jpeg_quality : int, default 0
        Quality, 1 to 100, of the JPEG that the picture is stored as; 0: no JPEG.

    Raises
    ------
    UserError
        A value out of its range.
    """

    blur: float = 0.0
    colour_cast: tuple[int, int, int] = (0, 0, 0)
    fade: float = 0.0
    noise: float = 0.0
    jpeg_quality: int = 0

    def __post_init__(self) -> None:
        if min(self.blur, self.noise) < 0 or not 0 <= self.fade < 1 or not 0 <= self.jpeg_quality <= 100:
            raise UserError("scan", f"{self}", "blur and noise of 0 or more, fade below 1, jpeg_quality from 0 to 100")


def apply_scan_effects(picture: RGB, effects: ScanEffects, seed: int) -> RGB:
    """Apply scan effects to a picture; paper that was white stays white.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The drawn map.
    effects : ScanEffects
        What happens to it.
    seed : int
        Of the grain.

    Returns
    -------
    (H, W, 3) uint8
        The picture itself where there is no effect.

    Examples
    --------
    >>> page = np.uint8([[[100, 100, 100], [255, 255, 255]]])
    >>> apply_scan_effects(page, ScanEffects(fade=0.2, colour_cast=(10, 0, 0)), seed=0).tolist()
    [[[141, 131, 131], [255, 255, 255]]]
    """
    if effects == ScanEffects():
        return picture
    paper = weakest(picture) == 255
    if effects.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), effects.blur)
    if any(effects.colour_cast) or effects.fade or effects.noise:
        levels = picture * np.float32(1 - effects.fade) + np.float32(255 * effects.fade)
        levels += np.array(effects.colour_cast, np.float32)
        if effects.noise:
            grain = np.random.default_rng([seed, 1]).standard_normal(picture.shape, np.float32)
            levels += np.float32(effects.noise) * grain
        picture = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if effects.jpeg_quality:
        # JPEG treats red and blue differently, and OpenCV orders them the other way round.
        _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, effects.jpeg_quality])
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1].copy()
    picture[paper] = 255
    return picture
