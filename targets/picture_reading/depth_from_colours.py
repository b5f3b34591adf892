"""A map's own legend: which depth does each of its colours mean, when a rough guess of the whole surface is at hand?

A colour has one depth wherever it is on the map. So the errors of a guess (a network's, say) average out over all
cells of one colour, and closures, which depend on the order of depths only, hardly notice an error that is the same for
a whole colour. And depth changes little from cell to cell, so colours that often lie side by side follow each other in
the palette: from that follows the order of all colours, whatever the guess says of some of them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh

from targets.picture_reading.colour_bins import NEIGHBOUR_SIGMA, bin_colours, local_covariances, bin_means, neighbour_weights, outer_products
from targets.picture_reading.contour_removal import find_blurred_rim, detect_dark_lines
from targets.picture_reading.denoise import denoise
from targets.picture_reading.overlay_boxes import find_paper_boxes
from targets.rendering.map import RGB
from targets.scene import Bool, Float
from targets.surface.fill import fill_holes

SHRINKAGE = 0.05  # of NEAR², added to the variance of colours: a class without neighbours has no slope

# How a colour that does not tell depth is known: the guess spreads over its cells more than over those of most
# colours. So ink is left out, whatever its colour, and text, faults and symbols with it.
VAGUE = 2.2  # times the median spread
ASTRAY = 5.0  # median spreads between a cell's guess and the depth of its colour: ink that has a colour of the map
TELLING = 0.6  # median spread over the guess's own standard deviation: more, and the colours tell no depth
READ = 0.1  # of the map, the share of cells that must be read at least

# Which colours follow each other in the palette. Of two orders the one nearer to the guess is taken.
APART = (1, 2, 4)  # cells; colours so far apart lie side by side: some pairs bridge a contour
KIN = (np.inf, 20.0)  # grey levels; pairs of colours as unlike as that count half
FEW = 1e-4  # of the cells; a class with fewer, or fewer than three, has no place in the order
# Of the variance of the guess, how far off it the order may be: one that is farther is of some other palette. Of 0.02
# to 0.6, 0.15 and more gave most on 60 generated maps in palettes kept from training (trap IoU 0.743 to 0.751, and
# 0.754 with the colours that ink parts from all others, which were left out; 0.695 without an order).
WRONG = 0.2

# How much a colour's depth follows its place in the palette rather than the guess, in standard deviations of the guess.
# A guess that calls the highest colours alike leaves no relief there. Of 0 to 2.5, 0.3 and more gave most on 122
# generated maps in palettes kept from training (trap IoU 0.64 without an order, 0.68 with 0, 0.77 with 0.6).
STRETCH = 0.6

MEDIAN = 5  # cells across, of the depths that a scan's colours tell


@dataclass(frozen=True, eq=False)
class ColourDepth:
    """What the colours of a picture tell.

    Attributes
    ----------
    depth : (H, W) float32
        In the guess's unit, continued from the sides where there is ink or a legend.
    noisy : bool
        Whether noise of a scan was taken out of the colours, and what is left of it is in the depth.
    """

    depth: Float
    noisy: bool


def depth_from_colours(rgb: RGB, prior: Float, inside: Bool) -> ColourDepth | None:
    """The depth that the colours of a picture tell, the guess being their legend.

    The legend is a local linear regression of the guess on colour (Cleveland 1979, Robust locally weighted regression,
    J. Am. Stat. Assoc. 74, 829-836, without its iterations), over classes of colours.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    guess : (H, W) float32
        The depth in any unit, finite inside the map.
    inside : (H, W) bool
        The map.

    Returns
    -------
    None where the colours tell no depth: a grey picture, say.
    """
    use = inside & ~detect_dark_lines(rgb) & ~find_blurred_rim(rgb, inside)
    if not use.any():
        return None
    calm = denoise(rgb, use)
    colours, wanted = (rgb if calm is None else calm)[use].astype(np.float64), prior[use].astype(np.float64)
    legend = _learn(colours, wanted)
    told, spread = legend.depth(colours), legend.spread[legend.of]
    usual = float(np.median(spread))
    if usual > TELLING * wanted.std():
        return None
    clear = (spread <= VAGUE * usual) & (np.abs(told - wanted) <= ASTRAY * usual)
    classes = np.full(inside.shape, -1)
    classes[use] = np.where(spread <= VAGUE * usual, legend.of, -1)
    size = len(legend.centre)
    beside, cells = count_adjacency(classes, size), np.bincount(classes[classes >= 0], minlength=size)
    many = cells >= max(3, FEW * cells.sum())
    orders = [_in_order(*order_colours(beside, cells, many, legend.centre, kin), legend.of, told) for kin in KIN]
    ranked, off = min(orders, key=lambda order: order[1])
    if off < WRONG * told.var():
        known = np.isfinite(ranked)
        placed = _learn(colours[known], ranked[known]).depth(colours[known])
        slope, level = np.polyfit(told[known], placed, 1)  # of colours without a place: parted from all others by ink
        told = level + max(slope, 0.0) * told
        told[known] = placed
        clear &= known | many[legend.of]
    read = np.zeros(inside.shape, np.bool_)
    read[use] = clear
    read &= ~find_paper_boxes(rgb, inside)  # a colour bar in one still tells which colours follow each other
    if read.sum() < READ * inside.sum():
        return None
    depth = np.zeros(inside.shape, np.float32)
    depth[use] = told
    depth = fill_holes(depth, read, inside)
    if calm is None:
        return ColourDepth(depth, noisy=False)
    return ColourDepth(np.asarray(cv2.medianBlur(depth, MEDIAN), np.float32), noisy=True)


def count_adjacency(classes: NDArray[np.intp], size: int) -> csr_array:
    """(size, size) how often cells (H, W) of two different classes lie side by side, -1 being of none."""
    counts = csr_array((size, size))
    for apart in APART:
        for one, other in ((classes[:, :-apart], classes[:, apart:]), (classes[:-apart], classes[apart:])):
            met = (one >= 0) & (other >= 0) & (one != other)
            counts = counts + csr_array((np.ones(met.sum()), (one[met], other[met])), (size, size))
    return counts + counts.T


def order_colours(
    beside: csr_array, cells: NDArray[np.intp], many: Bool, centre: NDArray[np.float64], kin: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Numbers (m,) of classes, and the place of each in the palette, 0 to 1, which end first is not known.

    By how often two classes lie side by side (`_beside`), (n,) cells of each, whether these are `many` enough, and
    `centre` (n, 3) their colours: the second eigenvector of their graph's normalised adjacency (Atkins, Boman and
    Hendrickson 1998, A spectral algorithm for seriation and the consecutive ones problem, SIAM J. Comput. 28, 297-310).
    Fewer than three have no order.
    """
    links = beside.tocoo()
    one, other = links.coords
    links.data = links.data / (1 + ((centre[one] - centre[other]) ** 2).sum(axis=1) / kin**2)
    graph = links.tocsr()[many][:, many]
    _, part = connected_components(graph, directed=False)
    largest = part == np.bincount(part, cells[many]).argmax() if len(part) else part > 0
    placed = np.flatnonzero(many)[largest]
    if len(placed) < 3:
        return placed, np.zeros(len(placed))
    graph = graph[largest][:, largest]
    root = np.sqrt(graph.sum(axis=1))
    alike = diags_array(1 / root) @ graph @ diags_array(1 / root)
    values, vectors = eigsh(alike.tocsc(), k=2, sigma=1.001, v0=root)  # the two largest, the first of which is 1
    second = vectors[:, values.argmin()] / root
    return placed, np.argsort(np.argsort(second)) / (len(placed) - 1)


def _in_order(
    placed: NDArray[np.intp], place: NDArray[np.float64], of: NDArray[np.intp], told: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Depth (N,) of cells of classes `of` that rises or falls along the palette, as near to `told` as that allows and
    stretched by the place, NaN of classes that have none; and how far off `told` it is, the mean square."""
    cells = np.bincount(of)
    if len(placed) < 3:
        return np.full(len(of), np.nan), np.inf
    mean, weight = (np.bincount(of, told) / np.maximum(cells, 1))[placed], cells[placed].astype(np.float64)
    order = np.argsort(place)
    rising, falling = (
        isotonic_regression(mean[order], weights=weight[order], increasing=way).x for way in (True, False)
    )
    off = [float((weight[order] * (fit - mean[order]) ** 2).sum() / weight.sum()) for fit in (rising, falling)]
    fit, along = (rising, place[order]) if off[0] <= off[1] else (falling, 1 - place[order])
    middle = np.average(mean, weights=weight)
    size = np.sqrt(np.average((mean - middle) ** 2, weights=weight))
    stretched = fit + STRETCH * size * 2 * along
    stretched -= np.average(stretched, weights=weight[order])
    grown = np.sqrt(np.average(stretched**2, weights=weight[order]))
    depth = np.full(len(cells), np.nan)
    depth[placed[order]] = middle + stretched * (size / max(grown, 1e-12))
    return depth[of], min(off)


@dataclass(frozen=True, eq=False)
class _Legend:
    """The depth of colours by classes: middle (n, 3), mean depth (n,), slope (n, 3) and spread (n,) around each.

    Attributes
    ----------
    of : NDArray[np.intp]
        The class of each colour that it was learned from; centre : (n, 3) the mean colour of each class itself.
    """

    of: NDArray[np.intp]
    centre: NDArray[np.float64]
    middle: NDArray[np.float64]
    mean: NDArray[np.float64]
    slope: NDArray[np.float64]
    spread: NDArray[np.float64]

    def depth(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        """The depth of each of the colours (N, 3) it was learned from."""
        return self.mean[self.of] + ((colours - self.middle[self.of]) * self.slope[self.of]).sum(axis=1)


def _learn(colours: NDArray[np.float64], depth: NDArray[np.float64]) -> _Legend:
    """A straight line of depth over colour around each class, by the cells of all classes near it."""
    of = bin_colours(colours)
    cells = np.bincount(of)
    centre, (first, second) = bin_means(colours, of), bin_means(np.stack([depth, depth**2], axis=1), of).T
    weight = neighbour_weights(centre, cells)
    middle, variance = local_covariances(weight, centre, outer_products(centre))
    mean = weight @ first
    covariance = weight @ (centre * first[:, None]) - middle * mean[:, None]
    slope = np.linalg.solve(variance + SHRINKAGE * NEIGHBOUR_SIGMA**2 * np.eye(3), covariance[..., None])[..., 0]
    left = weight @ second - mean**2 - (slope * covariance).sum(axis=1)
    return _Legend(of, centre, middle, mean, slope, np.sqrt(np.maximum(left, 0)))
