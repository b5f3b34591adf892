"""Input sets: networks that see some of their input channels."""

from collections.abc import Container, Sequence

import numpy as np

from mtl.data.channel_stack import planes_of
from mtl.data.channels import InputChannel
from targets.common.cli import Names
from targets.rendering.map import ensure_picture
from targets.scene import Bool, Float, Scene

# -- networks that are shown some of their inputs ----------------------------------------------------------------


def input_sets_of(scene: Scene, inputs: Sequence[InputChannel], sets: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets of inputs by which a network may know a scene, the largest first.

    Parameters
    ----------
    sets : Sequence[str]
        Names with commas between them, as in `TrainConfig.shown`; none: all inputs at once.

    Notes
    -----
    Where each needs a depth that the scene lacks, all of them: reading an input then says what is missing.
    """
    named = parse_input_sets(inputs, sets)
    deep = {record.name for record in inputs if record.from_depth}
    given = [names for names in named if scene.has_depth or not deep & set(names)]
    return sorted(given or named, key=len, reverse=True)


def parse_input_sets(inputs: Sequence[InputChannel], sets: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets of inputs by which a network may know any scene, as `TrainConfig.shown` says."""
    return [Names(names) for names in sets] or [tuple(record.name for record in inputs)]


def visible_scene(scene: Scene, inputs: Sequence[InputChannel], shown: Container[str]) -> Scene:
    """The scene as far as it tells the network a depth: with the depth if that is shown, else with the picture if that
    is, which a scene without one is drawn for."""
    if "depth" in shown:
        return scene.replace(rgb=None)
    scene = ensure_picture(scene) if picture_visible(inputs, shown) else scene.replace(rgb=None)
    return scene.replace(depth_valid=np.zeros(scene.shape, np.bool_))


def picture_visible(inputs: Sequence[InputChannel], shown: Container[str]) -> bool:
    """Whether the inputs that are shown have the map's picture among them."""
    return any(record.picture and record.name in shown for record in inputs)


def mask_modalities(planes: Float, inside: Bool, inputs: Sequence[InputChannel], shown: Container[str]) -> None:
    """Make the inputs (C, H, W) that are not shown blank where (H, W) the map is, in place."""
    for record, own in planes_of(inputs):
        if record.name not in shown:
            planes[own, inside] = record.blank
