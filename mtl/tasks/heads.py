"""Which questions the network answers, and everything that belongs to each: add a head by adding one record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch.nn.functional as F
from torch import Tensor, sigmoid, softmax

from mtl.config import OptimConfig
from mtl.losses.masked import LOSSES, find_loss
from mtl.metrics import keypoints, masks, regression, tgs
from mtl.metrics.curves import CurveMetric, errors_of, probability_of
from mtl.tasks.base import Derive, Derived, Drawing, Head, Output, Values
from mtl.tasks.postprocess import depth_as_told, depth_traps, height_traps, inside_or_rim
from targets.scene import Float
from targets.truth import rasters
from targets.truth.traps import GroundTruth

PROBABILITY = probability_of(0)

# Functions with `partial` rather than closures, because records must pickle when workers are spawned.


def everywhere(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> Values:
    """A target known in every cell of the map."""
    return raster(truth)[None], truth.scene.map_valid


def in_traps(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> Values:
    """A target that means something inside traps only."""
    return raster(truth)[None], truth.scene.map_valid & (truth.labels > 0)


def of_salt(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> Values:
    """A target of seismic images whose salt was drawn; elsewhere it is known nowhere."""
    return raster(truth)[None], truth.scene.map_valid & (truth.scene.salt is not None)


def where_traps_are_known(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> Values:
    """A target of maps and images in which somebody drew, or whose depth tells their traps."""
    known = truth.scene.interpreted_mask is not None or truth.scene.has_depth
    return raster(truth)[None], truth.scene.map_valid & known


def with_depth(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> Values:
    """A target of maps that came with a depth; on a bare picture it is known nowhere."""
    return raster(truth)[None], truth.scene.map_valid & truth.scene.has_depth


def where_measured(raster: Callable[[GroundTruth], Float], truth: GroundTruth) -> Values:
    """A target known where the depth was measured, not in voids under faults."""
    return raster(truth)[None], truth.scene.depth_valid


def traps_of(name: str, what: str, derive: Derive, curve: CurveMetric | None = None) -> Derived:
    """A derived output that says where the traps are, judged as the trap head is. Exact closures are 0 or 1: there is
    no curve to draw of them."""
    return Derived(
        name=name,
        unit=f"probability of trap: {what}",
        target=partial(everywhere, rasters.trap_mask),
        metric=masks.TRAP_SCORE,
        drawing=Drawing("viridis"),
        curve=curve,
        role="mask",
        derive=derive,
    )


DISTANCE_SCALE = 64.0  # cells; one for all maps, so that a pixel has one target wherever its patch lies
HEIGHT_SCALE = 0.1  # root of a hundredth of the relief, the usual height


def to_distance(logits: Tensor) -> Tensor:
    """Never negative, in cells."""
    return F.softplus(logits) * DISTANCE_SCALE


def to_height(logits: Tensor) -> Tensor:
    """Never negative, root of a share of the map's relief."""
    return F.softplus(logits) * HEIGHT_SCALE


def as_it_is(logits: Tensor) -> Tensor:
    """The raw output is the value."""
    return logits


def truth_classes(truth: GroundTruth) -> Values:
    """(3, H, W) one-hot classes of the fused head, known everywhere."""
    return rasters.trap_classes(truth), truth.scene.map_valid


def rim_over_inside(values: Float) -> Float:
    """Background, inside and rim of the fused head as 0, 0.5 and 1."""
    return 0.5 * values[rasters.INSIDE] + values[rasters.RIM]


BCE_DICE = find_loss("bce+dice", "binary", "mtl/tasks/heads.py")

HEADS = {
    record.name: record
    for record in (
        Head(
            name="trap",
            unit="probability of trap",
            target=partial(everywhere, rasters.trap_mask),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=masks.TRAP_SCORE,
            drawing=Drawing("viridis"),
            curve=PROBABILITY,
            bias=-1.5,
            role="mask",
        ),
        Head(
            name="boundary",
            unit="probability of an outline of a trap or salt body",
            target=partial(everywhere, rasters.boundary_band),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=masks.BAND_SCORE,
            drawing=Drawing("magma"),
            curve=PROBABILITY,
            bias=-2.5,
            role="boundary",
        ),
        Head(
            name="crest",
            unit="nearness to a crest (1 = crest)",
            target=partial(everywhere, rasters.crest_heatmap),
            task="heatmap",
            activation=sigmoid,
            loss=LOSSES["peak_focal"],
            metric=keypoints.CREST_SCORE,
            drawing=Drawing("inferno"),
            match_points=partial(keypoints.match_crests, radius=keypoints.CREST_RADIUS),
            bias=-4.0,
            role="keypoint",
        ),
        Head(
            name="dist",
            unit="cells to the crest of one's own trap, or the middle of one's own salt body",
            target=partial(in_traps, rasters.crest_distance),
            task="regression",
            activation=to_distance,
            loss=LOSSES["smooth_l1"],
            scale=DISTANCE_SCALE,
            metric=regression.ERROR_SCORE,
            drawing=Drawing("cividis", vmax=None),
            curve=errors_of(0, DISTANCE_SCALE, DISTANCE_SCALE),
            bias=-0.5,
            in_cells=True,
            inside_traps_only=True,
            role="distance",
        ),
        Head(
            name="height",
            unit="√(height above spill / relief of the map)",
            target=partial(with_depth, rasters.root_relative_height),
            task="regression",
            activation=to_height,
            loss=LOSSES["smooth_l1"],
            scale=HEIGHT_SCALE,
            metric=regression.ERROR_SCORE,
            drawing=Drawing("YlOrRd", vmax=None),
            curve=errors_of(0, 1, 1),
            bias=-2.0,
            derived=traps_of("height_traps", "exact closures of the predicted height", height_traps),
        ),
        Head(
            name="depth",
            unit="depth, +1 = shallowest .. -1 = deepest of the map",
            target=partial(where_measured, rasters.relative_depth),
            task="regression",
            activation=as_it_is,
            loss=find_loss("smooth_l1+slopes", "regression", "mtl/tasks/heads.py"),
            metric=regression.ERROR_SCORE,
            drawing=Drawing("Spectral_r", vmin=-1.0),
            curve=errors_of(-1, 1, 1),
            role="elevation",
            residual_of="depth",
            postprocess=depth_as_told,
            derived=traps_of("depth_traps", "exact closures of the predicted depth", depth_traps, PROBABILITY),
        ),
        Head(
            name="fault",
            unit="probability of fault",
            target=partial(everywhere, rasters.fault_mask),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=masks.BAND_SCORE,
            drawing=Drawing("copper"),
            curve=PROBABILITY,
            bias=-2.5,
        ),
        Head(
            name="fused",
            channels=3,
            unit="probability of background, inside of a trap, rim of a trap",
            target=truth_classes,
            task="multiclass",
            activation=partial(softmax, dim=-3),
            loss=LOSSES["cross_entropy"],
            metric=masks.INSIDE_SCORE,
            drawing=Drawing("viridis", plane=rim_over_inside),
            curve=probability_of(rasters.INSIDE),
            derived=traps_of("fused_traps", "inside and rim together", inside_or_rim, PROBABILITY),
        ),
        Head(
            name="salt",
            unit="probability of salt",
            target=partial(of_salt, rasters.salt_mask),
            task="binary",
            activation=sigmoid,
            loss=BCE_DICE,
            metric=tgs.SALT_SCORE,
            drawing=Drawing("viridis"),
            curve=PROBABILITY,
            bias=-1.0,
            run_length_submission=True,
        ),
        Head(
            name="empty",
            unit="probability that there is no trap or salt at all",
            target=partial(where_traps_are_known, rasters.no_trap_flag),
            task="binary",
            activation=sigmoid,
            loss=LOSSES["bce"],
            metric=masks.WHOLE_SCORE,
            drawing=Drawing("coolwarm"),
            curve=PROBABILITY,
            global_pool=True,
        ),
    )
}


FUSION = Output(
    name="fusion",
    unit="probability of trap, learned and computed answers weighed",
    target=partial(everywhere, rasters.trap_mask),
    metric=masks.TRAP_SCORE,
    drawing=Drawing("viridis"),
    curve=PROBABILITY,
    role="mask",
)


def with_losses(heads: Sequence[Head], optim: OptimConfig) -> tuple[Head, ...]:
    """The heads with the losses that a run's settings give them.

    Raises
    ------
    UserError
        An unknown loss, or one that does not fit its head.
    """
    return tuple(
        replace(head, loss=find_loss(name, head.task, f"optim.losses.{head.name}", optim.fp_weight, optim.fn_weight))
        if (name := optim.losses.get(head.name))
        else head
        for head in heads
    )


def outputs_of(heads: Sequence[Head]) -> tuple[Output, ...]:
    """Everything a run with these heads answers: each head, what is derived from it, and the fusion of all traps."""
    outputs = [output for head in heads for output in (head, head.derived) if output is not None]
    return (*outputs, FUSION) if len(trap_outputs(outputs)) > 1 else tuple(outputs)


def trap_outputs(outputs: Sequence[Output]) -> list[Output]:
    """Those that say where the traps are; the last one is the final answer."""
    return [output for output in outputs if output.role == "mask"]
