"""Input sets (modalities): which of its input channels a network sees of a map, and masking of the others."""

from collections.abc import Container, Sequence

import numpy as np

from mtl.data.channel_stack import channel_slices
from mtl.data.channels import InputChannel
from targets.common.cli import Names
from targets.rendering.map import ensure_picture
from targets.scene import Bool, Float, Scene


def input_sets_of(scene: Scene, inputs: Sequence[InputChannel], sets: Sequence[str]) -> list[tuple[str, ...]]:
    """The input sets that a map can give, the largest first.

    Parameters
    ----------
    scene : Scene
        The map, with or without a depth.
    inputs : Sequence[InputChannel]
        All inputs of the network.
    sets : Sequence[str]
        Names with commas between them, as in `TrainConfig.input_sets`; none: all inputs at once.

    Returns
    -------
    list of tuple of str
        Names of the inputs of each set. Where each set needs a depth that the map lacks, all sets: reading an input
        then says what is missing.

    Examples
    --------
    >>> from mtl.data.channels import INPUTS
    >>> inside = np.ones((8, 8), bool)
    >>> picture = Scene("photo", np.zeros((8, 8), np.float32), ~inside, inside, ~inside)
    >>> input_sets_of(picture, [INPUTS["rgb"], INPUTS["depth"]], ["rgb", "rgb,depth"])
    [('rgb',)]
    """
    named = parse_input_sets(inputs, sets)
    from_depth = {record.name for record in inputs if record.needs_depth}
    possible = [names for names in named if scene.has_depth or not from_depth & set(names)]
    return sorted(possible or named, key=len, reverse=True)


def parse_input_sets(inputs: Sequence[InputChannel], sets: Sequence[str]) -> list[tuple[str, ...]]:
    """The names of each input set of `TrainConfig.input_sets`; without any, one set of all inputs.

    A mask that a head starts from belongs to every set that holds an input of the depth.

    Examples
    --------
    >>> from mtl.data.channels import INPUTS, RULE_TRAPS
    >>> parse_input_sets([INPUTS["rgb"], INPUTS["depth"], RULE_TRAPS], ["rgb", "rgb,depth"])
    [('rgb',), ('rgb', 'depth', 'rules')]
    """
    named = [tuple(Names(names)) for names in sets] or [tuple(record.name for record in inputs)]
    from_depth = {record.name for record in inputs if record.needs_depth}
    bases = [record.name for record in inputs if record.is_base]
    return [(*names, *(base for base in bases if base not in names and from_depth & set(names))) for names in named]


def visible_scene(scene: Scene, inputs: Sequence[InputChannel], visible: Container[str]) -> Scene:
    """The scene without what the network does not see of its depth.

    It keeps the depth if a visible input shows it, else the picture if that is visible (drawn for a scene without
    one), else neither.
    """
    if any(record.shows_depth and record.name in visible for record in inputs):
        return scene.replace(rgb=None)
    scene = ensure_picture(scene) if picture_visible(inputs, visible) else scene.replace(rgb=None)
    return scene.replace(depth_valid=np.zeros(scene.shape, np.bool_))


def picture_visible(inputs: Sequence[InputChannel], visible: Container[str]) -> bool:
    """Whether the map's picture is among the visible inputs."""
    return any(record.is_picture and record.name in visible for record in inputs)


def mask_modalities(planes: Float, inside: Bool, inputs: Sequence[InputChannel], visible: Container[str]) -> None:
    """Overwrite, in place, the inputs that are not visible with their `value_if_missing`.

    Parameters
    ----------
    planes : (C, H, W) float32
        Stacked inputs.
    inside : (H, W) bool
        Cells of the map; the others keep their `fill_value`.
    inputs : Sequence[InputChannel]
        Channels of the planes.
    visible : Container[str]
        Names of the inputs that stay.
    """
    for record, channels in channel_slices(inputs):
        if record.name not in visible:
            planes[channels, inside] = record.value_if_missing
