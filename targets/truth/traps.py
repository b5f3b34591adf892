"""Ground truth of one map: traps that an interpreter outlined, or that are computed from the depth by criteria."""

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label, regionprops

from targets.closure import Closures, find_closures
from targets.errors import UserError
from targets.scene import Bool, Float, Scene
from targets.surface.contour_interval import nice_interval
from targets.surface.resample import downsample
from targets.truth.selection import select_traps
from targets.truth.smoothing import smooth_outlines

MAX_SMOOTHING = 100  # cells


@dataclass(frozen=True)
class TrapCriteria:
    """Which closures count as traps; the words are those of `targets.closure.find_closures`.

    The thresholds drop what no interpreter would outline: specks of noise on a real pick. Cells are those of the map as
    it was given: a downsampled copy of a map has the traps of the map. `targets.rules` finds the criteria that explain
    what an interpreter drew.

    Attributes
    ----------
    reading : Literal['spill', 'contour'], default 'spill'
        How far down a trap reaches: to its spill point (spill), or to its last closed contour (contour).
    edge : Literal['open', 'closed'], default 'open'
        Whether the map's border lets hydrocarbons out (open) or holds them like rock (closed).
    faults : Literal['transparent', 'sealing', 'leaking'], default 'transparent'
        What a fault does: nothing (transparent), hold (sealing), or let out (leaking).
    connectivity : Literal[4, 8], default 8
        Neighbours of a cell: 4 (sides) or 8 (sides and corners).
    min_area : int, default 40
        Smallest trap, in cells of the map as it was given.
    min_relief : float, default 0.01
        Smallest closure height of a trap, as a share of the map's relief.
    min_height : float, default 0.0
        Smallest closure height of a trap, in depth units.
    contour_interval : float | None, default None
        Depth step of the contours of the reading `contour`, in depth units; null: the map's own, else one that suits
        its relief.
    contour_base : float | None, default None
        A depth that one of these contours passes through, in depth units; null: the map's own, else 0.
    culminations : Literal['joined', 'single'], default 'joined'
        Closures within a closure: one trap (joined), or each culmination that meets the thresholds a trap of its own,
        down to the saddle between them (single).
    fault_contact : Literal['any', 'touching', 'free'], default 'any'
        Which closures count: all (any), those that touch a fault (touching), or those that touch none (free).
    smoothing : float, default 0.0
        Smoothing of the outlines in cells: standard deviation of the Gaussian that rounds them; 0: none.
    """

    reading: Literal["spill", "contour"] = "spill"
    edge: Literal["open", "closed"] = "open"
    faults: Literal["transparent", "sealing", "leaking"] = "transparent"
    connectivity: Literal[4, 8] = 8
    min_area: int = 40
    min_relief: float = 0.01
    min_height: float = 0.0
    contour_interval: float | None = None
    contour_base: float | None = None
    culminations: Literal["joined", "single"] = "joined"
    fault_contact: Literal["any", "touching", "free"] = "any"
    smoothing: float = 0.0

    def check(self, where: str = "") -> None:
        """Refuse numbers out of their range.

        Parameters
        ----------
        where : str, default ''
            What stands before the name of a field in the message, such as `targets.traps.`.

        Raises
        ------
        UserError
            The first one.
        """
        interval, base = self.contour_interval, self.contour_base
        for name, is_right, expected in (
            ("min_area", 0 <= self.min_area < np.inf, "0 or more"),
            ("min_relief", 0 <= self.min_relief < np.inf, "0 or more"),
            ("min_height", 0 <= self.min_height < np.inf, "0 or more"),
            ("contour_interval", interval is None or 0 < interval < np.inf, "a depth step above 0, or null"),
            ("contour_base", base is None or bool(np.isfinite(base)), "a depth, or null"),
            ("smoothing", 0 <= self.smoothing <= MAX_SMOOTHING, f"0 to {MAX_SMOOTHING} cells"),
        ):
            if not is_right:
                raise UserError(f"{where}{name}", f"{getattr(self, name)}", expected)

    def without_units(self) -> "TrapCriteria":
        """The criteria for a surface whose depths have other units than the maps: nothing in depth units is left."""
        return replace(self, contour_interval=None, contour_base=None, min_height=0.0)

    @property
    def needs_units(self) -> bool:
        """Whether they hold a depth step or a height in depth units."""
        return self.min_height > 0 or (self.reading == "contour" and self.contour_interval is not None)


@dataclass(frozen=True)
class GroundTruthOptions:
    """How traps become the rasters that heads are trained on.

    Lengths are in cells of the map as it was given, and hold for its downsampled copies too; where cells are oblong, in
    square cells as large.

    Attributes
    ----------
    traps : TrapCriteria
        Which closures count as traps where no interpreter outlined any.
    boundary_width : float, default 4.0
        Width of the boundary band in cells, at least 2 (the cells on both sides of the outline).
    crest_sigma : float, default 6.0
        Standard deviation of the Gaussian on a crest, in cells.
    distance : Literal['euclidean', 'geodesic'], default 'euclidean'
        How the distance to a crest is measured: in a straight line (euclidean) or within the trap (geodesic).
    """

    traps: TrapCriteria = field(default_factory=TrapCriteria)
    boundary_width: float = 4.0
    crest_sigma: float = 6.0
    distance: Literal["euclidean", "geodesic"] = "euclidean"


class Traps(NamedTuple):
    """Traps as rasters and points.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no trap, k = trap k.
    crests : (N, 2) int64
        Row and column of the crest of trap k in row k - 1.
    height : (H, W) float32
        Height above the spill level of the cell's own trap, in depth units; 0 outside traps.
    """

    labels: NDArray[np.int32]
    crests: NDArray[np.int64]
    height: Float


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The traps of one map, or the salt bodies of one seismic image: what is said of traps holds for both.

    Attributes
    ----------
    scene : Scene
        The map, with the true surface as its depth.
    options : GroundTruthOptions
        How the traps are to be rasterised.
    labels : (H, W) int32
        0 = no trap, k = trap k.
    crests : (N, 2) int64
        Row and column of the crest of trap k in row k - 1.
    height : (H, W) float32
        Height above the spill level of the cell's own trap, in depth units; 0 outside traps.
    """

    scene: Scene
    options: GroundTruthOptions
    labels: NDArray[np.int32]
    crests: NDArray[np.int64]
    height: Float


def build_ground_truth(scene: Scene, options: GroundTruthOptions | None = None) -> GroundTruth:
    """Take the traps that an interpreter outlined, else compute the exact closures, both on the true surface.

    Parameters
    ----------
    scene : Scene
        A map or a seismic image. Without outlines and without a depth it has no traps.
    options : GroundTruthOptions | None, default None
        None takes the defaults.

    Returns
    -------
    GroundTruth
        Its scene has the true surface as depth.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> rows, cols = np.indices((21, 21))
    >>> depth, inside = np.hypot(rows - 10, cols - 10).astype(np.float32), np.ones((21, 21), bool)
    >>> truth = build_ground_truth(Scene("dome", depth, inside, inside, ~inside))
    >>> truth.crests.tolist(), int((truth.labels == 1).sum())
    ([[10, 10]], 305)
    """
    options = options or GroundTruthOptions()
    if scene.true_depth is not None:
        scene = scene.replace(depth=scene.true_depth, true_depth=None)
    if scene.interpreted_mask is not None:
        traps = label_interpreted_traps(scene, scene.interpreted_mask)
    elif not scene.has_depth:
        traps = Traps(np.zeros(scene.shape, np.int32), np.zeros((0, 2), np.int64), np.zeros(scene.shape, np.float32))
    else:
        traps = compute_traps(scene, options.traps)
    return GroundTruth(scene, options, *traps)


def downsample_truth(truth: GroundTruth, max_side: int) -> GroundTruth:
    """Reduce a ground truth to at most `max_side` cells along its longer side: the traps stay those of the whole map.

    A coarse cell is of a trap if at least half of it is; a trap that is smaller than that vanishes from the labels, and
    its crest with it.

    Parameters
    ----------
    truth : GroundTruth
        Of the map as it was given.
    max_side : int
        Cells; 0: never.

    Returns
    -------
    GroundTruth
        On the cells of the downsampled scene; the truth itself if it is small enough.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> rows, cols = np.indices((40, 40))
    >>> depth, inside = np.hypot(rows - 20, cols - 20).astype(np.float32), np.ones((40, 40), bool)
    >>> truth = downsample_truth(build_ground_truth(Scene("dome", depth, inside, inside, ~inside)), 20)
    >>> truth.labels.shape, truth.crests.tolist()
    ((20, 20), [[10, 10]])
    """
    scene = downsample(truth.scene, max_side)
    if scene is truth.scene:
        return truth
    rows, cols = (whole / coarse for whole, coarse in zip(truth.labels.shape, scene.shape, strict=True))
    size = (scene.shape[1], scene.shape[0])
    share = cv2.resize((truth.labels > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    _, nearest = ndimage.distance_transform_edt(truth.labels == 0, return_indices=True)  # any cell, where no trap is
    steps = zip(scene.shape, (rows, cols), strict=True)
    centres = np.ix_(*(((np.arange(count) + 0.5) * step).astype(np.int64) for count, step in steps))
    labels = np.where(share >= 0.5, truth.labels[tuple(nearest)][centres], 0)
    kept = np.unique(labels[labels > 0])
    crests = (truth.crests[kept - 1] / (rows, cols)).astype(np.int64)
    height = cv2.resize(truth.height.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    numbers = np.zeros(len(truth.crests) + 1, np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    return replace(truth, scene=scene, labels=numbers[labels], crests=crests, height=np.where(labels > 0, height, 0))


def compute_traps(scene: Scene, criteria: TrapCriteria) -> Traps:
    """Compute the traps of a scene's depth: the closures that meet the criteria, with smoothed outlines.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        Which closures count.

    Returns
    -------
    Traps
        Labels, crests and heights.

    Examples
    --------
    >>> from targets.scene import Scene
    >>> depth, inside = np.full((5, 5), 100, np.float32), np.ones((5, 5), bool)
    >>> depth[1:4, 1:4], depth[2, 2] = 90, 85
    >>> traps = compute_traps(Scene("knoll", depth, inside, inside, ~inside), TrapCriteria(min_area=1))
    >>> traps.labels.tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    >>> traps.crests.tolist(), float(traps.height.max())
    ([[2, 2]], 15.0)
    """
    closures = find_trap_closures(scene, criteria)
    count = int(closures.labels.max(initial=0))
    crests = np.stack([closures.table["crest_row"][:count], closures.table["crest_col"][:count]], axis=1)
    traps = Traps(closures.labels, crests.astype(np.int64), closures.height)
    return _with_smooth_outlines(traps, scene, criteria.smoothing / scene.coarsening) if criteria.smoothing else traps


def _with_smooth_outlines(traps: Traps, scene: Scene, width: float) -> Traps:
    """Traps with rounded outlines; what an outline takes in below the spill level has no height."""
    labels = smooth_outlines(traps.labels, width, scene.map_valid)
    kept = np.unique(labels[labels > 0])
    numbers = np.zeros(len(traps.crests) + 1, np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    crests = traps.crests[kept - 1]
    for place in np.flatnonzero(labels[tuple(crests.T)] != kept):  # a crest on a spur that was cut off
        cells = np.argwhere(labels == kept[place])
        crests[place] = cells[scene.depth[tuple(cells.T)].argmin()]
    return Traps(numbers[labels], crests, np.where(labels > 0, traps.height, 0).astype(np.float32))


def find_trap_closures(scene: Scene, criteria: TrapCriteria) -> Closures:
    """Find the exact closures of a scene's depth that meet the criteria.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        Which closures count.

    Returns
    -------
    Closures
        Labels, heights and the table of the traps and of what is nested in them. Outlines are exact: the smoothing of
        the criteria is left to `compute_traps`.
    """
    low, high = scene.relief
    interval, base = contours_of(scene, criteria)
    closures = search_closures(
        scene,
        criteria,
        contour_interval=interval,
        contour_base=base,
        min_area=criteria.min_area / scene.coarsening**2,
        min_height=max(criteria.min_relief * (high - low), criteria.min_height),
    )
    return select_traps(closures, criteria.culminations, criteria.fault_contact)


def search_closures(
    scene: Scene,
    criteria: TrapCriteria,
    contour_interval: float | None = None,
    contour_base: float = 0.0,
    min_area: float = 0,
    min_height: float = 0.0,
) -> Closures:
    """Find the closures of a scene under the fault rule, edge and connectivity of criteria.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        What else they say does not count.
    contour_interval, contour_base, min_area, min_height
        As of `find_closures`: in depth units and in cells of this scene.

    Returns
    -------
    Closures
    """
    return find_closures(
        scene.depth,
        valid=scene.map_valid,
        faults=scene.fault,
        fault_rule=criteria.faults,
        edge=criteria.edge,
        connectivity=criteria.connectivity,
        contour_interval=contour_interval,
        contour_base=contour_base,
        min_area=min_area,
        min_height=min_height,
    )


def contours_of(scene: Scene, criteria: TrapCriteria) -> tuple[float | None, float]:
    """The contours that traps end at.

    Parameters
    ----------
    scene : Scene
        A map with a depth.
    criteria : TrapCriteria
        Its own interval and base come before those of the map.

    Returns
    -------
    interval : float | None
        In depth units; None in the spill reading.
    base : float
        A depth that one contour passes through.
    """
    base = scene.geo.contour_base if criteria.contour_base is None else criteria.contour_base
    if criteria.reading == "spill":
        return None, base
    return criteria.contour_interval or scene.geo.contour_interval or nice_interval(*scene.relief), base


def label_interpreted_traps(scene: Scene, interpreted: Bool) -> Traps:
    """Label the traps that an interpreter outlined, and give each a crest and heights.

    Parameters
    ----------
    scene : Scene
        The map.
    interpreted : (H, W) bool
        Inside an outline; 8-connected parts are traps of their own.

    Returns
    -------
    Traps
        The crest is the shallowest cell, and heights are taken above the deepest cell of the trap. Without a depth the
        crest is the cell farthest from the outline, and heights are 0.
    """
    labels = label(interpreted & scene.map_valid, connectivity=2).astype(np.int32)
    depth: NDArray = scene.depth
    if not scene.has_depth:
        depth = -ndimage.distance_transform_edt(np.pad(labels > 0, 1), sampling=scene.cell_sides)[1:-1, 1:-1]
    crests = np.zeros((labels.max(initial=0), 2), np.int64)
    height = np.zeros(scene.shape, np.float32) if scene.has_depth else np.broadcast_to(np.float32(0), scene.shape)
    for region in regionprops(labels):
        inside = np.where(region.image, depth[region.slice], np.inf)
        crests[region.label - 1] = np.array(np.unravel_index(inside.argmin(), inside.shape)) + region.bbox[:2]
        if scene.has_depth:
            height[region.slice][region.image] = (depth[region.slice][region.image].max() - inside)[region.image]
    return Traps(labels, crests, height)
