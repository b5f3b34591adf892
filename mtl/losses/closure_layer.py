"""Height above spill as a layer of a network: exact closures forward, gather and scatter backward.

The fill level of a cell is the depth of one other cell, the one at which its closure spills (`targets.closure`). So the
height above spill is a difference of two cells of the surface, and its gradient is exact: +1 at the spill cell, -1 at
the cell itself. The engine finds out which cells these are, torch gathers their depths. Two costs are built on it:

* A *false* trap pays its height in every cell. Its gradient raises the spill cell, by which the closure opens, and
  lowers the rest.
* A *missed* cell of a drawn trap has no height and no gradient of its own. It pays what it lacks to the depth of the
  trap's rim, the undrawn cells beside the drawn outline, of which the shallowest weigh most: they are lowered below the
  trap's top.

Persistence-based losses move pairs of critical cells in the same way (Hu et al. 2019; Clough et al. 2020), and height
above spill is a reconstruction by erosion, an operator of differentiable morphology.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from targets.closure.find import search_grid
from targets.closure.kernels.codes import COL_STEP, INSIDE, OPEN, ROW_STEP, WALL, Grid
from targets.truth.criteria import TrapCriteria
from targets.truth.rasters import BORDER, FAULT, LEAST_AREA, TRAP
from targets.truth.selection import select_traps

# Lengths of depth are those of a relative depth, from -1 to 1: 0.02 is one hundredth of the map's relief.
NEEDED_HEIGHT = 0.02  # height above spill of a drawn trap; the smallest trap of the default criteria
RISE = 4  # cells from the outline inwards over which a cell's needed height grows to it: outlines have no height
UNIT = 0.1  # a cell that is wrong by so much depth costs 1


class PatchClosures(NamedTuple):
    """What the closures of one patch are, as places of cells (flat indices) and masks. N = H · W.

    Attributes
    ----------
    spill : (N,) int64
        The cell whose depth is the fill level; the cell itself outside closures. Traps that were drawn as far as the
        edge of what is known leak there.
    walled_spill : (N,) int64
        Likewise, where such traps do not leak over that edge.
    undrawn : (N,) bool
        Known cells outside drawn traps: any height there is false.
    needed : (N,) float32
        Height above spill that cells of drawn traps need; 0 elsewhere.
    trap : (N,) int64
        Number of the drawn trap, 0 = none.
    rim_trap, rim_cell : (R,) int64
        Pairs of a drawn trap and a cell of its rim.
    """

    spill: NDArray[np.int64]
    walled_spill: NDArray[np.int64]
    undrawn: NDArray[np.bool_]
    needed: NDArray[np.float32]
    trap: NDArray[np.int64]
    rim_trap: NDArray[np.int64]
    rim_cell: NDArray[np.int64]


def closure_cost(depth: Tensor, planes: Tensor, known: Tensor, criteria: TrapCriteria) -> Tensor:
    """What every cell costs where the closures of a surface are not the drawn traps.

    0 everywhere if and only if no known cell outside drawn traps has a height above spill, and every cell inside has
    the one that it needs. The cost does not change when a constant is added to the surface.

    Parameters
    ----------
    depth : (B, 1, H, W) float32, positive down
        Surfaces, in units in which the relief of a map is about 2.
    planes : (B, 4, H, W) float32
        Of `targets.truth.rasters.closure_planes`.
    known : (B, 1, H, W) float32
        1 in cells of the map, where traps are known.
    criteria : TrapCriteria
        Which closures count. Depth steps and heights in depth units do not: a predicted depth has none.

    Returns
    -------
    (B, 1, H, W) float32
        0 or more.

    Examples
    --------
    A high that nobody drew: its three cells lie 5, 2 and 4 above the spill point at 7.

    >>> depth = torch.tensor([[9.0, 9, 9, 9, 9, 9], [9, 2, 5, 3, 7, 6], [9, 9, 9, 9, 9, 9]], requires_grad=True)
    >>> planes, criteria = torch.zeros(1, 4, 3, 6), TrapCriteria(min_area=0, min_relief=0)
    >>> cost = closure_cost(depth[None, None], planes, torch.ones(1, 1, 3, 6), criteria)
    >>> (UNIT * cost[0, 0, 1]).round().int().tolist()
    [0, 5, 2, 4, 0, 0]
    >>> (UNIT * torch.autograd.grad(cost.sum(), depth)[0][1]).round().int().tolist()
    [0, -1, -1, -1, 3, 0]
    """
    patches = read_batch(depth, planes, known, criteria)
    surface = depth.masked_fill(known == 0, 0.0).flatten(1)

    def stacked(field: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(patch, field) for patch in patches])).to(depth.device)

    false = (surface.gather(1, stacked("spill")) - surface) * stacked("undrawn")
    needed = stacked("needed")
    level = rim_levels(surface, patches)
    lacking = (needed + surface - level).relu()
    height = surface.gather(1, stacked("walled_spill")) - surface
    share = (1 - height / needed.clamp(min=1e-6)).relu()  # of the needed height that is missing
    missed = torch.where(needed > 0, share * lacking, 0.0)
    return ((false + missed) / UNIT).view_as(depth)


def rim_levels(surface: Tensor, patches: list[PatchClosures]) -> Tensor:
    """The soft minimum of the depths along the rim of each cell's drawn trap; infinite without a rim.

    Parameters
    ----------
    surface : (B, N) float32
        Depths.
    patches : list[PatchClosures]
        Of the surfaces.

    Returns
    -------
    (B, N) float32
        At most the shallowest depth of the rim, whose cells within some `NEEDED_HEIGHT` of it have a gradient.
    """
    counts = [int(patch.trap.max(initial=0)) for patch in patches]
    starts = np.cumsum([0, *counts])  # traps of all patches are numbered from 1
    cells = np.arange(len(patches)) * surface.shape[1]
    rims = [
        np.stack([patch.rim_trap + start, patch.rim_cell + cell])
        for patch, start, cell in zip(patches, starts, cells, strict=False)  # one start more than patches
    ]
    rim_trap, rim_cell = torch.from_numpy(np.concatenate(rims, 1)).to(surface.device)
    depths = surface.flatten()[rim_cell]
    lowest = surface.new_full((int(starts[-1]) + 1,), torch.inf)
    lowest = lowest.scatter_reduce(0, rim_trap, depths.detach(), "amin")
    near = torch.exp((lowest[rim_trap] - depths) / NEEDED_HEIGHT)
    total = torch.zeros_like(lowest).index_add(0, rim_trap, near)
    levels = lowest - NEEDED_HEIGHT * torch.where(total > 0, total, 1.0).log()
    owner = np.stack(
        [np.where(patch.trap > 0, patch.trap + start, 0) for patch, start in zip(patches, starts, strict=False)]
    )
    return levels[torch.from_numpy(owner).to(surface.device)]


def read_batch(depth: Tensor, planes: Tensor, known: Tensor, criteria: TrapCriteria) -> list[PatchClosures]:
    """The closures of every patch, on as many threads as torch has; arguments as of `closure_cost`."""
    surfaces = depth.detach()[:, 0].cpu().numpy()
    terms, inside = planes.detach().cpu().numpy(), known[:, 0].cpu().numpy() > 0
    with ThreadPoolExecutor(min(len(surfaces), torch.get_num_threads())) as pool:
        return list(pool.map(read_patch, surfaces, terms, inside, [criteria] * len(surfaces)))


def read_patch(
    depth: NDArray[np.float32], planes: NDArray[np.float32], known: NDArray[np.bool_], criteria: TrapCriteria
) -> PatchClosures:
    """The closures of one patch, and how they meet the drawn traps.

    What lies beyond the patch is open: a closure inside a patch is one of the map. Only drawn traps that reach the edge
    of what is known do not leak over it as far as they are concerned.

    Parameters
    ----------
    depth : (H, W) float32, positive down
        A surface.
    planes : (4, H, W) float32
        As of `closure_cost`.
    known : (H, W) bool
        Cells of the map where traps are known.
    criteria : TrapCriteria
        Which closures count.
    """
    drawn = planes[TRAP].astype(np.int64) * known
    state = cell_states(depth, planes, known, criteria)
    inside = state[1:-1, 1:-1] == INSIDE
    ground = Ground(np.pad(depth, 1), np.pad(planes[FAULT] > 0, 1), float(planes[LEAST_AREA].max()), criteria)
    labels, spill = ground.spill_cells(state)
    walled = state.copy()
    beyond = ~np.pad(known, 1)
    walled[beyond & beside(np.pad(drawn > 0, 1), criteria.connectivity)] = WALL
    walled_spill = spill if (walled == state).all() else ground.spill_cells(walled)[1]

    undrawn = inside & (drawn == 0)
    rim_trap, rim_cell = rim_pairs(drawn, undrawn, criteria.connectivity)
    if criteria.reading == "contour":  # down to its spill point a trap goes on below its outline
        undrawn = undrawn & ~(np.isin(labels, labels[drawn > 0]) & (labels > 0))
    has_rim = np.isin(drawn, rim_trap) & inside
    needed = np.zeros(depth.shape, np.float32)
    if has_rim.any():
        steps = cv2.distanceTransform((drawn > 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        needed = np.where(has_rim, NEEDED_HEIGHT * np.minimum(steps / RISE, 1), 0).astype(np.float32)
    return PatchClosures(
        spill.ravel(), walled_spill.ravel(), undrawn.ravel(), needed.ravel(), drawn.ravel(), rim_trap, rim_cell
    )


def cell_states(
    depth: NDArray[np.float32], planes: NDArray[np.float32], known: NDArray[np.bool_], criteria: TrapCriteria
) -> NDArray[np.uint8]:
    """(H + 2, W + 2) uint8: what each cell of a patch is, and each cell around it; arguments as of `read_patch`.

    Where edges are closed, what lies outside the map is a wall. Beyond the patch the map goes on, which is open.
    """
    state = np.full((depth.shape[0] + 2, depth.shape[1] + 2), OPEN, np.uint8)
    if criteria.edge == "closed":
        goes_on = beside(np.pad(known & (planes[BORDER] == 0), 1), 8)
        goes_on[1:-1, 1:-1] = False
        state[~goes_on] = WALL
    state[1:-1, 1:-1][known & np.isfinite(depth)] = INSIDE
    if criteria.faults != "transparent":
        state[1:-1, 1:-1][known & (planes[FAULT] > 0)] = OPEN if criteria.faults == "leaking" else WALL
    return state


class Ground(NamedTuple):
    """A surface with a frame of one cell, its faults and which of its closures count.

    Attributes
    ----------
    depth : (H + 2, W + 2) float32, positive down
        The surface; the frame has any depth.
    fault : (H + 2, W + 2) bool
        Cells of faults.
    least_area : float
        Of a closure that counts, in cells.
    criteria : TrapCriteria
        What else they have to meet.
    """

    depth: NDArray[np.float32]
    fault: NDArray[np.bool_]
    least_area: float
    criteria: TrapCriteria

    def spill_cells(self, state: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Which closure each cell belongs to, and the cell at which it spills.

        Parameters
        ----------
        state : (H + 2, W + 2) uint8
            Of `cell_states`.

        Returns
        -------
        labels : (H, W) int32
            0 = none.
        spill : (H, W) int64
            Flat indices; the cell itself outside closures.
        """
        rules = self.criteria
        grid = Grid(self.depth, state, rules.connectivity == 8, rules.edge == "open", 0.0, 0.0)
        near_fault = beside(self.fault, rules.connectivity) if self.fault.any() else np.empty((0, 0), bool)
        every = search_grid(grid, near_fault, self.least_area, 2 * rules.min_relief)
        found = select_traps(every, rules.culminations, rules.fault_contact)
        labels = found.labels[1:-1, 1:-1]
        own = np.arange(labels.size).reshape(labels.shape)
        spill = (found.table["spill_row"].astype(np.int64) - 1) * labels.shape[1] + found.table["spill_col"] - 1
        return labels, np.where(labels > 0, np.append(0, spill)[labels], own)


def beside(cells: NDArray[np.bool_], connectivity: int) -> NDArray[np.bool_]:
    """(H, W) bool: cells and their 8 or 4 neighbours, by OpenCV, which is ten times as fast as SciPy."""
    shape = cv2.MORPH_RECT if connectivity == 8 else cv2.MORPH_CROSS
    return cv2.dilate(cells.astype(np.uint8), cv2.getStructuringElement(shape, (3, 3))) > 0


def rim_pairs(
    drawn: NDArray[np.int64], undrawn: NDArray[np.bool_], connectivity: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a drawn trap and an undrawn cell beside it, each once.

    Parameters
    ----------
    drawn : (H, W) int64
        Numbers of traps, 0 = none.
    undrawn : (H, W) bool
        Cells that can be a rim.
    connectivity : int
        8 or 4 neighbours.

    Returns
    -------
    traps, cells : (R,) int64
        Numbers and flat indices.

    Examples
    --------
    >>> drawn = np.array([[0, 7, 7, 0, 0]])
    >>> [pairs.tolist() for pairs in rim_pairs(drawn, drawn == 0, 8)]
    [[7, 7], [0, 3]]
    """
    padded, (height, width) = np.pad(drawn, 1), drawn.shape
    found = [np.empty(0, np.int64)]
    for row, col in list(zip(ROW_STEP, COL_STEP, strict=True))[:: 1 if connectivity == 8 else 2]:
        neighbour = padded[1 + row : 1 + row + height, 1 + col : 1 + col + width]
        cells = np.flatnonzero(undrawn & (neighbour > 0))
        found.append(neighbour.ravel()[cells] * drawn.size + cells)
    traps, cells = np.divmod(np.unique(np.concatenate(found)), drawn.size)
    return traps, cells
