"""Which trap objects do all heads together see? A mask, parted along ridges of the outline between its crests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from mtl.metrics.base import THRESHOLD
from mtl.metrics.instances import INSTANCE_METRIC
from mtl.metrics.keypoints import find_peaks
from mtl.tasks.base import Drawing, Output, Role
from mtl.tasks.heads import DISTANCE_SCALE, everywhere, trap_outputs
from targets.scene import Bool, Float
from targets.truth.traps import GroundTruth

MIN_AREA = 40  # cells; smaller predicted specks are not traps
OUTLINE_BAND = 5  # cells; a band around an outline (`TruthOptions.boundary_width`) reaches two of them beyond it


def find_instances(maps: Mapping[str, Float], outputs: Sequence[Output]) -> tuple[NDArray[np.int32], Float]:
    """Number of the trap object of every cell (H, W), 0 = none, and the probability of trap (H, W) it rests on.

    A trap is where the probability exceeds 0.5. What hangs together (4 neighbours) is one object, unless it holds
    several seeds: then it is parted by a watershed (Meyer 1994, Topographic distance and watershed lines), which
    leaves a line of one cell between two objects, as exact closures never touch.

    =======  ========================================================================================
    tells    what it does
    =======  ========================================================================================
    trap     the mask; without it, what is enclosed by an outline
    crest    its peaks above 0.5 are the seeds
    outline  the ridge along which the mask is parted
    way      rises from each crest, and so says which crest a cell belongs to
    =======  ========================================================================================

    Without seeds, or without either ridge, nothing is parted: whatever stood in for them split more traps than it
    parted (docs/predictions.md).

    Parameters
    ----------
    maps : Mapping[str, Float]
        {output: (C, H, W)}, NaN outside the map.
    outputs : Sequence[Output]
        Those of the run; one that tells of a trap or its outline is among them.
    """
    told = planes_by_role(maps, outputs)
    probability = told["mask"] if "mask" in told else enclosure_probability(told["boundary"])
    mask = probability > THRESHOLD
    ridges = [told[part] / scale for part, scale in RIDGE_SCALES.items() if part in told]
    if "keypoint" not in told or not ridges:
        return label_large_components(mask), probability
    seeds = np.zeros(mask.shape, np.int32)
    for number, (row, col) in enumerate(find_peaks(told["keypoint"], mask, threshold=THRESHOLD), start=1):
        seeds[row, col] = number
    return label_large_components(mask & ~dividing_lines(mask, seeds, np.sum(ridges, axis=0))), probability


RIDGE_SCALES: dict[Role, float] = {
    "boundary": 1.0,
    "distance": DISTANCE_SCALE,
}  # what a ridge is made of, and its scale


def planes_by_role(maps: Mapping[str, Float], outputs: Sequence[Output]) -> dict[Role, Float]:
    """{part: (H, W)} what the outputs tell of trap objects, 0 outside the map; of several the last one counts."""
    return {output.role: np.nan_to_num(maps[output.name][0]) for output in outputs if output.role is not None}


def enclosure_probability(outline: Float) -> Float:
    """(H, W) how likely an outline shuts a cell in: the least probability on the way out where it is likeliest shut.

    The hollows of the outline filled up to their rims (Soille 2003, Morphological image analysis, 6.3.7), without the
    outer half of its band.
    """
    walls = np.pad(outline, 1)
    floor = np.full_like(walls, walls.max())
    floor[[0, -1]] = floor[:, [0, -1]] = 0
    filled = reconstruction(floor, walls, method="erosion")[1:-1, 1:-1]
    return ndimage.minimum_filter(filled, OUTLINE_BAND, mode="constant").astype(np.float32)


def dividing_lines(mask: Bool, seeds: NDArray[np.int32], ridges: Float) -> Bool:
    """(H, W) the lines that part those pieces of a mask that hold several seeds, along the ridges between them."""
    pieces = label(mask, connectivity=1)
    held = np.unique(np.stack([pieces[seeds > 0], seeds[seeds > 0]]), axis=1)
    several = np.flatnonzero(np.bincount(held[0], minlength=1) > 1)
    lines, boxes = np.zeros_like(mask), ndimage.find_objects(pieces)
    for number in several[several > 0]:
        box = boxes[number - 1]
        cells = pieces[box] == number
        lines[box] |= cells & (watershed(ridges[box], seeds[box] * cells, mask=cells, watershed_line=True) == 0)
    return lines


def label_large_components(mask: Bool) -> NDArray[np.int32]:
    """Labels (H, W) of the parts of a mask (4 neighbours) that have `MIN_AREA` cells or more, numbered without gaps."""
    parts = label(mask, connectivity=1)
    large = np.bincount(parts.ravel()) >= MIN_AREA
    large[0] = False
    return np.where(large, np.cumsum(large), 0).astype(np.int32)[parts]


def instance_confidences(labels: NDArray[np.int32], probability: Float) -> NDArray[np.float64]:
    """(N,) mean probability of trap in each object."""
    cells = np.bincount(labels.ravel())[1:]
    return np.bincount(labels.ravel(), probability.ravel())[1:] / np.maximum(cells, 1)


def instance_planes(maps: Mapping[str, Float], outputs: Sequence[Output]) -> Float:
    """(2, H, W) number of the object, and its confidence, in each of its cells."""
    labels, probability = find_instances(maps, outputs)
    sure = np.append(0, instance_confidences(labels, probability))[labels]
    return np.stack([labels, sure]).astype(np.float32)


def add_instance_planes(maps: Mapping[str, Float], outputs: Sequence[Output]) -> dict[str, Float]:
    """The maps with those of `object_outputs`."""
    shown = {INSTANCES.name: outputs, MASK_COMPONENTS.name: trap_outputs(outputs)}
    return {**maps, **{own.name: instance_planes(maps, shown[own.name]) for own in instance_outputs(outputs)}}


def instance_outputs(outputs: Sequence[Output]) -> list[Output]:
    """How objects are judged: those of all heads, and beside them the connected parts of the mask alone."""
    told = {output.role for output in outputs}
    return [INSTANCES] * bool({"mask", "boundary"} & told) + [MASK_COMPONENTS] * ("mask" in told)


def true_instances(truth: GroundTruth) -> Float:
    """(H, W) number of the true trap, 0 = none."""
    return truth.labels.astype(np.float32)


def confidence_plane(values: Float) -> Float:
    """What is drawn of objects: their confidence."""
    return values[1]


INSTANCES = Output(
    name="objects",
    channels=2,
    unit="traps as objects, of all heads together",
    target=partial(everywhere, true_instances),
    metric=INSTANCE_METRIC,
    drawing=Drawing("viridis", plane=confidence_plane),
)
MASK_COMPONENTS = replace(INSTANCES, name="mask_parts", unit="traps as objects, of the mask alone: its connected parts")
