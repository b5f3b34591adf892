"""Map of a page as arrays of one size: picture, inside, depth and location, cropped to the map's own cells."""

from typing import NamedTuple

import numpy as np

from targets.pages.page import Page
from targets.rendering.palettes import RGB
from targets.scene import Bool, Float, GeoReference


class PageMap(NamedTuple):
    """The map of a page.

    Attributes
    ----------
    rgb : (H, W, 3) uint8
        Its picture.
    inside : (H, W) bool
        Its cells.
    depth : (H, W) float32 | None
        Positive down, NaN where the colour bar says nothing; None without a bar.
    geo : GeoReference
        Where its first cell lies in the picture on disk, and the size of its cells in pixels.
    first : tuple[int, int]
        Row and column of its first cell among the page's cells.
    margin : tuple[int, int, int, int]
        Pixels of the picture on disk beyond it at the top, bottom, left and right.
    """

    rgb: RGB
    inside: Bool
    depth: Float | None
    geo: GeoReference
    first: tuple[int, int]
    margin: tuple[int, int, int, int]


def crop_to_map(page: Page) -> PageMap:
    """Crop a page to its map.

    Parameters
    ----------
    page : Page
        With a map.
    """
    rows, cols = np.flatnonzero(page.inside.any(axis=1)), np.flatnonzero(page.inside.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(cols[0]), int(cols[-1]) + 1
    box = np.s_[top:bottom, left:right]
    size, shape = page.reduction, page.shape
    first_row, first_col = round(top * size), round(left * size)
    margin = (first_row, max(0, shape[0] - round(bottom * size)), first_col, max(0, shape[1] - round(right * size)))
    geo = GeoReference(first_row=first_row, first_col=first_col, pixels=size)
    depth = None if page.depth is None else page.depth[box]
    return PageMap(page.picture[box], page.inside[box], depth, geo, (top, left), margin)
