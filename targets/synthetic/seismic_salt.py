"""Seismic images of salt out of nothing: layers that a salt body has bent, imaged as a seismic survey would.

An image is a section of impedance that is bent, pierced, then imaged:

1. layers of random thickness and impedance, with a regional dip, folds, perhaps a fault, and a zone of chaotic deposits
   that is no salt;
2. a salt body (dome, massif or sheet) of nearly constant impedance: layers rise and thin towards it, because it rose
   through them (Jackson & Hudec 2017, ch. 3);
3. reflectivity, the relative change of impedance downwards, so that a flat top of salt is a strong line and a steep
   flank is none; convolved with a Ricker wavelet (Ricker 1953), longer at depth;
4. inside the salt only weak chaotic noise; below it less light; multiples of the layers above, weaker and later, which
   cross the salt; band-limited noise; a gain that evens out amplitudes, as in a processed section.

References
----------
Jackson & Hudec 2017, Salt tectonics: principles and practice, Cambridge University Press.
Ricker 1953, The form and laws of propagation of seismic wavelets, Geophysics 18, 10-40.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy import ndimage

from targets.errors import UserError
from targets.io.tgs_salt import IMAGE_SIDE
from targets.scene import Bool, Scene

Field = NDArray[np.float64]
# Cells made around an image: multiples come from above, wavelets reach over the rim. 216 and 135, the cells in all,
# have small factors only, as fast Fourier transforms like it.
ABOVE, BELOW, BESIDE = 90, 25, 17
OUTLINE = (255, 220, 0)


@dataclass(frozen=True)
class SaltImageOptions:
    """What the images may look like; every range is (low, high), one value is drawn per image.

    Attributes
    ----------
    empty : float, default 0.39
        Share of images without salt (0.3905 in the TGS training set).
    full : float, default 0.08
        Share of images with salt that hold nothing else.
    dip : tuple[float, float], default (-0.25, 0.25)
        Cells per cell, the regional dip of the layers.
    period : tuple[float, float], default (6.0, 15.0)
        Cells of the wavelet's main period, shallow to deep.
    noise : tuple[float, float], default (0.1, 0.4)
        Of the layers' amplitude.
    multiples : tuple[float, float], default (0.05, 0.35)
        Of the amplitude of what they repeat.
    """

    empty_share: float = 0.39
    full_share: float = 0.08
    dip: tuple[float, float] = (-0.25, 0.25)
    period: tuple[float, float] = (6.0, 15.0)
    noise: tuple[float, float] = (0.1, 0.4)
    multiples: tuple[float, float] = (0.05, 0.35)

    def __post_init__(self) -> None:
        if not (0 <= self.empty_share <= 1 and 0 <= self.full_share <= 1):
            raise UserError("seismic.empty, seismic.full", f"{self.empty_share}, {self.full_share}", "shares between 0 and 1")


DEFAULT_SALT = SaltImageOptions()


def make_salt_image(seed: int, options: SaltImageOptions = DEFAULT_SALT) -> Scene:
    """Make one image of 101 x 101 cells; the same seed and options give the same image.

    Parameters
    ----------
    seed : int
        0 or more; in hexadecimal it is the image's name.
    options : SeismicOptions, default TYPICAL
        What it may look like.

    Returns
    -------
    a Scene with grey picture, salt and depth `z`, and nothing else.
    """
    # A stream of its own for every part, so that a change in one leaves the others as they are.
    body, layers, imaging = (np.random.default_rng([seed, part]) for part in range(3))
    z = float(round(np.clip(imaging.normal(500, 210), 50, 960)))
    salt = _salt(body, options)
    impedance = _sediments(layers, options, salt)
    amplitudes = _imaged(imaging, options, impedance, salt, z)
    crop = np.s_[ABOVE : ABOVE + IMAGE_SIDE, BESIDE : BESIDE + IMAGE_SIDE]
    grey = _processed(imaging, amplitudes)[crop]
    nothing = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.bool_)
    return Scene(
        name=f"{seed:010x}",
        depth=np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32),
        depth_valid=nothing,
        map_valid=~nothing,
        fault=nothing,
        rgb=np.repeat(grey[..., None], 3, axis=2),
        salt=salt[crop].copy(),
        image_depth=z,
    )


def _grid() -> tuple[Field, Field]:
    """Rows and columns; the image's first cell is (0, 0)."""
    rows, cols = np.mgrid[-ABOVE : IMAGE_SIDE + BELOW, -BESIDE : IMAGE_SIDE + BESIDE].astype(float)
    return rows, cols


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], sigma: float | tuple[float, float]) -> Field:
    """Random values, smooth over some `sigma` cells, of mean 0 and spread 1."""
    spectrum = scipy.fft.rfftn(rng.standard_normal(shape))
    values = scipy.fft.irfftn(ndimage.fourier_gaussian(spectrum, sigma, shape[-1]), shape)
    return (values - values.mean()) / max(float(values.std()), 1e-12)


# -- salt --------------------------------------------------------------------------------------------------------


def _salt(rng: np.random.Generator, options: SaltImageOptions) -> Bool:
    """Where the salt is, around the image too; in the image it covers a share that is drawn evenly from 0 to 1."""
    rows, cols = _grid()
    if rng.random() < options.empty_share:
        return np.zeros(rows.shape, np.bool_)
    if rng.random() < options.full_share:
        return np.ones(rows.shape, np.bool_)
    share = rng.uniform(0.01, 0.97)
    # The flanks are warped sideways, so that a dome may overhang, and the top is bumpy.
    sideways = cols + rng.uniform(1, 8) * _smooth(rng, rows.shape, 16)
    top = rng.uniform(2, 7) * _smooth(rng, rows.shape, (40, 9)) + rng.uniform(0.3, 1.2) * _smooth(rng, rows.shape, 2)
    kind = rng.choice(["dome", "massif", "sheet"], p=[0.4, 0.35, 0.25])
    if kind == "dome":
        across = (sideways - rng.uniform(0, IMAGE_SIDE)) / rng.uniform(12, 45)
        top = top + rng.uniform(30, 110) * (1 - np.exp(-0.5 * across**2)) + 3 * np.abs(across)
    else:
        top = top + rng.uniform(-0.7, 0.7) * (sideways - IMAGE_SIDE / 2)
        top = top + rng.uniform(0, 18) * _smooth(rng, (1, rows.shape[1]), (0, 22))
    below_top = rows - top
    inside = below_top[ABOVE : ABOVE + IMAGE_SIDE, BESIDE : BESIDE + IMAGE_SIDE]
    salt = below_top > np.quantile(inside, 1 - share)
    if kind == "sheet":
        thick = rng.uniform(18, 60) + rng.uniform(3, 12) * _smooth(rng, (1, rows.shape[1]), (0, 18))
        salt &= below_top < np.quantile(inside, 1 - share) + thick
    whole = ndimage.binary_opening(salt, iterations=2)
    kept = ndimage.binary_closing(np.pad(whole, 4, mode="edge"), iterations=3)[4:-4, 4:-4]
    return np.asarray(kept if kept[ABOVE : ABOVE + IMAGE_SIDE, BESIDE : BESIDE + IMAGE_SIDE].any() else salt, np.bool_)


# -- layers ------------------------------------------------------------------------------------------------------


def _sediments(rng: np.random.Generator, options: SaltImageOptions, salt: Bool) -> Field:
    """Logarithm of the impedance of the layers, as if there were no salt, but bent by it."""
    rows, cols = _grid()
    level = rows - rng.uniform(*options.dip) * (cols - IMAGE_SIDE / 2)
    level = level - rng.uniform(0, 7) * _smooth(rng, (1, rows.shape[1]), (0, rng.uniform(14, 35)))
    level = level - rng.uniform(0, 1.2) * _smooth(rng, rows.shape, 7)
    level = _faulted(rng, level, rows, cols)
    if salt.any() and not salt.all():
        away = ndimage.distance_transform_edt(~salt)
        # A diapir drags layers up within its own width or so; they thin where they rise.
        raised = rng.uniform(8, 45) * np.exp(-away / rng.uniform(10, 35))
        level = level + ndimage.gaussian_filter(raised, 3)
    return _log_impedance(rng, level)


def _faulted(rng: np.random.Generator, level: Field, rows: Field, cols: Field) -> Field:
    """Layers thrown down along one steep normal fault, in every third image."""
    if rng.random() > 1 / 3:
        return level
    lean = rng.choice([-1, 1]) * rng.uniform(0.25, 0.7)
    beyond = (cols - rng.uniform(0.1, 0.9) * IMAGE_SIDE - lean * (rows - IMAGE_SIDE / 2)) * np.sign(lean)
    return level - rng.uniform(2, 10) * (beyond > 0)


def _log_impedance(rng: np.random.Generator, level: Field) -> Field:
    """Layers of random thickness; packages of thick ones that differ much take turns with thin ones that hardly do."""
    first, last = int(level.min()) - 8, int(level.max()) + 8
    thickness = rng.gamma(2.0, rng.uniform(1.2, 3.0), 4 * (last - first)) + 0.5
    edges = first + np.cumsum(thickness)
    edges = edges[edges < last]
    package = np.exp(0.6 * _smooth(rng, (len(edges) + 1,), 4))  # how strongly the layers of a package differ
    values = package * rng.laplace(0, 0.06, len(edges) + 1)
    fine = np.linspace(first, last, 8 * (last - first))
    series = ndimage.gaussian_filter1d(values[np.searchsorted(edges, fine)], 3)  # under half a cell: no jagged lines
    return np.interp(level, fine, series)


# -- imaging -----------------------------------------------------------------------------------------------------


def ricker(period: float) -> Field:
    """A Ricker wavelet whose spectrum is largest at this period, in cells; its middle value is 1."""
    half = int(np.ceil(1.3 * period))
    x = (np.pi * np.arange(-half, half + 1) / period) ** 2
    return (1 - 2 * x) * np.exp(-x)


def _imaged(rng: np.random.Generator, options: SaltImageOptions, layers: Field, salt: Bool, z: float) -> Field:
    """Amplitudes of a migrated section."""
    shallow, deep = options.period
    wavelet = ricker((shallow + (deep - shallow) * z / 1000) * rng.uniform(0.85, 1.15))
    lateral = rng.uniform(0.6, 1.4)  # what migration leaves of the Fresnel zone
    strong = float(np.diff(layers, axis=0).std())

    def seen(reflectivity: Field) -> Field:
        return ndimage.convolve1d(ndimage.gaussian_filter1d(reflectivity, lateral, axis=1), wavelet, axis=0)

    bodies = ndimage.gaussian_filter(salt.astype(float), (0.5, 1.2))
    contrast = strong * rng.uniform(3, 7) * rng.choice([1, 1, 1, -1])  # deep salt may be slower than what is around it
    edge = np.gradient(bodies, axis=0) * contrast
    inner = 0.12 * rng.uniform(0.4, 2) * strong * _smooth(rng, layers.shape, (0.6, 1.5))
    reflectivity = np.gradient(layers, axis=0) * (1 - bodies) * _light(rng, salt) + edge + inner * bodies
    if not salt.any() and rng.random() < 0.15:
        reflectivity = _slumped(rng, reflectivity, strong)
    delay = int(rng.integers(18, 70))
    late = np.zeros_like(reflectivity)
    late[delay:] = -rng.uniform(*options.multiples) * reflectivity[:-delay]
    section = seen(reflectivity + late)
    spread = float(seen(np.gradient(layers, axis=0)).std())
    noise = _smooth(rng, layers.shape, (1.2, 1.2)) + 0.6 * _streaks(rng, layers.shape)
    return section / spread + rng.uniform(*options.noise) * noise * (1 - 0.35 * bodies)


def _light(rng: np.random.Generator, salt: Bool) -> Field:
    """How much of the amplitude is left: below salt less, since its rough top scatters the waves."""
    covered = np.cumsum(salt, axis=0) > 0
    return 1 - rng.uniform(0.2, 0.65) * ndimage.gaussian_filter(covered.astype(float), 4)


def _slumped(rng: np.random.Generator, reflectivity: Field, strong: float) -> Field:
    """A chaotic zone between two layers, such as a slide leaves: it looks like salt without a strong top."""
    rows, _ = _grid()
    top = rng.uniform(-20, IMAGE_SIDE - 20) + rng.uniform(2, 8) * _smooth(rng, (1, rows.shape[1]), (0, 20))
    within = ndimage.gaussian_filter(((rows > top) & (rows < top + rng.uniform(15, 45))).astype(float), 1)
    chaos = strong * rng.uniform(0.3, 0.8) * _smooth(rng, rows.shape, (0.8, 3))
    return reflectivity * (1 - within) + chaos * within


def _streaks(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """Steep coherent noise, as migration leaves of what it could not place."""
    noise = _smooth(rng, shape, (3, 0.8))
    slope = rng.uniform(-1.2, 1.2)
    rows, cols = np.indices(shape, float)
    return ndimage.map_coordinates(noise, [rows, cols + slope * rows], order=1, mode="wrap")


def _processed(rng: np.random.Generator, amplitudes: Field) -> NDArray[np.uint8]:
    """Grey levels: strong and weak parts partly evened out, and the strongest amplitudes clipped."""
    level = np.sqrt(ndimage.uniform_filter(ndimage.uniform_filter(amplitudes**2, 51), 51))
    even = amplitudes / level ** rng.uniform(0.2, 0.7)
    even = even / float(np.quantile(np.abs(even), rng.uniform(0.97, 0.998)))
    grey = 127.5 + rng.normal(-5, 12) + 127.5 * rng.uniform(0.55, 1.0) * np.clip(even, -1.3, 1.3)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def salt_contact_sheet(scenes: Sequence[Scene], columns: int = 8) -> NDArray[np.uint8]:
    """(H, W, 3) the images side by side, twice as large: each with its salt outlined in yellow, and below without."""
    tiles = []
    for scene in scenes:
        assert scene.rgb is not None and scene.salt is not None
        plain = scene.rgb.repeat(2, 0).repeat(2, 1)
        drawn, salt = plain.copy(), scene.salt.repeat(2, 0).repeat(2, 1)
        drawn[salt & ~ndimage.binary_erosion(salt, border_value=1)] = OUTLINE
        pair = np.vstack([drawn, np.full_like(drawn[:2], 255), plain])
        tiles.append(np.pad(pair, ((4, 8), (4, 4), (0, 0)), constant_values=255))
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[row : row + columns]) for row in range(0, len(tiles), columns)])
