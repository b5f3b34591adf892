"""Text in OpenCV's line fonts, drawn into a picture at any angle, with or without a halo."""

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.rendering.palettes import RGB, Colour

FONTS = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "plain": cv2.FONT_HERSHEY_PLAIN,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "complex": cv2.FONT_HERSHEY_COMPLEX,
    "triplex": cv2.FONT_HERSHEY_TRIPLEX,
}
# Pixels, height of a capital at scale 1 (measured with cv2.getTextSize).
CAPITAL_HEIGHT, PLAIN_CAPITAL_HEIGHT = 22.0, 10.0


def draw_text(
    picture: RGB,
    text: str,
    centre: tuple[float, float],
    height: float,
    colour: Colour,
    font: str = "simplex",
    angle: float = 0.0,
    halo: Colour | None = None,
) -> None:
    """Draw one line of text into a picture; what reaches beyond the picture is clipped.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        Changed in place.
    text : str
        The line of text.
    centre : tuple[float, float]
        X and y of the text's centre, in pixels.
    height : float
        Height of a capital, in pixels.
    colour : Colour
        Of the letters.
    font : str, default 'simplex'
        One of `FONTS`.
    angle : float, default 0.0
        Degrees, counter-clockwise.
    halo : Colour | None, default None
        Colour of a seam around the letters; None draws none.
    """
    face, scale = FONTS[font], height / (PLAIN_CAPITAL_HEIGHT if font == "plain" else CAPITAL_HEIGHT)
    (text_width, text_height), _ = cv2.getTextSize(text, face, scale, 1)
    side = int(np.hypot(text_width, text_height)) + 8  # of a square that holds the text at any angle
    origin = ((side - text_width) // 2, (side + text_height) // 2)
    left, top = round(centre[0] - side / 2), round(centre[1] - side / 2)
    rotation = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    for ink, thickness in ((halo, 3), (colour, 1)):
        if ink is None:
            continue
        opacity = np.zeros((side, side), np.uint8)
        cv2.putText(opacity, text, origin, face, scale, 255, thickness, cv2.LINE_AA)
        if angle:
            opacity = cv2.warpAffine(opacity, rotation, (side, side))
        blend_colour(picture, opacity, (left, top), ink)


def blend_colour(picture: RGB, opacity: NDArray[np.uint8], corner: tuple[int, int], colour: Colour) -> None:
    """Blend one colour into a picture.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        Changed in place.
    opacity : (h, w) uint8
        0 leaves the picture, 255 covers it.
    corner : tuple[int, int]
        X and y of the picture's pixel under the upper left corner of `opacity`; it may lie outside the picture.
    colour : Colour
        Red, green, blue.

    Examples
    --------
    >>> picture = np.zeros((1, 2, 3), np.uint8)
    >>> blend_colour(picture, np.array([[0, 51]], np.uint8), (0, 0), (100, 0, 200))
    >>> picture.tolist()
    [[[0, 0, 0], [20, 0, 40]]]
    """
    left, top = corner
    rows = slice(max(0, top), min(picture.shape[0], top + opacity.shape[0]))
    cols = slice(max(0, left), min(picture.shape[1], left + opacity.shape[1]))
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return
    visible = opacity[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    touched, under = visible > 0, picture[rows, cols]
    alpha = visible[touched, None] / 255.0
    under[touched] = np.rint(under[touched] * (1 - alpha) + np.array(colour) * alpha).astype(np.uint8)
