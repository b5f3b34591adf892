"""Predictors of worker processes: loaded once in each, with options by which all processes predict alike."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from mtl.inference.backends import LAZY_TILES, fastest_engine
from mtl.inference.options import PredictorOptions
from mtl.inference.predictor import Predictor, load_predictor
from mtl.models.safetensors_io import bundled_model
from targets.common.parallel import Workers
from targets.common.resume import file_state
from targets.rules.fitted_rules import NO_RULES, rules_named


def options_for_batch(options: PredictorOptions, maps: int, one_by_one: bool) -> PredictorOptions:
    """Options for a batch of maps: where it may, a backend that does not depend on what a process predicted before.

    Parameters
    ----------
    options : PredictorOptions
        As a user gives them.
    maps : int
        Number of maps. Beyond `LAZY_TILES` there are as many tiles at least, and auto is the fastest engine for all of
        them.
    one_by_one : bool
        Whether one process predicts all of them, in their order; else auto is torch for fewer maps than that.
    """
    _load.cache_clear()  # a lazy backend that counted the tiles of an earlier batch may be at its second engine by now
    if options.backend != "auto" or (maps <= LAZY_TILES and one_by_one):
        return options
    on_cpu = options.device == "cpu" or (options.device == "auto" and not torch.cuda.is_available())
    engine = fastest_engine(options.precision) if on_cpu and maps > LAZY_TILES else None
    return replace(options, backend=engine or "torch")


def cached_predictor(options: PredictorOptions, threads: int | None = None) -> Predictor:
    """The predictor of some options, loaded once by each process, and again when a checkpoint is rewritten.

    Parameters
    ----------
    options : PredictorOptions
        What `load_predictor` takes.
    threads : int | None, default None
        Threads of torch in this process from now on; None leaves them.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    return _load(options, checkpoint_states(options))


def checkpoint_states(options: PredictorOptions) -> tuple[object, ...]:
    """States of the checkpoint files and of the rules, which change when one is rewritten."""
    rules = () if options.rules in (None, NO_RULES) else (options.rules,)
    return tuple(file_state(Path(file)) for file in (*(options.checkpoint or (bundled_model(),)), *rules))


@lru_cache(maxsize=1)
def _load(options: PredictorOptions, states: tuple[object, ...]) -> Predictor:
    """`load_predictor`, cached by options and states."""
    checkpoint, precision = options.checkpoint, options.precision
    rules = None if options.rules is None else rules_named(options.rules)
    return load_predictor(checkpoint, options.device, options.stride, options.tta, options.backend, precision, rules)


def threads_per_worker(workers: Workers) -> int | None:
    """Threads of torch in each worker process of this machine, which share its cores; None leaves them as they are."""
    return max(1, torch.get_num_threads() // workers.jobs) if workers.is_local and not workers.is_serial else None
