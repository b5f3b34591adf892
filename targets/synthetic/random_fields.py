"""Random fields by inverse Fourier transform, and the draws and axes that the generated surfaces share."""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from targets.scene import Float
from targets.synthetic.options import Range


def draw_log_uniform(rng: np.random.Generator, bounds: Range) -> float:
    """Draw a number whose order of magnitude is uniform; from (0, 0) it is 0."""
    low, high = np.log(np.maximum(bounds, 1e-9))
    return float(np.exp(rng.uniform(low, high))) if bounds[1] > 0 else 0.0


def cell_axes(shape: tuple[int, int], cell: float) -> tuple[Float, Float]:
    """Compute the coordinates of rows (H, 1) and columns (1, W) float32, in the unit of the spacing `cell`.

    Examples
    --------
    >>> rows, cols = cell_axes((2, 3), 25.0)
    >>> rows.tolist(), cols.tolist()
    ([[0.0], [25.0]], [[0.0, 25.0, 50.0]])
    """
    rows, cols = (np.arange(count, dtype=np.float32) * np.float32(cell) for count in shape)
    return rows[:, None], cols[None, :]


def padded_fft_shape(shape: tuple[int, int], padding: float) -> tuple[int, int]:
    """Choose rows and (even) columns of a transform so much larger than the map that its period does not show."""
    return scipy.fft.next_fast_len(int(shape[0] + padding)), 2 * scipy.fft.next_fast_len(
        int(shape[1] + padding) // 2 + 1
    )


def random_spectrum(rng: np.random.Generator, amplitude: NDArray) -> NDArray[np.complex64]:
    """Draw half a spectrum of random waves.

    Parameters
    ----------
    rng : np.random.Generator
        Decides the waves.
    amplitude : (h, w) float
        How strong each wave is.

    Returns
    -------
    (h, w) complex64
        ``irfft2(..., norm="forward")`` turns it into a field of unit variance.
    """
    noise = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    # Two normal numbers for every wave, and half of the waves are not in the half: the variance is 4 sum(amplitude²).
    amplitude = amplitude / np.sqrt(4 * np.sum(np.square(amplitude)))
    return (amplitude * (noise[0] + 1j * noise[1])).astype(np.complex64)
