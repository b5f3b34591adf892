"""Which traps a network misses: figures by the size of a trap over the side of the tile it is judged from."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mtl.metrics.base import THRESHOLD, Sums, pool, ratio
from mtl.metrics.masks import mask_ratios
from targets.scene import Bool, Float, Scene

EDGES = (0.25, 0.5, 1.0, 2.0)  # of the classes, in tile sides
CLASSES = ("below 1/4", "1/4 to 1/2", "1/2 to 1", "1 to 2", "above 2")
SUMS = ("traps", "found", "beyond", "tp", "fp", "fn")
AROUND = np.ones((3, 3), np.uint8)  # a cell and its 8 neighbours: traps do not touch, not even at corners


@dataclass(frozen=True, eq=False)
class View:
    """How a map is cut for a network, in cells of the map.

    Attributes
    ----------
    side : float
        Of a tile, the square that cells are judged in.
    shown : float
        Side of the square, around the same centre, that the network is shown with it.
    origins : (N, 2)
        Row and column where each tile begins.
    """

    side: float
    shown: float
    origins: NDArray[np.float64]


def count_by_size(prediction: Float, target: Float, valid: Bool, scene: Scene, view: View, side: float) -> list[Sums]:
    """Sums for every class of `CLASSES`; over all classes they add up to the sums of the mask.

    The class of a trap is the diameter of the circle of its area over `side` in cells, a tile's as a rule. False cells
    count for the trap that their predicted part covers most of or, where it covers none, for the class of the part's
    own size.

    Parameters
    ----------
    prediction, target : (1, H, W)
        Probability of trap.
    valid : (H, W) bool
        .

    Returns
    -------
    Of each class: traps; `found`, those of which more than half is predicted; `beyond`, see `spills_beyond`; and the
    cells tp, fp, fn.
    """
    seen, true = ((np.nan_to_num(a[0]) > THRESHOLD) & valid for a in (prediction, target))
    sums = [dict.fromkeys(SUMS, 0.0) for _ in CLASSES]
    labels, count = ndimage.label(true, AROUND)
    areas, hits = (np.bincount(cells, minlength=count + 1) for cells in (labels.ravel(), labels[seen]))
    for k in range(1, count + 1):
        own = sums[size_class(areas[k], side)]
        own["traps"] += 1
        own["found"] += float(hits[k] > areas[k] / 2)
        own["beyond"] += float(spills_beyond(labels == k, scene, view))
        own["tp"] += float(hits[k])
        own["fn"] += float(areas[k] - hits[k])
    parts, _ = ndimage.label(seen, AROUND)
    for part, here in enumerate(ndimage.find_objects(parts), start=1):
        cells = np.bincount(labels[here][parts[here] == part], minlength=count + 1)
        area = areas[1 + cells[1:].argmax()] if cells[1:].any() else cells[0]
        sums[size_class(area, side)]["fp"] += float(cells[0])
    return sums


def size_class(area: float, side: float) -> int:
    """The class of a trap of an area in cells."""
    return int(np.searchsorted(EDGES, 2 * np.sqrt(area / np.pi) / side, side="right"))


def spills_beyond(trap: Bool, scene: Scene, view: View) -> bool:
    """Whether the spill point lies outside what is shown with the tiles that hold most of a trap: all such tiles.

    The spill point is the shallowest cell around the trap, several if they are equal: without a depth the whole
    outline must be shown.
    """
    around = cv2.dilate(trap.astype(np.uint8), AROUND).astype(bool) & ~trap & scene.map_valid
    if not around.any():  # the map is one trap
        return False
    spill = np.argwhere(around & (scene.depth == scene.depth[around].min()))
    inside = np.pad(trap.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    (top, left), (bottom, right) = (
        np.clip(np.rint(corner), 0, trap.shape).astype(int).T for corner in (view.origins, view.origins + view.side)
    )
    held = inside[bottom, right] - inside[top, right] - inside[bottom, left] + inside[top, left]
    first = view.origins[held == held.max(), None] - (view.shown - view.side) / 2
    return not ((spill >= first) & (spill < first + view.shown)).all((1, 2)).any()


def size_figures(maps: Sequence[list[Sums]]) -> dict[str, dict[str, float]]:
    """{class: figures} of several maps together.

    Traps, the share of them that is found and whose spill point is `beyond`, recall and IoU of cells.
    """
    figures = {}
    for name, sums in zip(CLASSES, map(pool, zip(*maps, strict=True)), strict=True):
        cells = mask_ratios(sums)
        figures[name] = {
            "traps": sums["traps"],
            "beyond": ratio(sums["beyond"], sums["traps"]),
            "found": ratio(sums["found"], sums["traps"]),
            "recall": cells["recall"],
            "iou": cells["iou"],
        }
    return figures
