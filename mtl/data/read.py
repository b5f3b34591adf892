"""Reader of a training run's maps: all maps of its folders, split into training and validation."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from mtl.config import TrainConfig
from mtl.data.splits import Split, limit_groups, split_maps
from mtl.distributed.launch import current_process
from targets.errors import UserError
from targets.io.catalogue import MapSource, find_maps, read_map
from targets.io.describe import describe_map, describe_maps, print_lines, report_maps
from targets.io.read_options import ReadOptions
from targets.scene import Scene

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_THREADS = 8  # more would wait for Python's lock
_reported: set[tuple[object, ...]] = set()  # paths and options: folds and ablations read the same maps again


class RunMaps(NamedTuple):
    """The maps of a run.

    Attributes
    ----------
    training, validation : list[Scene]
        Maps to train on, and maps that choose the best checkpoint.
    judging : list[Scene]
        Maps of the fold, which neither train nor choose (`split.nested`); else none.
    longest_side : int
        Cells of the longest side of all maps that were read, those that are left out included.
    """

    training: list[Scene]
    validation: list[Scene]
    judging: list[Scene]
    longest_side: int


def load_maps(config: TrainConfig) -> RunMaps:
    """Read the maps of a run and split them.

    Raises
    ------
    UserError
        There are no maps, too few of them, or one cannot be read.
    """
    scenes, val_scenes = read_folders(config)
    if config.overfit:
        few = scenes[: config.overfit]
        return RunMaps(few, few, [], longest_side(few))
    whole = Split(scenes, val_scenes, [])
    split = whole if config.split.val_data else split_maps(scenes, config.split, config.targets)
    print_lines([split.note] if split.note and current_process().is_main else [], config.reading)
    training = limit_groups(split.training, config.split)
    return RunMaps(training, split.validation, split.judging, longest_side([*scenes, *val_scenes]))


def longest_side(scenes: Iterable[Scene]) -> int:
    """Cells of the longest side of some maps."""
    return max(max(scene.shape) for scene in scenes)


def read_folders(config: TrainConfig) -> tuple[list[Scene], list[Scene]]:
    """All maps of `data`, and those of `split.val_data`, if it is given.

    Raises
    ------
    UserError
        As of `load_maps`.
    """
    if not Path(config.data).exists():
        hint = (
            "name yours with --data, or make some: tools/make_maps.py --out data/demo --count 400 --seed 1 --size 128"
        )
        raise UserError("--data", f"no such folder: {config.data}", "a folder of maps", hint)
    validation = config.split.val_data if not config.overfit else None
    if validation and (shared := shared_maps([config.data], [validation], config.reading)):
        found = f"{len(shared)} maps that lie in --data, too: {shared[0]}" + (", ..." if len(shared) > 1 else "")
        hint = "keep them apart, or leave out split.val_data: some of --data then validate"
        raise UserError("split.val_data", found, "maps that do not train", hint)
    return read_scenes([config.data], config.reading), read_scenes([validation], config.reading) if validation else []


def shared_maps(first: Sequence[str], second: Sequence[str], reading: ReadOptions) -> list[str]:
    """Names of the maps under some paths that lie under others as well; links are followed.

    Parameters
    ----------
    first, second : Sequence[str]
        Folders or files.
    reading : ReadOptions
        How files are read.

    Raises
    ------
    UserError
        There are no maps.
    """
    folders, others = ([Path(path).resolve() for path in paths] for paths in (first, second))
    if not any(own.is_relative_to(other) or other.is_relative_to(own) for own in folders for other in others):
        return []
    known, own = (find_maps(paths, reading).sources for paths in (first, second))
    known_files = {_files_of(source) for source in known}
    return [source.name for source in own if _files_of(source) in known_files]


def _files_of(source: MapSource) -> frozenset[Path]:
    """What tells a map from all others."""
    return frozenset(path.resolve() for path in source.files.values())


def read_scenes(paths: Sequence[str], options: ReadOptions) -> list[Scene]:
    """All maps under some paths; what was understood of them is printed once.

    Parameters
    ----------
    paths : Sequence[str]
        Folders or files.
    options : ReadOptions
        How files are read.
    """
    is_first = (*paths, options) not in _reported and current_process().is_main
    _reported.add((*paths, options))
    said = options if is_first else replace(options, quiet=True)
    scenes = map_in_threads(partial(read_map, reading=options), report_maps(paths, said))
    print_lines(describe_maps(map(describe_map, scenes)), said)
    return scenes


def map_in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to every item, in their order, on as many threads as torch has; the first error ends it.

    Examples
    --------
    >>> map_in_threads(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    with ThreadPoolExecutor(min(MAX_THREADS, torch.get_num_threads())) as pool:
        return list(pool.map(function, items))
