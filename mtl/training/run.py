"""Training runs: `train` reads the maps of a config, `fit` trains on maps in memory; both leave a run folder."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch.distributed as dist
import yaml
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from mtl.config import TrainConfig
from mtl.data.read import load_maps, longest_side
from mtl.distributed.launch import current_process
from mtl.metrics.base import Mode
from mtl.models.checkpoint import read_checkpoint
from mtl.tasks.heads import OBJECTS
from mtl.training.callbacks.checkpoint_files import RelocatableModelCheckpoint
from mtl.training.callbacks.ema import WarmupEMA
from mtl.training.callbacks.epoch_means import EpochMeans
from mtl.training.callbacks.finite import FiniteCheck
from mtl.training.callbacks.gradient_statistics import GradientStatistics
from mtl.training.callbacks.metrics_csv import MetricsCSV
from mtl.training.callbacks.pictures import ValidationPictures
from mtl.training.callbacks.plateau import PlateauSchedule
from mtl.training.callbacks.preemption import PreemptionCheckpoint
from mtl.training.callbacks.progress import progress_display
from mtl.training.callbacks.resume_state import ResumeState
from mtl.training.callbacks.validation_fits import ChangeAcceptance, ObjectFit, StackingFit
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.check_settings import check_settings, find_monitor, monitored_metric, unused_options
from mtl.training.finetune import check_initial_model
from mtl.training.loggers import holds_pictures, log_figure, select_loggers
from mtl.training.resume import check_same_maps, map_names, read_resumable, with_saved_trap_base
from mtl.training.run_plan import describe_provenance
from mtl.training.setup import PreparedRun, build_trainer, decide_patch_size, prepare_run
from mtl.training.trap_rules import describe_acceptance, with_fitted_rules, with_trap_base
from mtl.visualization.tensorboard import READING, report_event_errors_once, scalar_layout
from targets.common.atomic_write import atomic_write
from targets.common.folder_lock import lock_folder
from targets.errors import UserError
from targets.scene import Scene


def train(
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    extra_callbacks: Sequence[Callback] = (),
    fits_rules: bool = False,
) -> dict[str, float]:
    """Read the maps of `config.data` and train on them, with the run folder locked; parameters are those of `fit`.

    With `fits_rules`, or a trap head that has to start from rules, the run takes the rules of traps from what was
    drawn on its training maps.
    """
    check_settings(config)
    if not resume:
        check_initial_model(config)
    with lock_folder(out) if current_process().is_main else nullcontext():
        maps = load_maps(config)
        if config.starts_from_rules or (fits_rules and not resume):
            config = with_fitted_rules(config, maps.training)
        config = with_saved_trap_base(config, out) if resume else with_trap_base(config, maps.training)
        config = decide_patch_size(config, maps.longest_side)
        return _fit_decided(config, out, maps.training, maps.validation, resume, extra_callbacks)


def fit(
    config: TrainConfig,
    out: Path,
    training: Sequence[Scene],
    validation: Sequence[Scene],
    resume: bool = False,
    extra_callbacks: Sequence[Callback] = (),
) -> dict[str, float]:
    """Train on maps and leave a run folder: config.yaml, best.ckpt, last.ckpt, metrics.csv and the loggers' files.

    Parameters
    ----------
    config : TrainConfig
        The settings of the run.
    out : Path
        The run folder.
    training, validation : Sequence[Scene]
        Maps to train on and to validate on.
    resume : bool, default False
        Continue from out/last.ckpt.
    extra_callbacks : Sequence[Callback], default ()
        Called before the run's own.

    Returns
    -------
    The metrics of the last validation, {OUTPUT/METRIC: value}; metrics.csv has those of every epoch.

    Raises
    ------
    UserError
        A setting that cannot be met, or a run folder that is already in use.
    """
    check_settings(config)
    config = decide_patch_size(config, longest_side([*training, *validation]))
    return _fit_decided(config, out, training, validation, resume, extra_callbacks)


def _fit_decided(
    config: TrainConfig,
    out: Path,
    training: Sequence[Scene],
    validation: Sequence[Scene],
    resume: bool,
    extra_callbacks: Sequence[Callback],
) -> dict[str, float]:
    """`fit` with checked settings and a patch size that is decided."""
    if current_process().is_main:
        for sentence in unused_options(config):
            print(sentence, flush=True)
    last, maps = out / "last.ckpt", map_names(training, validation)
    checkpoint = read_resumable(last, config, current_process().world_size) if resume else None
    table, state = MetricsCSV(out / "metrics.csv", resume), ResumeState(maps)
    if checkpoint is not None:
        check_same_maps(last, checkpoint, maps)
    if not resume and last.exists():
        raise UserError(
            out, "already holds a run", "an empty or new folder", "continue with --resume, or name a folder with --out"
        )
    run = prepare_run(config, training, validation, pretrained=checkpoint is None)
    if checkpoint is not None:
        run.skip_seen_patches(checkpoint)
    loggers = [record.build(out) for record in select_loggers(config.loop.logger)]
    with report_event_errors_once():
        _describe_run(run, out, loggers, describe_provenance(maps))
        monitor = find_monitor(run.config, run.module.heads, validation)
        if monitor is None and current_process().is_main:
            name, _ = monitored_metric(run.config, run.module.heads)
            print(f"no map that validates has what {name} measures: best.ckpt will be the last epoch's", flush=True)
        callbacks = [*extra_callbacks, *_build_callbacks(run, training, out, loggers, table, state, monitor)]
        trainer = build_trainer(run.config, out, config.loop.epochs, loggers, callbacks)
        with nullcontext() if checkpoint is None else state.report_damage(last):
            trainer.fit(run.module, run.train_loader, run.val_loader, ckpt_path=last if resume else None)
    if run.config.starts_from_rules and (out / "best.ckpt").exists() and current_process().is_main:
        _, best = read_checkpoint(out / "best.ckpt")
        state = best["callbacks"].get(ChangeAcceptance.__name__, {})
        print(*(describe_acceptance(head, state) for head in run.module.net.base_planes), sep="\n", flush=True)
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
    if not trainer.callback_metrics and table.rows:  # the run was finished
        return {tag: float(value or "nan") for tag, value in table.rows[-1].items()}
    return {tag: float(value) for tag, value in trainer.callback_metrics.items()}


def _describe_run(run: PreparedRun, out: Path, loggers: Sequence[Logger], provenance: dict[str, Any]) -> None:
    """Print the plan, write config.yaml and provenance.yaml, and tell TensorBoard both and the layout of its charts."""
    config = yaml.safe_dump(run.config.as_dict(), sort_keys=False)
    if current_process().is_main:
        print(run.plan, flush=True)
        out.mkdir(parents=True, exist_ok=True)
        for name, text in (("config", config), ("provenance", yaml.safe_dump(provenance, sort_keys=False))):
            with atomic_write(out / f"{name}.yaml") as temporary:
                temporary.write_text(text, "utf-8")
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text("1 how to read this", READING, 0)
            logger.experiment.add_text("config", f"```yaml\n{config}```", 0)
            logger.experiment.add_text("provenance", f"```yaml\n{yaml.safe_dump(provenance, sort_keys=False)}```", 0)
            logger.experiment.add_custom_scalars(scalar_layout(run.module.outputs))


def _build_callbacks(
    run: PreparedRun,
    training: Sequence[Scene],
    out: Path,
    loggers: Sequence[Logger],
    table: MetricsCSV,
    state: ResumeState,
    monitor: tuple[str, Mode] | None,
) -> list[Callback]:
    """The callbacks of a run, in the order that they need: checks, then statistics, then what saves them."""
    module, optim, loop = run.module, run.config.optim, run.config.loop
    show = partial(log_figure, loggers)
    monitored, mode = monitor or (None, "max")
    corrected = [head for head in module.heads if head.name in module.net.base_planes]
    metrics = ValidationMetrics(module.outputs, [*(head.name for head in corrected), OBJECTS.name])
    callbacks: list[Callback] = [
        progress_display(run.plan.steps_per_epoch * loop.accumulate_batches),
        FiniteCheck(),
        *(ChangeAcceptance(head, module.net, metrics) for head in corrected),
        *(ObjectFit(module.net, training, run.config.targets, metrics) for _ in corrected),
        *([StackingFit(module.net.fusion, metrics)] if module.net.fusion is not None else []),
        metrics,
        *([ValidationPictures(metrics, loop.panels_every, show)] if any(map(holds_pictures, loggers)) else []),
        GradientStatistics(loop.panels_every, show),
        EpochMeans(),
        table,
        # `max` tells the state of one without a metric from that of last.ckpt. As long as no change of rules is
        # accepted, the traps are those of the rules, and other heads still learn.
        RelocatableModelCheckpoint(out, "best", monitored, mode, last_of_equal=bool(corrected)),
        RelocatableModelCheckpoint(out, "last"),
        state,
    ]
    if optim.schedule == "plateau" and monitor:
        callbacks.append(PlateauSchedule(*monitor, optim.plateau_factor, optim.plateau_patience))
    if optim.ema_decay:
        callbacks.append(WarmupEMA(optim.ema_decay))
    if loop.early_stop_patience and monitor:
        name, mode = monitor
        callbacks.append(EarlyStopping(name, patience=loop.early_stop_patience, mode=mode, check_finite=False))
    # last, so that its checkpoint of a step holds what the others keep of it
    return [*callbacks, PreemptionCheckpoint(out, loop.save_minutes)]
