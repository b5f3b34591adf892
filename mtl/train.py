"""How a network is trained: the function that puts maps, module and loop together."""

import csv
import logging
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import lightning as L
import torch
import torch.distributed as dist
import yaml
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch.utils.data import DataLoader

from mtl.averaging import MovingAverage
from mtl.board import pages
from mtl.checkpoint import POSITION, check_same_network, read_checkpoint
from mtl.config import AS_IT_IS, TrainConfig
from mtl.data import Batches, EpochSampler, FlightPlan, Patches, prepare, shown_by
from mtl.module import MultiTask
from mtl.net import STRIDE
from mtl.processes import this_process
from mtl.progress import progress
from mtl.saving import KeptCheckpoint, Saving, WholeFiles, ignore_stops
from mtl.settings import check_settings, monitored
from mtl.splits import first_groups, split_maps
from mtl.start import start_from
from mtl.tiles import padded_length
from targets.coarse import coarsened
from targets.errors import UserError
from targets.files import written_whole
from targets.locks import in_use
from targets.maps import Reading, list_maps, read_map
from targets.scene import Scene


class MetricsTable(Callback):
    """metrics.csv of the run folder: one row per epoch, every logged figure; a resumed run goes on where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        row = {"epoch": str(trainer.current_epoch)}
        row |= {name: f"{float(value):.6g}" for name, value in sorted(trainer.callback_metrics.items())}
        rows = [old for old in self._read() if int(old["epoch"]) < trainer.current_epoch] + [row]
        names = list(dict.fromkeys(name for r in rows for name in r))
        with written_whole(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)

    def _read(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))


OVERFIT_STEPS = 25  # an epoch of two patches would validate more than it trains


def train(
    config: TrainConfig, out: Path, resume: bool = False, extra_callbacks: Sequence[Callback] = ()
) -> dict[str, float]:
    """Read the maps of `config.data` and fit a network to them, with the run folder to itself; see `fit`."""
    check_settings(config)
    with in_use(out) if this_process().first else nullcontext():
        training, validation = maps_of(config)
        return fit(config, out, training, validation, resume, extra_callbacks)


def maps_of(config: TrainConfig) -> tuple[list[Scene], list[Scene]]:
    """The maps that a run trains on, and those that it validates on.

    Raises
    ------
    UserError : there are no maps, too few of them, or one cannot be read.
    """
    if not Path(config.data).exists():
        mend = (
            "name yours with --data, or make some: tools/make_maps.py --out data/demo --count 400 --seed 1 --size 128"
        )
        raise UserError("--data", f"no such folder: {config.data}", "a folder of maps", mend)
    scenes = read_scenes([config.data], config.reading)
    if config.overfit:
        return scenes[: config.overfit], scenes[: config.overfit]
    if config.split.data:
        training, validation = scenes, read_scenes([config.split.data], config.reading)
    else:
        training, validation = split_maps(scenes, config.split, config.targets)
    return first_groups(training, config.split), validation


def read_scenes(paths: Sequence[str], how: Reading) -> list[Scene]:
    """All maps under some paths."""
    return in_threads(partial(read_map, fill=how.fill, elevation=how.elevation), list_maps(paths, how.layout))


Item = TypeVar("Item")
Result = TypeVar("Result")
THREADS = 8  # at most; more would wait for Python's lock


def in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The work done on every item, in their order, by as many threads as torch has; the first mistake ends it."""
    with ThreadPoolExecutor(min(THREADS, torch.get_num_threads())) as pool:
        return list(pool.map(work, items))


def patch_size(config: TrainConfig, scenes: Sequence[Scene]) -> int:
    """The patch's side, but no larger than the largest map needs: what lies beyond it would be padding."""
    if config.patches.small != "pad":
        return config.patches.size
    return min(config.patches.size, padded_length(max(max(scene.shape) for scene in scenes), STRIDE))


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
    training, validation : maps to train on and to validate on.
    resume : go on from out/last.ckpt.

    Returns
    -------
    The figures of the last validation, {HEAD/FIGURE: value}; all of them stand in metrics.csv.

    Raises
    ------
    UserError : a setting that cannot be met, or a run folder that is already in use.
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


@dataclass(frozen=True)
class Ready:
    """A run that may start.

    config : with the size of patches that fits the maps.
    patches, maps : what the module is shown in this process, to learn from and to be judged on.
    sampler : the order of the patches.
    """

    config: TrainConfig
    module: MultiTask
    plan: FlightPlan
    patches: DataLoader
    maps: DataLoader
    sampler: EpochSampler

    def go_on(self, checkpoint: Mapping[str, Any]) -> None:
        """Leave out the patches that the epoch of a checkpoint has shown (earlier versions saved whole epochs)."""
        at = checkpoint.get(POSITION, {"epoch": checkpoint["epoch"] + 1, "batches": 0})
        self.sampler.go_on(at["epoch"], at["batches"] * self.plan.batch * self.plan.processes)


def made_ready(config: TrainConfig, training: Sequence[Scene], validation: Sequence[Scene], pretrained: bool) -> Ready:
    """Build the network and prepare every map.

    Parameters
    ----------
    pretrained : start from the weights of a model or of ImageNet where the config says so; False where a checkpoint has
        the weights.
    """
    # Lightning's advice and the deprecations inside it; the flight plan says what matters to a user.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
    L.seed_everything(config.loop.seed, verbose=False)
    longest = config.patches.longest
    training, validation = (in_threads(partial(coarsened, longest=longest), each) for each in (training, validation))
    config = replace(config, patches=replace(config.patches, size=patch_size(config, training)))
    process, loop = this_process(), config.loop
    module = MultiTask(config, pretrained and config.init is None)
    if pretrained and config.init is not None:
        anew = start_from(module.net, config)
        if process.first:
            print(f"starts from {config.init}" + (f"; heads that start anew: {', '.join(anew)}" if anew else ""))
    ready = partial(prepare, inputs=module.inputs, heads=module.heads, options=config.targets, sets=config.shown)
    samples, held = (in_threads(ready, scenes) for scenes in (training, process.share(validation)))
    if config.overfit:  # without variation
        samples, held = ([shown_by(s, module.inputs, s.shown[0]) for s in scenes] for scenes in (samples, held))
    augment = AS_IT_IS if config.overfit else config.augment
    patches = Patches(samples, module.inputs, config.patches, augment, loop.seed)
    batch = min(loop.batch, len(patches) * (1 if config.overfit else loop.repeats))
    shown = OVERFIT_STEPS * batch * process.number
    repeats = math.ceil(shown / len(patches)) if config.overfit else loop.repeats
    sampler = EpochSampler(len(patches), loop.seed, repeats, patches.hold_trap(), config.patches.trap_share)
    plan = FlightPlan(
        len(samples),
        len(validation),
        len(patches),
        len(sampler),
        batch,
        loop.accumulate,
        loop.epochs,
        process.number,
    )
    # A list is all a loader needs, whatever its annotation says.
    maps: Any = [shown_by(sample, module.inputs, names) for sample in held for names in sample.shown] or [None]
    batches = Batches(sampler, batch, process)
    return Ready(
        config,
        module,
        plan,
        DataLoader(
            patches,
            batch_sampler=batches,
            num_workers=loop.workers,
            pin_memory=torch.cuda.is_available(),  # a thread readies batches for the GPU while it computes
            persistent_workers=loop.workers > 0,
            worker_init_fn=ignore_stops,
            generator=torch.Generator(),  # else it would draw from the random numbers of dropout
        ),
        DataLoader(maps, batch_size=None, collate_fn=_as_it_is, generator=torch.Generator()),
        sampler,
    )


def trainer_of(
    config: TrainConfig, out: Path, epochs: int, logger: Logger | None, callbacks: Sequence[Callback]
) -> L.Trainer:
    """Lightning's loop with the settings of a run."""
    loop = config.loop
    devices = this_process().devices(loop.accelerator)
    return L.Trainer(
        default_root_dir=out,
        max_epochs=epochs,
        **devices,
        use_distributed_sampler=False,  # `Batches` share the patches out, so that none is shown twice
        precision=loop.precision,
        accumulate_grad_batches=loop.accumulate,
        gradient_clip_val=config.optim.clip or None,
        logger=logger or False,
        callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        plugins=[WholeFiles(), this_process().environment],
    )


def _as_it_is(sample: Any) -> Any:
    return sample


def _checkpoint_to_resume(last: Path, config: TrainConfig) -> dict[str, Any]:
    if not last.exists():
        raise UserError(
            last, "no such file", "the last checkpoint of the run to resume", "leave out --resume to start it"
        )
    saved, content = read_checkpoint(last)
    check_same_network(last, saved, config)
    return content
