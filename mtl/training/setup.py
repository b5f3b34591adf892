"""Set-up of a run: its maps as patches, its network and Lightning's trainer."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint
from lightning.pytorch.loggers import Logger
from torch.utils.data import DataLoader

from mtl.config import NO_AUGMENTATION, STRIDE, TrainConfig
from mtl.data.dataset import PatchDataset, prepare_sample, restrict_inputs
from mtl.data.read import map_in_threads
from mtl.data.sample import TRAPS, Sample
from mtl.data.samplers import DistributedBatchSampler, EpochSampler
from mtl.distributed.launch import current_process
from mtl.inference.backends import has_bfloat16
from mtl.inference.tiling import pad_length
from mtl.models.checkpoint import POSITION_KEY
from mtl.tasks.base import Head
from mtl.training.callbacks.checkpoint_files import AtomicCheckpointIO
from mtl.training.callbacks.preemption import ignore_stop_signals
from mtl.training.check_settings import check_network, try_network
from mtl.training.finetune import load_initial_weights
from mtl.training.lightning_module import MultiTaskModule
from mtl.training.run_plan import RunPlan
from targets.errors import UserError
from targets.scene import Scene

OVERFIT_STEPS = 25  # of an epoch that repeats a few patches: with fewer it would validate more than it trains


def decide_patch_size(config: TrainConfig, longest_side: int) -> TrainConfig:
    """The settings with the patch size that a run has: `patches.size`, or less if all of its maps are smaller.

    The strides of patches and tiles shrink in proportion, so that tiles overlap as much as before.

    Parameters
    ----------
    config : TrainConfig
        The settings; `patches.shrink_to_maps` says whether patches may shrink.
    longest_side : int
        Cells of the longest side of all maps.

    Examples
    --------
    >>> decided = decide_patch_size(TrainConfig(), longest_side=70)
    >>> decided.patches.size, decided.patches.stride, decided.predict.stride
    (96, 48, 32)
    """
    patches, size = config.patches, config.patches.size
    if not patches.shrink_to_maps or patches.small_map_mode != "pad":
        return config
    fitting = min(size, pad_length(min(longest_side, patches.max_side or longest_side), STRIDE))
    stride = max(STRIDE, config.predict.stride * fitting // size // STRIDE * STRIDE)
    patches = replace(patches, size=fitting, stride=max(1, patches.stride * fitting // size))
    return replace(config, patches=patches, predict=replace(config.predict, stride=stride))


@dataclass(frozen=True)
class PreparedRun:
    """A run that may start.

    Attributes
    ----------
    config : TrainConfig
        With the size of patches that fits the maps.
    module : MultiTaskModule
        The network with its initial weights.
    plan : RunPlan
        What the run will do.
    train_loader, val_loader : DataLoader
        Batches of patches and whole maps of this process.
    sampler : EpochSampler
        The order of the patches.
    """

    config: TrainConfig
    module: MultiTaskModule
    plan: RunPlan
    train_loader: DataLoader
    val_loader: DataLoader
    sampler: EpochSampler

    def skip_seen_patches(self, checkpoint: Mapping[str, Any]) -> None:
        """Leave out the patches of the epoch that were seen before a checkpoint was written."""
        whole_epoch = {"epoch": checkpoint["epoch"] + 1, "batches": 0}  # checkpoints without a position
        position = checkpoint.get(POSITION_KEY, whole_epoch)
        self.sampler.resume(position["epoch"], position["batches"] * self.plan.batch_size * self.plan.processes)


def prepare_run(
    config: TrainConfig, training: Sequence[Scene], validation: Sequence[Scene], pretrained: bool
) -> PreparedRun:
    """Build the network and prepare every map.

    Parameters
    ----------
    config : TrainConfig
        Checked settings (`check_settings`) with the patch size decided (`decide_patch_size`).
    training, validation : Sequence[Scene]
        All maps of the run; validation maps are shared out to the processes.
    pretrained : bool
        Start from the weights of a model or of ImageNet, if the config says so; False where a checkpoint has the
        weights.
    """
    # Advice and deprecations of Lightning's own; the run plan says what matters to a user.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
    check_network(config)  # again, as patches may have shrunk to the maps
    L.seed_everything(config.loop.seed, verbose=False)
    process, loop = current_process(), config.loop
    module = MultiTaskModule(config, pretrained and config.init is None)
    if pretrained and config.init is not None:
        untrained = load_initial_weights(module.net, config)
        if process.is_main:
            heads = f"; heads with new weights: {', '.join(untrained)}" if untrained else ""
            print(f"starts from {config.init}{heads}")
    prepare = partial(
        prepare_sample,
        inputs=module.inputs,
        heads=module.heads,
        options=config.targets,
        input_sets=config.input_sets,
        max_side=config.patches.max_side,
        with_traps=any(head.loss.reads_traps for head in (*module.heads, *module.second_stage_heads)),
    )
    samples = map_in_threads(prepare, training)
    val_samples = map_in_threads(partial(prepare, judged=True), process.shard(validation))
    if process.is_main and (names := untaught_heads((*module.heads, *module.second_stage_heads), samples)):
        print(f"no training map says what to learn for {', '.join(names)}: untrained", flush=True)
    if config.overfit:  # without any variation
        samples, val_samples = (
            [restrict_inputs(sample, module.inputs, sample.input_sets[0]) for sample in own]
            for own in (samples, val_samples)
        )
    augment = NO_AUGMENTATION if config.overfit else config.augment
    patches = PatchDataset(samples, module.inputs, config.patches, augment, loop.seed)
    batch_size = min(loop.batch_size, len(patches) * (1 if config.overfit else loop.repeats_per_epoch))
    overfit_patches = OVERFIT_STEPS * batch_size * process.world_size
    repeats = math.ceil(overfit_patches / len(patches)) if config.overfit else loop.repeats_per_epoch
    sampler = EpochSampler(
        len(patches), loop.seed, repeats, patches.contain_trap(), config.patches.min_positive_fraction
    )
    if min(batch_size * process.world_size, len(sampler)) == 1:
        check_single_patch(config)
    plan = RunPlan(
        len(samples),
        len(validation),
        len(patches),
        len(sampler),
        batch_size,
        loop.accumulate_batches,
        loop.epochs,
        process.world_size,
    )
    train_loader = DataLoader(
        patches,
        batch_sampler=DistributedBatchSampler(sampler, batch_size, process),
        num_workers=loop.num_workers,
        pin_memory=torch.cuda.is_available(),  # a thread readies batches for the GPU while it computes
        persistent_workers=loop.num_workers > 0,
        worker_init_fn=ignore_stop_signals,
        generator=torch.Generator(),  # else it would draw from the random numbers of dropout
    )
    # A list is all a loader needs, whatever its annotation says.
    maps: Any = [restrict_inputs(s, module.inputs, names) for s in val_samples for names in s.input_sets] or [None]
    val_loader = DataLoader(maps, batch_size=None, collate_fn=_identity, generator=torch.Generator())
    return PreparedRun(config, module, plan, train_loader, val_loader, sampler)


def untaught_heads(heads: Sequence[Head], samples: Sequence[Sample]) -> list[str]:
    """Names of the heads whose target is known in no cell of any map, nor anything else that their loss reads.

    Parameters
    ----------
    heads : Sequence[Head]
        Heads; one that is named twice, with another loss, is taught if either loss has something to read.
    samples : Sequence[Sample]
        Maps to train on.
    """
    read = {head.name: {head.name} for head in heads}
    for head in heads:
        read[head.name] |= {TRAPS} if head.loss.reads_traps else set()
    known = {name for sample in samples for name, valid in sample.valid.items() if valid.any()}
    return [name for name, sources in read.items() if not sources & known]


def check_single_patch(config: TrainConfig) -> None:
    """Refuse batches of one patch where batch norm would see one cell of it: of 32 cells, or pooled to one.

    Raises
    ------
    UserError
        It would.
    """
    try:
        try_network(config, patches=1)
    except ValueError as error:  # torch's own: "Expected more than 1 value per channel when training"
        found = f"one patch of {config.patches.size} cells in a batch"
        hint = "more in a batch, more maps, or larger patches"
        raise UserError("loop.batch_size", found, "two, or batch norm has one value to average", hint) from error


def build_trainer(
    config: TrainConfig, out: Path, epochs: int, loggers: Sequence[Logger], callbacks: Sequence[Callback]
) -> L.Trainer:
    """Lightning's trainer with the settings of a run.

    Parameters
    ----------
    config : TrainConfig
        The settings.
    out : Path
        The run folder.
    epochs : int
        Epochs after which training ends.
    loggers : Sequence[Logger]
        What logged values go to.
    callbacks : Sequence[Callback]
        In the order in which their hooks are called.
    """
    loop = config.loop
    arguments = current_process().trainer_arguments(loop.accelerator)
    arguments["plugins"] = [AtomicCheckpointIO(), *arguments["plugins"]]
    return L.Trainer(
        default_root_dir=out,
        max_epochs=epochs,
        **arguments,
        use_distributed_sampler=False,  # `DistributedBatchSampler` shares patches out, and shows none twice
        precision=precision_of_device(config),
        accumulate_grad_batches=loop.accumulate_batches,
        gradient_clip_val=config.optim.grad_clip_norm or None,
        logger=list(loggers),
        callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_model_summary=False,
    )


def precision_of_device(config: TrainConfig) -> Literal["32-true", "bf16-mixed", "16-mixed"]:
    """The precision to train in: `loop.precision`, or what replaces bf16-mixed where the device has no bfloat16.

    Parameters
    ----------
    config : TrainConfig
        Settings with a device that this machine has.

    Returns
    -------
    The precision as Lightning names it. Said in one line where it is not the one of the settings.
    """
    wanted, accelerator = config.loop.precision, config.loop.accelerator
    on_gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    on_mps = accelerator != "cpu" and not on_gpu and torch.backends.mps.is_available()
    if wanted != "bf16-mixed" or on_mps or has_bfloat16(on_gpu):
        return wanted
    taken: Literal["32-true", "16-mixed"] = "16-mixed" if on_gpu else "32-true"
    device = "GPU" if on_gpu else "processor"
    if current_process().is_main:
        print(f"loop.precision bf16-mixed: this {device} has no bfloat16, so training runs in {taken}", flush=True)
    return taken


def _identity(sample: Any) -> Any:
    """Collate a map as it is; a function of the module, so that it can be pickled."""
    return sample
