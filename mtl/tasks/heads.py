"""The heads of the network, one record each: target, task, loss, metrics, drawing. Adding a head adds one record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch.nn.functional as F
from torch import Tensor, sigmoid, softmax

from mtl.config import OptimConfig
from mtl.losses.masked import DEFAULT_CRITERIA, LOSSES, find_loss
from mtl.metrics import keypoints, masks, regression, tgs
from mtl.metrics.curves import CurveMetric, error_histogram, probability_curves
from mtl.tasks.base import Derive, Derived, Drawing, Head, MaskedValues, Output
from mtl.tasks.objects import traps_from_objects
from mtl.tasks.postprocess import refine_depth, traps_from_classes, traps_from_depth, traps_from_height
from targets.errors import UserError
from targets.scene import Float
from targets.truth import rasters
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import GroundTruth

# -- targets and where they are known (records must pickle under spawn: `partial` rather than closures) ----------


def known_everywhere(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> MaskedValues:
    """A target that is known in every cell of the map.

    Returns
    -------
    values, valid
        (1, H, W) float32, and (H, W) bool where the target is known.
    """
    return raster(truth)[None], truth.scene.map_valid


def known_in_traps(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> MaskedValues:
    """A target that means something inside traps only.

    Returns
    -------
    values, valid
        (1, H, W) float32, and (H, W) bool where the target is known.
    """
    return raster(truth)[None], truth.scene.map_valid & (truth.labels > 0)


def known_with_salt(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> MaskedValues:
    """A target that is known in seismic images with interpreted salt.

    Returns
    -------
    values, valid
        (1, H, W) float32, and (H, W) bool where the target is known.
    """
    return raster(truth)[None], truth.scene.map_valid & (truth.scene.salt is not None)


def known_with_traps(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> MaskedValues:
    """A target that is known where traps are interpreted, or follow from a depth.

    Returns
    -------
    values, valid
        (1, H, W) float32, and (H, W) bool where the target is known.
    """
    known = truth.scene.interpreted_mask is not None or truth.scene.has_depth
    return raster(truth)[None], truth.scene.map_valid & known


def known_with_depth(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> MaskedValues:
    """A target that is known on maps with a depth, and nowhere on a picture alone.

    Returns
    -------
    values, valid
        (1, H, W) float32, and (H, W) bool where the target is known.
    """
    return raster(truth)[None], truth.scene.map_valid & truth.scene.has_depth


def known_where_measured(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> MaskedValues:
    """A target that is known where the depth was measured, not in voids under faults.

    Returns
    -------
    values, valid
        (1, H, W) float32, and (H, W) bool where the target is known.
    """
    return raster(truth)[None], truth.scene.depth_valid


def one_hot_trap_classes(truth: GroundTruth) -> MaskedValues:
    """(3, H, W) one-hot classes background, inside and rim, known everywhere.

    Returns
    -------
    values, valid
        (3, H, W) float32, and (H, W) bool where the target is known.
    """
    return rasters.trap_classes(truth), truth.scene.map_valid


# -- activations and drawing -------------------------------------------------------------------------------------

DISTANCE_SCALE = 64.0  # cells; one for all maps, so that a pixel has one target wherever its patch lies
HEIGHT_SCALE = 0.1  # root of a hundredth of the relief, the usual height


def to_distance(logits: Tensor) -> Tensor:
    """Logits -> distance in cells, never negative."""
    return F.softplus(logits) * DISTANCE_SCALE


def to_root_height(logits: Tensor) -> Tensor:
    """Logits -> root of a height as a share of the map's relief, never negative."""
    return F.softplus(logits) * HEIGHT_SCALE


def identity(logits: Tensor) -> Tensor:
    """Logits are the values."""
    return logits


def stack_trap_classes(values: Float) -> Float:
    """(H, W) background, inside and rim of the fused head drawn as 0, 0.5 and 1."""
    return 0.5 * values[rasters.INTERIOR] + values[rasters.RIM]


# -- records -----------------------------------------------------------------------------------------------------

RECORDS = "mtl/tasks/heads.py"
BCE_DICE = find_loss("bce+dice", "binary", RECORDS)
PROBABILITY = probability_curves(0)


def derived_traps(name: str, source: str, derive: Derive, curve: CurveMetric | None = None) -> Derived:
    """Record of a trap mask derived from a head, evaluated as the trap head is.

    Exact closures are 0 or 1 and have no curve.
    """
    return Derived(
        name=name,
        unit=f"probability of trap: {source}",
        target=partial(known_everywhere, rasters.trap_mask),
        metric=masks.TRAP_METRIC,
        drawing=Drawing("viridis"),
        curve=curve,
        role="mask",
        derive=derive,
    )


HEADS = {
    record.name: record
    for record in (
        Head(
            name="trap",
            unit="probability of trap",
            target=partial(known_everywhere, rasters.trap_mask),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=masks.TRAP_METRIC,
            drawing=Drawing("viridis"),
            curve=PROBABILITY,
            bias=-1.5,
            role="mask",
            residual_of="rules",
        ),
        Head(
            name="boundary",
            unit="probability of an outline of a trap or salt body",
            target=partial(known_everywhere, rasters.boundary_band),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=masks.BAND_METRIC,
            drawing=Drawing("magma"),
            curve=PROBABILITY,
            bias=-2.5,
            role="boundary",
        ),
        Head(
            name="crest",
            unit="nearness to a crest (1 = crest)",
            target=partial(known_everywhere, rasters.crest_heatmap),
            task="heatmap",
            activation=sigmoid,
            loss=LOSSES["peak_focal"],
            metric=keypoints.CREST_METRIC,
            drawing=Drawing("inferno"),
            match_points=partial(keypoints.match_crests, radius=keypoints.CREST_RADIUS),
            bias=-4.0,
            role="keypoint",
        ),
        Head(
            name="dist",
            unit="cells to the crest of one's own trap, or the middle of one's own salt body",
            target=partial(known_in_traps, rasters.crest_distance),
            task="regression",
            activation=to_distance,
            loss=LOSSES["smooth_l1"],
            scale=DISTANCE_SCALE,
            metric=regression.REGRESSION_METRIC,
            drawing=Drawing("cividis", vmax=None),
            curve=error_histogram(0, DISTANCE_SCALE, DISTANCE_SCALE),
            bias=-0.5,
            in_cells=True,
            inside_traps_only=True,
            role="distance",
        ),
        Head(
            name="height",
            unit="√(height above spill / relief of the map)",
            target=partial(known_with_depth, rasters.root_relative_height),
            task="regression",
            activation=to_root_height,
            loss=LOSSES["smooth_l1"],
            scale=HEIGHT_SCALE,
            metric=regression.REGRESSION_METRIC,
            drawing=Drawing("YlOrRd", vmax=None),
            curve=error_histogram(0, 1, 1),
            bias=-2.0,
            derived=derived_traps("height_traps", "exact closures of the predicted height", traps_from_height),
        ),
        Head(
            name="depth",
            unit="depth, +1 = shallowest .. -1 = deepest of the map",
            target=partial(known_where_measured, rasters.relative_depth),
            task="regression",
            activation=identity,
            loss=find_loss("smooth_l1+slopes", "regression", RECORDS),
            metric=regression.REGRESSION_METRIC,
            drawing=Drawing("Spectral_r", vmin=-1.0),
            curve=error_histogram(-1, 1, 1),
            role="elevation",
            residual_of="depth",
            postprocess=refine_depth,
            derived=derived_traps(
                "depth_traps", "exact closures of the predicted depth", traps_from_depth, PROBABILITY
            ),
        ),
        Head(
            name="fault",
            unit="probability of fault",
            target=partial(known_everywhere, rasters.fault_mask),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=masks.BAND_METRIC,
            drawing=Drawing("copper"),
            curve=PROBABILITY,
            bias=-2.5,
        ),
        Head(
            name="fused",
            channels=3,
            unit="probability of background, inside of a trap, rim of a trap",
            target=one_hot_trap_classes,
            task="multiclass",
            class_names=("background", "inside of a trap", "rim of a trap"),
            activation=partial(softmax, dim=-3),
            loss=LOSSES["cross_entropy"],
            metric=masks.INSIDE_METRIC,
            drawing=Drawing("viridis", plane=stack_trap_classes),
            curve=probability_curves(rasters.INTERIOR),
            derived=derived_traps("fused_traps", "inside and rim together", traps_from_classes, PROBABILITY),
        ),
        Head(
            name="salt",
            unit="probability of salt",
            target=partial(known_with_salt, rasters.salt_mask),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=tgs.SALT_METRIC,
            drawing=Drawing("viridis"),
            curve=PROBABILITY,
            bias=-1.0,
            run_length_submission=True,
        ),
        Head(
            name="empty",
            unit="probability that there is no trap or salt at all",
            target=partial(known_with_traps, rasters.no_trap_flag),
            task="binary",
            activation=sigmoid,
            loss=LOSSES["bce"],
            metric=masks.MAP_ANSWER_METRIC,
            drawing=Drawing("coolwarm"),
            curve=PROBABILITY,
            global_pool=True,
        ),
    )
}


FUSION = Output(
    name="fusion",
    unit="probability of trap, learned and computed answers weighed",
    target=partial(known_everywhere, rasters.trap_mask),
    metric=masks.TRAP_METRIC,
    drawing=Drawing("viridis"),
    curve=PROBABILITY,
    role="mask",
)


# Derived from the trap head of a run that starts from rules; fitted to its maps, as the fusion is.
OBJECTS = derived_traps("objects", "closures decided on one by one", traps_from_objects, PROBABILITY)


# -- heads of a run ----------------------------------------------------------------------------------------------


def with_losses(
    heads: Sequence[Head], optim: OptimConfig, criteria: TrapCriteria = DEFAULT_CRITERIA
) -> tuple[Head, ...]:
    """The heads with the losses that a run's settings name.

    Parameters
    ----------
    heads : Sequence[Head]
        Records of heads.
    optim : OptimConfig
        Losses by head, and the weights in them.
    criteria : TrapCriteria
        Which closures count, for a loss on closures.

    Raises
    ------
    UserError
        An unknown loss, or one that does not fit its head.
    """
    return tuple(
        _with_loss(head, optim.losses[head.name], optim, criteria) if optim.losses.get(head.name) else head
        for head in heads
    )


def _with_loss(head: Head, name: str, optim: OptimConfig, criteria: TrapCriteria) -> Head:
    """The head with the loss of this name."""
    option = f"optim.losses.{head.name}"
    loss = find_loss(name, head.task, option, optim.fp_weight, optim.fn_weight, criteria)
    if loss.reads_traps and head.role != "elevation":
        fitting = ", ".join(record.name for record in HEADS.values() if record.role == "elevation")
        raise UserError(option, f"{name} reads closures of a surface, which {head.name} does not predict", fitting)
    return replace(head, loss=loss)


def with_objects(heads: Sequence[Head], base: str) -> tuple[Head, ...]:
    """The heads of a run that is given a mask to start from: the head of that mask decides on closures one by one."""
    return tuple(replace(head, derived=OBJECTS) if head.residual_of == base else head for head in heads)


def known_outputs() -> dict[str, Output]:
    """{name: output} of every output that a run may have."""
    outputs = collect_outputs(tuple(HEADS.values()))
    return {output.name: output for output in (*outputs[:-1], OBJECTS, outputs[-1])}


def collect_outputs(heads: Sequence[Head]) -> tuple[Output, ...]:
    """All outputs of a run: each head, the output derived from it, and the fusion of all trap masks.

    Examples
    --------
    >>> [output.name for output in collect_outputs([HEADS["trap"], HEADS["depth"]])]
    ['trap', 'depth', 'depth_traps', 'fusion']
    """
    outputs = [output for head in heads for output in (head, head.derived) if output is not None]
    return (*outputs, FUSION) if len(trap_outputs(outputs)) > 1 else tuple(outputs)


def trap_outputs(outputs: Sequence[Output]) -> list[Output]:
    """The outputs that are trap masks; the last one is the final answer."""
    return [output for output in outputs if output.role == "mask"]
