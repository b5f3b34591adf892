"""Augmentation of patches: symmetries of the square, brightness, noise, other pictures."""

from collections.abc import Sequence

import numpy as np

from mtl.config import AugmentConfig, Symmetry
from mtl.data.channel_stack import planes_of, stack_inputs
from mtl.data.channels import InputChannel
from mtl.data.sample import Sample
from targets.rendering.style_families import with_random_style
from targets.scene import Bool, Float


def restyle_picture(sample: Sample, inputs: Sequence[InputChannel], rng: np.random.Generator) -> Float:
    """(C, H, W) the inputs of a map, its picture drawn anew in a style of training."""
    scene = with_random_style(sample.scene, rng, "train")
    planes = sample.inputs.copy()
    for record, own in planes_of(inputs):
        if record.picture:
            planes[own] = stack_inputs(scene, [record], sample.truth.options.traps)
    return planes


def _share(mask: Bool) -> float:
    return float(mask.mean())


# What is kept of a random number of quarter turns: all, half turns (with a mirror they flip up and down), none.
TURNS: dict[Symmetry, int] = {"d4": 0b11, "flips": 0b10, "mirror": 0b00}


def d4_transform(values: np.ndarray, turns: int, flip: bool) -> np.ndarray:
    """One of the eight symmetries of the square, on the last two axes."""
    values = np.rot90(values, turns, axes=(-2, -1))
    return values[..., ::-1] if flip else values


def photometric_augment(
    inputs: Float, inside: Bool, records: Sequence[InputChannel], how: AugmentConfig, rng: np.random.Generator
) -> Float:
    """Brightness and contrast of pictures and slight noise of every noisy channel, inside the map only."""
    varied = inputs.copy()
    for record, own in planes_of(records):
        planes = varied[own]
        if record.picture:
            contrast, brightness = 1 + how.contrast * rng.uniform(-1, 1), 2 * how.brightness * rng.uniform(-1, 1)
            np.copyto(planes, planes * np.float32(contrast) + np.float32(brightness), where=inside)
        if record.noise and how.noise:
            planes += rng.standard_normal(planes.shape, np.float32) * (inside * np.float32(record.noise * how.noise))
    return varied
