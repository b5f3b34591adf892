"""Text of a page with its places: words, numbers and contour labels, upright or turned, by optical recognition."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from targets.common.optional_import import import_optional
from targets.errors import UserError
from targets.rendering.palettes import RGB

Box = tuple[int, int, int, int]  # first row, first column, row and column behind the last ones

MIN_SIDE = 600  # pixels; the letters of a smaller picture are enlarged before they are looked for
MIN_SCORE = 0.5  # of a recognised text; less is drawing, not writing
TALL = 1.5  # height over width of a text that is read turned
MAX_TILT = 8.0  # degrees from upright or turned by a quarter; text that is tilted more follows a line of the map
MIN_INK_CONTRAST = 0.4  # of the range of a text's brightness, that its letters are away from their ground
MAX_LETTER_SIDE = 0.15  # of the page's shorter side, the height of letters
MAX_GAP = 1.0  # heights of letters between two words of one text
# Digits of the longest number; more are numbers side by side, a space (`MIN_GAP` heights of letters) apart, each of
# more digits than a group of thousands.
MAX_DIGITS, MIN_GAP, MAX_GROUP = 9, 0.3, 3
INK_MARGIN = 1  # pixels round the letters that are recognised with them: more changes what is read
LINE_SIZE = (3, 48, 120)  # channels, height and least width of a line as it is recognised: most texts are numbers


@dataclass(frozen=True)
class TextBox:
    """A text on a page.

    Attributes
    ----------
    text : str
        As it was recognised.
    box : tuple[int, int, int, int]
        First row and column of its letters, and the row and column behind their last ones, in pixels of the picture.
    score : float
        Confidence of the recognition, 0 to 1.
    angle : int
        Degrees counter-clockwise that the text is turned by: 0, or 90 for one that is read from below.

    Examples
    --------
    >>> TextBox("1200", (10, 40, 22, 70), 0.99).centre
    (15.5, 54.5)
    """

    text: str
    box: Box
    score: float = 1.0
    angle: int = 0

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of its middle, in pixels whose centres are whole numbers."""
        row0, col0, row1, col1 = self.box
        return (row0 + row1 - 1) / 2, (col0 + col1 - 1) / 2

    @property
    def size(self) -> int:
        """Height of its letters in pixels, of turned text its width."""
        row0, col0, row1, col1 = self.box
        return col1 - col0 if self.angle % 180 else row1 - row0


def can_read_text() -> bool:
    """Whether the libraries that `read_text` needs are installed."""
    try:
        _engine()
    except UserError:
        return False
    return True


def read_text(picture: RGB) -> tuple[TextBox, ...]:
    """Read every text of a page.

    The models lie in the wheel of the package rapidocr (PP-OCR of PaddlePaddle, Apache-2.0); nothing is downloaded.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.

    Returns
    -------
    tuple[TextBox, ...]
        From the top down.

    Raises
    ------
    UserError
        The libraries are not installed.
    """
    engine = _engine()
    scale = max(1, -(-MIN_SIDE // max(1, min(picture.shape[:2]))) if max(picture.shape[:2]) < 2 * MIN_SIDE else 1)
    page = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else picture
    found = engine(cv2.cvtColor(page, cv2.COLOR_RGB2BGR), use_det=True, use_cls=False, use_rec=False)
    if found.boxes is None:
        return ()
    texts: list[TextBox] = []
    for corners in np.asarray(found.boxes, np.float64) / scale:
        texts += _read_upright(picture, corners) if _tilt(corners) <= MAX_TILT else _read_tilted(picture, corners)
    return tuple(sorted((text for text in texts if is_legible(text, picture.shape)), key=lambda text: text.box))


def is_legible(text: TextBox, shape: tuple[int, ...]) -> bool:
    """Whether a text is not too large for a page: recognition sees numbers in closed contours.

    Parameters
    ----------
    text : TextBox
        A text.
    shape : tuple[int, ...]
        Rows and columns of the page first.

    Examples
    --------
    >>> is_legible(TextBox("15", (293, 74, 753, 499)), (825, 1050)), is_legible(TextBox("15", (9, 7, 19, 25)), (82, 99))
    (False, True)
    """
    row0, col0, row1, col1 = text.box
    return min(row1 - row0, col1 - col0) <= MAX_LETTER_SIDE * min(shape[:2])


def _read_upright(picture: RGB, corners: NDArray[np.float64]) -> list[TextBox]:
    """The texts between four corners (4, 2) of columns and rows, whose lines run along rows or columns."""
    height, width = picture.shape[:2]
    col0, row0 = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    col1, row1 = np.minimum(np.ceil(corners.max(axis=0)) + 1, (width, height)).astype(int)
    whole = tight_box(picture, (int(row0), int(col0), int(row1), int(col1)))
    found = [_read_box(picture, box) for box in split_at_gaps(picture, whole)]
    return [part for text in found if text is not None for part in _split_numbers(picture, text)]


def _split_numbers(picture: RGB, text: TextBox) -> list[TextBox]:
    """The numbers of an axis that stand hardly a letter apart, if a text is several of them, else the text itself."""
    if _count_digits(text.text) <= MAX_DIGITS or re.search(r"[^\W\d_]", text.text):
        return [text]
    words = text.text.split()
    if len(words) > 1 and min(map(_count_digits, words)) > MAX_GROUP:  # signs may stand as far from digits as words do
        found = [_read_box(picture, box) for box in split_at_widest_gaps(picture, text.box, len(words))]
        read = [part for part in found if part is not None]
        if len(read) == len(words) and all(_count_digits(part.text) > MAX_GROUP for part in read):
            return read
    found = [_read_box(picture, box) for box in split_at_gaps(picture, text.box, MIN_GAP)]
    digits = [0 if part is None else _count_digits(part.text) for part in found]
    return [part for part in found if part is not None] if min(digits) > MAX_GROUP else [text]


def _count_digits(text: str) -> int:
    return sum(letter.isdigit() for letter in text)


def _read_box(picture: RGB, box: Box) -> TextBox | None:
    """The text in a tight box."""
    row0, col0, row1, col1 = box
    margin = INK_MARGIN
    crop = picture[max(0, row0 - margin) : row1 + margin, max(0, col0 - margin) : col1 + margin]
    text, score = recognise(crop)
    angle = 0
    if row1 - row0 >= TALL * (col1 - col0):
        turned, own = recognise(np.rot90(crop, -1))
        if own * len(turned) > score * len(text):
            text, score, angle = turned, own, 90
    return TextBox(text, box, score, angle) if text and score >= MIN_SCORE else None


def _read_tilted(picture: RGB, corners: NDArray[np.float64]) -> list[TextBox]:
    """The text between four corners (4, 2) of columns and rows from its top left one, in any direction."""
    across, down = np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[3] - corners[0]))
    size = (max(2, round(float(across))), max(2, round(float(down))))
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    turn = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    crop = np.asarray(cv2.warpPerspective(picture, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
    if size[1] > size[0]:
        crop = np.rot90(crop)
    (text, score), (turned, own) = recognise(crop), recognise(crop[::-1, ::-1])
    if own * len(turned) > score * len(text):
        text, score = turned, own
    (col0, row0), (col1, row1) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    angle = -round(float(np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1]))))
    box = (max(0, int(row0)), max(0, int(col0)), int(row1) + 1, int(col1) + 1)
    return [TextBox(text, box, score, angle)] if text and score >= MIN_SCORE else []


def recognise(crop: RGB) -> tuple[str, float]:
    """Read one line of text.

    Parameters
    ----------
    crop : (h, w, 3) uint8
        The line and nothing else.

    Returns
    -------
    text : str
        Empty where nothing was recognised.
    score : float
        0 to 1.

    Raises
    ------
    UserError
        The libraries are not installed.
    """
    line = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2BGR)
    found = _engine()(line, use_det=False, use_cls=False, use_rec=True)
    if not found.txts:
        return "", 0.0
    return found.txts[0].strip(), float(found.scores[0])


def tight_box(picture: RGB, box: Box) -> Box:
    """Shrink a box to the letters in it: what differs from the colour that most of its edge has.

    Examples
    --------
    >>> page = np.full((20, 30, 3), 255, np.uint8)
    >>> page[5:9, 10:20] = 0
    >>> tight_box(page, (2, 3, 18, 28))
    (5, 10, 9, 20)
    """
    row0, col0, _, _ = box
    ink = _ink(picture, box)
    if not ink.any():
        return box
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return row0 + int(rows[0]), col0 + int(cols[0]), row0 + int(rows[-1]) + 1, col0 + int(cols[-1]) + 1


def split_at_gaps(picture: RGB, box: Box, gap: float = MAX_GAP) -> list[Box]:
    """Split a line of letters, upright or turned by a quarter, at gaps that are wider than between words.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    box : tuple[int, int, int, int]
        First row and column of the line, and the row and column behind the last ones.
    gap : float, default MAX_GAP
        Heights of letters that part two texts: numbers of an axis.

    Examples
    --------
    >>> page = np.full((20, 60, 3), 255, np.uint8)
    >>> page[6:14, 11:20] = page[6:14, 40:49] = 0
    >>> split_at_gaps(page, (5, 10, 15, 50))
    [(5, 11, 15, 20), (5, 40, 15, 49)]
    """
    along, height = _ink_along(picture, box)
    if len(along) < 2 or along[-1] - along[0] < TALL * height:
        return [box]
    return _cut_at(box, along, np.flatnonzero(np.diff(along) > gap * height))


def split_at_widest_gaps(picture: RGB, box: Box, count: int) -> list[Box]:
    """Split a line of letters into so many texts, at its widest gaps.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        The page.
    box : tuple[int, int, int, int]
        As in `split_at_gaps`.
    count : int
        Number of texts; fewer come back where there are fewer gaps.

    Examples
    --------
    >>> page = np.full((20, 60, 3), 255, np.uint8)
    >>> page[6:14, 11:15] = page[6:14, 17:20] = page[6:14, 26:30] = 0
    >>> split_at_widest_gaps(page, (5, 10, 15, 50), 2)
    [(5, 11, 15, 20), (5, 26, 15, 30)]
    """
    along, _ = _ink_along(picture, box)
    if len(along) < 2 or count < 2:
        return [box]
    steps = np.diff(along)
    breaks = np.sort(np.argsort(steps, kind="stable")[1 - count :])
    return _cut_at(box, along, breaks[steps[breaks] > 1])


def _ink_along(picture: RGB, box: Box) -> tuple[NDArray[np.intp], int]:
    """Where a line of letters has ink, from its start, and the height of its letters."""
    row0, col0, row1, col1 = box
    is_turned = _is_turned(box)
    return np.flatnonzero(_ink(picture, box).any(axis=int(is_turned))), col1 - col0 if is_turned else row1 - row0


def _cut_at(box: Box, along: NDArray[np.intp], breaks: NDArray[np.intp]) -> list[Box]:
    """The boxes of a line's parts, which end before gaps of its ink."""
    row0, col0, row1, col1 = box
    start = row0 if _is_turned(box) else col0
    spans = zip([along[0], *along[breaks + 1]], [*along[breaks], along[-1]], strict=True)
    ends = [(start + int(one), start + int(other) + 1) for one, other in spans]
    return [(one, col0, other, col1) if _is_turned(box) else (row0, one, row1, other) for one, other in ends]


def _is_turned(box: Box) -> bool:
    """Whether a line of letters runs along columns."""
    return box[2] - box[0] >= TALL * (box[3] - box[1])


def _ink(picture: RGB, box: Box) -> NDArray[np.bool_]:
    """Pixels of a box (h, w) that differ from its ground, the colour that most of its pixels or of its edge have."""
    row0, col0, row1, col1 = box
    crop = picture[row0:row1, col0:col1].astype(np.int16)
    if crop.size == 0:
        return np.zeros(crop.shape[:2], np.bool_)
    away = np.abs(crop - np.median(crop.reshape(-1, 3), axis=0)).max(axis=2)
    return np.asarray(away > max(MIN_INK_CONTRAST * away.max(), 1))


def _tilt(corners: NDArray[np.float64]) -> float:
    """Degrees between the upper edge of a text and the nearer of rows and columns."""
    angle = float(np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1])))
    return abs((angle + 45) % 90 - 45)


@lru_cache(maxsize=1)
def _engine() -> Any:
    """The recognition, with the models of its wheel, in one thread, so that maps can be read side by side."""
    library = import_optional("rapidocr", "text of pictures", "pictures")
    import_optional("onnxruntime", "text of pictures", "pictures")
    models = Path(library.__file__).parent / "models"
    # Files that are named are never downloaded.
    chosen = {kind: sorted(models.glob(f"*_{kind}_*.onnx")) for kind in ("det", "rec")}
    if not all(chosen.values()):
        raise UserError("text of pictures", f"no models in {models}", "those of rapidocr 3.10",
                        "pip install 'trapmtl[pictures]'")  # fmt: skip
    threads = "EngineConfig.onnxruntime"
    return library.RapidOCR(params={
        "Global.log_level": "critical", "Global.use_cls": False, "Rec.rec_img_shape": list(LINE_SIZE),
        "Det.model_path": str(chosen["det"][0]), "Rec.model_path": str(chosen["rec"][0]),
        f"{threads}.intra_op_num_threads": 1, f"{threads}.inter_op_num_threads": 1,
    })  # fmt: skip
