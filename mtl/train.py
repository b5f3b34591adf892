"""How a network is trained: one Lightning module, and the function that puts maps, network and loop together."""

import csv
import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
import yaml
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from mtl.averaging import MovingAverage
from mtl.balance import cosines, find_balance, gradient_products
from mtl.board import Board, MapSums, pages
from mtl.checkpoint import KEY, build_net, check_same_network, read_checkpoint
from mtl.config import AS_IT_IS, TrainConfig
from mtl.context import FACTORS
from mtl.data import Batch, EpochSampler, FlightPlan, Patches, Sample, prepare
from mtl.fusion import Fusion
from mtl.heads import FUSION, HEADS, Head, Output, outputs_of, trap_outputs, with_losses
from mtl.inputs import INPUTS
from mtl.names import pick
from mtl.net import STRIDE, MultiHeadNet
from mtl.panels import cosine_panel
from mtl.predict import Predictor
from mtl.progress import progress
from mtl.scores import UNRANKED, Mode, mode_of
from mtl.splits import first_groups, split_maps
from mtl.tiles import padded_length, tile_origins
from targets.coarse import coarsened
from targets.errors import UserError
from targets.files import written_whole
from targets.maps import Reading, list_maps, read_map
from targets.scene import Bool, Float, Scene

PANEL_MAPS = 4  # maps drawn per head in TensorBoard
GRADIENT_BATCHES = 4  # of an epoch, on which the heads' gradients are compared
BALANCE_RATE = 0.01  # of learned log-variances: Adam moves one by about this much a step, hundreds of steps settle it


class MultiTask(L.LightningModule):
    """The shared network with the losses, scores and optimiser of a run."""

    net: MultiHeadNet

    def __init__(self, config: TrainConfig, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        self.lr = config.optim.lr  # under which name Lightning's tuner asks for it
        self.net, self.inputs, self.heads = build_net(config, pretrained)
        self.net = self.net.to(memory_format=torch.channels_last)
        self.balance = find_balance(config.optim.balance, [config.optim.weights.get(h.name, 1.0) for h in self.heads])
        later = replace(config.optim, losses=config.optim.losses | config.optim.later_losses)
        self.later_heads = with_losses(self.heads, later)
        self.outputs = outputs_of(self.heads)
        self.sums = {output.name: MapSums(len(output.score.sums)) for output in self.outputs}
        self.board = Board(self.outputs)
        self.plateau: ReduceLROnPlateau | None = None
        self.saved_plateau: dict[str, Any] | None = None
        self.losses: dict[str, list[float]] = {}
        self.answered: list[tuple[Sample, dict[str, Float]]] = []
        self.gradients: list[tuple[Tensor, Tensor]] = []  # products of an epoch's gradients, and weights
        # Half a tile apart and one look, rather than as prediction is set to: validation comes every epoch.
        quick = replace(config.predict, stride=max(STRIDE, config.patches.size // 2 // STRIDE * STRIDE), tta="none")
        config = replace(config, predict=quick)
        self.predictor = Predictor((self.net,), self.net.fusion, self.inputs, self.heads, config)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The weighted sum of all heads' losses on a batch of patches."""
        inputs = batch["inputs"].contiguous(memory_format=torch.channels_last)
        shared, stages = self.net.features(inputs)
        costs = self.costs(self.net.answers(shared, inputs.shape[-2:]), batch)
        early = [self.costs(logits, batch) for logits in self.net.early_answers(stages, inputs.shape[-2:])]
        supervised = costs
        if early:
            share = self.config.net.deep_supervision / len(early)
            supervised = [cost + share * sum(others) for cost, *others in zip(costs, *early, strict=True)]
        total, weights = self.balance(supervised, shared)
        for head, cost, weight in zip(self.heads, costs, weights, strict=True):
            self.log_mean(f"{head.name}/train_loss", cost, len(inputs))
            self.log_mean(f"{head.name}/weight", weight, len(inputs))
        if batch_idx % math.ceil(self.trainer.num_training_batches / GRADIENT_BATCHES) == 0:
            self.gradients.append((gradient_products(costs, shared), weights))
        self.log("loss", total.detach(), prog_bar=True, on_step=True, on_epoch=False)
        return total

    def costs(self, logits: Mapping[str, Tensor], batch: Batch) -> list[Tensor]:
        """Every head's loss on a batch."""
        return [
            head.cost(logits[head.name], batch[f"target/{head.name}"], batch[f"valid/{head.name}"])
            for head in self.heads_now
        ]

    @property
    def heads_now(self) -> tuple[Head, ...]:
        """The heads with the losses of this epoch."""
        optim = self.config.optim
        return self.later_heads if optim.later_losses and self.current_epoch >= optim.later_from else self.heads

    def log_mean(self, name: str, value: Tensor, patches: int) -> None:
        """Log a figure of a batch as its mean over the epoch."""
        self.log(name, value, on_step=False, on_epoch=True, batch_size=patches)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Patches go to the device; a whole map stays where it is, its tiles are sent one batch at a time."""
        return batch if isinstance(batch, Sample) else super().transfer_batch_to_device(batch, device, dataloader_idx)

    def on_validation_epoch_start(self) -> None:
        self.losses = {head.name: [] for head in self.heads}
        self.answered = []

    def validation_step(self, sample: Sample) -> None:
        """Predict one whole map by tiles, as `tools/predict.py` does, and add up its scores."""
        values, logits = self.predictor.answer_and_logits(lambda rows: sample.inputs[:, rows], sample.scene)
        for output in self.outputs:
            if output is not FUSION:
                self.judge(output, values[output.name], *sample.target_of(output))
        for head in self.heads_now:
            target, valid = sample.targets[head.name], sample.valid[head.name]
            raw = torch.from_numpy(logits[head.name])[None].nan_to_num()
            cells = torch.tensor(valid)[None, None].float()  # copied: the validity of a seismic image is read-only
            self.losses[head.name].append(float(head.cost(raw, torch.from_numpy(target)[None], cells)))
        if len(self.answered) >= PANEL_MAPS:  # the others serve the fusion alone
            if self.net.fusion is None:
                return
            values = {output.name: values[output.name] for output in trap_outputs(self.outputs)}
        self.answered.append((sample, values))

    def on_validation_epoch_end(self) -> None:
        """Fit the fusion, log every output's pooled figures as OUTPUT/FIGURE, and the panels now and then."""
        if self.net.fusion is not None:
            self.fuse(self.net.fusion)
        for output in self.outputs:
            figures = self.figures(output) | self.board.figures(output)
            self.sums[output.name].reset()
            if output.name in self.losses:
                figures["val_loss"] = sum(self.losses[output.name]) / max(1, len(self.losses[output.name]))
            for name, value in figures.items():
                self.log(f"{output.name}/{name}", value, prog_bar=name == output.score.best and output is self.heads[0])
        if self.draws_now():
            self.draw_panels()
        self.board.clear()
        self.answered = []
        self.log_gradients()

    def draws_now(self) -> bool:
        """Whether this epoch has its pictures: the last one has, and one in `panels_every`."""
        last = self.current_epoch + 1 == self.config.loop.epochs
        return last or self.current_epoch % self.config.loop.panels_every == 0

    def fuse(self, fusion: Fusion) -> None:
        """Fit the weights of the fusion to the validation maps, and judge what it then says about them."""
        targets = [sample.target_of(FUSION) for sample, _ in self.answered]
        fusion.fit([(values, *target) for (_, values), target in zip(self.answered, targets, strict=True)])
        for (_, values), target in zip(self.answered, targets, strict=True):
            values[FUSION.name] = fusion(values)
            self.judge(FUSION, values[FUSION.name], *target)

    def judge(self, output: Output, prediction: Float, target: Float, valid: Bool) -> None:
        """Add up the score of an output on one map, and what its pictures count."""
        counted = output.score.count(prediction, target, valid)
        self.sums[output.name].update([counted[name] for name in output.score.sums])
        self.board.add(output, prediction, target, valid)

    def figures(self, output: Output) -> dict[str, float]:
        """The figures of an output over all maps pooled."""
        pooled = self.sums[output.name].compute().tolist()
        return output.score.ratios(dict(zip(output.score.sums, pooled, strict=True)))

    def writers(self) -> list[SummaryWriter]:
        """What writes pictures for TensorBoard."""
        return [logger.experiment for logger in self.loggers if isinstance(logger, TensorBoardLogger)]

    def draw_panels(self) -> None:
        """The pictures of every output in TensorBoard."""
        samples, predictions = zip(*self.answered[:PANEL_MAPS], strict=True)
        for writer in self.writers():
            self.board.draw(writer, self.current_epoch, samples, predictions)

    def log_gradients(self) -> None:
        """Log what the heads asked of the shared features in this epoch: how much, and who fought whom."""
        lengths = torch.stack([weights * products.diagonal().sqrt() for products, weights in self.gradients]).mean(0)
        cosine = torch.stack([cosines(products) for products, _ in self.gradients]).nanmean(0).tolist()
        self.gradients = []
        for head, length in zip(self.heads, lengths, strict=True):
            self.log(f"{head.name}/gradient", length)
        pairs = {(self.heads[i].name, self.heads[j].name): cosine[i][j] for i, j in combinations(range(len(cosine)), 2)}
        for (a, b), value in pairs.items():
            self.log(f"cosine/{a}-{b}", value)
        if pairs and self.draws_now():
            picture = cosine_panel([head.name for head in self.heads], pairs)
            for writer in self.writers():
                writer.add_figure("gradients/cosine", picture, self.current_epoch)

    def configure_optimizers(self) -> Any:
        """AdamW, with its own rate for a pretrained encoder, and the schedule."""
        optim = self.config.optim
        pretrained = self.config.net.weights != "none"
        groups: list[dict[str, Any]] = [
            {
                "params": self.net.encoder.parameters(),
                "lr": optim.encoder_lr if pretrained else optim.lr,
                "name": "encoder",
            },
            {
                "params": [
                    p
                    for part in (self.net.decoder, self.net.mix, self.net.heads, self.net.early)
                    for p in part.parameters()
                ],
                "lr": optim.lr,
                "name": "decoder",
            },
        ]
        if learned := list(self.balance.parameters()):
            groups.append({"params": learned, "lr": BALANCE_RATE, "weight_decay": 0.0, "name": "balance"})
        optimizer = torch.optim.AdamW(groups, weight_decay=optim.weight_decay)
        if optim.schedule == "plateau":
            _, mode = monitored(self.config, self.heads)
            self.plateau = ReduceLROnPlateau(optimizer, mode=mode, factor=optim.factor, patience=optim.patience)
            if self.saved_plateau is not None:
                self.plateau.load_state_dict(self.saved_plateau)
        if optim.schedule in ("cosine", "one_cycle"):
            rate = self.rate_by_step(optimizer, int(self.trainer.estimated_stepping_batches))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}
        return optimizer

    def rate_by_step(self, optimizer: torch.optim.Optimizer, steps: int) -> LRScheduler:
        """The schedule of a run of so many steps."""
        warmup = self.config.optim.warmup
        if self.config.optim.schedule == "cosine":
            return LambdaLR(optimizer, CosineRate(steps, max(1, round(warmup * steps))))
        steps = max(4, steps)  # torch divides by the length of either part less one step
        highest = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, highest, total_steps=steps, pct_start=max(warmup, 2 / steps))

    def on_train_epoch_start(self) -> None:
        for group in self.trainer.optimizers[0].param_groups:
            self.log(f"rate/{group['name']}", group["lr"])

    def on_train_epoch_end(self) -> None:
        """Close the epoch of the heads' weights, and lower the rates on a plateau.

        Lightning would lower them after the epoch's checkpoint is written, and a resumed run would miss it.
        """
        self.balance.end_epoch()
        if self.plateau is not None:
            self.plateau.step(float(self.trainer.callback_metrics[monitored(self.config, self.heads)[0]]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the config, the plateau, and the random state: patches and their variation need none, dropout does."""
        checkpoint[KEY] = self.config.as_dict()
        checkpoint["random"] = torch.get_rng_state()
        if self.plateau is not None:
            checkpoint["plateau"] = self.plateau.state_dict()
        if torch.cuda.is_available():
            checkpoint["random_cuda"] = torch.cuda.get_rng_state_all()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore plateau and random state; Lightning restores weights, optimiser, cosine schedule and position."""
        torch.set_rng_state(checkpoint["random"].cpu())
        self.saved_plateau = checkpoint.get("plateau")  # the scheduler itself is made later
        if torch.cuda.is_available() and "random_cuda" in checkpoint:
            torch.cuda.set_rng_state_all([state.cpu() for state in checkpoint["random_cuda"]])


class CosineRate:
    """Rate over its peak at a step: linear warm-up, then half a cosine to zero. A class, because it must pickle."""

    def __init__(self, steps: int, warmup: int) -> None:
        self.steps, self.warmup = steps, warmup

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))))


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


def monitored(config: TrainConfig, heads: Sequence[Head]) -> tuple[str, Mode]:
    """The figure that chooses the best checkpoint, and whether it should be `max` or `min`.

    Raises
    ------
    UserError : loop.monitor names a figure that no output of this run has.
    """
    if config.loop.monitor is None:
        return f"{heads[0].name}/{heads[0].score.best}", mode_of(heads[0].score.best)
    known = {f"{output.name}/{name}": mode_of(name) for output in outputs_of(heads) for name in figure_names(output)}
    if not config.optim.later_losses:  # figures of two losses cannot be compared
        known |= {f"{head.name}/val_loss": mode_of("val_loss") for head in heads}
    if config.loop.monitor not in known:
        raise UserError("loop.monitor", f"unknown figure {config.loop.monitor!r}", f"one of {', '.join(known)}")
    return config.loop.monitor, known[config.loop.monitor]


def figure_names(output: Output) -> list[str]:
    """The figures of an output by which one answer can be better than another: its score's, and its tally's."""
    names = list(output.score.ratios(dict.fromkeys(output.score.sums, 0.0)))
    if output.tally is not None:
        names += output.tally.figures(np.zeros(output.tally.shape))
    return [name for name in names if name not in UNRANKED and name != output.score.floor]


OVERFIT_STEPS = 25  # an epoch of two patches would validate more than it trains


def train(
    config: TrainConfig, out: Path, resume: bool = False, extra_callbacks: Sequence[Callback] = ()
) -> dict[str, float]:
    """Read the maps of `config.data` and fit a network to them; see `fit`."""
    check_settings(config)
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
    return [read_map(source, how.fill, how.elevation) for source in list_maps(paths, how.layout)]


def patch_size(config: TrainConfig, scenes: Sequence[Scene]) -> int:
    """The patch's side, but no larger than the largest map needs: what lies beyond it would be padding."""
    if config.patches.small != "pad":
        return config.patches.size
    return min(config.patches.size, padded_length(max(max(scene.shape) for scene in scenes), STRIDE))


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that cannot be met before any work is done.

    Raises
    ------
    UserError : an unknown head, input, loss or figure, or a size that does not fit.
    """
    pick(INPUTS, config.inputs, "--inputs")
    heads = pick(HEADS, config.heads, "--heads")
    monitored(config, heads)
    optim = config.optim
    by_head: dict[str, Mapping[str, Any]] = {
        "weights": optim.weights,
        "losses": optim.losses,
        "later_losses": optim.later_losses,
    }
    for option, named in by_head.items():
        if unknown := set(named) - set(config.heads):
            found = f"names {', '.join(sorted(unknown))}"
            raise UserError(f"optim.{option}", found, f"heads of this run: {config.heads}")
    check_losses(config, heads)
    find_balance(config.optim.balance, [1.0] * len(heads))
    if not 0 <= config.optim.ema < 1:
        raise UserError("optim.ema", f"{config.optim.ema}", "a decay from 0 to below 1, such as 0.99")
    if not 0 <= config.net.dropout < 1 or (config.net.dropout and config.net.block != "bottleneck"):
        raise UserError("net.dropout", f"{config.net.dropout}", "a share below 1, and 0 but for net.block bottleneck")
    if config.net.deep_supervision < 0:
        raise UserError("net.deep_supervision", f"{config.net.deep_supervision}", "a weight of 0 or more")
    tile_origins(config.patches.size, config.patches.size, config.predict.stride)
    if config.patches.context not in (0, *FACTORS):
        raise UserError("patches.context", f"{config.patches.context}", "2, 4, 8, or 0 for none")
    positive = {
        "patches.stride": config.patches.stride,
        "loop.epochs": config.loop.epochs,
        "loop.repeats": config.loop.repeats,
        "loop.batch": config.loop.batch,
        "loop.accumulate": config.loop.accumulate,
        "loop.panels_every": config.loop.panels_every,
    }
    for name, value in positive.items():
        if value < 1:
            raise UserError(name, f"{value}", "a whole number of at least 1")
    if not 0 <= config.patches.trap_share <= 1:
        raise UserError("patches.trap_share", f"{config.patches.trap_share}", "a share between 0 and 1")


def check_losses(config: TrainConfig, heads: Sequence[Head]) -> None:
    """Refuse losses that do not fit their heads, or each other."""
    optim = config.optim
    first = with_losses(heads, optim)
    later = with_losses(heads, replace(optim, losses=optim.losses | optim.later_losses))
    for before, after in zip(first, later, strict=True):
        if before.planes != after.planes:
            raise UserError(
                f"optim.later_losses.{after.name}",
                f"{after.loss.name} needs {after.planes} planes of logits, {before.loss.name} {before.planes}",
                "losses of one network",
            )
    if optim.later_losses and not 0 < optim.later_from < config.loop.epochs:
        raise UserError(
            "optim.later_from",
            f"{optim.later_from}",
            f"an epoch from 1 to {config.loop.epochs - 1}, the last of loop.epochs",
            "the first epoch is 0",
        )


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
    config, module, loop = ready.config, ready.module, config.loop
    monitor, mode = monitored(config, module.heads)
    print(ready.plan, flush=True)
    out.mkdir(parents=True, exist_ok=True)
    resolved = yaml.safe_dump(config.as_dict(), sort_keys=False)
    with written_whole(out / "config.yaml") as temporary:
        temporary.write_text(resolved)
    logger = TensorBoardLogger(out, name="", version="", default_hp_metric=False)
    logger.experiment.add_text("config", f"```yaml\n{resolved}```", 0)
    logger.experiment.add_custom_scalars(pages(module.outputs))
    callbacks: list[Callback] = [
        *extra_callbacks,
        progress(ready.plan.steps * loop.accumulate),
        MetricsTable(out / "metrics.csv"),
        ModelCheckpoint(
            out, "best", monitor=monitor, mode=mode, enable_version_counter=False, save_on_train_epoch_end=True
        ),
        ModelCheckpoint(out, "last", enable_version_counter=False, save_on_train_epoch_end=True),
    ]
    if config.optim.ema:
        callbacks.append(MovingAverage(config.optim.ema))
    if loop.early_stop:
        callbacks.append(EarlyStopping(monitor, patience=loop.early_stop, mode=mode, check_finite=False))
    trainer = trainer_of(config, out, loop.epochs, logger, callbacks)
    trainer.fit(module, ready.patches, ready.maps, ckpt_path=checkpoint)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


@dataclass(frozen=True)
class Ready:
    """A run that may start.

    config : with the size of patches that fits the maps.
    patches, maps : what the module is shown, to learn from and to be judged on.
    """

    config: TrainConfig
    module: MultiTask
    plan: FlightPlan
    patches: DataLoader
    maps: DataLoader


def made_ready(config: TrainConfig, training: Sequence[Scene], validation: Sequence[Scene], pretrained: bool) -> Ready:
    """Build the network and prepare every map.

    Parameters
    ----------
    pretrained : start from ImageNet's weights where the config says so; False where a checkpoint has the weights.
    """
    # Lightning's advice and the deprecations inside it; the flight plan says what matters to a user.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"lightning\.")
    L.seed_everything(config.loop.seed, verbose=False)
    longest = config.patches.longest
    training, validation = ([coarsened(scene, longest) for scene in scenes] for scenes in (training, validation))
    config = replace(config, patches=replace(config.patches, size=patch_size(config, training)))
    module = MultiTask(config, pretrained)
    samples, held = (
        [prepare(scene, module.inputs, module.heads, config.targets) for scene in scenes]
        for scenes in (training, validation)
    )
    loop = config.loop
    augment = AS_IT_IS if config.overfit else config.augment
    patches = Patches(samples, module.inputs, config.patches, augment, loop.seed)
    batch = min(loop.batch, len(patches) * (1 if config.overfit else loop.repeats))
    repeats = math.ceil(OVERFIT_STEPS * batch / len(patches)) if config.overfit else loop.repeats
    sampler = EpochSampler(len(patches), loop.seed, repeats, patches.hold_trap(), config.patches.trap_share)
    plan = FlightPlan(len(samples), len(held), len(patches), len(sampler), batch, loop.accumulate, loop.epochs)
    maps: Any = held  # a list is all a loader needs, whatever its annotation says
    return Ready(
        config,
        module,
        plan,
        DataLoader(patches, batch, sampler=sampler, num_workers=loop.workers, persistent_workers=loop.workers > 0),
        DataLoader(maps, batch_size=None, collate_fn=_as_it_is),
    )


def trainer_of(
    config: TrainConfig, out: Path, epochs: int, logger: Logger | None, callbacks: Sequence[Callback]
) -> L.Trainer:
    """Lightning's loop with the settings of a run."""
    loop = config.loop
    return L.Trainer(
        default_root_dir=out,
        max_epochs=epochs,
        accelerator=loop.accelerator,
        devices=loop.devices,
        precision=loop.precision,
        accumulate_grad_batches=loop.accumulate,
        gradient_clip_val=config.optim.clip or None,
        logger=logger or False,
        callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_model_summary=False,
    )


def _as_it_is(sample: Any) -> Any:
    return sample


def _checkpoint_to_resume(last: Path, config: TrainConfig) -> Path:
    if not last.exists():
        raise UserError(
            last, "no such file", "the last checkpoint of the run to resume", "leave out --resume to start it"
        )
    saved, _ = read_checkpoint(last)
    check_same_network(last, saved, config)
    return last
