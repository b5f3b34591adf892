"""Records of a task: an output, a derived output and a head."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mtl.losses.masked import Task, Loss
from mtl.metrics.base import Metric
from mtl.metrics.curves import CurveMetric
from mtl.metrics.keypoints import Hits
from targets.scene import Bool, Float, Scene
from targets.truth.traps import GroundTruth, GroundTruthOptions

Values = tuple[Float, Bool]
Role = Literal["mask", "boundary", "keypoint", "distance", "elevation"]


def first_plane(values: Float) -> Float:
    """What is drawn of (C, H, W) values with one plane."""
    return values[0]


@dataclass(frozen=True)
class Drawing:
    """How an output is drawn: a matplotlib colour map, the values at its ends (high None: the largest value shown),
    and how (C, H, W) values become the one plane that is shown."""

    colour_map: str
    vmin: float = 0.0
    vmax: float | None = 1.0
    plane: Callable[[Float], Float] = first_plane


@dataclass(frozen=True, kw_only=True)
class Output:
    """One answer about a whole map, with its truth and how it is judged and drawn.

    Attributes
    ----------
    name : str
        What tables, pictures and files call it.
    channels : int, default 1
        Number of planes C.
    unit : str
        What the values mean.
    target : Callable[[Truth], Values]
        Truth of a whole map -> values (C, H, W) float32 and valid (H, W) bool.
    score : Score
        How it is judged on whole maps.
    drawing : Drawing
        How it is drawn.
    tally : Tally | None, default None
        A picture of how outputs of its kind err over all validation maps, or None.
    hits : Callable[[Float, Float, Bool], Hits] | None, default None
        (prediction, target, valid) -> which of the points it looks for are found, drawn over the picture, or None.
    tells : Part | None, default None
        What it says of trap objects (`mtl.prediction.instances`): `trap` (probability that a cell is trap; of several
        such outputs of a run the last one is the answer that becomes polygons), `outline` (probability of an outline),
        `crest` (1 on a crest), `way` (cells to the crest) or `top` (largest on the crest). None: nothing.
    submitted : bool, default False
        Its masks of all maps of a prediction are written together, as run-length codes.
    in_cells : bool, default False
        Values are lengths in cells: a cell of a coarsened map counts for several of the map's own.
    traps_only : bool, default False
        Values mean something inside traps only; pictures and grids of a prediction leave out the rest.
    """

    name: str
    channels: int = 1
    unit: str
    target: Callable[[GroundTruth], Values]
    metric: Metric
    drawing: Drawing
    curve: CurveMetric | None = None
    match_points: Callable[[Float, Float, Bool], Hits] | None = None
    role: Role | None = None
    run_length_submission: bool = False
    in_cells: bool = False
    inside_traps_only: bool = False


Postprocess = Callable[[Float, Scene, float], Float]
Derive = Callable[[Float, Scene, GroundTruthOptions, float], Float]


@dataclass(frozen=True, kw_only=True)
class Derived(Output):
    """An output that is computed from a head's values once its tiles are blended: no weights, nothing to train.

    Attributes
    ----------
    derive : Derive
        (the head's values (C, H, W); the scene as the network was shown it, see `Head.finish`; the rules of the truth;
        the scene's cells along one cell of the map that the network saw) -> values (channels, H, W), NaN outside the
        map.
    """

    derive: Derive


@dataclass(frozen=True, kw_only=True)
class Head(Output):
    """An output that the network learns.

    Attributes
    ----------
    kind : Kind
        What kind of answer it is, and so which losses of `mtl.losses.masked` fit.
    activation : Callable[[Tensor], Tensor]
        The network's raw output (logits) -> values in the head's unit.
    loss : Loss
        What it is trained with, unless `optim.losses` says otherwise.
    scale : float, default 1.0
        The usual size of values, in their unit: the loss of a quantity sees values over it, so that it is of the size
        of the other heads' losses.
    bias : float, default 0.0
        The logit an untrained head starts from (rare answers start near "no").
    pooled : bool, default False
        The answer is one for the whole map: its logits are averaged over the patch, and stand in all its cells.
    blend : Literal['values', 'logits'], default 'values'
        Tiles are averaged as `values` (after the activation) or as `logits` (before it).
    corrects : str, default ''
        The input of one plane that the head gives back corrected where it is shown: it learns the difference, and
        before it is trained there is none. "": none.
    finish : Finish | None, default None
        (blended values (C, H, W); the scene as the network was shown it: without a picture or a depth that it was not;
        its cells along one cell of the map that the network saw) -> values that have what the map itself tells of them.
        None: they stay.
    derived : Derived | None, default None
        What else follows from the head's whole map, finished, or None.
    """

    task: Task
    activation: Callable[[Tensor], Tensor]
    loss: Loss
    scale: float = 1.0
    bias: float = 0.0
    global_pool: bool = False
    blend: Literal["values", "logits"] = "values"
    residual_of: str = ""
    postprocess: Postprocess | None = None
    derived: Derived | None = None

    @property
    def out_channels(self) -> int:
        """Planes of logits: the channels, and those that only the loss reads."""
        return self.channels * self.loss.logits_per_channel

    def main_logits(self, logits: Tensor) -> Tensor:
        """(..., channels, H, W) logits without the planes that only the loss reads."""
        return logits.narrow(-3, 0, self.channels)

    def values(self, logits: Tensor) -> Tensor:
        """(..., channels, H, W) in the head's unit, of (..., planes, H, W) logits."""
        return self.activation(self.main_logits(logits))

    def compute_loss(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """How wrong logits (B, planes, H, W) are: the head's loss against target (B, channels, H, W), where valid."""
        if self.task == "regression":
            extra = logits.narrow(-3, self.channels, self.out_channels - self.channels)
            logits = torch.cat([self.values(logits.float()) / self.scale, extra], -3)
            target = target / self.scale
        return self.loss(logits, target, valid)


def mask_invalid(values: Float, valid: Bool) -> Float:
    """(C, H, W) with NaN outside `valid`."""
    return np.where(valid, values, np.float32(np.nan)).astype(np.float32)
