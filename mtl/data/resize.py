"""How does a map smaller than the network's window fill it? Padded, continued as in a mirror, or enlarged."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtl.config import Fill
from targets.scene import Bool, Float, Rows
from targets.surface.resample import upsample


@dataclass(frozen=True)
class Resizer:
    """What a network sees of a map, and the way back. A map as large as the window stays as it is.

    Attributes
    ----------
    shape : (H, W)
        Of the map.
    window : int
        Side of patches and tiles, in cells.
    how : Fill
        `pad`: as it is, patches and tiles pad it; `reflect`: its sides that are too short are continued in a mirror,
        the map in the middle; `resize`: it is enlarged until its longer side fills the window.
    """

    shape: tuple[int, int]
    window: int
    mode: Fill

    def forward(self, values: NDArray, smooth: bool = False) -> NDArray:
        """(C, H, W) values of the map -> (C, h, w), as the network sees them.

        Parameters
        ----------
        smooth : bool, default False
            Enlarged values are interpolated (linearly), else copied from the nearest cell.
        """
        if not self.fills:
            return values
        if self.mode == "reflect":
            return np.pad(values, [(0, 0), *self._margins], mode="reflect")
        kind = values.dtype if values.dtype != np.bool_ else np.dtype(np.uint8)  # OpenCV knows no bool
        way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST_EXACT
        scale = self.window / max(self.shape)
        size = round(self.shape[1] * scale), round(self.shape[0] * scale)
        planes = [cv2.resize(plane.astype(kind), size, interpolation=way) for plane in values]
        return np.stack(planes).astype(values.dtype)

    def rows(self, read: Rows) -> Rows:
        """How the network's rows of inputs are read, where `read` reads the map's."""
        if not self.fills:
            return read
        whole = self.forward(read(slice(0, self.shape[0])), smooth=True)
        return lambda rows: whole[:, rows]

    @property
    def fills(self) -> bool:
        """Whether there is something to fill: a mirror fills either side, an enlarged map must fit with both."""
        return self.mode != "pad" and (min if self.mode == "reflect" else max)(self.shape) < self.window

    def inside(self) -> Bool:
        """(h, w) which cells that the network sees are the map's own, rather than its mirror image's."""
        own = np.ones(self.shape, np.bool_)
        if self.mode == "reflect":
            return np.pad(own, self._margins)
        return self.forward(own[None])[0]

    def inverse(self, values: Float) -> Float:
        """(C, h, w) values of what the network saw -> (C, H, W) values of the map."""
        if not self.fills:
            return values
        if self.mode == "reflect":
            (top, _), (left, _) = self._margins
            return values[:, top : top + self.shape[0], left : left + self.shape[1]]
        return np.stack([upsample(plane, self.shape) for plane in values])

    @property
    def _margins(self) -> list[tuple[int, int]]:
        """Cells before and behind the map along rows and columns."""
        missing = [max(0, self.window - length) for length in self.shape]
        return [(number // 2, number - number // 2) for number in missing]
