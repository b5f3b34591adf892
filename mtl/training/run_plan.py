"""Run plan, printed before a run starts: maps, patches and steps; and its provenance: command, commit, versions."""

import math
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mtl.data.samplers import count_batches

PACKAGES = ("trapmtl", "torch", "lightning", "segmentation-models-pytorch", "timm", "monai", "numpy", "scipy", "numba",
            "opencv-python-headless", "scikit-image")  # whose versions may change what a run learns  # fmt: skip


@dataclass(frozen=True)
class RunPlan:
    """What a run will do, in numbers.

    Attributes
    ----------
    maps, validation_maps : int
        Maps to train on and to validate on.
    patches : int
        Different patches of the training maps.
    patches_per_epoch : int
        Patches of an epoch, repetitions counted.
    batch_size : int
        Patches of a batch in each process.
    accumulate_batches : int
        Batches per optimiser step.
    epochs : int
        Epochs of the whole run.
    processes : int, default 1
        Processes that train together.

    Examples
    --------
    >>> print(RunPlan(6, 2, patches=24, patches_per_epoch=24, batch_size=8, accumulate_batches=1, epochs=10))
    6 training maps -> 24 patches, 2 validation maps; 24 patches an epoch in 3 steps of 8; 10 epochs, 30 steps, 240 patches in all
    """  # noqa: E501 - one line is printed

    maps: int
    validation_maps: int
    patches: int
    patches_per_epoch: int
    batch_size: int
    accumulate_batches: int
    epochs: int
    processes: int = 1

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        batches = count_batches(self.patches_per_epoch, self.batch_size, self.processes)
        return math.ceil(batches / self.accumulate_batches)

    def __str__(self) -> str:
        step = self.batch_size * self.accumulate_batches * self.processes
        steps, patches = self.steps_per_epoch * self.epochs, self.patches_per_epoch * self.epochs
        return (
            f"{self.maps} training maps -> {self.patches} patches, {self.validation_maps} validation maps; "
            f"{self.patches_per_epoch} patches an epoch in {self.steps_per_epoch} steps of {step}; "
            f"{self.epochs} epochs, {steps} steps, {patches} patches in all"
            + (f"; {self.processes} processes" if self.processes > 1 else "")
        )


def describe_provenance(maps: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a run was made from and with, apart from its settings.

    Parameters
    ----------
    maps : Mapping[str, Sequence[str]]
        {training, validation: names of its maps}.

    Returns
    -------
    provenance : dict[str, Any]
        Time, command line, commit of a clone, versions of Python and of packages, and the maps; plain types.

    Examples
    --------
    >>> describe_provenance({"training": ["north"], "validation": ["south"]})["maps"]
    {'training': ['north'], 'validation': ['south']}
    """
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": list(sys.argv),
        "commit": find_commit(),
        "system": platform.platform(),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "maps": {use: list(names) for use, names in maps.items()},
    }


def find_commit() -> str | None:
    """The commit of the clone that this program runs from, with `-dirty` where files were changed; None: no clone."""
    clone = Path(__file__).parents[2]
    if not (clone / ".git").exists():
        return None
    words = ["git", "-C", str(clone), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
