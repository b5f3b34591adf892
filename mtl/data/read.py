"""Reader of a training run's maps: all maps of its folders, split into training and validation."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from mtl.config import TrainConfig
from mtl.data.splits import limit_groups, split_maps
from targets.errors import UserError
from targets.io.catalogue import ReadOptions, list_maps, read_map
from targets.scene import Scene

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_THREADS = 8  # more would wait for Python's lock


def load_maps(config: TrainConfig) -> tuple[list[Scene], list[Scene]]:
    """The maps that a run trains on, and those that it validates on.

    Raises
    ------
    UserError
        There are no maps, too few of them, or one cannot be read.
    """
    if not Path(config.data).exists():
        hint = (
            "name yours with --data, or make some: tools/make_maps.py --out data/demo --count 400 --seed 1 --size 128"
        )
        raise UserError("--data", f"no such folder: {config.data}", "a folder of maps", hint)
    scenes = read_scenes([config.data], config.reading)
    if config.overfit:
        return scenes[: config.overfit], scenes[: config.overfit]
    if config.split.val_data:
        training, validation = scenes, read_scenes([config.split.val_data], config.reading)
    else:
        training, validation = split_maps(scenes, config.split, config.targets)
    return limit_groups(training, config.split), validation


def read_scenes(paths: Sequence[str], options: ReadOptions) -> list[Scene]:
    """All maps under some paths.

    Parameters
    ----------
    paths : Sequence[str]
        Folders or files.
    options : ReadOptions
        How files are read.
    """
    read = partial(read_map, fill=options.fill, elevation=options.elevation)
    return map_in_threads(read, list_maps(paths, options.layout))


def map_in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to every item, in their order, on as many threads as torch has; the first error ends it.

    Examples
    --------
    >>> map_in_threads(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    with ThreadPoolExecutor(min(MAX_THREADS, torch.get_num_threads())) as pool:
        return list(pool.map(function, items))
