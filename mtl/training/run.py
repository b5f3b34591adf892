"""Training of a network: maps, module and loop together."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch.distributed as dist
import yaml
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger

from mtl.config import TrainConfig
from mtl.data.read import maps_of
from mtl.distributed.launch import current_process
from mtl.models.checkpoint import check_same_network, read_checkpoint
from mtl.training.callbacks.checkpointing import RelocatableModelCheckpoint, PreemptionCheckpoint
from mtl.training.callbacks.ema import WarmupEMA
from mtl.training.callbacks.metrics_csv import MetricsCSV
from mtl.training.callbacks.progress import progress_display
from mtl.training.check_settings import check_settings, monitored_metric
from mtl.training.setup import prepare_run, build_trainer
from mtl.visualization.tensorboard import scalar_layout
from targets.common.atomic_write import atomic_write
from targets.common.folder_lock import lock_folder
from targets.errors import UserError
from targets.scene import Scene


def train(
    config: TrainConfig, out: Path, resume: bool = False, extra_callbacks: Sequence[Callback] = ()
) -> dict[str, float]:
    """Read the maps of `config.data` and fit a network to them, with the run folder to itself; see `fit`."""
    check_settings(config)
    with lock_folder(out) if current_process().is_main else nullcontext():
        training, validation = maps_of(config)
        return fit(config, out, training, validation, resume, extra_callbacks)


def fit(
    config: TrainConfig,
    out: Path,
    training: Sequence[Scene],
    validation: Sequence[Scene],
    resume: bool = False,
    extra_callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Train on maps and leave a run folder: config.yaml, best.ckpt, last.ckpt, TensorBoard events, metrics.csv.

    Parameters
    ----------
    training, validation : Sequence[Scene]
        Maps to train on and to validate on.
    resume : bool, default False
        Go on from out/last.ckpt.

    Returns
    -------
    The figures of the last validation, {HEAD/FIGURE: value}; all of them stand in metrics.csv.

    Raises
    ------
    UserError
        A setting that cannot be met, or a run folder that is already in use.
    """
    check_settings(config)
    last = out / "last.ckpt"
    checkpoint = _checkpoint_to_resume(last, config) if resume else None
    if not resume and last.exists():
        raise UserError(
            out, "already holds a run", "an empty or new folder", "continue with --resume, or name a folder with --out"
        )
    ready = prepare_run(config, training, validation, pretrained=checkpoint is None)
    if checkpoint is not None:
        ready.skip_seen_patches(checkpoint)
    config, module, loop = ready.config, ready.module, config.loop
    monitor, mode = monitored_metric(config, module.heads)
    resolved = yaml.safe_dump(config.as_dict(), sort_keys=False)
    if current_process().is_main:
        print(ready.plan, flush=True)
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(out / "config.yaml") as temporary:
            temporary.write_text(resolved)
    logger = TensorBoardLogger(out, name="", version="", default_hp_metric=False)
    logger.experiment.add_text("config", f"```yaml\n{resolved}```", 0)
    logger.experiment.add_custom_scalars(scalar_layout(module.outputs))
    callbacks: list[Callback] = [
        *extra_callbacks,
        progress_display(ready.plan.steps_per_epoch * loop.accumulate_batches),
        MetricsCSV(out / "metrics.csv"),
        RelocatableModelCheckpoint(out, "best", monitor, mode),
        RelocatableModelCheckpoint(out, "last"),
    ]
    if config.optim.ema_decay:
        callbacks.append(WarmupEMA(config.optim.ema_decay))
    if loop.early_stop_patience:
        callbacks.append(EarlyStopping(monitor, patience=loop.early_stop_patience, mode=mode, check_finite=False))
    callbacks.append(PreemptionCheckpoint(out, loop.save_minutes))  # what the others keep of a step is in the checkpoint
    trainer = build_trainer(config, out, loop.epochs, logger, callbacks)
    trainer.fit(module, ready.train_loader, ready.val_loader, ckpt_path=last if resume else None)
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def _checkpoint_to_resume(last: Path, config: TrainConfig) -> dict[str, Any]:
    if not last.exists():
        raise UserError(
            last, "no such file", "the last checkpoint of the run to resume", "leave out --resume to start it"
        )
    saved, content = read_checkpoint(last)
    check_same_network(last, saved, config)
    return content
