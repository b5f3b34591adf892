"""Backends that run a network: torch, or an engine that is faster on a CPU and takes time to prepare."""

import copy
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtl.inference.onnx import INPUT_NAME, export_graph, import_optional
from mtl.inference.options import Backend, Precision
from mtl.inference.tiling import Net
from targets.errors import UserError

FAST_EXTRA = "fast"
# Tiles of 256 cells after which preparing OpenVINO has paid for itself; see docs/experiments/speed/predictions.md.
LAZY_TILES = 64


def has_bfloat16(on_gpu: bool) -> bool:
    """Whether the device computes in bfloat16 by itself; imitated bfloat16 is several times slower than float32.

    Parameters
    ----------
    on_gpu : bool
        Asks of the first CUDA device instead of the processor.
    """
    if on_gpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def make_backend(net: nn.Module, in_channels: int, backend: Backend, precision: Precision) -> Net:
    """Make the function that runs a network in evaluation.

    Parameters
    ----------
    net : nn.Module
        (B, in_channels, H, W) -> {name: (B, C, H, W)}, on its device.
    in_channels : int
        Channels of its input.
    backend : Backend
        torch; compile (torch's own compiler); onnx or openvino (on a CPU, for one size of tile); auto: on a CPU torch
        for the first `LAZY_TILES` tiles, then the fastest engine that is installed; on a GPU torch.
    precision : Precision
        32, or bf16: half the bits inside the network.

    Returns
    -------
    (B, in_channels, H, W) float32 -> {name: (B, C, H, W) float32}.

    Raises
    ------
    UserError
        An engine is not installed, or does not fit the device or the precision.
    """
    device = next(net.parameters()).device.type
    on_cpu = device == "cpu"
    if backend == "auto":
        first = make_backend(net, in_channels, "torch", precision)
        engine = fastest_engine(precision)
        if not on_cpu or engine is None:
            return first
        return LazyBackend(first, lambda: make_backend(net, in_channels, engine, precision))
    if backend in ENGINES:
        if not on_cpu or not supports_precision(backend, precision):
            raise UserError("--backend", f"{backend} in precision {precision} on {'the CPU' if on_cpu else 'a GPU'}",
                            "onnx in precision 32 or openvino, on the CPU", "use --backend torch")  # fmt: skip
        return ENGINES[backend](export_graph(net, in_channels), precision)
    if precision == "bf16" and device in ("cpu", "cuda") and not has_bfloat16(device == "cuda"):
        print(f"--precision bf16: this {device.upper()} has no bfloat16, and computes in 32 bits", flush=True)
    elif precision == "bf16":
        net = copy.deepcopy(net).to(torch.bfloat16)
    return TorchBackend(torch.compile(net) if backend == "compile" else net, next(net.parameters()).dtype)


@dataclass(frozen=True)
class TorchBackend:
    """A network run by torch in some type of number.

    Attributes
    ----------
    net : Callable[[Tensor], dict[str, Tensor]]
        The network, its weights in that type.
    dtype : torch.dtype
        Type of its weights and inputs; predictions are float32.
    """

    net: Callable[[Tensor], dict[str, Tensor]]
    dtype: torch.dtype

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        return {name: values.float() for name, values in self.net(x.to(self.dtype)).items()}


@dataclass
class LazyBackend:
    """One backend for the first tiles, and another, which takes time to make, once there are many.

    So a single small map never waits, and many maps take at most about twice as long as with the better choice (the
    ski-rental rule). It counts tiles rather than seconds, so that the same maps give the same predictions again.

    Attributes
    ----------
    first : Net
        Runs the first `LAZY_TILES` tiles.
    make_second : Callable[[], Net]
        Makes the backend that runs the others.
    tiles : int, default 0
        Tiles so far.
    second : Net | None
        That backend, once it is made.
    """

    first: Net
    make_second: Callable[[], Net]
    tiles: int = 0
    second: Net | None = field(default=None, init=False)

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        self.tiles += len(x)
        if self.second is None and self.tiles > LAZY_TILES:
            self.second = self.make_second()
        return (self.second or self.first)(x)


class OnnxBackend:
    """An ONNX graph run by ONNX Runtime with as many threads as torch has."""

    def __init__(self, graph: bytes, precision: Precision) -> None:
        runtime = import_optional("onnxruntime", FAST_EXTRA)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        outputs = self._session.run(self._names, {INPUT_NAME: x.contiguous().numpy()})
        return {name: torch.from_numpy(values) for name, values in zip(self._names, outputs, strict=True)}


class OpenVinoBackend:
    """An ONNX graph run by OpenVINO with as many threads as torch has, one tile at a time.

    It is compiled once per shape of a tile, because a graph of any shape would run slower.
    """

    def __init__(self, graph: bytes, precision: Precision) -> None:
        openvino = import_optional("openvino", FAST_EXTRA)
        self._core, self._graph = openvino.Core(), graph
        self._options = {
            "INFERENCE_PRECISION_HINT": {"32": "f32", "bf16": "bf16"}[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self._compiled: dict[torch.Size, Any] = {}

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        if x.shape[1:] not in self._compiled:
            model = self._core.read_model(self._graph)
            model.reshape([1, *x.shape[1:]])
            self._compiled[x.shape[1:]] = self._core.compile_model(model, "CPU", self._options)
        compiled = self._compiled[x.shape[1:]]
        tiles = [compiled(tile[None]) for tile in x.contiguous().numpy()]
        return {
            out.any_name: torch.from_numpy(np.concatenate([tile[out] for tile in tiles])) for out in compiled.outputs
        }


# the fastest first
ENGINES: dict[Backend, Callable[[bytes, Precision], Net]] = {"openvino": OpenVinoBackend, "onnx": OnnxBackend}
LIBRARIES: dict[Backend, str] = {"openvino": "openvino", "onnx": "onnxruntime"}


def usable_device(name: str) -> torch.device:
    """The device of a name, after it has held a number; auto is a GPU if there is one.

    Raises
    ------
    UserError
        This machine has no such device.
    """
    name = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        number = torch.zeros(1, device=name)
        number.cpu()
    except (RuntimeError, AssertionError, ImportError) as error:  # torch raises all of them
        raise UserError("--device", f"{name!r}, which this machine does not have", "auto, cpu or cuda") from error
    return number.device


def fastest_engine(precision: Precision) -> Backend | None:
    """The fastest engine on a CPU that is installed and knows a precision; None without any."""
    if not importlib.util.find_spec("onnx"):
        return None
    installed = (engine for engine in ENGINES if importlib.util.find_spec(LIBRARIES[engine]))
    return next((engine for engine in installed if supports_precision(engine, precision)), None)


def supports_precision(engine: Backend, precision: Precision) -> bool:
    """Whether an engine knows a precision: ONNX Runtime has no bf16 on a CPU."""
    return precision == "32" or engine == "openvino"
