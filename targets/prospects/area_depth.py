"""Area-depth and volume-depth curves of closures: exact for a surface whose cells are level columns."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from targets.closure import Closures


@dataclass(frozen=True, eq=False)
class AreaDepthCurve:
    """The cells of a closure in order of depth, from which area and rock volume above any contact follow.

    A cell lies as a whole at the depth of its node, as in the table of closures; so down to the spill point area and
    volume are those of the table, and volume grows with the contact by exactly its area.

    Attributes
    ----------
    crest, spill : float
        Depth of the crest and of the spill point, positive down.
    limit : float
        The deepest contact that the closure holds: the spill point, or the last closed contour where closures end
        there.
    depth : (n,) float64
        Of the cells, from the shallowest.
    areas, moments : (n + 1,) float64
        Area of the first k cells, and the sum of area times depth below the crest over them.
    """

    crest: float
    spill: float
    limit: float
    depth: NDArray[np.float64]
    areas: NDArray[np.float64]
    moments: NDArray[np.float64]

    def area(self, contact: ArrayLike) -> NDArray[np.float64]:
        """Area of the cells above a contact.

        Parameters
        ----------
        contact : float array, any shape
            Depths, positive down.

        Returns
        -------
        float64 array
            In the unit of the cell areas.
        """
        return self.areas[np.searchsorted(self.depth, contact, side="left")]

    def volume(self, contact: ArrayLike, thickness: ArrayLike = np.inf) -> NDArray[np.float64]:
        """Rock volume between the top and a contact, or the base of the reservoir where that is shallower.

        Parameters
        ----------
        contact : float array, any shape
            Depths, positive down.
        thickness : float array, default inf
            Gross vertical thickness of the reservoir, in the unit of depth; it broadcasts with `contact`.

        Returns
        -------
        float64 array
            In the unit of the cell areas times that of depth.
        """
        contact = np.asarray(contact, np.float64)
        with np.errstate(invalid="ignore"):
            base = np.nan_to_num(contact - np.asarray(thickness, np.float64), neginf=-np.inf)
        return self._above(contact) - np.where(base > self.crest, self._above(np.maximum(base, self.crest)), 0.0)

    def _above(self, contact: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume between the top and a contact, however thick the reservoir."""
        count = np.searchsorted(self.depth, contact, side="left")
        return np.asarray(self.areas[count] * (contact - self.crest) - self.moments[count], np.float64)


def find_area_depth_curves(
    closures: Closures, cell_areas: NDArray[np.float64], ids: Iterable[int] | None = None
) -> dict[int, AreaDepthCurve]:
    """Find the area-depth curves of outermost closures.

    Parameters
    ----------
    closures : Closures
        Of `targets.closure.find_closures`.
    cell_areas : float64, broadcasts to (H, W)
        Of `GeoReference.cell_areas`.
    ids : Iterable[int] | None, default None
        Of outermost closures; by default all of them.

    Returns
    -------
    dict[int, AreaDepthCurve]
        {id: curve}.

    Examples
    --------
    A closure of two cells of 10 m², 4 and 2 above its spill depth of 7:

    >>> from targets.closure import find_closures
    >>> found = find_closures([[9, 9, 9, 9], [9, 3, 5, 7], [9, 9, 9, 9]])
    >>> curve = find_area_depth_curves(found, np.array([[10.0]]))[1]
    >>> curve.area([3, 5, 7]).tolist(), curve.volume([3, 5, 7]).tolist(), float(curve.volume(7, thickness=3))
    ([0.0, 10.0, 20.0], [0.0, 20.0, 60.0], 50.0)
    """
    table = closures.table[closures.table["parent"] == 0]
    chosen = np.isin(table["id"], list(table["id"] if ids is None else ids))
    table = table[chosen]
    is_chosen = np.zeros(closures.table.size + 1, bool)
    is_chosen[table["id"]] = True
    cells = np.flatnonzero(is_chosen[closures.labels])
    label, depth = closures.labels.ravel()[cells], closures.grid.depth.ravel()[cells].astype(np.float64)
    weights = np.broadcast_to(cell_areas, closures.labels.shape).ravel()[cells]
    order = np.lexsort((depth, label))
    label, depth, weights = label[order], depth[order], weights[order]
    first, last = np.searchsorted(label, table["id"], "left"), np.searchsorted(label, table["id"], "right")
    curves = {}
    for row, start, end in zip(table, first, last, strict=True):
        own, area, crest = depth[start:end], weights[start:end], float(row["crest_depth"])
        sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (area, area * (own - crest))]
        curves[int(row["id"])] = AreaDepthCurve(
            crest, float(row["spill_depth"]), float(row["contour_depth"]), own, sums[0], sums[1]
        )
    return curves
