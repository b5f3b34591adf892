"""Which questions the network answers, and everything that belongs to each: add a head by adding one record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, sigmoid, softmax

from mtl import scores
from mtl.config import OptimConfig
from mtl.frame import refined
from mtl.losses import LOSSES, Kind, Loss, choose
from mtl.scores import Hits, Score
from mtl.tally import Tally, errors_of, probability_of
from targets import truth
from targets.bands import levels_of, smooth_between, smoothed
from targets.coarse import coarsened
from targets.own_legend import depth_of_colours
from targets.scene import Bool, Float, Scene
from targets.truth import TrapRules, Truth, TruthOptions

Values = tuple[Float, Bool]
Part = Literal["trap", "outline", "crest", "way", "top"]


def first_plane(values: Float) -> Float:
    """What is drawn of (C, H, W) values with one plane."""
    return values[0]


@dataclass(frozen=True)
class Drawing:
    """How an output is drawn: a matplotlib colour map, the values at its ends (high None: the largest value shown),
    and how (C, H, W) values become the one plane that is shown."""

    colours: str
    low: float = 0.0
    high: float | None = 1.0
    plane: Callable[[Float], Float] = first_plane


@dataclass(frozen=True, kw_only=True)
class Output:
    """One answer about a whole map, with its truth and how it is judged and drawn.

    name : what tables, pictures and files call it.
    channels : number of planes C.
    unit : what the values mean.
    target : truth of a whole map -> values (C, H, W) float32 and valid (H, W) bool.
    score : how it is judged on whole maps.
    drawing : how it is drawn.
    tally : a picture of how outputs of its kind err over all validation maps, or None.
    hits : (prediction, target, valid) -> which of the points it looks for are found, drawn over the picture, or None.
    tells : what it says of trap objects (`mtl.objects`): `trap` (probability that a cell is trap; of several such
        outputs of a run the last one is the answer that becomes polygons), `outline` (probability of an outline),
        `crest` (1 on a crest), `way` (cells to the crest) or `top` (largest on the crest). None: nothing.
    submitted : its masks of all maps of a prediction are written together, as run-length codes.
    in_cells : values are lengths in cells: a cell of a coarsened map counts for several of the map's own.
    traps_only : values mean something inside traps only; pictures and grids of a prediction leave out the rest.
    """

    name: str
    channels: int = 1
    unit: str
    target: Callable[[Truth], Values]
    score: Score
    drawing: Drawing
    tally: Tally | None = None
    hits: Callable[[Float, Float, Bool], Hits] | None = None
    tells: Part | None = None
    submitted: bool = False
    in_cells: bool = False
    traps_only: bool = False


Finish = Callable[[Float, Scene, float], Float]
Derive = Callable[[Float, Scene, TruthOptions, float], Float]


@dataclass(frozen=True, kw_only=True)
class Derived(Output):
    """An output that is computed from a head's values once its tiles are blended: no weights, nothing to train.

    derive : (the head's values (C, H, W); the scene as the network was shown it, see `Head.finish`; the rules of the
        truth; the scene's cells along one cell of the map that the network saw) -> values (channels, H, W), NaN
        outside the map.
    """

    derive: Derive


@dataclass(frozen=True, kw_only=True)
class Head(Output):
    """An output that the network learns.

    kind : what kind of answer it is, and so which losses of `mtl.losses` fit.
    activation : the network's raw output (logits) -> values in the head's unit.
    loss : what it is trained with, unless `optim.losses` says otherwise.
    scale : the usual size of values, in their unit: the loss of a quantity sees values over it, so that it is of the
        size of the other heads' losses.
    bias : the logit an untrained head starts from (rare answers start near "no").
    pooled : the answer is one for the whole map: its logits are averaged over the patch, and stand in all its cells.
    blend : tiles are averaged as `values` (after the activation) or as `logits` (before it).
    corrects : the input of one plane that the head gives back corrected where it is shown: it learns the difference,
        and before it is trained there is none. "": none.
    finish : (blended values (C, H, W); the scene as the network was shown it: without a picture or a depth that it was
        not; its cells along one cell of the map that the network saw) -> values that have what the map itself tells of
        them. None: they stay.
    derived : what else follows from the head's whole map, finished, or None.
    """

    kind: Kind
    activation: Callable[[Tensor], Tensor]
    loss: Loss
    scale: float = 1.0
    bias: float = 0.0
    pooled: bool = False
    blend: Literal["values", "logits"] = "values"
    corrects: str = ""
    finish: Finish | None = None
    derived: Derived | None = None

    @property
    def planes(self) -> int:
        """Planes of logits: the channels, and those that only the loss reads."""
        return self.channels * self.loss.planes

    def shown(self, logits: Tensor) -> Tensor:
        """(..., channels, H, W) logits without the planes that only the loss reads."""
        return logits.narrow(-3, 0, self.channels)

    def values(self, logits: Tensor) -> Tensor:
        """(..., channels, H, W) in the head's unit, of (..., planes, H, W) logits."""
        return self.activation(self.shown(logits))

    def cost(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """How wrong logits (B, planes, H, W) are: the head's loss against target (B, channels, H, W), where valid."""
        if self.kind == "quantity":
            extra = logits.narrow(-3, self.channels, self.planes - self.channels)
            logits = torch.cat([self.values(logits.float()) / self.scale, extra], -3)
            target = target / self.scale
        return self.loss(logits, target, valid)


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
        score=scores.TRAP_SCORE,
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


def depth_as_told(values: Float, scene: Scene, coarse: float) -> Float:
    """The predicted depth with the detail that the map tells.

    A depth that was shown keeps what is finer than the network saw, and stays as it is where the change is slight all
    over the map. A picture's colours are read, the prediction being their legend; steps from colour to colour become
    slopes. Where neither tells anything, the prediction is smoothed.
    """
    inside, guess = scene.map_valid, np.nan_to_num(values[0])
    if scene.has_depth:
        own = scene.relative_depth()
        change = guess - as_seen(scene, coarse)
        return masked((own + change if change[inside].std() > SLIGHT else own)[None], inside)
    told = None if scene.rgb is None else depth_of_colours(scene.rgb, guess, inside)
    if told is None:
        return smoothed(guess, inside, ROUGHNESS * coarse)[None]
    levels = levels_of(told.depth, inside)
    if len(levels):
        return smooth_between(told.depth, inside, levels)[None]
    return smoothed(told.depth, inside, SCANNED if told.noisy else DRAWN)[None]


def as_seen(scene: Scene, coarse: float) -> Float:
    """(H, W) a map's relative depth as a copy of it with fewer cells has it."""
    seen = coarsened(scene, round(max(scene.shape) / coarse))
    return refined(masked(seen.relative_depth(), seen.map_valid), scene.shape)


def depth_traps(values: Float, scene: Scene, options: TruthOptions, coarse: float) -> Float:
    """How likely cells lie in a closure, by their height above the spill of the predicted depth's exact closures.

    A height h is as likely as not where it is the usual error e of the depth: h / (h + e).
    """
    low, high = scene.relief
    surface = -values[0]
    if scene.has_depth and scene.geo.contour_interval:  # contours need depth units
        surface = np.float32((low + high) / 2) + surface * np.float32((high - low) / 2)
    else:
        scene = without_interval(scene)
    scene = scene.with_(depth=np.nan_to_num(surface))
    _, _, height = truth.computed_traps(scene, options.traps)
    share = truth.share_of_relief(height, scene)
    return masked((share / (share + DEPTH_ERROR))[None], scene.map_valid)


# Cells; σ of the Gaussian that takes a predicted depth's roughness out where neither depth nor colours are at hand. Of
# 0 to 3, 3 gave most on 60 generated maps (trap IoU 0.41 to 0.58, one network of 156 steps on pictures of 128 cells).
ROUGHNESS = 3.0

# The same of a depth read from the colours of a picture as it was drawn, and of a scan. With 0.5, 0.8, 1 and 1.5 of
# drawn ones, generated maps in palettes kept from training gave trap IoU 0.735, 0.735, 0.733 and 0.724 (100 of 96
# cells), 0.764, 0.765, 0.764 and 0.760 (50 of 256), 0.819, 0.821, 0.821 and 0.821 (25 of 448), and 64, 64, 62 and 59 %,
# 47, 47, 46 and 45 %, 53, 53, 54 and 54 % of the crests. Of scans 1 gave less than 1.5 (0.762 and 0.818; 0.764, 0.821).
DRAWN, SCANNED = 0.8, 1.5

# The usual error of a depth at a spill point, of the map's relief. On 40 generated maps of 224 cells errors up to 0.001
# gave trap IoU 0.858 to 0.863, larger ones less (one network of 152 steps, shown 96 cells); smaller ones leave the
# closures of a depth that was given as they are.
DEPTH_ERROR = 0.0001

# Of a depth of -1 to 1; a change with a smaller standard deviation is the network's own noise: clean surfaces showed
# 0.001, and a fifth of their crests moved by it.
SLIGHT = 0.005


def height_traps(values: Float, scene: Scene, options: TruthOptions, coarse: float) -> Float:
    """The exact closures of the smoothed height above spill, read as a surface whose outlines are already final."""
    rules = replace(options.traps, reading="spill")
    root = smoothed(values[0], scene.map_valid, ROUGHNESS * coarse)
    return closures_under(-(root**2), without_interval(scene), rules)


def without_interval(scene: Scene) -> Scene:
    """A scene whose contour interval, if one is needed, follows from the depth at hand."""
    return scene.with_(geo=replace(scene.geo, contour_interval=None, contour_base=0.0))


def closures_under(surface: Float, scene: Scene, rules: TrapRules) -> Float:
    """(1, H, W) 1 inside the closures of a surface (positive down) on the cells and faults of a scene."""
    labels, _, _ = truth.computed_traps(scene.with_(depth=np.nan_to_num(surface)), rules)
    return masked((labels > 0)[None].astype(np.float32), scene.map_valid)


def inside_or_rim(values: Float, scene: Scene, options: TruthOptions, coarse: float) -> Float:
    """(1, H, W) probability of trap: inside and rim together."""
    return values[truth.INSIDE :].sum(0, keepdims=True)


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
            score=scores.TRAP_SCORE,
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
            score=scores.BAND_SCORE,
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
            score=scores.CREST_SCORE,
            drawing=Drawing("inferno"),
            hits=partial(scores.match_crests, radius=scores.CREST_RADIUS),
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
            score=scores.ERROR_SCORE,
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
            score=scores.ERROR_SCORE,
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
            score=scores.ERROR_SCORE,
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
            score=scores.BAND_SCORE,
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
            score=scores.INSIDE_SCORE,
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
            score=scores.SALT_SCORE,
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
            score=scores.WHOLE_SCORE,
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
    score=scores.TRAP_SCORE,
    drawing=Drawing("viridis"),
    tally=PROBABILITY,
    tells="trap",
)


def with_losses(heads: Sequence[Head], optim: OptimConfig) -> tuple[Head, ...]:
    """The heads with the losses that a run's settings give them.

    Raises
    ------
    UserError : an unknown loss, or one that does not fit its head.
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


def masked(values: Float, valid: Bool) -> Float:
    """(C, H, W) with NaN outside `valid`."""
    return np.where(valid, values, np.float32(np.nan)).astype(np.float32)
