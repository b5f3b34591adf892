"""Which questions the network answers, and everything that belongs to each: add a head by adding one record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch.nn.functional as F
from torch import Tensor, sigmoid

from mtl import losses, scores
from mtl.scores import Score
from targets import truth
from targets.scene import Bool, Float
from targets.truth import Truth

Values = tuple[Float, Bool]


@dataclass(frozen=True)
class Drawing:
    """How a head is drawn: a matplotlib colour map and the values at its ends (None: the largest value shown)."""

    colours: str
    low: float = 0.0
    high: float | None = 1.0


@dataclass(frozen=True)
class Head:
    """One head.

    name : what the user types.
    channels : number of planes C.
    unit : what the head's values mean.
    target : truth of a whole map -> values (C, H, W) float32 and valid (H, W) bool.
    activation : the network's raw output (logits) -> values in the head's unit.
    loss : (logits, target, valid) -> scalar, see `mtl.losses`.
    score : how it is judged on whole maps.
    drawing : how it is drawn.
    bias : the logit an untrained head starts from (rare answers start near "no").
    blend : tiles are averaged as `values` (after the activation) or as `logits` (before it).
    in_cells : values are lengths in cells: a cell of a coarsened map counts for several of the map's own.
    """

    name: str
    channels: int
    unit: str
    target: Callable[[Truth], Values]
    activation: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    score: Score
    drawing: Drawing
    bias: float = 0.0
    blend: Literal["values", "logits"] = "values"
    in_cells: bool = False


def everywhere(raster: Callable[[Truth], Float]) -> Callable[[Truth], Values]:
    """A target known in every cell of the map."""
    return _Target(raster, inside_traps=False)


def in_traps(raster: Callable[[Truth], Float]) -> Callable[[Truth], Values]:
    """A target that means something inside traps only."""
    return _Target(raster, inside_traps=True)


@dataclass(frozen=True)
class _Target:  # a class rather than a closure, because records must pickle when workers are spawned
    raster: Callable[[Truth], Float]
    inside_traps: bool

    def __call__(self, answer: Truth) -> Values:
        valid = answer.scene.map_valid
        if self.inside_traps:
            valid = valid & (answer.labels > 0)
        return self.raster(answer)[None], valid


DISTANCE_SCALE = 64.0  # cells; one for all maps, so that a pixel has one target wherever its patch lies


def to_distance(logits: Tensor) -> Tensor:
    """Never negative, in cells."""
    return F.softplus(logits) * DISTANCE_SCALE


def distance_loss(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Huber loss on distances over the fixed scale."""
    return losses.smooth_l1(F.softplus(logits), target / DISTANCE_SCALE, valid)


HEADS = {
    record.name: record
    for record in (
        Head(
            name="trap",
            channels=1,
            unit="probability of trap",
            target=everywhere(truth.trap_mask),
            activation=sigmoid,
            loss=losses.bce_dice,
            score=scores.TRAP_SCORE,
            drawing=Drawing("viridis"),
            bias=-1.5,
        ),
        Head(
            name="boundary",
            channels=1,
            unit="probability of a trap's outline",
            target=everywhere(truth.boundary_band),
            activation=sigmoid,
            loss=losses.bce_dice,
            score=scores.BAND_SCORE,
            drawing=Drawing("magma"),
            bias=-2.5,
        ),
        Head(
            name="crest",
            channels=1,
            unit="nearness to a crest (1 = crest)",
            target=everywhere(truth.crest_heat),
            activation=sigmoid,
            loss=losses.peak_focal,
            score=scores.CREST_SCORE,
            drawing=Drawing("inferno"),
            bias=-4.0,
        ),
        Head(
            name="dist",
            channels=1,
            unit="cells to the crest of one's own trap",
            target=in_traps(truth.crest_distance),
            activation=to_distance,
            loss=distance_loss,
            score=scores.ERROR_SCORE,
            drawing=Drawing("cividis", high=None),
            bias=-0.5,
            in_cells=True,
        ),
    )
}


def masked(values: Float, valid: Bool) -> Float:
    """(C, H, W) with NaN outside `valid`."""
    return np.where(valid, values, np.float32(np.nan)).astype(np.float32)
