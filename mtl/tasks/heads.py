"""Which questions the network answers, and everything that belongs to each: add a head by adding one record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch.nn.functional as F
from torch import Tensor, sigmoid, softmax

from mtl.config import OptimConfig
from mtl.losses.masked import LOSSES, choose
from mtl.metrics import keypoints, masks, regression, tgs
from mtl.metrics.curves import Tally, errors_of, probability_of
from mtl.tasks.base import Derive, Derived, Drawing, Head, Output, Values
from mtl.tasks.postprocess import depth_as_told, depth_traps, height_traps, inside_or_rim
from targets.scene import Float
from targets.truth import rasters as truth
from targets.truth.traps import Truth

PROBABILITY = probability_of(0)

# Functions with `partial` rather than closures, because records must pickle when workers are spawned.


def everywhere(raster: Callable[[Truth], Float], answer: Truth) -> Values:
    """A target known in every cell of the map."""
    return raster(answer)[None], answer.scene.map_valid


def in_traps(raster: Callable[[Truth], Float], answer: Truth) -> Values:
    """A target that means something inside traps only."""
    return raster(answer)[None], answer.scene.map_valid & (answer.labels > 0)


def of_salt(raster: Callable[[Truth], Float], answer: Truth) -> Values:
    """A target of seismic images whose salt was drawn; elsewhere it is known nowhere."""
    return raster(answer)[None], answer.scene.map_valid & (answer.scene.salt is not None)


def where_traps_are_known(raster: Callable[[Truth], Float], answer: Truth) -> Values:
    """A target of maps and images in which somebody drew, or whose depth tells their traps."""
    known = answer.scene.drawn is not None or answer.scene.has_depth
    return raster(answer)[None], answer.scene.map_valid & known


def with_depth(raster: Callable[[Truth], Float], answer: Truth) -> Values:
    """A target of maps that came with a depth; on a bare picture it is known nowhere."""
    return raster(answer)[None], answer.scene.map_valid & answer.scene.has_depth


def where_measured(raster: Callable[[Truth], Float], answer: Truth) -> Values:
    """A target known where the depth was measured, not in voids under faults."""
    return raster(answer)[None], answer.scene.depth_valid


def traps_of(name: str, what: str, derive: Derive, tally: Tally | None = None) -> Derived:
    """A derived output that says where the traps are, judged as the trap head is. Exact closures are 0 or 1: there is
    no curve to draw of them."""
    return Derived(
        name=name,
        unit=f"probability of trap: {what}",
        target=partial(everywhere, truth.trap_mask),
        score=masks.TRAP_SCORE,
        drawing=Drawing("viridis"),
        tally=tally,
        tells="trap",
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


def truth_classes(answer: Truth) -> Values:
    """(3, H, W) one-hot classes of the fused head, known everywhere."""
    return truth.trap_classes(answer), answer.scene.map_valid


def rim_over_inside(values: Float) -> Float:
    """Background, inside and rim of the fused head as 0, 0.5 and 1."""
    return 0.5 * values[truth.INSIDE] + values[truth.RIM]


BCE_DICE = choose("bce+dice", "mask", "mtl/heads.py")

HEADS = {
    record.name: record
    for record in (
        Head(
            name="trap",
            unit="probability of trap",
            target=partial(everywhere, truth.trap_mask),
            kind="mask",
            activation=sigmoid,
            loss=BCE_DICE,
            score=masks.TRAP_SCORE,
            drawing=Drawing("viridis"),
            tally=PROBABILITY,
            bias=-1.5,
            tells="trap",
        ),
        Head(
            name="boundary",
            unit="probability of an outline of a trap or salt body",
            target=partial(everywhere, truth.boundary_band),
            kind="mask",
            activation=sigmoid,
            loss=BCE_DICE,
            score=masks.BAND_SCORE,
            drawing=Drawing("magma"),
            tally=PROBABILITY,
            bias=-2.5,
            tells="outline",
        ),
        Head(
            name="crest",
            unit="nearness to a crest (1 = crest)",
            target=partial(everywhere, truth.crest_heat),
            kind="peaks",
            activation=sigmoid,
            loss=LOSSES["peak_focal"],
            score=keypoints.CREST_SCORE,
            drawing=Drawing("inferno"),
            hits=partial(keypoints.match_crests, radius=keypoints.CREST_RADIUS),
            bias=-4.0,
            tells="crest",
        ),
        Head(
            name="dist",
            unit="cells to the crest of one's own trap, or the middle of one's own salt body",
            target=partial(in_traps, truth.crest_distance),
            kind="quantity",
            activation=to_distance,
            loss=LOSSES["smooth_l1"],
            scale=DISTANCE_SCALE,
            score=regression.ERROR_SCORE,
            drawing=Drawing("cividis", high=None),
            tally=errors_of(0, DISTANCE_SCALE, DISTANCE_SCALE),
            bias=-0.5,
            in_cells=True,
            traps_only=True,
            tells="way",
        ),
        Head(
            name="height",
            unit="√(height above spill / relief of the map)",
            target=partial(with_depth, truth.root_height),
            kind="quantity",
            activation=to_height,
            loss=LOSSES["smooth_l1"],
            scale=HEIGHT_SCALE,
            score=regression.ERROR_SCORE,
            drawing=Drawing("YlOrRd", high=None),
            tally=errors_of(0, 1, 1),
            bias=-2.0,
            derived=traps_of("height_traps", "exact closures of the predicted height", height_traps),
        ),
        Head(
            name="depth",
            unit="depth, +1 = shallowest .. -1 = deepest of the map",
            target=partial(where_measured, truth.relative_depth),
            kind="quantity",
            activation=as_it_is,
            loss=choose("smooth_l1+slopes", "quantity", "mtl/heads.py"),
            score=regression.ERROR_SCORE,
            drawing=Drawing("Spectral_r", low=-1.0),
            tally=errors_of(-1, 1, 1),
            tells="top",
            corrects="depth",
            finish=depth_as_told,
            derived=traps_of("depth_traps", "exact closures of the predicted depth", depth_traps, PROBABILITY),
        ),
        Head(
            name="fault",
            unit="probability of fault",
            target=partial(everywhere, truth.fault_mask),
            kind="mask",
            activation=sigmoid,
            loss=BCE_DICE,
            score=masks.BAND_SCORE,
            drawing=Drawing("copper"),
            tally=PROBABILITY,
            bias=-2.5,
        ),
        Head(
            name="fused",
            channels=3,
            unit="probability of background, inside of a trap, rim of a trap",
            target=truth_classes,
            kind="classes",
            activation=partial(softmax, dim=-3),
            loss=LOSSES["cross_entropy"],
            score=masks.INSIDE_SCORE,
            drawing=Drawing("viridis", plane=rim_over_inside),
            tally=probability_of(truth.INSIDE),
            derived=traps_of("fused_traps", "inside and rim together", inside_or_rim, PROBABILITY),
        ),
        Head(
            name="salt",
            unit="probability of salt",
            target=partial(of_salt, truth.salt_mask),
            kind="mask",
            activation=sigmoid,
            loss=BCE_DICE,
            score=tgs.SALT_SCORE,
            drawing=Drawing("viridis"),
            tally=PROBABILITY,
            bias=-1.0,
            submitted=True,
        ),
        Head(
            name="empty",
            unit="probability that there is no trap or salt at all",
            target=partial(where_traps_are_known, truth.emptiness),
            kind="mask",
            activation=sigmoid,
            loss=LOSSES["bce"],
            score=masks.WHOLE_SCORE,
            drawing=Drawing("coolwarm"),
            tally=PROBABILITY,
            pooled=True,
        ),
    )
}


FUSION = Output(
    name="fusion",
    unit="probability of trap, learned and computed answers weighed",
    target=partial(everywhere, truth.trap_mask),
    score=masks.TRAP_SCORE,
    drawing=Drawing("viridis"),
    tally=PROBABILITY,
    tells="trap",
)


def with_losses(heads: Sequence[Head], optim: OptimConfig) -> tuple[Head, ...]:
    """The heads with the losses that a run's settings give them.

    Raises
    ------
    UserError
        An unknown loss, or one that does not fit its head.
    """
    return tuple(
        replace(head, loss=choose(name, head.kind, f"optim.losses.{head.name}", optim.fp_weight, optim.fn_weight))
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
    return [output for output in outputs if output.tells == "trap"]
