"""Order of a picture's colours along its palette: spectral seriation of colour bins by how often they adjoin.

Depth changes little from cell to cell, so colours that often lie side by side follow each other in the palette.

References
----------
Atkins, Boman and Hendrickson 1998, A spectral algorithm for seriation and the consecutive ones problem, SIAM J.
Comput. 28, 297-310.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.optimize import isotonic_regression
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh
from scipy.stats import spearmanr

from targets.picture_reading.colour_bins import bin_colours, bin_means
from targets.rendering.palettes import RGB
from targets.scene import Bool

ADJACENCY_OFFSETS = (1, 2, 4)  # cells between a pair that counts as adjoining: some pairs bridge a contour
# How much a colour's depth follows its place in the palette rather than the prior, in standard deviations of the prior:
# a prior that calls the highest colours alike leaves no relief there. See docs/experiments/picture_reading.md.
STRETCH = 0.6
MAX_CELLS = 200_000  # that `place_colours` looks at
MIN_BIN_SHARE = 0.004  # of the cells, of a bin of colours that has a place: others are mixed on edges
COLOUR_SCALE = 20.0  # grey levels; pairs of colours that far apart count half


def count_adjacency(bins: NDArray[np.intp], count: int) -> csr_array:
    """Count how often cells of two different colour bins adjoin.

    Parameters
    ----------
    bins : (H, W) int
        Colour bin of each cell, -1 = none.
    count : int
        Number of bins.

    Returns
    -------
    (count, count) sparse float64
        Symmetric.

    Examples
    --------
    >>> count_adjacency(np.array([[0, 1, -1, 2]]), 3).toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    counts = csr_array((count, count))
    for offset in ADJACENCY_OFFSETS:
        for one, other in ((bins[:, :-offset], bins[:, offset:]), (bins[:-offset], bins[offset:])):
            differ = (one >= 0) & (other >= 0) & (one != other)
            counts = counts + csr_array((np.ones(differ.sum()), (one[differ], other[differ])), (count, count))
    return counts + counts.T


def spread_bins(bins: NDArray[np.intp], inside: Bool) -> NDArray[np.intp]:
    """Give the cells of a map that have no colour bin, such as ink, that of the nearest cell with one.

    Examples
    --------
    >>> spread_bins(np.array([[0, -1, -1, 2]]), np.array([[True, True, False, True]])).tolist()
    [[0, 0, -1, 2]]
    """
    lacking = bins < 0
    if lacking.all() or not (lacking & inside).any():
        return bins
    rows, cols = distance_transform_edt(lacking, return_distances=False, return_indices=True)
    return np.where(lacking & inside, bins[rows, cols], bins)


def order_colours(
    adjacency: csr_array, cells: NDArray[np.intp], frequent: Bool, centres: NDArray[np.float64], colour_scale: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Place colour bins along the palette by the second eigenvector of their graph's normalised adjacency.

    Parameters
    ----------
    adjacency : (n, n) sparse float64
        Of `count_adjacency`.
    cells : (n,) int
        Cells of each bin.
    frequent : (n,) bool
        Bins with enough cells to have a place.
    centres : (n, 3) float64
        Mean colour of each bin.
    colour_scale : float
        Grey levels; a pair of colours that far apart counts half.

    Returns
    -------
    placed : (m,) int
        Bins of the largest connected part.
    position : (m,) float64
        Place of each, 0 to 1, from an unknown end; all 0 where fewer than three have an order.
    """
    links = adjacency.tocoo()
    one, other = links.coords
    links.data = links.data / (1 + ((centres[one] - centres[other]) ** 2).sum(axis=1) / colour_scale**2)
    graph = links.tocsr()[frequent][:, frequent]
    _, part = connected_components(graph, directed=False)
    largest = part == np.bincount(part, cells[frequent]).argmax() if len(part) else part > 0
    placed = np.flatnonzero(frequent)[largest]
    if len(placed) < 3:
        return placed, np.zeros(len(placed))
    graph = graph[largest][:, largest]
    root_degree = np.sqrt(graph.sum(axis=1))
    normalised = diags_array(1 / root_degree) @ graph @ diags_array(1 / root_degree)
    values, vectors = eigsh(normalised.tocsc(), k=2, sigma=1.001, v0=root_degree)  # the two largest; the first is 1
    second = vectors[:, values.argmin()] / root_degree
    return placed, np.argsort(np.argsort(second)) / (len(placed) - 1)


def monotone_depth(
    placed: NDArray[np.intp], position: NDArray[np.float64], bins: NDArray[np.intp], depth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Fit a depth that rises or falls along the palette, by isotonic regression, and stretch it by the position.

    Parameters
    ----------
    placed : (m,) int
        Bins that have a place.
    position : (m,) float64
        Their places, 0 to 1.
    bins : (N,) int
        Colour bin of each cell.
    depth : (N,) float64
        A first estimate for each cell, in any unit.

    Returns
    -------
    monotone : (N,) float64
        In the unit of `depth`; NaN in bins that have no place.
    error : float
        Mean square of the fit less `depth` over the placed bins; infinite where there is no order.
    """
    cells = np.bincount(bins)
    if len(placed) < 3:
        return np.full(len(bins), np.nan), np.inf
    mean, weight = (np.bincount(bins, depth) / np.maximum(cells, 1))[placed], cells[placed].astype(np.float64)
    order = np.argsort(position)
    rising, falling = (
        isotonic_regression(mean[order], weights=weight[order], increasing=rises).x for rises in (True, False)
    )
    errors = [float((weight[order] * (fit - mean[order]) ** 2).sum() / weight.sum()) for fit in (rising, falling)]
    fit, along = (rising, position[order]) if errors[0] <= errors[1] else (falling, 1 - position[order])
    centre = np.average(mean, weights=weight)
    spread = np.sqrt(np.average((mean - centre) ** 2, weights=weight))
    stretched = fit + STRETCH * spread * 2 * along
    stretched -= np.average(stretched, weights=weight[order])
    stretched_spread = np.sqrt(np.average(stretched**2, weights=weight[order]))
    monotone = np.full(len(cells), np.nan)
    monotone[placed[order]] = centre + stretched * (spread / max(stretched_spread, 1e-12))
    return monotone[bins], min(errors)


def order_agreement(rgb: RGB, inside: Bool, depth: NDArray[np.float32]) -> float:
    """How well a depth follows the order in which the colours of its map adjoin, whatever the palette.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        Its cells whose depth is known, without lines.
    depth : (H, W) float32
        Finite there.

    Returns
    -------
    float
        Rank correlation (Spearman), 0 to 1; 1 where the colours have no order of their own.

    Examples
    --------
    >>> ramp = np.repeat(np.arange(120)[None], 40, axis=0)
    >>> rgb = np.stack([2 * ramp, 250 - 2 * ramp, 0 * ramp], axis=2).astype(np.uint8)
    >>> everywhere = np.ones(ramp.shape, bool)
    >>> order_agreement(rgb, everywhere, ramp.astype(np.float32)) > 0.99
    True
    >>> order_agreement(rgb, everywhere, np.abs(ramp - 60).astype(np.float32)) < 0.5
    True
    """
    place, own = place_colours(rgb, inside)
    known, depth = np.isfinite(place), depth[:: own.step, :: own.step]
    if not known.any() or np.ptp(place[known]) == 0 or np.ptp(depth[known]) == 0:
        return 1.0
    return abs(float(spearmanr(place[known], depth[known]).statistic))


class Thinned(NamedTuple):
    """Every `step`-th row and column of a picture (h, w, 3) uint8 and of its map (h, w) bool."""

    step: int
    rgb: RGB
    inside: Bool


def place_colours(rgb: RGB, inside: Bool, clear: Bool | None = None) -> tuple[NDArray[np.float64], Thinned]:
    """Place the cells of a map along the palette by the order in which its colours adjoin.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture.
    inside : (H, W) bool
        The map.
    clear : (H, W) bool | None, default None
        Its cells without lines; the others take the place of the nearest clear one. By default all.

    Returns
    -------
    place : (h, w) float64
        0 to 1 from an unknown end, NaN where there is none.
    thinned : Thinned
        The cells that were looked at.
    """
    step = int(np.ceil(np.sqrt(inside.sum() / MAX_CELLS))) or 1
    small = Thinned(step, rgb[::step, ::step], inside[::step, ::step])
    use = small.inside if clear is None else small.inside & clear[::step, ::step]
    bins = np.full(use.shape, -1)
    if not use.any():
        return np.full(use.shape, np.nan), small
    colours = small.rgb[use].astype(np.float64)
    bins[use] = bin_colours(colours)
    cells, centres = np.bincount(bins[use]), bin_means(colours, bins[use])
    frequent = cells >= max(3, MIN_BIN_SHARE * cells.sum())
    bins[use] = np.where(frequent[bins[use]], bins[use], -1)
    bins = spread_bins(bins, small.inside)
    placed, position = order_colours(count_adjacency(bins, len(cells)), cells, frequent, centres, COLOUR_SCALE)
    place = np.full(len(cells) + 1, np.nan)
    place[placed] = position
    return place[bins], small
