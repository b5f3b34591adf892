"""Which predictor does a process work with? It is loaded once, by options with which all processes answer alike."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch

from mtl.config import Symmetry
from mtl.inference.backends import LAZY_TILES, Backend, Precision, fastest_engine
from mtl.inference.predictor import Predictor, load_predictor
from mtl.models.safetensors_io import bundled_model
from targets.common.cli import Names
from targets.common.parallel import Workers
from targets.common.resume import file_state


@dataclass(frozen=True)
class PredictorOptions:
    """Which networks answer, and how they look; what `load_predictor` takes.

    Attributes
    ----------
    checkpoint : Names | None, default None
        Best.ckpt or last.ckpt of a run folder, of several with commas between them an ensemble; by default the model
        that comes with the package.
    stride : int | None, default None
        Cells between tiles, a multiple of 32; by default as the run's config says.
    tta : Symmetry | None, default None
        Look at every tile in several symmetries too: none, mirror (left-right), flips or d4.
    device : str, default 'auto'
        Auto, cpu, cuda, ...
    backend : Backend, default 'auto'
        What runs the network: torch, compile (torch's compiler), onnx, openvino, or auto: torch for few tiles, for many
        on a CPU the fastest that is installed.
    precision : Precision, default '32'
        32, or bf16: faster on processors that know it, and less exact.
    """

    checkpoint: Names | None = None
    stride: int | None = None
    tta: Symmetry | None = None
    device: str = "auto"
    backend: Backend = "auto"
    precision: Precision = "32"


def options_for_batch(options: PredictorOptions, maps: int, one_by_one: bool) -> PredictorOptions:
    """What `loaded` takes for these maps: a backend that does not depend on what a process saw before, where it may.

    Parameters
    ----------
    maps : int
        How many there are. Beyond `PATIENCE` there are as many tiles at least, and auto is the fastest engine for all
        of them.
    one_by_one : bool
        Whether one process sees all of them, in their order; else auto is torch for fewer maps than that.
    """
    _loaded.cache_clear()  # one that counted the tiles of an earlier call may be at another engine by now
    if options.backend != "auto" or (maps <= LAZY_TILES and one_by_one):
        return options
    on_cpu = options.device == "cpu" or (options.device == "auto" and not torch.cuda.is_available())
    engine = fastest_engine(options.precision) if on_cpu and maps > LAZY_TILES else None
    return replace(options, backend=engine or "torch")


def cached_predictor(options: PredictorOptions, threads: int | None = None) -> Predictor:
    """The predictor, loaded once by each process that predicts.

    Parameters
    ----------
    threads : int | None, default None
        Of torch in this process from now on; None leaves them.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    return _loaded(options, checkpoint_states(options))


def checkpoint_states(options: PredictorOptions) -> tuple[object, ...]:
    """What changes when a checkpoint is written anew."""
    return tuple(file_state(Path(file)) for file in options.checkpoint or (bundled_model(),))


@lru_cache(maxsize=1)
def _loaded(options: PredictorOptions, states: tuple[object, ...]) -> Predictor:
    checkpoint, precision = options.checkpoint, options.precision
    return load_predictor(checkpoint, options.device, options.stride, options.tta, options.backend, precision)


def threads_per_worker(workers: Workers) -> int | None:
    """Threads of torch in each process of this machine, which share its cores; None leaves them as they are."""
    return max(1, torch.get_num_threads() // workers.jobs) if workers.is_local and not workers.is_serial else None
