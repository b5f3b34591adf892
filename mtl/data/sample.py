"""Sample: one prepared map with its input planes, targets and validity."""

from dataclasses import dataclass

from torch import Tensor

from mtl.tasks.base import Output, Values
from targets.scene import Bool, Float, Scene
from targets.truth.traps import GroundTruth

Batch = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Sample:
    """One whole map, ready for training and validation.

    Attributes
    ----------
    scene : Scene
        The map as it was given; that of `truth` has the surface that is true, where the given one is not.
    shown : tuple[tuple[str, ...], ...]
        The sets of inputs by which it may be known, the largest first.
    inputs : (C, H, W)
        Targets : {head: (channels, H, W)}; valid : {head: (H, W) bool}.
    """

    scene: Scene
    truth: GroundTruth
    shown: tuple[tuple[str, ...], ...]
    inputs: Float
    targets: dict[str, Float]
    valid: dict[str, Bool]

    def target_of(self, output: Output) -> Values:
        """Target and validity of a head, or of what is derived from heads."""
        if output.name in self.targets:
            return self.targets[output.name], self.valid[output.name]
        return output.target(self.truth)
