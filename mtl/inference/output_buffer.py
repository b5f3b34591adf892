"""Where the outputs of a map are kept while they come row by row: in memory, or in files when it is too small."""

from pathlib import Path

import numpy as np

from targets.scene import Float


class OutputBuffer:
    """Arrays (C, H, W) by name, written by rows.

    Parameters
    ----------
    height
        H.
    folder
        Arrays become NAME.npy in it, mapped into memory, and only rows at hand take memory; None: plain arrays.
    """

    def __init__(self, height: int, folder: Path | None = None) -> None:
        self._height, self._folder = height, folder
        self._arrays: dict[str, Float] = {}
        self._files: dict[str, Path] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, top: int, values: Float) -> None:
        """Write rows (C, rows, W), the first of which is `top`."""
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
        np.load(self._files[name], mmap_mode="r+")[rows] = values

    def arrays(self) -> dict[str, Float]:
        """{name: (C, H, W)} of all that was written."""
        return self._arrays | {name: np.load(path, mmap_mode="r+") for name, path in self._files.items()}
