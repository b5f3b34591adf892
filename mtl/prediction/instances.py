"""Seeded watershed of trap instances from mask, boundary, crest and distance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from mtl.config import THRESHOLD
from mtl.metrics.instances import INSTANCE_METRIC
from mtl.metrics.keypoints import find_peaks
from mtl.tasks.base import Drawing, Output, Role
from mtl.tasks.heads import DISTANCE_SCALE, known_everywhere, trap_outputs
from targets.scene import Bool, Float
from targets.truth.traps import GroundTruth

MIN_AREA = 40  # cells; smaller predicted components are noise
OUTLINE_BAND = 5  # cells; a band of `GroundTruthOptions.boundary_width` reaches two of them beyond the outline
# Roles whose planes add up to the ridge between traps, and the size that makes them comparable.
RIDGE_SCALES: dict[Role, float] = {"boundary": 1.0, "distance": DISTANCE_SCALE}


def find_instances(
    maps: Mapping[str, Float], outputs: Sequence[Output], cell_sides: tuple[float, float] = (1.0, 1.0)
) -> tuple[NDArray[np.int32], Float]:
    """Segment trap instances from all outputs of a network.

    A trap is where its probability exceeds 0.5. A connected component (4 neighbours) is one instance, unless it holds
    several seeds: then a watershed with lines (Meyer 1994, Topographic distance and watershed lines) divides it, which
    leaves one cell between two instances, as exact closures never touch.

    ========  ==================================================================================
    role      use
    ========  ==================================================================================
    mask      the mask; without it, what the boundary encloses
    keypoint  peaks above 0.5 are the seeds
    boundary  the ridge along which the mask is divided
    distance  rises from each crest, and so says which crest a cell belongs to
    ========  ==================================================================================

    Without seeds, or without a ridge, no component is divided: every substitute split more traps than it separated
    (docs/explanation/traps_from_heads.md).

    Parameters
    ----------
    maps : Mapping[str, Float]
        {output: (C, H, W) float32}, NaN outside the map.
    outputs : Sequence[Output]
        Outputs of the run; at least one has the role mask or boundary.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell (`Scene.cell_sides`): lengths are those of square cells as large.

    Returns
    -------
    labels : (H, W) int32
        Instances 1 to N, 0 = none.
    probability : (H, W) float32
        Probability of trap that the labels rest on.
    """
    planes = planes_by_role(maps, outputs)
    probability = planes["mask"] if "mask" in planes else enclosure_probability(planes["boundary"], cell_sides)
    mask = probability > THRESHOLD
    ridges = [planes[role] / scale for role, scale in RIDGE_SCALES.items() if role in planes]
    if "keypoint" not in planes or not ridges:
        return label_large_components(mask), probability
    seeds = np.zeros(mask.shape, np.int32)
    peaks = find_peaks(planes["keypoint"], mask, threshold=THRESHOLD, cell_sides=cell_sides)
    for number, (row, col) in enumerate(peaks, start=1):
        seeds[row, col] = number
    return label_large_components(mask & ~dividing_lines(mask, seeds, np.sum(ridges, axis=0))), probability


def planes_by_role(maps: Mapping[str, Float], outputs: Sequence[Output]) -> dict[Role, Float]:
    """Collect the planes that describe traps.

    Parameters
    ----------
    maps : Mapping[str, Float]
        {output: (C, H, W) float32}, NaN outside the map.
    outputs : Sequence[Output]
        Outputs of the run; of several with one role the last one counts.

    Returns
    -------
    dict[Role, Float]
        {role: (H, W)}, 0 outside the map.
    """
    return {output.role: np.nan_to_num(maps[output.name][0]) for output in outputs if output.role is not None}


def enclosure_probability(boundary: Float, cell_sides: tuple[float, float] = (1.0, 1.0)) -> Float:
    """Compute how probably a boundary encloses each cell.

    The maximum over all enclosing loops of the smallest boundary probability along the loop: hollows of the boundary
    filled to their rims (Soille 2003, Morphological image analysis, 6.3.7), eroded by the outer half of its band.

    Parameters
    ----------
    boundary : (H, W) float32
        Probability of a trap outline.
    cell_sides : tuple[float, float], default (1.0, 1.0)
        Height and width of a cell, in the unit of the band's width.

    Returns
    -------
    (H, W) float32
        Probability of trap.
    """
    walls = np.pad(boundary, 1)
    floor = np.full_like(walls, walls.max())
    floor[[0, -1]] = floor[:, [0, -1]] = 0
    filled = reconstruction(floor, walls, method="erosion")[1:-1, 1:-1]
    window = [2 * round(OUTLINE_BAND // 2 / side) + 1 for side in cell_sides]
    return ndimage.minimum_filter(filled, window, mode="constant").astype(np.float32)


def dividing_lines(mask: Bool, seeds: NDArray[np.int32], ridge: Float) -> Bool:
    """Find the watershed lines of those components of a mask that hold several seeds.

    Parameters
    ----------
    mask : (H, W) bool
        Trap cells.
    seeds : (H, W) int32
        Number of the seed in its cell, 0 elsewhere.
    ridge : (H, W) float32
        Elevation that the watershed floods, high between traps.

    Returns
    -------
    (H, W) bool
        Cells that separate instances.
    """
    components = label(mask, connectivity=1)
    pairs = np.unique(np.stack([components[seeds > 0], seeds[seeds > 0]]), axis=1)
    several = np.flatnonzero(np.bincount(pairs[0], minlength=1) > 1)
    lines, boxes = np.zeros_like(mask), ndimage.find_objects(components)
    for number in several[several > 0]:
        box = boxes[number - 1]
        cells = components[box] == number
        lines[box] |= cells & (watershed(ridge[box], seeds[box] * cells, mask=cells, watershed_line=True) == 0)
    return lines


def label_large_components(mask: Bool) -> NDArray[np.int32]:
    """Label the connected components (4 neighbours) of at least `MIN_AREA` cells, without gaps in the numbers.

    Examples
    --------
    >>> mask = np.zeros((8, 20), bool)
    >>> mask[0, 0] = mask[2:8, 10:20] = True
    >>> np.bincount(label_large_components(mask).ravel()).tolist()
    [100, 60]
    """
    components = label(mask, connectivity=1)
    large = np.bincount(components.ravel()) >= MIN_AREA
    large[0] = False
    return np.where(large, np.cumsum(large), 0).astype(np.int32)[components]


def instance_confidences(labels: NDArray[np.int32], probability: Float) -> NDArray[np.float64]:
    """Mean probability of trap in each instance, (N,).

    Examples
    --------
    >>> instance_confidences(np.array([[1, 1, 0, 2]]), np.array([[0.75, 1.0, 0.25, 0.5]])).tolist()
    [0.875, 0.5]
    """
    cells = np.bincount(labels.ravel())[1:]
    return np.bincount(labels.ravel(), probability.ravel())[1:] / np.maximum(cells, 1)


def instance_planes(
    maps: Mapping[str, Float], outputs: Sequence[Output], cell_sides: tuple[float, float] = (1.0, 1.0)
) -> Float:
    """Instances as planes (2, H, W): the label of each cell, and the confidence of its instance."""
    labels, probability = find_instances(maps, outputs, cell_sides)
    confidence = np.append(0, instance_confidences(labels, probability))[labels]
    return np.stack([labels, confidence]).astype(np.float32)


def add_instance_planes(
    maps: Mapping[str, Float], outputs: Sequence[Output], cell_sides: tuple[float, float] = (1.0, 1.0)
) -> dict[str, Float]:
    """The maps, with the planes of `instance_outputs` added; parameters as of `find_instances`."""
    sources = {INSTANCES.name: outputs, MASK_COMPONENTS.name: trap_outputs(outputs)}
    own = [output.name for output in instance_outputs(outputs)]
    return {**maps, **{name: instance_planes(maps, sources[name], cell_sides) for name in own}}


def instance_outputs(outputs: Sequence[Output]) -> list[Output]:
    """Outputs that score instances: those of all heads, and for comparison the components of the mask alone."""
    roles = {output.role for output in outputs}
    return [INSTANCES] * bool({"mask", "boundary"} & roles) + [MASK_COMPONENTS] * ("mask" in roles)


def true_instances(truth: GroundTruth) -> Float:
    """(H, W) label of the true trap, 0 = none."""
    return truth.labels.astype(np.float32)


def confidence_plane(values: Float) -> Float:
    """The plane of instance values that is drawn."""
    return values[1]


INSTANCES = Output(
    name="instances",
    channels=2,
    unit="trap instances of all heads together",
    target=partial(known_everywhere, true_instances),
    metric=INSTANCE_METRIC,
    drawing=Drawing("viridis", plane=confidence_plane),
)
MASK_COMPONENTS = replace(
    INSTANCES, name="mask_components", unit="trap instances of the mask alone: its connected components"
)
