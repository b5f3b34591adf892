"""Names of the faults of a map: those in the fault files, else numbers of connected fault cells."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from targets.errors import UserError
from targets.io.faults.on_horizon import read_faults_on_horizon
from targets.scene import Scene
from targets.surface.rasterize_faults import rasterize_faults


@dataclass(frozen=True, eq=False)
class NamedFaults:
    """The faults of one map, each with its name.

    Attributes
    ----------
    labels : (H, W) int32
        0 = no fault, else the 1-based position in `names`.
    names : tuple[str, ...]
        Each name once.
    """

    labels: NDArray[np.int32]
    names: tuple[str, ...]

    def rules(self, default_rule: str, exceptions: Sequence[str]) -> dict[int, str]:
        """The rule of every fault of the map.

        Parameters
        ----------
        default_rule : str
            The rule of all faults that have none of their own, such as "sealing".
        exceptions : Sequence[str]
            Rules of single faults, such as "F1=leaking".

        Returns
        -------
        rules : dict[int, str]
            {label: rule}.

        Raises
        ------
        UserError
            An exception is no "name=rule", or the map has no such fault.

        Examples
        --------
        >>> faults = NamedFaults(np.array([[0, 1], [2, 0]], np.int32), ("F1", "F2"))
        >>> faults.rules("sealing", ["F2=leaking"])
        {1: 'sealing', 2: 'leaking'}
        """
        given = {}
        for exception in exceptions:
            name, equals, rule = exception.rpartition("=")
            if not equals:
                raise UserError("--fault-rules", f"{exception!r}", "name=rule, such as F1=sealing,F3=leaking")
            if name not in self.names:
                known = ", ".join(self.names) or "none"
                raise UserError("--fault-rules", f"a rule for fault {name!r}, which the map does not have",
                                f"faults: {known}", "closures.png of a run without rules shows them")  # fmt: skip
            given[name] = rule
        present = np.unique(self.labels).tolist()
        return {k: given.get(name, default_rule) for k, name in enumerate(self.names, 1) if k in present}

    def label_positions(self, max_count: int) -> list[tuple[str, int, int]]:
        """Where to write the names of the largest faults.

        Parameters
        ----------
        max_count : int
            The most faults that are named.

        Returns
        -------
        positions : list[tuple[str, int, int]]
            Name, row and column of a cell in the middle of each fault, the largest first.
        """
        found = []
        cell_counts = np.bincount(self.labels.ravel(), minlength=len(self.names) + 1)[1:]
        for k in np.argsort(-cell_counts, kind="stable")[:max_count]:
            cells = np.argwhere(self.labels == k + 1)
            if len(cells):
                row, col = cells[np.hypot(*(cells - cells.mean(axis=0)).T).argmin()]
                found.append((self.names[k], int(row), int(col)))
        return found


def name_faults(scene: Scene, files: Sequence[str | Path] = ()) -> NamedFaults:
    """Tell the faults of a map apart and name them.

    Parameters
    ----------
    scene : Scene
        The map.
    files : Sequence[str | Path], default ()
        The fault files that its fault cells were drawn from: lines of one name are one fault (a name that several files
        have gets the file's in front, as in "north:3"). Without any, cells that touch by a side or a corner are one
        fault, numbered from the top row down as they are met.

    Returns
    -------
    faults : NamedFaults

    Raises
    ------
    UserError
        A fault file cannot be read.

    Examples
    --------
    >>> flat, all_cells = np.zeros((3, 3), np.float32), np.ones((3, 3), bool)
    >>> name_faults(Scene("map", flat, all_cells, all_cells, fault=np.eye(3) > 0)).names
    ('1',)
    """
    if not files:
        parts, count = ndimage.label(scene.fault, np.ones((3, 3)))
        return NamedFaults(parts.astype(np.int32), tuple(str(k) for k in range(1, count + 1)))
    is_elevation = scene.provenance is not None and scene.provenance.is_elevation
    lines = [
        (Path(file).stem, line)
        for file in files
        for line in read_faults_on_horizon(file, scene.depth, scene.geo, is_elevation).lines
    ]
    files_with_name = Counter(name for _, name in {(stem, line.name) for stem, line in lines})
    line_names = [f"{stem}:{line.name}" if files_with_name[line.name] > 1 else line.name for stem, line in lines]
    names = tuple(dict.fromkeys(line_names))
    # Label of each line; lines are numbered from 1, so the first entry stands for "no line".
    place = {name: i for i, name in enumerate(names, 1)}
    fault_of_line = np.array([0, *(place[name] for name in line_names)], np.int32)
    return NamedFaults(fault_of_line[rasterize_faults([line for _, line in lines], scene.geo, scene.shape)], names)
