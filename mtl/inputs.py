"""Which channels a network can be fed, and how each is made from a scene: add a channel by adding one record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from targets.errors import UserError
from targets.render import with_picture
from targets.scene import Float, Scene


@dataclass(frozen=True)
class InputChannel:
    """One named input.

    name : what the user types.
    channels : number of planes C.
    unit : what the numbers mean.
    from_scene : scene -> (C, H, W) float32, roughly within -2..2.
    outside : the value outside the map and in the padding of a patch.
    jitter : brightness and contrast may be varied in training (pictures only).
    noise : standard deviation of the Gaussian noise added in training.
    """

    name: str
    channels: int
    unit: str
    from_scene: Callable[[Scene], Float]
    outside: float = 0.0
    jitter: bool = False
    noise: float = 0.0


WHITE = 2.0  # what white is after `picture`'s scaling: paper, as outside the map


def picture(scene: Scene) -> Float:
    """The coloured map as (3, H, W); grey 50 % is 0 and white is 2, close to ImageNet's mean and spread.

    A scene without a picture is rendered.
    """
    rgb = with_picture(scene).rgb
    assert rgb is not None
    return np.moveaxis((rgb.astype(np.float32) - 127.5) / (127.5 / WHITE), -1, 0)


def depth(scene: Scene) -> Float:
    """The depth scaled by the map's own relief: +1 = shallowest, -1 = deepest."""
    if not scene.has_depth:
        raise UserError(
            scene.name,
            "the map has no depth channel",
            "a depth for the input 'depth'",
            "use a network trained with --inputs rgb, or add depth_norm.png",
        )
    return (1 - 2 * scene.depth_norm())[None]


INPUTS = {
    record.name: record
    for record in (
        InputChannel("rgb", 3, "grey levels, 0 = 50 %", picture, outside=WHITE, jitter=True, noise=0.02),
        InputChannel("fault", 1, "1 = fault", lambda scene: scene.fault[None].astype(np.float32)),
        # Outside lies deeper than everything: at an open border a trap leaks.
        InputChannel("depth", 1, "+1 shallowest .. -1 deepest", depth, outside=-1.5, noise=0.01),
        InputChannel("map", 1, "1 = inside the map", lambda scene: scene.map_valid[None].astype(np.float32)),
    )
}


def stack_inputs(scene: Scene, inputs: Sequence[InputChannel]) -> Float:
    """(C, H, W) float32: the channels one above the other, finite, with each channel's `outside` outside the map."""
    planes = [np.where(scene.map_valid, record.from_scene(scene), np.float32(record.outside)) for record in inputs]
    return np.concatenate(planes).astype(np.float32)
