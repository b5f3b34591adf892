"""Resizer: fit a map smaller than the network's window by padding, mirroring or enlarging, and map answers back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtl.config import SmallMapMode
from targets.scene import Bool, Float, Rows
from targets.surface.resample import upsample


@dataclass(frozen=True)
class Resizer:
    """Way from a map to what the network sees of it, and back. A map as large as the window stays as it is.

    Attributes
    ----------
    shape : tuple[int, int]
        (H, W) of the map.
    window : int
        Side of patches and tiles, in cells.
    mode : SmallMapMode
        `pad`: the map stays as it is, patches and tiles pad it; `reflect`: its sides that are too short are continued
        as in a mirror, with the map in the middle; `resize`: it is enlarged until its longer side fills the window.

    Examples
    --------
    >>> resizer = Resizer((1, 4), 7, "reflect")
    >>> seen = resizer.forward(np.array([[[1, 2, 3, 4]]]))
    >>> seen[0, 0].tolist(), resizer.inverse(seen).tolist()
    ([2, 1, 2, 3, 4, 3, 2], [[[1, 2, 3, 4]]])
    """

    shape: tuple[int, int]
    window: int
    mode: SmallMapMode

    @property
    def is_active(self) -> bool:
        """Whether anything changes: a mirror fills either side, an enlarged map must fit with both."""
        return self.mode != "pad" and (min if self.mode == "reflect" else max)(self.shape) < self.window

    def forward(self, values: NDArray, smooth: bool = False) -> NDArray:
        """Values of the map as the network sees them.

        Parameters
        ----------
        values : (C, H, W)
            Of any type.
        smooth : bool, default False
            Enlarged values are interpolated linearly, else copied from the nearest cell.

        Returns
        -------
        (C, h, w) of the same type
        """
        if not self.is_active:
            return values
        if self.mode == "reflect":
            return np.pad(values, [(0, 0), *self._margins], mode="reflect")
        dtype = values.dtype if values.dtype != np.bool_ else np.dtype(np.uint8)  # OpenCV knows no bool
        interpolation = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST_EXACT
        scale = self.window / max(self.shape)
        size = round(self.shape[1] * scale), round(self.shape[0] * scale)
        planes = [cv2.resize(plane.astype(dtype), size, interpolation=interpolation) for plane in values]
        return np.stack(planes).astype(values.dtype)

    def forward_rows(self, read: Rows) -> Rows:
        """Reader of the rows that the network sees, from a reader of the map's rows."""
        if not self.is_active:
            return read
        whole = self.forward(read(slice(0, self.shape[0])), smooth=True)
        return lambda rows: whole[:, rows]

    def own_cells(self) -> Bool:
        """(h, w) which cells that the network sees are the map's own, rather than its mirror image's."""
        own = np.ones(self.shape, np.bool_)
        if self.mode == "reflect":
            return np.pad(own, self._margins)
        return self.forward(own[None])[0]

    def inverse(self, values: Float) -> Float:
        """(C, h, w) values on the cells that the network saw -> (C, H, W) values on the map's own cells."""
        if not self.is_active:
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
