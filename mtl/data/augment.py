"""Augmentation of training patches: symmetries of the square, brightness, contrast, noise, restyled pictures."""

from collections.abc import Sequence

import numpy as np

from mtl.config import AugmentConfig, Symmetry
from mtl.data.channel_stack import channel_slices, stack_inputs
from mtl.data.channels import InputChannel
from mtl.data.sample import Sample
from mtl.data.symmetries import d4_transform
from targets.rendering.style_families import with_random_style
from targets.scene import Bool, Float


def restyle_picture(sample: Sample, inputs: Sequence[InputChannel], rng: np.random.Generator) -> Float:
    """(C, H, W) float32 inputs of a map whose picture is drawn again in a random style of the family `train`."""
    scene = with_random_style(sample.scene, rng, "train")
    planes = sample.inputs.copy()
    for record, channels in channel_slices(inputs):
        if record.is_picture:
            planes[channels] = stack_inputs(scene, [record], sample.truth.options.traps)
    return planes


def photometric_augment(
    inputs: Float, inside: Bool, records: Sequence[InputChannel], config: AugmentConfig, rng: np.random.Generator
) -> Float:
    """Random brightness and contrast of pictures, and Gaussian noise of every noisy channel, inside the map only.

    Parameters
    ----------
    inputs : (C, H, W) float32
        Of a patch; not changed.
    inside : (H, W) bool
        Cells of the map.
    records : Sequence[InputChannel]
        Channels of the inputs.
    config : AugmentConfig
        How much is varied.
    rng : np.random.Generator
        Decides the variation alone.

    Examples
    --------
    >>> from mtl.data.channels import INPUTS
    >>> rgb, inside = np.zeros((3, 1, 2), np.float32), np.array([[True, False]])
    >>> varied = photometric_augment(rgb, inside, [INPUTS["rgb"]], AugmentConfig(), np.random.default_rng(0))
    >>> bool((varied[:, 0, 0] != 0).all()), bool((varied[:, 0, 1] == 0).all())
    (True, True)
    """
    varied = inputs.copy()
    for record, channels in channel_slices(records):
        planes = varied[channels]
        if record.is_picture:
            contrast, brightness = 1 + config.contrast * rng.uniform(-1, 1), 2 * config.brightness * rng.uniform(-1, 1)
            np.copyto(planes, planes * np.float32(contrast) + np.float32(brightness), where=inside)
        if record.noise and config.noise:
            planes += rng.standard_normal(planes.shape, np.float32) * (inside * np.float32(record.noise * config.noise))
    return varied


# Bits that are kept of a random number of quarter turns: all, those of half turns (flips, with the mirror), none
TURN_BITS: dict[Symmetry, int] = {"d4": 0b11, "flips": 0b10, "mirror": 0b00}


def random_symmetry(
    arrays: dict[str, np.ndarray], symmetry: Symmetry, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The same random symmetry of the square of all arrays (..., H, W); `none` draws no random number."""
    if symmetry == "none":
        return arrays
    turns, flip = int(rng.integers(4)), bool(rng.integers(2))
    turns &= TURN_BITS[symmetry]
    return {name: d4_transform(values, turns, flip) for name, values in arrays.items()}
