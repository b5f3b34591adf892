"""Picture files, PNG, JPEG, BMP, GIF, WebP and colour TIFF of every kind: read whole or refused, written atomically."""

import mmap
import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from targets.common.atomic_write import atomic_write
from targets.common.files.input_files import is_file, require_file
from targets.common.memory import require_memory
from targets.common.rgb_planes import colourfulness
from targets.errors import UserError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
TIFF_SUFFIXES = (".tif", ".tiff")  # pictures if they have colours, else grids
FORMATS = ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"]
COLOUR_MODES = ("P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
KNOWN_MODES = (*COLOUR_MODES, "1", "L", "LA", "PA")
NOTE_KEY = "Comment"  # keyword of the PNG standard
RGBA = tuple[int, int, int, int]  # red, green, blue, opacity, 0 to 255

# A sheet of A0 at 300 dots per inch has 139 million pixels; whatever claims more is a mistake or an attack, and is
# refused by its header, before the memory is asked for.
MAX_PIXELS = 150_000_000
MAX_SIDE = 65_535  # pixels; that of JPEG
PIXEL_BYTES = 24  # that reading a pixel takes, as a depth or as colours (measured: 12 to 23)
STRIP_SIZE = 2**20  # pixels decoded together: a large picture takes 2 GiB at most, and its strips stay in cache
MAX_GREY = 0.05  # share of pixels of a mask between a quarter and three quarters of white: soft edges at most
MAX_SOFT = 0.2  # likewise of any two tones: thin lines with soft edges
MIN_CONTRAST = 0.2  # of the range; less is the noise of JPEG


def is_picture_file(path: str | Path) -> bool:
    """Whether a file is a picture by its name; of TIFF, by its colours: a single band is a grid."""
    suffix = Path(path).suffix.lower()
    return suffix in PICTURE_SUFFIXES or (suffix in TIFF_SUFFIXES and _is_colour_tiff(Path(path)))


def _is_colour_tiff(path: Path) -> bool:
    if not is_file(path):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=["TIFF"]) as image:  # the header alone
                return image.mode in COLOUR_MODES
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return False


def read_rgb(path: str | Path) -> NDArray[np.uint8]:
    """Read a picture as colours; what is transparent becomes white.

    Parameters
    ----------
    path : str | Path
        A picture of any colour mode and bit depth.

    Returns
    -------
    rgb : (H, W, 3) uint8

    Raises
    ------
    UserError
        The file is missing, is no picture, is damaged or cut off, or has over `MAX_PIXELS` pixels or `MAX_SIDE`
        on a side.
    """
    image = _decode(path)
    if image.mode.startswith("I"):
        grey = np.asarray(image, np.float32) / np.float32(257)
        return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)
    found = np.empty((image.height, image.width, 3), np.uint8)
    for rows, colours in _strips(image):
        alpha = colours[..., 3:].astype(np.uint16)
        found[rows] = (colours[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return found


def read_grey(path: str | Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read a grey picture of any bit depth.

    Parameters
    ----------
    path : str | Path
        A picture without colours.

    Returns
    -------
    grey : (H, W) float64
        0 = black, 1 = white.
    opaque : (H, W) bool
        False where the picture is transparent.

    Raises
    ------
    UserError
        As `read_rgb`, or the picture has colours.
    """
    image = _decode(path)
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.float64)
        grey /= 65535
        return grey, np.ones(grey.shape, np.bool_)
    if _is_deep_png(path):
        return _read_deep_grey(path)
    grey, opaque = np.empty((image.height, image.width)), np.empty((image.height, image.width), np.bool_)
    coloured = 0
    for rows, colours in _strips(image):
        opaque[rows] = colours[..., 3] >= 128
        coloured += int((opaque[rows] & (colourfulness(colours[..., :3]) > 16)).sum())
        np.divide(colours[..., 1], 255.0, out=grey[rows])
    _check_grey(path, coloured / max(1, int(opaque.sum())))
    return grey, opaque


def _is_deep_png(path: str | Path) -> bool:
    """Whether a file is a PNG of 16 bits with colours or opacity, of which Pillow keeps 8 bits."""
    require_file(path, "a picture")
    with Path(path).open("rb") as file:
        head = file.read(26)
    return head[:4] == b"\x89PNG" and head[24] == 16 and head[25] in (2, 4, 6)


def _read_deep_grey(path: str | Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """As `read_grey`, of a PNG that Pillow has found whole."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    opaque = pixels[..., 3] >= 32768 if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], np.bool_)
    colours = pixels[..., :3]
    coloured = opaque & (colours.max(axis=2) - colours.min(axis=2) > 16 * 257)
    _check_grey(path, int(coloured.sum()) / max(1, int(opaque.sum())))
    return colours[..., 1] / 65535, opaque


def _check_grey(path: str | Path, share: float) -> None:
    if share > 0.01:
        raise UserError(path, f"a colour picture ({share:.0%} of the pixels have colours)", "a grey picture",
                        "save it as greyscale, or check that it is not the rgb picture")  # fmt: skip


def read_rgba(path: str | Path) -> NDArray[np.uint8]:
    """Read red, green, blue and opacity of a picture as they are in the file.

    Parameters
    ----------
    path : str | Path
        A picture.

    Returns
    -------
    rgba : (H, W, 4) uint8

    Raises
    ------
    UserError
        As `read_rgb`.
    """
    image = _decode(path)
    found = np.empty((image.height, image.width, 4), np.uint8)
    for rows, colours in _strips(image):
        found[rows] = colours
    return found


def read_mask(path: str | Path) -> NDArray[np.bool_]:
    """Read a black-and-white picture as a mask.

    Parameters
    ----------
    path : str | Path
        A picture of black and white.

    Returns
    -------
    mask : (H, W) bool
        True where it is **white** or transparent.

    Raises
    ------
    UserError
        As `read_grey`, or the picture holds grey levels, or only the values 0 and 1.
    """
    grey, opaque = read_grey(path)
    if 0 < grey.max() <= 1 / 255:
        raise UserError(path, "a mask that holds only the values 0 and 1", "black (0) and white (255)",
                        "multiply it by 255")  # fmt: skip
    if (share := float(((grey > 0.25) & (grey < 0.75)).mean())) > MAX_GREY:
        raise UserError(path, f"{share:.0%} of its pixels are grey", "black and white only",
                        "save it as a two-colour mask, or check that it is not the depth")  # fmt: skip
    return (grey >= 0.5) | ~opaque


def read_two_tones(path: str | Path) -> NDArray[np.bool_]:
    """Read a picture of two tones, whatever they are: black and white, 0 and 1, two colours, soft edges, JPEG.

    Parameters
    ----------
    path : str | Path
        A picture.

    Returns
    -------
    bright : (H, W) bool
        True where it has the brighter tone; of a picture of one tone, whether that is bright. What is transparent has
        the tone that its opaque pixels do not have.

    Raises
    ------
    UserError
        As `read_rgb`, or the picture has more than two tones.
    """
    image = _decode(path)
    if image.mode.startswith("I"):
        grey, opaque = np.asarray(image, np.float64) / 65535, np.ones((image.height, image.width), np.bool_)
    else:
        grey, opaque = np.empty((image.height, image.width)), np.empty((image.height, image.width), np.bool_)
        for rows, colours in _strips(image):
            grey[rows] = colours[..., :3].mean(axis=2) / 255
            opaque[rows] = colours[..., 3] >= 128
    if not opaque.all():
        grey[~opaque] = 0.0 if opaque.any() and grey[opaque].mean() > 0.5 else 1.0
    low, high = float(grey.min()), float(grey.max())
    is_pair = bool(((grey == low) | (grey == high)).all())
    if high - low < MIN_CONTRAST and not (is_pair and high > low):
        return np.full(grey.shape, high > 0.5)
    place = (grey - low) / (high - low)
    if (share := float(((place > 0.25) & (place < 0.75)).mean())) > MAX_SOFT:
        raise UserError(path, f"{share:.0%} of its pixels are between dark and bright", "two tones",
                        "save it as a two-colour mask, or check that it is not the depth")  # fmt: skip
    return place >= 0.5


def read_note(path: str | Path) -> str:
    """The note that `write_picture` left in a PNG; empty in other files, and where there is none."""
    try:
        with Image.open(path, formats=["PNG"]) as image:  # the chunks before the pixels alone
            return str(image.info.get(NOTE_KEY, ""))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return ""


def write_picture(
    pixels: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.bool_], path: str | Path, note: str = ""
) -> None:
    """Write a picture.

    Parameters
    ----------
    pixels : (H, W) uint8, uint16 or bool, or (H, W, 3) uint8
        Grey (True = white), or colours.
    path : str | Path
        The suffix chooses PNG or JPEG.
    note : str, default ''
        A sentence about the picture, kept in a PNG.

    Raises
    ------
    UserError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(np.array([[True, False]]), f"{folder}/mask.png")
    ...     read_mask(f"{folder}/mask.png").tolist()
    [[True, False]]
    """
    if pixels.dtype == np.bool_:
        pixels = np.where(pixels, 255, 0).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    about = PngInfo()
    if note:
        about.add_text(NOTE_KEY, note)
    with atomic_write(path) as temporary:
        image.save(temporary, pnginfo=about)


def _strips(image: Image.Image) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Strips of rows from the top down: (the rows, their (h, W, 4) red, green, blue and opacity)."""
    height = max(1, STRIP_SIZE // image.width)
    for top in range(0, image.height, height):
        bottom = min(top + height, image.height)
        yield slice(top, bottom), np.asarray(image.crop((0, top, image.width, bottom)).convert("RGBA"))


def _decode(path: str | Path) -> Image.Image:
    """Decode every pixel; Pillow, unlike OpenCV, raises on a cut-off file instead of guessing."""
    require_file(path, "a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is our own limit
            # Mapped, because Pillow asks for as many bytes as a block claims to have: a plain file would allocate them.
            with (
                Path(path).open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole,
                Image.open(whole, formats=FORMATS) as image,  # type: ignore[arg-type]  # it reads and seeks
            ):
                if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
                    raise Image.DecompressionBombError(f"{image.width} x {image.height} pixels")
                require_memory(PIXEL_BYTES * image.width * image.height, path, "save it at a lower resolution")
                image.load()  # decodes every pixel
                return image if image.mode.startswith("I") or image.mode in KNOWN_MODES else image.convert("RGBA")
    except FileNotFoundError as error:
        raise UserError(path, "no such file", hint="check the path") from error
    except UnidentifiedImageError as error:
        raise UserError(
            path, "not a picture that can be read", "a PNG, JPEG, BMP, GIF, WebP or TIFF file", "save it again"
        ) from error
    except Image.DecompressionBombError as error:
        raise UserError(path, f"claims to be too large ({error})", f"at most {MAX_PIXELS:,} pixels and "
                        f"{MAX_SIDE:,} a side",
                        "cut it into smaller maps, or save it at a lower resolution") from error  # fmt: skip
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow raises these on damaged files
        raise UserError(path, f"damaged or cut off ({error})", "a whole picture", "save or copy it again") from error
