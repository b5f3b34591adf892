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
from mtl.distributed.launch import this_process
from mtl.models.checkpoint import check_same_network, read_checkpoint
from mtl.training.callbacks.checkpointing import KeptCheckpoint, Saving
from mtl.training.callbacks.ema import MovingAverage
from mtl.training.callbacks.metrics_csv import MetricsTable
from mtl.training.callbacks.progress import progress
from mtl.training.check_settings import check_settings, monitored
from mtl.training.setup import made_ready, trainer_of
from mtl.visualization.tensorboard import pages
from targets.common.atomic_write import written_whole
from targets.common.folder_lock import in_use
from targets.errors import UserError
from targets.scene import Scene


def train(
    config: TrainConfig, out: Path, resume: bool = False, extra_callbacks: Sequence[Callback] = ()
) -> dict[str, float]:
    """Read the maps of `config.data` and fit a network to them, with the run folder to itself; see `fit`."""
    check_settings(config)
    with in_use(out) if this_process().first else nullcontext():
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
    ready = made_ready(config, training, validation, pretrained=checkpoint is None)
    if checkpoint is not None:
        ready.go_on(checkpoint)
    config, module, loop = ready.config, ready.module, config.loop
    monitor, mode = monitored(config, module.heads)
    resolved = yaml.safe_dump(config.as_dict(), sort_keys=False)
    if this_process().first:
        print(ready.plan, flush=True)
        out.mkdir(parents=True, exist_ok=True)
        with written_whole(out / "config.yaml") as temporary:
            temporary.write_text(resolved)
    logger = TensorBoardLogger(out, name="", version="", default_hp_metric=False)
    logger.experiment.add_text("config", f"```yaml\n{resolved}```", 0)
    logger.experiment.add_custom_scalars(pages(module.outputs))
    callbacks: list[Callback] = [
        *extra_callbacks,
        progress(ready.plan.steps * loop.accumulate),
        MetricsTable(out / "metrics.csv"),
        KeptCheckpoint(out, "best", monitor, mode),
        KeptCheckpoint(out, "last"),
    ]
    if config.optim.ema:
        callbacks.append(MovingAverage(config.optim.ema))
    if loop.early_stop:
        callbacks.append(EarlyStopping(monitor, patience=loop.early_stop, mode=mode, check_finite=False))
    callbacks.append(Saving(out, loop.save_minutes))  # what the others keep of a step is in the checkpoint
    trainer = trainer_of(config, out, loop.epochs, logger, callbacks)
    trainer.fit(module, ready.patches, ready.maps, ckpt_path=last if resume else None)
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
