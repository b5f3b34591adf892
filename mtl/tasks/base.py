"""Records of a task: an output, a derived output and a head."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mtl.losses.masked import Kind, Loss
from mtl.metrics.base import Score
from mtl.metrics.curves import Tally
from mtl.metrics.keypoints import Hits
from targets.scene import Bool, Float, Scene
from targets.truth.traps import Truth, TruthOptions

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


def masked(values: Float, valid: Bool) -> Float:
    """(C, H, W) with NaN outside `valid`."""
    return np.where(valid, values, np.float32(np.nan)).astype(np.float32)
