"""How a network is trained: the function that puts maps, module and loop together."""

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint
from lightning.pytorch.loggers import Logger
from torch.utils.data import DataLoader

from mtl.config import AS_IT_IS, STRIDE, TrainConfig
from mtl.data.dataset import Patches, prepare, shown_by
from mtl.data.read import in_threads
from mtl.data.samplers import Batches, EpochSampler
from mtl.distributed.launch import current_process
from mtl.inference.tiling import padded_length
from mtl.models.checkpoint import POSITION
from mtl.training.callbacks.checkpointing import AtomicCheckpointIO, ignore_stop_signals
from mtl.training.finetune import load_initial_weights
from mtl.training.lightning_module import MultiTaskModule
from mtl.training.run_plan import RunPlan
from targets.scene import Scene
from targets.surface.resample import downsample

OVERFIT_STEPS = 25  # an epoch of two patches would validate more than it trains


def fitting_patch_size(config: TrainConfig, scenes: Sequence[Scene]) -> int:
    """The patch's side, but no larger than the largest map needs: what lies beyond it would be padding."""
    if config.patches.small_map_mode != "pad":
        return config.patches.size
    return min(config.patches.size, padded_length(max(max(scene.shape) for scene in scenes), STRIDE))


@dataclass(frozen=True)
class PreparedRun:
    """A run that may start.

    Attributes
    ----------
    config : TrainConfig
        With the size of patches that fits the maps.
    patches, maps : DataLoader
        What the module is shown in this process, to learn from and to be judged on.
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
        """Leave out the patches that the epoch of a checkpoint has shown (earlier versions saved whole epochs)."""
        at = checkpoint.get(POSITION, {"epoch": checkpoint["epoch"] + 1, "batches": 0})
        self.sampler.go_on(at["epoch"], at["batches"] * self.plan.batch * self.plan.processes)


def prepare_run(config: TrainConfig, training: Sequence[Scene], validation: Sequence[Scene], pretrained: bool) -> PreparedRun:
    """Build the network and prepare every map.

    Parameters
    ----------
    pretrained : bool
        Start from the weights of a model or of ImageNet where the config says so; False where a checkpoint has the
        weights.
    """
    # Lightning's advice and the deprecations inside it; the flight plan says what matters to a user.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
    L.seed_everything(config.loop.seed, verbose=False)
    longest = config.patches.max_side
    training, validation = (in_threads(partial(downsample, max_side=longest), each) for each in (training, validation))
    config = replace(config, patches=replace(config.patches, size=fitting_patch_size(config, training)))
    process, loop = current_process(), config.loop
    module = MultiTaskModule(config, pretrained and config.init is None)
    if pretrained and config.init is not None:
        anew = load_initial_weights(module.net, config)
        if process.is_main:
            print(f"starts from {config.init}" + (f"; heads that start anew: {', '.join(anew)}" if anew else ""))
    ready = partial(prepare, inputs=module.inputs, heads=module.heads, options=config.targets, sets=config.input_sets)
    samples, held = (in_threads(ready, scenes) for scenes in (training, process.shard(validation)))
    if config.overfit:  # without variation
        samples, held = ([shown_by(s, module.inputs, s.shown[0]) for s in scenes] for scenes in (samples, held))
    augment = AS_IT_IS if config.overfit else config.augment
    patches = Patches(samples, module.inputs, config.patches, augment, loop.seed)
    batch = min(loop.batch_size, len(patches) * (1 if config.overfit else loop.repeats_per_epoch))
    shown = OVERFIT_STEPS * batch * process.world_size
    repeats = math.ceil(shown / len(patches)) if config.overfit else loop.repeats_per_epoch
    sampler = EpochSampler(len(patches), loop.seed, repeats, patches.hold_trap(), config.patches.min_positive_fraction)
    plan = RunPlan(
        len(samples),
        len(validation),
        len(patches),
        len(sampler),
        batch,
        loop.accumulate_batches,
        loop.epochs,
        process.world_size,
    )
    # A list is all a loader needs, whatever its annotation says.
    maps: Any = [shown_by(sample, module.inputs, names) for sample in held for names in sample.shown] or [None]
    batches = Batches(sampler, batch, process)
    return PreparedRun(
        config,
        module,
        plan,
        DataLoader(
            patches,
            batch_sampler=batches,
            num_workers=loop.num_workers,
            pin_memory=torch.cuda.is_available(),  # a thread readies batches for the GPU while it computes
            persistent_workers=loop.num_workers > 0,
            worker_init_fn=ignore_stop_signals,
            generator=torch.Generator(),  # else it would draw from the random numbers of dropout
        ),
        DataLoader(maps, batch_size=None, collate_fn=_as_it_is, generator=torch.Generator()),
        sampler,
    )


def build_trainer(
    config: TrainConfig, out: Path, epochs: int, logger: Logger | None, callbacks: Sequence[Callback]
) -> L.Trainer:
    """Lightning's loop with the settings of a run."""
    loop = config.loop
    devices = current_process().trainer_arguments(loop.accelerator)
    return L.Trainer(
        default_root_dir=out,
        max_epochs=epochs,
        **devices,
        use_distributed_sampler=False,  # `Batches` share the patches out, so that none is shown twice
        precision=loop.precision,
        accumulate_grad_batches=loop.accumulate_batches,
        gradient_clip_val=config.optim.grad_clip_norm or None,
        logger=logger or False,
        callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        plugins=[AtomicCheckpointIO(), current_process().environment],
    )


def _as_it_is(sample: Any) -> Any:
    return sample
