"""Settings of a training run: every option of `tools/train.py` and of the files in configs/, with its default.

The defaults are the small recipe that trains in minutes on a CPU; `configs/traps.yaml` is the one for real work. The
description of a field is its `--help` text. Ranges stand in `mtl.config_ranges`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from targets.common.cli import Names
from targets.io.read_options import ReadOptions
from targets.truth.criteria import GroundTruthOptions

VERSION = 3  # of the names of settings; `mtl.migration` reads those of earlier versions
THRESHOLD = 0.5  # a cell is predicted positive above it
STRIDE = 32  # cells; of every encoder used here: sides and origins of patches and tiles are multiples of it

SmallMapMode = Literal["pad", "reflect", "resize"]
Symmetry = Literal["none", "mirror", "flips", "d4"]
TileWeights = Literal["gaussian", "hann", "constant"]


@dataclass(frozen=True)
class NetConfig:
    """The shared network: encoder, decoder and what its heads read.

    Attributes
    ----------
    arch : str, default 'unetplusplus'
        Architecture, by its name in segmentation-models-pytorch: unetplusplus, unet, manet, linknet, deeplabv3plus,
        deeplabv3, fpn, pan, pspnet, upernet or segformer.
    encoder : str, default 'timm-tf_efficientnet_lite0'
        Encoder, by its name in segmentation-models-pytorch: timm-tf_efficientnet_lite0, resnet34, vgg16_bn,
        tu-hrnet_w18, ...
    encoder_weights : Literal['imagenet', 'none'], default 'imagenet'
        What the encoder starts from: imagenet (pretrained; installed with the package for
        timm-tf_efficientnet_lite0, from a model hub for others), or none (random weights).
    decoder_channels : list[int] | None
        Features of each decoder stage, the deepest first; null: the library's own. Of unetplusplus, unet and manet
        their number is the depth of the encoder; linknet needs null; of all others, which have one width, the first
        counts.
    stem : Literal['mean', 'kaiming'], default 'mean'
        How the first layer starts for input channels other than pictures: mean (the mean of its pretrained RGB
        weights), or kaiming (random, He et al. 2015).
    attention : Literal['none', 'scse'], default 'none'
        Attention in every decoder block: none, or scse (weighs channels and cells, Roy et al. 2018).
    block : Literal['plain', 'bottleneck'], default 'plain'
        Convolutions of a decoder block: plain (the library's two), or bottleneck (three, to f, f/2 and f features,
        the last added to the first; batch norm, PReLU).
    dropout : float, default 0.0
        Fraction of features that bottleneck blocks drop in training, from 0 to below 1.
    hypercolumn : bool, default False
        Heads read all decoder stages at once, resized to the finest (Hariharan et al. 2015).
    inputs_to_heads : bool, default True
        Heads read the input channels beside the shared features: what only has to be passed on, such as a given
        depth, need not survive encoder and decoder.
    deep_supervision : float, default 0.0
        Weight of the mean loss of the heads on earlier decoder stages, in training; 0: none.
    """

    arch: str = "unetplusplus"
    encoder: str = "timm-tf_efficientnet_lite0"
    encoder_weights: Literal["imagenet", "none"] = "imagenet"
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
    """Training patches, which are also the tiles of prediction.

    Attributes
    ----------
    size : int, default 256
        Side of patches and tiles in cells, a multiple of 32.
    stride : int, default 128
        Cells between the origins of neighbouring training patches, at least 1.
    small_map_mode : SmallMapMode, default 'pad'
        How a map smaller than a patch fills it. pad: the rest is empty; reflect: the map lies in the middle of its
        mirror images; resize: it is enlarged. Losses and metrics see the map's own cells only.
    shrink_to_maps : bool, default True
        Where maps are padded, patches are no larger than the largest of all maps needs, those that validate or are left
        out included; strides shrink with them. False: patches are `size` cells whatever the maps.
    min_valid_fraction : float, default 0.1
        Patches of which less than this fraction (0 to 1) lies inside the map are left out.
    min_positive_fraction : float, default 0.0
        Least fraction (0 to 1) of the patches of an epoch that hold a trap: patches without one are left out by
        turns; 0: all patches in every epoch.
    context : int, default 0
        How many times as wide as a patch the square around it is that the network sees as well, reduced to the
        patch's size, so that structures larger than a patch can be judged: 2, 4 or 8; 0: the patch alone.
    max_side : int, default 0
        Maps with a longer side are downsampled to this many cells before they are cut into patches or tiles, so that
        whole structures fit into a window; predictions come back on the map's own cells. 0: never.
    """

    size: int = 256
    stride: int = 128
    small_map_mode: SmallMapMode = "pad"
    shrink_to_maps: bool = True
    min_valid_fraction: float = 0.1
    min_positive_fraction: float = 0.0
    context: int = 0
    max_side: int = 0


@dataclass(frozen=True)
class AugmentConfig:
    """Augmentation of training patches: symmetries of inputs and targets, jitter and noise of inputs.

    Attributes
    ----------
    symmetry : Symmetry, default 'd4'
        Random symmetries of inputs and targets: d4 (all eight of the square), flips (left-right and up-down), mirror
        (left-right alone, for seismic images, where down must stay down), or none.
    brightness : float, default 0.1
        Largest change of a picture's brightness, up or down, as a fraction of the range from grey to white.
    contrast : float, default 0.1
        Largest relative change of a picture's contrast, up or down.
    noise : float, default 1.0
        Standard deviation of Gaussian noise, as a multiple of each input channel's own; 0: none.
    restyle : float, default 0.0
        Fraction (0 to 1) of patches, of maps with a depth, whose picture is drawn again in a random style of the
        family `train` (targets.rendering.style_families).
    picture_transforms : dict[str, float]
        Fraction (0 to 1) of patches whose picture is changed at random by a transform of MONAI, by name: blur, gamma
        or uneven_light. Unlike `restyle` they also vary pictures of maps without a depth.
    """

    symmetry: Symmetry = "d4"
    brightness: float = 0.1
    contrast: float = 0.1
    noise: float = 1.0
    restyle: float = 0.0
    picture_transforms: dict[str, float] = field(default_factory=dict)


NO_AUGMENTATION = AugmentConfig("none", brightness=0, contrast=0, noise=0)


@dataclass(frozen=True)
class SplitConfig:
    """Which groups of maps validate: a fraction of all groups drawn by seed, one of several folds, or a folder.

    Attributes
    ----------
    val_fraction : float, default 0.2
        Fraction of the groups that validates, between 0 and 1; at least one group does, and one trains.
    seed : int, default 0
        Seed of the random order of the groups.
    val_data : str | None, default None
        Folder of maps that validate; all maps of `data` then train. Null: some of `data` validate.
    folds : int, default 0
        Divide the groups into so many folds, alike in how much of a map is trap, and validate on one; 0: validate on
        `val_fraction`.
    fold : int, default 0
        The fold that validates; 0 is the first.
    train_groups : int, default 0
        Number of groups to train on, the first of them in the seed's order, so that fewer are always among more; 0:
        all.
    gap : float, default 1.0
        Where all maps are pieces of one larger map (one group): pieces that are separated from validation pieces by
        less than so many widths of a piece are left out; 0: only those that overlap.
    nested : bool, default False
        The fold neither trains nor validates: `val_fraction` of the other groups validates and chooses the best
        checkpoint. Cross-validation sets it, so that its judges have no part in the choice.
    """

    val_fraction: float = 0.2
    seed: int = 0
    val_data: str | None = None
    folds: int = 0
    fold: int = 0
    train_groups: int = 0
    gap: float = 1.0
    nested: bool = False


@dataclass(frozen=True)
class OptimConfig:
    """AdamW, its learning rate schedule, and the losses.

    Attributes
    ----------
    lr : float, default 0.002
        Learning rate of decoder and heads, and of an encoder with random weights.
    encoder_lr : float, default 0.0005
        Learning rate of a pretrained encoder.
    weight_decay : float, default 0.0001
        Weight decay of AdamW.
    schedule : Literal['plateau', 'cosine', 'one_cycle', 'constant'], default 'cosine'
        Learning rate over time: plateau (times `plateau_factor` when the monitored metric has not improved for
        `plateau_patience` epochs), cosine (up during `warmup_fraction` of the steps, to zero at the last), one_cycle
        (torch's OneCycleLR: up during `warmup_fraction` of the steps, then down to nothing, momentum the other way
        round), or constant.
    plateau_patience : int, default 8
        Epochs without improvement after which the schedule `plateau` lowers the learning rate.
    plateau_factor : float, default 0.5
        What the schedule `plateau` multiplies the learning rate by.
    warmup_fraction : float, default 0.1
        Fraction of all steps in which the learning rate of `cosine` and `one_cycle` rises, from 0 to 1.
    losses : dict[str, str]
        Loss of each head by the head's name, such as tversky or bce+lovasz; the head's own where it is not named.
    second_stage_losses : dict[str, str]
        Losses by head that replace the others from `second_stage_epoch` on, such as lovasz once bce+dice has found
        the rough shape.
    second_stage_epoch : int, default 0
        The epoch from which `second_stage_losses` hold; 0 is the first epoch.
    fp_weight : float, default 0.3
        Weight of false positives in the loss tversky.
    fn_weight : float, default 0.7
        Weight of false negatives in the loss tversky.
    loss_weights : dict[str, float]
        Weight of each head's loss by the head's name; 1 where it is not named.
    balance : str, default 'fixed'
        How the heads' weights change in training: fixed, uncertainty (learned), dwa (by the pace of each loss), or
        torchjd:METHOD (by the heads' gradients; upgrad, mgda, pcgrad, ...). `loss_weights` are multiplied with them.
    ema_decay : float, default 0.0
        Decay of the exponential moving average of the weights, such as 0.99, which validates and is saved; 0: none.
    grad_clip_norm : float, default 5.0
        Largest norm of the gradient of a step; larger gradients are scaled down. 0: no limit.
    """

    lr: float = 2e-3
    encoder_lr: float = 5e-4
    weight_decay: float = 1e-4
    schedule: Literal["plateau", "cosine", "one_cycle", "constant"] = "cosine"
    plateau_patience: int = 8
    plateau_factor: float = 0.5
    warmup_fraction: float = 0.1
    losses: dict[str, str] = field(default_factory=dict)
    second_stage_losses: dict[str, str] = field(default_factory=dict)
    second_stage_epoch: int = 0
    fp_weight: float = 0.3
    fn_weight: float = 0.7
    loss_weights: dict[str, float] = field(default_factory=dict)
    balance: str = "fixed"
    ema_decay: float = 0.0
    grad_clip_norm: float = 5.0


@dataclass(frozen=True)
class LoopConfig:
    """The training loop.

    Attributes
    ----------
    epochs : int, default 10
        Number of epochs, at least 1.
    repeats_per_epoch : int, default 1
        How often each patch is seen in an epoch, augmented differently each time; with it, few maps train as long as
        many.
    batch_size : int, default 8
        Patches in a batch, of each process where several train together.
    accumulate_batches : int, default 1
        Batches whose gradients are summed before the optimiser makes a step.
    precision : Literal['32-true', 'bf16-mixed', '16-mixed'], default '32-true'
        Numeric precision, as Lightning names it: 32-true, bf16-mixed (GPUs from Ampere on, some CPUs;
        on other CPUs 32-true is taken instead, on other GPUs 16-mixed) or 16-mixed.
    accelerator : str, default 'auto'
        Device that trains, as Lightning names it: auto, cpu, gpu, ...
    num_workers : int, default 0
        Processes that prepare patches beside the training process; 0: the training process itself.
    early_stop_patience : int, default 0
        Epochs without improvement of the monitored metric after which training ends; 0: never.
    monitor : str | None, default None
        Metric by which the best checkpoint is chosen and a plateau is seen, such as trap/iou or
        trap/average_precision; null: the first head's primary metric.
    logger : str, default 'tensorboard'
        Where logged values go beside metrics.csv: one or more of tensorboard, csv, mlflow and wandb, with commas
        between them; all write to the run folder, none needs a network.
    panels_every : int, default 5
        Epochs between pictures in TensorBoard.
    save_minutes : float, default 10.0
        Minutes between writes of last.ckpt within an epoch; 0: after every step. It is always written at the end of an
        epoch.
    seed : int, default 0
        Seed of everything random in training: initial weights, order of patches, augmentation.
    """

    epochs: int = 10
    repeats_per_epoch: int = 1
    batch_size: int = 8
    accumulate_batches: int = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = "auto"
    num_workers: int = 0
    early_stop_patience: int = 0
    monitor: str | None = None
    logger: str = "tensorboard"
    panels_every: int = 5
    save_minutes: float = 10.0
    seed: int = 0


@dataclass(frozen=True)
class PredictConfig:
    """Tiled prediction of whole maps.

    Attributes
    ----------
    stride : int, default 64
        Cells between the origins of neighbouring tiles, a multiple of 32 and at most the side of a tile.
    tile_weights : TileWeights, default 'gaussian'
        Weights of a tile's cells where tiles overlap: gaussian or hann (falling towards the tile's border), or
        constant.
    batch_size : int, default 0
        Tiles that run through the network at a time; 0: as many as suit the device.
    tta : Symmetry, default 'none'
        Test-time augmentation: symmetries in which every tile is predicted and averaged. none, mirror (left-right),
        flips (left-right and up-down), or d4 (all eight of the square). Only symmetries that the network was trained
        with help, and prediction takes so many times as long.
    """

    stride: int = 64
    tile_weights: TileWeights = "gaussian"
    batch_size: int = 0
    tta: Symmetry = "none"


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Attributes
    ----------
    heads : Names, default 'trap,boundary,crest,dist'
        Heads to train, with commas between them: trap, boundary, crest, dist, height, depth, fault, fused, salt or
        empty (`mtl/tasks/heads.py`).
    inputs : Names, default 'rgb,fault,depth'
        Input channels, with commas between them: rgb, rgb_plain, fault, depth, isolines, gradient, closure, map, ramp,
        salt_depth_abs or true_depth (`mtl/data/channels.py`).
    input_sets : list[str]
        Sets of the inputs that a map may come with, such as [rgb, "rgb,fault,depth"]: each patch is shown by one of
        them, drawn at random, and the other channels are masked, so that one network serves maps that lack some.
        Validation shows each map by every set, prediction by the largest that the map has. Empty: always all inputs.
    missing_values : dict[str, float]
        Value that a masked input has inside the map, in place of that of its record in mtl/data/channels.py, such as
        {fault: 0}: networks keep the values that they were trained with.
    data : str, default 'data/demo'
        Folder of maps to train on.
    overfit : int, default 0
        Train and validate on the first N maps without augmentation, to check the pipeline; 0: off.
    init : str | None, default None
        Trained model to start from: default (it comes with the package), or a checkpoint file; null: a new network as
        `net` describes it.
    trap_base : Literal['auto', 'rules', 'none'], default 'auto'
        What the trap head starts from on maps whose depth the network is shown: rules (the traps by targets.traps; the
        head learns the difference, which counts only where maps that validate get better by it), none (it learns traps
        from nothing), or auto (rules in a run whose training maps have drawn traps and a depth, else none).
    reading : ReadOptions
        How map folders and grids are read.
    net : NetConfig
        The shared network.
    patches : PatchConfig
        Training patches and tiles.
    augment : AugmentConfig
        Augmentation of training patches.
    split : SplitConfig
        Which maps validate.
    targets : GroundTruthOptions
        How the heads' targets follow from a map.
    optim : OptimConfig
        Optimiser, schedule and losses.
    loop : LoopConfig
        The training loop.
    predict : PredictConfig
        Tiled prediction.
    """

    heads: Names = Names("trap,boundary,crest,dist")  # noqa: RUF009 - immutable
    inputs: Names = Names("rgb,fault,depth")  # noqa: RUF009
    input_sets: list[str] = field(default_factory=list)
    missing_values: dict[str, float] = field(default_factory=dict)
    data: str = "data/demo"
    overfit: int = 0
    init: str | None = None
    trap_base: Literal["auto", "rules", "none"] = "auto"
    reading: ReadOptions = field(default_factory=ReadOptions)
    net: NetConfig = field(default_factory=NetConfig)
    patches: PatchConfig = field(default_factory=PatchConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    targets: GroundTruthOptions = field(default_factory=GroundTruthOptions)
    optim: OptimConfig = field(default_factory=OptimConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    predict: PredictConfig = field(default_factory=PredictConfig)

    @property
    def starts_from_rules(self) -> bool:
        """Whether the trap head starts from the traps by rules; where nobody decided so, it does not."""
        return self.trap_base == "rules"

    def as_dict(self) -> dict[str, Any]:
        """Plain types and the version of their names, as config.yaml, checkpoints and exported weights hold them."""
        return {"version": VERSION} | asdict(self) | {"heads": list(self.heads), "inputs": list(self.inputs)}


def fingerprint(config: TrainConfig, baseline: str | None) -> str:
    """Twelve hexadecimal digits that change with any setting that differs from its default.

    Defaults are left out, so that a setting which a later version adds does not make finished runs out of date.

    Parameters
    ----------
    config : TrainConfig
        Settings of a run.
    baseline : str | None
        What takes the place of a trained network in an ablation, or None.

    Examples
    --------
    >>> fingerprint(TrainConfig(), None) == fingerprint(TrainConfig(data="data/demo"), None)
    True
    >>> fingerprint(TrainConfig(), None) == fingerprint(TrainConfig(overfit=1), None)
    False
    """
    own = changed_settings(config.as_dict(), TrainConfig().as_dict())
    return hashlib.sha256(json.dumps([baseline, own], sort_keys=True).encode()).hexdigest()[:12]


def changed_settings(settings: Mapping[str, Any], defaults: Any) -> dict[str, Any]:
    """The settings, nested or not, that differ from their defaults.

    Examples
    --------
    >>> changed_settings({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 0, "d": 3}})
    {'b': {'c': 2}}
    """
    changed = {}
    for name, value in settings.items():
        default = defaults.get(name) if isinstance(defaults, Mapping) else None
        if value != default:
            changed[name] = changed_settings(value, default) if isinstance(value, Mapping) else value
    return changed
