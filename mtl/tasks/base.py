"""Records of the tasks: an output, an output derived from a head, and a head of the network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mtl.losses.masked import Loss, MaskedTraps, Task
from mtl.metrics.base import Metric, Mode, best_mode
from mtl.metrics.curves import CurveMetric
from mtl.metrics.keypoints import PointMatches
from targets.scene import Bool, Float, Scene
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import GroundTruth

MaskedValues = tuple[Float, Bool]  # values (C, H, W) float32, and where they are known: valid (H, W) bool
Role = Literal["mask", "boundary", "keypoint", "distance", "elevation"]


def select_first_plane(values: Float) -> Float:
    """The first plane (H, W) of (C, H, W) values: what is drawn of an output with one plane."""
    return values[0]


@dataclass(frozen=True)
class Drawing:
    """How an output is drawn.

    Attributes
    ----------
    colour_map : str
        Name of a matplotlib colour map.
    vmin : float, default 0.0
        Value at its lower end.
    vmax : float | None, default 1.0
        Value at its upper end; None: the largest value of the picture.
    plane : Callable[[Float], Float]
        (C, H, W) values -> the one plane (H, W) that is drawn.
    """

    colour_map: str
    vmin: float = 0.0
    vmax: float | None = 1.0
    plane: Callable[[Float], Float] = select_first_plane


@dataclass(frozen=True, kw_only=True)
class Output:
    """One prediction about a whole map, with its ground truth, its metrics and its drawing.

    Attributes
    ----------
    name : str
        Name in tables, pictures and files.
    channels : int, default 1
        Number of planes C.
    unit : str
        What the values mean.
    target : Callable[[GroundTruth], MaskedValues]
        Ground truth of a whole map -> values (C, H, W) float32 and valid (H, W) bool.
    metric : Metric
        How it is evaluated on whole maps.
    drawing : Drawing
        How it is drawn.
    curve : CurveMetric | None, default None
        Threshold curves or error histogram over all validation maps, or None.
    match_points : Callable[..., PointMatches] | None, default None
        (prediction, target, valid, cell_sides) -> matches of the points it looks for, drawn over the picture, or None.
    role : Role | None, default None
        Part that it plays in finding trap instances (`mtl.prediction.instances`): `mask` (probability that a cell is
        trap; of several such outputs of a run the last one becomes polygons), `boundary` (probability of an outline),
        `keypoint` (1 on a crest), `distance` (cells to the crest) or `elevation` (largest on the crest). None: no part.
    run_length_submission : bool, default False
        Its masks of all maps of a prediction are written together, as run-length codes.
    in_cells : bool, default False
        Values are lengths in cells: one cell of a downsampled map counts for several of the map's own.
    inside_traps_only : bool, default False
        Values mean something inside traps only; pictures and grids of a prediction leave out the rest.
    """

    name: str
    channels: int = 1
    unit: str
    target: Callable[[GroundTruth], MaskedValues]
    metric: Metric
    drawing: Drawing
    curve: CurveMetric | None = None
    match_points: Callable[..., PointMatches] | None = None
    role: Role | None = None
    run_length_submission: bool = False
    in_cells: bool = False
    inside_traps_only: bool = False

    @property
    def rankable_metrics(self) -> dict[str, Mode]:
        """{name: `max` or `min`} of every value by which one network is better than another."""
        directions = {**self.metric.higher_is_better, **(self.curve.higher_is_better if self.curve else {})}
        return {name: best_mode(higher) for name, higher in directions.items() if higher is not None}


Postprocess = Callable[[Float, Scene, float], Float]
Derive = Callable[[Float, Scene, GroundTruthOptions, float], Float]


@dataclass(frozen=True, kw_only=True)
class Derived(Output):
    """An output computed from a head's values once its tiles are blended: it has no weights.

    Attributes
    ----------
    derive : Derive
        (values (C, H, W) of the head; scene as in `Head.postprocess`; rules of the ground truth; cells of the scene
        along one cell of the map that the network saw) -> values (channels, H, W), NaN outside the map.
    """

    derive: Derive


@dataclass(frozen=True, kw_only=True)
class Head(Output):
    """An output that the network learns.

    Attributes
    ----------
    task : Task
        Kind of task, which decides the losses that fit: `binary`, `heatmap`, `regression` or `multiclass`.
    activation : Callable[[Tensor], Tensor]
        Logits -> values in the head's unit.
    loss : Loss
        Loss of its training, unless `optim.losses` names another one.
    scale : float, default 1.0
        Usual size of values, in their unit: the loss of a regression sees values divided by it, so that the losses of
        all heads are of similar size.
    bias : float, default 0.0
        Logit of the untrained head (rare answers start near "no").
    global_pool : bool, default False
        One answer for the whole map: logits are averaged over the patch, and stand in all its cells.
    blend : Literal['values', 'logits'], default 'values'
        Tiles are averaged as `values` (after the activation) or as `logits` (before it).
    residual_of : str, default ''
        Name of the input of one plane that the head predicts a correction of, where that input is visible: the
        untrained head answers with the input itself, a binary head with the input's mask. "": none.
    class_names : tuple[str, ...], default ()
        Names of the classes of a `multiclass` head, one for each channel.
    postprocess : Postprocess | None, default None
        (blended values (C, H, W); the scene without a picture or a depth that the network did not see; cells of the
        scene along one cell of the map that the network saw) -> values with the detail that the map itself has. None:
        values stay.
    derived : Derived | None, default None
        Output that follows from the head's whole map after postprocessing, or None.

    Raises
    ------
    ValueError
        A multiclass head without a name for each class.
    """

    task: Task
    activation: Callable[[Tensor], Tensor]
    loss: Loss
    scale: float = 1.0
    bias: float = 0.0
    global_pool: bool = False
    blend: Literal["values", "logits"] = "values"
    residual_of: str = ""
    class_names: tuple[str, ...] = ()
    postprocess: Postprocess | None = None
    derived: Derived | None = None

    def __post_init__(self) -> None:
        if len(self.class_names) != (self.channels if self.task == "multiclass" else 0):
            raise ValueError(f"head {self.name}: {len(self.class_names)} class names for {self.channels} channels")

    @property
    def out_channels(self) -> int:
        """Planes of logits: the channels, and those that only the loss reads."""
        return self.channels * self.loss.logits_per_channel

    def main_logits(self, logits: Tensor) -> Tensor:
        """(..., channels, H, W) logits without the planes that only the loss reads."""
        return logits.narrow(-3, 0, self.channels)

    def values(self, logits: Tensor) -> Tensor:
        """(..., channels, H, W) values in the head's unit, from (..., out_channels, H, W) logits."""
        return self.activation(self.main_logits(logits))

    def compute_loss(self, logits: Tensor, target: Tensor, valid: Tensor, traps: MaskedTraps | None = None) -> Tensor:
        """The head's loss of a batch.

        Parameters
        ----------
        logits : (B, out_channels, H, W) float
            Raw output of the network.
        target : (B, channels, H, W) float
            In the head's unit.
        valid : (B, 1, H, W) bool or float
            1 where the target is known.
        traps : MaskedTraps | None, default None
            Traps of the maps, for a loss that reads them.

        Returns
        -------
        scalar Tensor
        """
        if self.task == "regression":
            extra = logits.narrow(-3, self.channels, self.out_channels - self.channels)
            logits = torch.cat([self.values(logits.float()) / self.scale, extra], -3)
            target = target / self.scale
        return self.loss(logits, target, valid, traps)


def mask_invalid(values: Float, valid: Bool) -> Float:
    """(C, H, W) float32 values with NaN outside (H, W) valid.

    Examples
    --------
    >>> mask_invalid(np.ones((1, 1, 2)), np.array([[True, False]])).tolist()
    [[[1.0, nan]]]
    """
    return np.where(valid, values, np.float32(np.nan)).astype(np.float32)
