"""How is text put onto a picture? In OpenCV's line fonts, at any angle, with or without a halo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.rendering.palettes import Colour

FONTS = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "plain": cv2.FONT_HERSHEY_PLAIN,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "complex": cv2.FONT_HERSHEY_COMPLEX,
    "triplex": cv2.FONT_HERSHEY_TRIPLEX,
}
CAPITAL = {"plain": 10.0}  # pixels that a capital is high at scale 1; 22 in the other fonts


def draw_text(
    picture: NDArray[np.uint8],
    text: str,
    middle: tuple[float, float],
    size: float,
    colour: Colour,
    font: str = "simplex",
    angle: float = 0.0,
    halo: Colour | None = None,
) -> None:
    """Write a line of text into `picture`, (H, W, 3) uint8; what reaches beyond it is cut.

    Parameters
    ----------
    middle : tuple[float, float]
        X and y of the text's middle, in pixels.
    size : float
        Height of a capital in pixels.
    font : str, default 'simplex'
        One of `FONTS`.
    angle : float, default 0.0
        Degrees, counter-clockwise.
    halo : Colour | None, default None
        Colour of a seam around the letters.
    """
    face, scale = FONTS[font], size / CAPITAL.get(font, 22.0)
    (width, height), _ = cv2.getTextSize(text, face, scale, 1)
    side = int(np.hypot(width, height)) + 8  # of a square that holds the text at any angle
    corner = ((side - width) // 2, (side + height) // 2)
    left, top = round(middle[0] - side / 2), round(middle[1] - side / 2)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    for ink, thickness in ((halo, 3), (colour, 1)):
        if ink is None:
            continue
        stamp = np.zeros((side, side), np.uint8)
        cv2.putText(stamp, text, corner, face, scale, 255, thickness, cv2.LINE_AA)
        if angle:
            stamp = cv2.warpAffine(stamp, turn, (side, side))
        blend_colour(picture, stamp, (left, top), ink)


def blend_colour(picture: NDArray[np.uint8], stamp: NDArray[np.uint8], corner: tuple[int, int], colour: Colour) -> None:
    """Colour `picture` as strongly as `stamp`, (h, w) 0 to 255, says; its corner lies at x and y of the picture."""
    left, top = corner
    rows = slice(max(0, top), min(picture.shape[0], top + stamp.shape[0]))
    cols = slice(max(0, left), min(picture.shape[1], left + stamp.shape[1]))
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return
    strength = stamp[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    touched, under = strength > 0, picture[rows, cols]
    share = strength[touched, None] / 255.0
    under[touched] = np.rint(under[touched] * (1 - share) + np.array(colour) * share).astype(np.uint8)
