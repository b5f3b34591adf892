"""Augmentation of training patches: symmetries of the square, brightness, contrast, noise, restyled pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtl.config import AugmentConfig, Symmetry
from mtl.data.channel_stack import channel_slices, stack_inputs
from mtl.data.channels import WHITE, InputChannel
from mtl.data.sample import Sample
from mtl.data.symmetries import d4_transform
from mtl.registry import select_records
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


# Transforms of monai.transforms, which are imported when one is asked for: the import takes seconds.
PICTURE_TRANSFORMS: dict[str, tuple[str, dict[str, tuple[float, float]]]] = {
    "blur": ("RandGaussianSmooth", {"sigma_x": (0.3, 1.5), "sigma_y": (0.3, 1.5)}),  # σ in cells
    "gamma": ("RandAdjustContrast", {"gamma": (0.7, 1.5)}),
    "uneven_light": ("RandBiasField", {"coeff_range": (0.0, 0.1)}),
}


def transform_pictures(
    inputs: Float,
    inside: Bool,
    records: Sequence[InputChannel],
    fractions: Mapping[str, float],
    rng: np.random.Generator,
) -> Float:
    """Random blur, gamma and uneven light of pictures by MONAI, inside the map only.

    Parameters
    ----------
    inputs, inside, records
        As in `photometric_augment`.
    fractions : Mapping[str, float]
        `AugmentConfig.picture_transforms`: how often each transform is applied.
    rng : np.random.Generator
        Decides alone whether and how.

    Raises
    ------
    UserError
        An unknown transform.
    """
    if not fractions:
        return inputs
    from monai import transforms

    varied = inputs.copy()
    chosen = select_records(PICTURE_TRANSFORMS, list(fractions), "augment.picture_transforms")
    for (name, ranges), fraction in zip(chosen, fractions.values(), strict=True):
        applied, seed = rng.random() < fraction, int(rng.integers(2**32))
        if not applied:
            continue
        for record, channels in channel_slices(records):
            if record.is_picture:
                transform = getattr(transforms, name)(prob=1.0, **ranges)
                transform.set_random_state(seed)  # all pictures of a map alike
                brightness = varied[channels] / (2 * WHITE) + 0.5  # 0 black .. 1 white
                changed = (np.asarray(transform(brightness), np.float32) - 0.5) * (2 * WHITE)
                np.copyto(varied[channels], changed, where=inside)
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
