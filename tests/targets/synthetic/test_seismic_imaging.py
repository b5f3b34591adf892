"""Seismic imaging: the wavelet has its shape and period, and deeper images longer waves."""

import numpy as np
import pytest

from targets.io.tgs_salt import IMAGE_SIDE
from targets.synthetic.options import SaltImageOptions
from targets.synthetic.seismic_imaging import ricker
from targets.synthetic.seismic_salt import make_salt_image


def amplitudes(scene):
    """(H, W) amplitudes around 0 in spreads of the image."""
    grey = scene.rgb[..., 0].astype(float)
    return (grey - grey.mean()) / max(grey.std(), 1e-6)


def test_deeper_images_have_longer_waves():
    def period(scene):
        spectrum = np.abs(np.fft.rfft(amplitudes(scene), axis=0)).mean(axis=1)
        return 1 / ((np.fft.rfftfreq(IMAGE_SIDE)[2:] * spectrum[2:]).sum() / spectrum[2:].sum())

    scenes = [make_salt_image(seed, SaltImageOptions(empty_share=1, noise=(0, 0))) for seed in range(40)]
    waves = [period(scene) for scene in scenes]
    assert np.corrcoef([scene.image_depth for scene in scenes], waves)[0, 1] > 0.4


def test_a_ricker_wavelet_is_symmetric_without_a_mean_and_has_its_period():
    wavelet = ricker(12.0)
    assert wavelet.max() == 1 and wavelet[len(wavelet) // 2] == 1
    np.testing.assert_allclose(wavelet, wavelet[::-1])
    assert abs(wavelet.sum()) < 0.01
    spectrum = np.abs(np.fft.rfft(wavelet, 1200))
    assert 1200 / spectrum.argmax() == pytest.approx(12, abs=0.2)
