"""Brute force for finite charge: volumes are poured cell by cell, pools rise, overflow and grow together."""

from numpy.typing import NDArray


class Pools:
    """A small map, no two depths equal, and the fluid in it.

    Attributes
    ----------
    level : (H, W) float64
        Contact in each cell, at least its depth; deeper where it holds fluid.
    lost, unplaced : float
        What left over an open border, and what found no room.
    """

    def __init__(self, depth: NDArray, inside: NDArray, leaving: NDArray, eight: bool) -> None:
        self.depth, self.inside, self.leaving, self.eight = depth, inside, leaving, eight
        self.level = depth.astype(float).copy()
        self.pool: dict[tuple[int, int], set[tuple[int, int]]] = {}
        self.lost = self.unplaced = 0.0

    def around(self, cell: tuple[int, int]) -> list[tuple[int, int]]:
        """The neighbours of a cell inside the map."""
        steps = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0) and (self.eight or 0 in (r, c))]
        cells = [(cell[0] + r, cell[1] + c) for r, c in steps]
        rows, cols = self.depth.shape
        return [k for k in cells if 0 <= k[0] < rows and 0 <= k[1] < cols and self.inside[k]]

    def pool_of(self, cell: tuple[int, int]) -> set[tuple[int, int]] | None:
        """The pool that fluid from a cell climbs into, or None: out of the map."""
        while cell not in self.pool:
            if self.leaving[cell]:
                return None
            up = min(self.around(cell), key=lambda k: self.depth[k], default=cell)
            if self.depth[up] > self.depth[cell] or up == cell:
                self.pool[cell] = {cell}
            else:
                cell = up
        return self.pool[cell]

    def pour(self, cell: tuple[int, int], volume: float) -> None:
        """Let a volume start from a cell."""
        while volume > 0:
            pool = self.pool_of(cell)
            if pool is None:
                self.lost += volume
                return
            contact = self.level[next(iter(pool))]
            rim = {k for here in pool for k in self.around(here)} - pool
            if not rim:  # a part of the map without a way out is full at its deepest cell
                self.unplaced += volume
                return
            edge = min(rim, key=lambda k: self.depth[k])
            room = (self.depth[edge] - contact) * len(pool)
            if room > 0:
                part = min(volume, room)
                raised = self.depth[edge] if part == room else contact + part / len(pool)
                for here in pool:
                    self.level[here] = raised
                volume -= part
                continue
            cell = self.overflow(pool, edge)

    def overflow(self, pool: set[tuple[int, int]], edge: tuple[int, int]) -> tuple[int, int]:
        """Where a pool that is full to a cell of its rim passes on: into what lies beyond, or into a larger pool."""
        if self.leaving[edge]:
            return edge
        beyond = [k for k in self.around(edge) if self.depth[k] < self.depth[edge] and k not in pool]
        grown = pool | {edge}
        for k in sorted(beyond, key=lambda k: self.depth[k]):
            other = self.pool_of(k)
            if other is None or self.level[next(iter(other))] < self.depth[edge]:
                return k
            grown |= other
        for here in grown:
            self.pool[here], self.level[here] = grown, self.depth[edge]
        return edge
