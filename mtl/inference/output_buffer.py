"""Output buffer: the predicted arrays of a map, filled row by row, in memory or in memory-mapped files."""

from pathlib import Path

import numpy as np

from targets.common.files.npy_files import map_npy
from targets.scene import Float


class OutputBuffer:
    """Arrays (C, H, W) float32 by name, written by rows.

    Parameters
    ----------
    height : int
        H, in cells.
    folder : Path | None, default None
        Arrays become memory-mapped files NAME.npy in it, so that only rows at hand take memory; None: plain arrays.

    Examples
    --------
    >>> buffer = OutputBuffer(height=4)
    >>> buffer.write("trap", 0, np.zeros((1, 3, 5), np.float32))
    >>> buffer.write("trap", 3, np.ones((1, 1, 5), np.float32))
    >>> buffer.arrays()["trap"].shape
    (1, 4, 5)
    """

    def __init__(self, height: int, folder: Path | None = None) -> None:
        self._height, self._folder = height, folder
        self._arrays: dict[str, Float] = {}
        self._files: dict[str, Path] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, top: int, values: Float) -> None:
        """Write rows (C, rows, W) of an array, the first of which is row `top`."""
        rows = np.s_[:, top : top + values.shape[1]]
        shape = (values.shape[0], self._height, values.shape[2])
        if self._folder is None:
            if name not in self._arrays:
                self._arrays[name] = np.empty(shape, np.float32)
            self._arrays[name][rows] = values
            return
        if name not in self._files:
            self._files[name] = self._folder / f"{name}.npy"
            np.lib.format.open_memmap(self._files[name], "w+", np.float32, shape)
        # opened for these rows alone: what is mapped counts as memory until it is closed
        map_npy(self._files[name], "r+")[rows] = values

    def arrays(self) -> dict[str, Float]:
        """{name: (C, H, W)} of all that was written."""
        return self._arrays | {name: map_npy(path, "r+") for name, path in self._files.items()}
