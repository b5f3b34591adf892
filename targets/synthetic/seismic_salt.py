"""Synthetic seismic images of salt: a section of impedance with a salt body, imaged as a seismic survey would.

1. Layers of random thickness and impedance, with a regional dip, folds, perhaps a fault (`salt_sections`).
2. A salt body (dome, massif or sheet) of nearly constant impedance, towards which layers rise and thin
   (`salt_sections`).
3. Reflectivity, the relative change of impedance downwards, so that a flat top of salt is a strong line and a steep
   flank is none; convolved with a Ricker wavelet, longer at depth (`seismic_imaging`).
4. Inside the salt only weak chaotic noise; below it less light; multiples of the layers above, weaker and later, which
   cross the salt; a zone of chaotic deposits that is no salt; band-limited noise; a gain that evens out amplitudes, as
   in a processed section (`seismic_imaging`).
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from targets.io.tgs_salt import IMAGE_SIDE
from targets.rendering.palettes import RGB
from targets.scene import Scene
from targets.synthetic.options import DEFAULT_SALT, SaltImageOptions
from targets.synthetic.salt_sections import IMAGE, make_sediments, random_salt_body
from targets.synthetic.seismic_imaging import apply_gain, image_section

OUTLINE_COLOUR = (255, 220, 0)
MEAN_DEPTH, DEPTH_STD = 500, 210  # of the depths of images


def salt_image_name(seed: int) -> str:
    """The name of the image of a seed: the number in hexadecimal, in ten digits."""
    return f"{seed:010x}"


def make_salt_image(seed: int, options: SaltImageOptions = DEFAULT_SALT) -> Scene:
    """Make one image of 101 x 101 cells; the same seed and options give the same image.

    Parameters
    ----------
    seed : int
        0 or more; it gives the image's name.
    options : SaltImageOptions, default DEFAULT_SALT
        What the image may look like.

    Returns
    -------
    Scene
        With grey picture, salt and `image_depth`, and no depth.

    Examples
    --------
    >>> scene = make_salt_image(seed=7)
    >>> scene.name, scene.shape, scene.has_depth
    ('0000000007', (101, 101), False)
    """
    # Every part has a generator of its own, so that a change in one leaves the others as they are.
    body_rng, layer_rng, imaging_rng = (np.random.default_rng([seed, part]) for part in range(3))
    image_depth = float(round(np.clip(imaging_rng.normal(MEAN_DEPTH, DEPTH_STD), 50, 960)))
    salt = random_salt_body(body_rng, options)
    impedance = make_sediments(layer_rng, options, salt)
    amplitudes = image_section(imaging_rng, options, impedance, salt, image_depth)
    grey = apply_gain(imaging_rng, amplitudes)[IMAGE]
    nothing = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.bool_)
    return Scene(
        name=salt_image_name(seed),
        depth=np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32),
        depth_valid=nothing,
        map_valid=~nothing,
        fault=nothing,
        rgb=np.repeat(grey[..., None], 3, axis=2),
        salt=salt[IMAGE].copy(),
        image_depth=image_depth,
    )


def salt_contact_sheet(scenes: Sequence[Scene], columns: int = 8) -> RGB:
    """Arrange images side by side, twice as large: each with its salt outlined in yellow, and below it without.

    Parameters
    ----------
    scenes : Sequence[Scene]
        At least one, with picture and salt.
    columns : int, default 8
        Images in a row.

    Returns
    -------
    (H, W, 3) uint8
        The contact sheet.
    """
    tiles = []
    for scene in scenes:
        assert scene.rgb is not None and scene.salt is not None
        plain = scene.rgb.repeat(2, 0).repeat(2, 1)
        outlined, salt = plain.copy(), scene.salt.repeat(2, 0).repeat(2, 1)
        outlined[salt & ~ndimage.binary_erosion(salt, border_value=1)] = OUTLINE_COLOUR
        pair = np.vstack([outlined, np.full_like(outlined[:2], 255), plain])
        tiles.append(np.pad(pair, ((4, 8), (4, 4), (0, 0)), constant_values=255))
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)])
