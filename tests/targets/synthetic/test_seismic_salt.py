"""Seismic salt images: one seed one image, salt as often as asked, and what a geophysicist expects of it."""

import numpy as np
import pytest

from targets.io.tgs_salt import IMAGE_SIDE
from targets.synthetic.options import SaltImageOptions
from targets.synthetic.seismic_salt import make_salt_image, salt_contact_sheet

ALWAYS = SaltImageOptions(empty_share=0, full_share=0)


@pytest.fixture(scope="module")
def images():
    """Forty images with salt."""
    return [make_salt_image(seed, ALWAYS) for seed in range(40)]


def amplitudes(scene):
    """(H, W) amplitudes around 0 in spreads of the image."""
    grey = scene.rgb[..., 0].astype(float)
    return (grey - grey.mean()) / max(grey.std(), 1e-6)


def test_one_seed_makes_one_image_and_another_seed_another():
    one, again, other = make_salt_image(7), make_salt_image(7), make_salt_image(8)
    np.testing.assert_array_equal(one.rgb, again.rgb)
    assert one.image_depth == again.image_depth and one.name == "0000000007" and (one.rgb != other.rgb).any()
    assert one.shape == (IMAGE_SIDE, IMAGE_SIDE) and (one.rgb[..., 0] == one.rgb[..., 2]).all()


def test_salt_is_there_as_often_as_asked_and_covers_all_shares(images):
    assert not any(make_salt_image(seed, SaltImageOptions(empty_share=1)).salt.any() for seed in range(5))
    assert all(make_salt_image(seed, SaltImageOptions(empty_share=0, full_share=1)).salt.all() for seed in range(5))
    shares = np.array([scene.salt.mean() for scene in images])
    assert shares.min() > 0 and shares.min() < 0.15 and shares.max() > 0.7
    # Binomial with p = 0.61 and n = 40: 15 to 34 lie within three standard deviations.
    assert 15 <= sum(make_salt_image(seed).salt.any() for seed in range(40)) <= 34


def test_salt_is_quiet_and_its_top_is_not(images):
    inside, layers, top = [], [], []
    for scene in images:
        away = np.abs(amplitudes(scene))
        deep = scene.salt & np.roll(scene.salt, 12, axis=0) & np.roll(scene.salt, -12, axis=0)
        deep[:12] = deep[-12:] = False
        crest = scene.salt & ~np.roll(scene.salt, 1, axis=0)
        crest[0] = False
        for values, where in ((inside, deep), (layers, ~scene.salt), (top, crest)):
            if where.sum() > 30:
                values.append(away[where].mean())
    assert np.median(inside) < 0.75 * np.median(layers) < 0.75 * np.median(top)


def test_a_contact_sheet_shows_every_image_twice(images):
    assert salt_contact_sheet(images[:3], columns=2).shape == (2 * (4 * IMAGE_SIDE + 14), 2 * (2 * IMAGE_SIDE + 8), 3)
