"""Sample: one prepared map with its input planes, targets and validity."""

from dataclasses import dataclass

from torch import Tensor

from mtl.losses.masked import MaskedTraps
from mtl.tasks.base import MaskedValues, Output
from targets.scene import Bool, Float, Scene
from targets.truth.traps import GroundTruth

Batch = dict[str, Tensor]
TRAPS = "traps"  # beside the names of heads, in targets and validity: what losses on closures read


@dataclass(frozen=True, eq=False)
class JudgedMap:
    """A map as it was given, of which the network sees a downsampled copy, with the truth of all its cells.

    Attributes
    ----------
    scene : Scene
        The map as it was given.
    truth : GroundTruth
        Its ground truth.
    """

    scene: Scene
    truth: GroundTruth

    def target_of(self, output: Output) -> MaskedValues:
        """Target and validity of a head, or of an output derived from heads."""
        return output.target(self.truth)


@dataclass(frozen=True, eq=False)
class Sample:
    """One whole map, ready for training and validation.

    Attributes
    ----------
    scene : Scene
        The map, downsampled to the cells that the network sees.
    truth : GroundTruth
        Ground truth of the map as it was given, on these cells; its scene has the true surface where the given one
        differs.
    input_sets : tuple[tuple[str, ...], ...]
        Sets of inputs by which the network may see it, the largest first.
    inputs : (C, H, W) float32
        Stacked input channels.
    targets : dict[str, (channels, H, W) float32]
        Target of every head, and the planes `TRAPS` of `targets.truth.rasters.closure_planes` where a loss reads them.
    valid : dict[str, (H, W) bool]
        Where they are known.
    given : JudgedMap | None, default None
        The map before it was downsampled, where its predictions are to be judged; None: it was not, or they are not.
    """

    scene: Scene
    truth: GroundTruth
    input_sets: tuple[tuple[str, ...], ...]
    inputs: Float
    targets: dict[str, Float]
    valid: dict[str, Bool]
    given: JudgedMap | None = None

    @property
    def judged(self) -> "Sample | JudgedMap":
        """What predictions of the whole map are judged by: the map as it was given."""
        return self if self.given is None else self.given

    def target_of(self, output: Output) -> MaskedValues:
        """Target and validity of a head, or of an output derived from heads."""
        if output.name in self.targets:
            return self.targets[output.name], self.valid[output.name]
        return output.target(self.truth)


def traps_of(batch: Batch) -> MaskedTraps | None:
    """The traps of a batch for losses that read them; None if no loss of the run does."""
    return MaskedTraps(batch[f"target/{TRAPS}"], batch[f"valid/{TRAPS}"]) if f"target/{TRAPS}" in batch else None
