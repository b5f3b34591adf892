"""What are the faults of a map called? By the names in their files, else by the numbers of connected fault cells."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.errors import UserError
from targets.io.grids.registry import fault_lines
from targets.scene import Scene
from targets.surface.rasterize_faults import rasterise_faults


@dataclass(frozen=True, eq=False)
class NamedFaults:
    """The faults of one map, each with its name.

    Attributes
    ----------
    cells : (H, W) int32
        0 = no fault, else the 1-based position in `names`.
    names : tuple[str, ...]
        Each once.
    """

    cells: NDArray[np.int32]
    names: tuple[str, ...]

    def rules(self, others: str, own: Sequence[str]) -> dict[int, str]:
        """{number in `cells`: rule} of all faults: `others`, but what `own` says in words such as "F1=sealing".

        Raises
        ------
        UserError
            A word is no "name=rule", or the map has no such fault.
        """
        given = {}
        for word in own:
            name, equals, rule = word.rpartition("=")
            if not equals:
                raise UserError("--fault-rules", f"{word!r}", "name=rule, such as F1=sealing,F3=leaking")
            if name not in self.names:
                known = ", ".join(self.names) or "none"
                raise UserError("--fault-rules", f"a rule for fault {name!r}, which the map does not have",
                                f"faults: {known}", "closures.png of a run without rules shows them")  # fmt: skip
            given[name] = rule
        here = np.unique(self.cells).tolist()
        return {k: given.get(name, others) for k, name in enumerate(self.names, 1) if k in here}

    def places(self, most: int) -> list[tuple[str, int, int]]:
        """(name, row, column) of a cell in the middle of each fault, at most those of the `most` largest."""
        found = []
        for k in np.argsort(-np.bincount(self.cells.ravel(), minlength=len(self.names) + 1)[1:], kind="stable")[:most]:
            cells = np.argwhere(self.cells == k + 1)
            if len(cells):
                row, col = cells[np.hypot(*(cells - cells.mean(axis=0)).T).argmin()]
                found.append((self.names[k], int(row), int(col)))
        return found


def name_faults(scene: Scene, files: Sequence[str | Path] = ()) -> NamedFaults:
    """Tell the faults of a map apart.

    Parameters
    ----------
    files : Sequence[str | Path], default ()
        The fault files that its fault cells were drawn from: lines of one name are one fault (a name that several files
        have gets the file's in front, as in "north:3"). Without any, cells that touch by a side or a corner are one
        fault, numbered from the top row down as they are met.
    """
    if not files:
        parts, count = ndimage.label(scene.fault, np.ones((3, 3)))
        return NamedFaults(parts.astype(np.int32), tuple(str(k) for k in range(1, count + 1)))
    lines = [(Path(file).stem, line) for file in files for line in fault_lines(file, scene.depth, scene.geo)]
    files_with = Counter(name for _, name in {(stem, line.name) for stem, line in lines})
    called = [f"{stem}:{line.name}" if files_with[line.name] > 1 else line.name for stem, line in lines]
    names = tuple(dict.fromkeys(called))
    number = np.array([0, *(1 + names.index(name) for name in called)], np.int32)
    return NamedFaults(number[rasterise_faults([line for _, line in lines], scene.geo, scene.shape)], names)
