"""Sections of impedance with a salt body: sediment layers with dip, folds and faults, bent by the salt beside them.

References
----------
Jackson & Hudec 2017, Salt tectonics: principles and practice, Cambridge University Press.
"""

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from targets.io.tgs_salt import IMAGE_SIDE
from targets.scene import Bool
from targets.synthetic.options import SaltImageOptions

Field = NDArray[np.float64]  # (H, W) values of a section
# Cells made around an image: multiples come from above, wavelets reach over the rim. 216 and 135, the cells in all,
# have small prime factors only, which makes Fourier transforms fast.
ABOVE, BELOW, BESIDE = 90, 25, 17
IMAGE = np.s_[ABOVE : ABOVE + IMAGE_SIDE, BESIDE : BESIDE + IMAGE_SIDE]  # the image within its section


def section_grid() -> tuple[Field, Field]:
    """Make rows and columns (H, W) float64 of a section; the image's first cell is (0, 0)."""
    rows, cols = np.mgrid[-ABOVE : IMAGE_SIDE + BELOW, -BESIDE : IMAGE_SIDE + BESIDE].astype(float)
    return rows, cols


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float | tuple[float, float]) -> Field:
    """Draw smooth random values.

    Parameters
    ----------
    rng : np.random.Generator
        Decides the values.
    shape : tuple[int, ...]
        Of the result.
    sigma : float or tuple of float
        Standard deviation of the smoothing along each axis, in cells.

    Returns
    -------
    float64
        Mean 0, standard deviation 1.
    """
    spectrum = scipy.fft.rfftn(rng.standard_normal(shape))
    values = scipy.fft.irfftn(ndimage.fourier_gaussian(spectrum, sigma, shape[-1]), shape)
    return (values - values.mean()) / max(float(values.std()), 1e-12)


def random_salt_body(rng: np.random.Generator, options: SaltImageOptions) -> Bool:
    """Draw a salt body: a dome, a massif or a sheet, which covers a uniformly drawn share of the image.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    options : SaltImageOptions
        Shares of images without salt, and of nothing else.

    Returns
    -------
    (H, W) bool
        Salt, around the image too.
    """
    rows, cols = section_grid()
    if rng.random() < options.empty_share:
        return np.zeros(rows.shape, np.bool_)
    if rng.random() < options.full_share:
        return np.ones(rows.shape, np.bool_)
    share = rng.uniform(0.01, 0.97)
    # The flanks are warped sideways, so that a dome may overhang, and the top is bumpy.
    sideways = cols + rng.uniform(1, 8) * smooth_noise(rng, rows.shape, 16)
    top = rng.uniform(2, 7) * smooth_noise(rng, rows.shape, (40, 9)) + rng.uniform(0.3, 1.2) * smooth_noise(
        rng, rows.shape, 2
    )
    kind = rng.choice(["dome", "massif", "sheet"], p=[0.4, 0.35, 0.25])
    if kind == "dome":
        across = (sideways - rng.uniform(0, IMAGE_SIDE)) / rng.uniform(12, 45)
        top = top + rng.uniform(30, 110) * (1 - np.exp(-0.5 * across**2)) + 3 * np.abs(across)
    else:
        top = top + rng.uniform(-0.7, 0.7) * (sideways - IMAGE_SIDE / 2)
        top = top + rng.uniform(0, 18) * smooth_noise(rng, (1, rows.shape[1]), (0, 22))
    below_top = rows - top
    inside = below_top[IMAGE]
    salt = below_top > np.quantile(inside, 1 - share)
    if kind == "sheet":
        thick = rng.uniform(18, 60) + rng.uniform(3, 12) * smooth_noise(rng, (1, rows.shape[1]), (0, 18))
        salt &= below_top < np.quantile(inside, 1 - share) + thick
    opened = ndimage.binary_opening(salt, iterations=2)
    closed = ndimage.binary_closing(np.pad(opened, 4, mode="edge"), iterations=3)[4:-4, 4:-4]
    return np.asarray(closed if closed[IMAGE].any() else salt, np.bool_)


def make_sediments(rng: np.random.Generator, options: SaltImageOptions, salt: Bool) -> Field:
    """Make the layers around a salt body: they rise and thin towards it, because it rose through them.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    options : SaltImageOptions
        The range of the regional dip.
    salt : (H, W) bool
        Of `random_salt_body`.

    Returns
    -------
    (H, W) float64
        Logarithm of the impedance, as if the salt were sediment too.
    """
    rows, cols = section_grid()
    level = rows - rng.uniform(*options.layer_dip) * (cols - IMAGE_SIDE / 2)
    level = level - rng.uniform(0, 7) * smooth_noise(rng, (1, rows.shape[1]), (0, rng.uniform(14, 35)))
    level = level - rng.uniform(0, 1.2) * smooth_noise(rng, rows.shape, 7)
    level = _offset_by_fault(rng, level, rows, cols)
    if salt.any() and not salt.all():
        distance = ndimage.distance_transform_edt(~salt)
        # A diapir drags layers up within its own width or so; they thin where they rise.
        raised = rng.uniform(8, 45) * np.exp(-distance / rng.uniform(10, 35))
        level = level + ndimage.gaussian_filter(raised, 3)
    return _log_impedance(rng, level)


def _offset_by_fault(rng: np.random.Generator, level: Field, rows: Field, cols: Field) -> Field:
    """Throw layers down along one steep normal fault, in every third image."""
    if rng.random() > 1 / 3:
        return level
    lean = rng.choice([-1, 1]) * rng.uniform(0.25, 0.7)
    beyond = (cols - rng.uniform(0.1, 0.9) * IMAGE_SIDE - lean * (rows - IMAGE_SIDE / 2)) * np.sign(lean)
    return level - rng.uniform(2, 10) * (beyond > 0)


def _log_impedance(rng: np.random.Generator, level: Field) -> Field:
    """Draw layers of random thickness, in packages of strong and of weak contrasts between the layers."""
    first, last = int(level.min()) - 8, int(level.max()) + 8
    thickness = rng.gamma(2.0, rng.uniform(1.2, 3.0), 4 * (last - first)) + 0.5
    edges = first + np.cumsum(thickness)
    edges = edges[edges < last]
    package = np.exp(0.6 * smooth_noise(rng, (len(edges) + 1,), 4))  # how strongly the layers of a package differ
    values = package * rng.laplace(0, 0.06, len(edges) + 1)
    fine = np.linspace(first, last, 8 * (last - first))
    series = ndimage.gaussian_filter1d(values[np.searchsorted(edges, fine)], 3)  # under half a cell: no jagged lines
    return np.interp(level, fine, series)
