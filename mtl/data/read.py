"""Maps of a training run: read, and split into training and validation."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from mtl.config import TrainConfig
from mtl.data.splits import first_groups, split_maps
from targets.errors import UserError
from targets.io.catalogue import ReadOptions, list_maps, read_map
from targets.scene import Scene


def maps_of(config: TrainConfig) -> tuple[list[Scene], list[Scene]]:
    """The maps that a run trains on, and those that it validates on.

    Raises
    ------
    UserError
        There are no maps, too few of them, or one cannot be read.
    """
    if not Path(config.data).exists():
        mend = (
            "name yours with --data, or make some: tools/make_maps.py --out data/demo --count 400 --seed 1 --size 128"
        )
        raise UserError("--data", f"no such folder: {config.data}", "a folder of maps", mend)
    scenes = read_scenes([config.data], config.reading)
    if config.overfit:
        return scenes[: config.overfit], scenes[: config.overfit]
    if config.split.data:
        training, validation = scenes, read_scenes([config.split.data], config.reading)
    else:
        training, validation = split_maps(scenes, config.split, config.targets)
    return first_groups(training, config.split), validation


def read_scenes(paths: Sequence[str], how: ReadOptions) -> list[Scene]:
    """All maps under some paths."""
    return in_threads(partial(read_map, fill=how.fill, elevation=how.elevation), list_maps(paths, how.layout))


Item = TypeVar("Item")
Result = TypeVar("Result")
THREADS = 8  # at most; more would wait for Python's lock


def in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The work done on every item, in their order, by as many threads as torch has; the first mistake ends it."""
    with ThreadPoolExecutor(min(THREADS, torch.get_num_threads())) as pool:
        return list(pool.map(work, items))
