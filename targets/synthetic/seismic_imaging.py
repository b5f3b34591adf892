"""Seismic imaging of an impedance section: reflectivity, wavelet, multiples, noise, gain.

References
----------
Ricker 1953, The form and laws of propagation of seismic wavelets, Geophysics 18, 10-40.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.io.tgs_salt import IMAGE_SIDE
from targets.scene import Bool
from targets.synthetic.options import SaltImageOptions
from targets.synthetic.salt_sections import Field, section_grid, smooth_noise

SLUMP_SHARE = 0.15  # of images without salt, those with a chaotic zone that looks like salt
FRESNEL_SIGMA = (0.6, 1.4)  # cells, of the lateral smoothing that migration leaves of the Fresnel zone


def ricker(period: float) -> Field:
    """Make a Ricker wavelet.

    Parameters
    ----------
    period : float
        Period at which its spectrum is largest, in cells.

    Returns
    -------
    (n,) float64
        Symmetric; the middle value is 1.

    Examples
    --------
    >>> wavelet = ricker(12.0)
    >>> len(wavelet), float(wavelet.max())
    (33, 1.0)
    """
    half = int(np.ceil(1.3 * period))
    x = (np.pi * np.arange(-half, half + 1) / period) ** 2
    return (1 - 2 * x) * np.exp(-x)


def image_section(
    rng: np.random.Generator, options: SaltImageOptions, layers: Field, salt: Bool, image_depth: float
) -> Field:
    """Compute the amplitudes of a migrated section.

    Parameters
    ----------
    rng : np.random.Generator
        Decides noise, multiples and the contrast of the salt.
    options : SaltImageOptions
        Ranges of period, noise and multiples.
    layers : (H, W) float64
        Logarithm of the impedance of the sediments.
    salt : (H, W) bool
        Salt.
    image_depth : float
        0 to 1000: deeper images have longer waves.

    Returns
    -------
    (H, W) float64
        In standard deviations of the layers' reflections.
    """
    shallow, deep = options.wavelet_period
    wavelet = ricker((shallow + (deep - shallow) * image_depth / 1000) * rng.uniform(0.85, 1.15))
    lateral = rng.uniform(*FRESNEL_SIGMA)
    usual_contrast = float(np.diff(layers, axis=0).std())

    def convolve(reflectivity: Field) -> Field:
        return ndimage.convolve1d(ndimage.gaussian_filter1d(reflectivity, lateral, axis=1), wavelet, axis=0)

    bodies = ndimage.gaussian_filter(salt.astype(float), (0.5, 1.2))
    # Deep salt may be slower than what is around it.
    contrast = usual_contrast * rng.uniform(3, 7) * rng.choice([1, 1, 1, -1])
    edge = np.gradient(bodies, axis=0) * contrast
    inner = 0.12 * rng.uniform(0.4, 2) * usual_contrast * smooth_noise(rng, layers.shape, (0.6, 1.5))
    reflectivity = np.gradient(layers, axis=0) * (1 - bodies) * _illumination(rng, salt) + edge + inner * bodies
    if not salt.any() and rng.random() < SLUMP_SHARE:
        reflectivity = _add_slump(rng, reflectivity, usual_contrast)
    delay = int(rng.integers(18, 70))
    multiples = np.zeros_like(reflectivity)
    multiples[delay:] = -rng.uniform(*options.multiples) * reflectivity[:-delay]
    section = convolve(reflectivity + multiples)
    spread = float(convolve(np.gradient(layers, axis=0)).std())
    noise = smooth_noise(rng, layers.shape, (1.2, 1.2)) + 0.6 * _streaks(rng, layers.shape)
    return section / spread + rng.uniform(*options.noise) * noise * (1 - 0.35 * bodies)


def _illumination(rng: np.random.Generator, salt: Bool) -> Field:
    """Share of the amplitude that is left (H, W): less below salt, whose rough top scatters the waves."""
    covered = np.cumsum(salt, axis=0) > 0
    return 1 - rng.uniform(0.2, 0.65) * ndimage.gaussian_filter(covered.astype(float), 4)


def _add_slump(rng: np.random.Generator, reflectivity: Field, contrast: float) -> Field:
    """Put a chaotic zone between two layers, such as a slide leaves: it looks like salt without a strong top."""
    rows, _ = section_grid()
    top = rng.uniform(-20, IMAGE_SIDE - 20) + rng.uniform(2, 8) * smooth_noise(rng, (1, rows.shape[1]), (0, 20))
    within = ndimage.gaussian_filter(((rows > top) & (rows < top + rng.uniform(15, 45))).astype(float), 1)
    chaos = contrast * rng.uniform(0.3, 0.8) * smooth_noise(rng, rows.shape, (0.8, 3))
    return reflectivity * (1 - within) + chaos * within


def _streaks(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """Draw steep coherent noise, as migration leaves of what it could not place."""
    noise = smooth_noise(rng, shape, (3, 0.8))
    slope = rng.uniform(-1.2, 1.2)
    rows, cols = np.indices(shape, float)
    return ndimage.map_coordinates(noise, [rows, cols + slope * rows], order=1, mode="wrap")


def apply_gain(rng: np.random.Generator, amplitudes: Field) -> NDArray[np.uint8]:
    """Convert amplitudes to grey levels: strong and weak parts partly balanced, the strongest clipped.

    Parameters
    ----------
    rng : np.random.Generator
        Decides brightness, contrast and how much is balanced.
    amplitudes : (H, W) float64
        Of `image_section`.

    Returns
    -------
    (H, W) uint8
        Grey levels.
    """
    level = np.sqrt(ndimage.uniform_filter(ndimage.uniform_filter(amplitudes**2, 51), 51))
    balanced = amplitudes / level ** rng.uniform(0.2, 0.7)
    balanced = balanced / float(np.quantile(np.abs(balanced), rng.uniform(0.97, 0.998)))
    grey = 127.5 + rng.normal(-5, 12) + 127.5 * rng.uniform(0.55, 1.0) * np.clip(balanced, -1.3, 1.3)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
