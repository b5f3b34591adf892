"""Options of a prediction: which networks predict, and how. Settings alone, quick to import."""

from dataclasses import dataclass
from typing import Literal

from mtl.config import Symmetry
from targets.common.cli import Names

Backend = Literal["auto", "torch", "compile", "onnx", "openvino"]
Precision = Literal["32", "bf16"]


@dataclass(frozen=True)
class PredictorOptions:
    """Networks that predict, and how: the arguments of `load_predictor`, as options of a tool.

    Attributes
    ----------
    checkpoint : Names | None, default None
        best.ckpt or last.ckpt of a run folder, or a .safetensors file; several, with commas between them, are averaged
        as an ensemble. By default the model that comes with the package.
    stride : int | None, default None
        Cells between the origins of neighbouring tiles, a multiple of 32; by default as the training run's config
        says.
    tta : Symmetry | None, default None
        Test-time augmentation: symmetries in which every tile is predicted and averaged, none, mirror (left-right),
        flips (left-right and up-down) or d4 (all eight); by default as the training run's config says.
    device : str, default 'auto'
        Device that runs the network: auto (a GPU where there is one), cpu, cuda, ...
    backend : Backend, default 'auto'
        What runs the network: torch, compile (torch's compiler), onnx, openvino, or auto (torch for few tiles; for many
        on a CPU the fastest that is installed).
    precision : Precision, default '32'
        Numeric precision inside the network: 32, or bf16, which is less exact, and faster on processors that know
        it.
    rules : str | None, default None
        Rules of traps that exact closures, those of a predicted depth included, follow: a file of fit_rules, or none
        (the defaults); by default those of the training run.
    """

    checkpoint: Names | None = None
    stride: int | None = None
    tta: Symmetry | None = None
    device: str = "auto"
    backend: Backend = "auto"
    precision: Precision = "32"
    rules: str | None = None
