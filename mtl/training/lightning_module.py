"""What a network does while it trains: one Lightning module with its losses, scores, pictures, optimiser and state."""

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from torch.utils.tensorboard import SummaryWriter

from mtl.config import STRIDE, TrainConfig
from mtl.data.sample import Batch, Sample
from mtl.distributed.collectives import all_gather_objects, all_reduce, global_batch
from mtl.inference.predictor import Predictor
from mtl.losses.weighting import cosine_similarities, find_weighting, gradient_gramian
from mtl.models.checkpoint import KEY, POSITION, build_net
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.stacking import Fusion
from mtl.tasks.base import Head, Output
from mtl.tasks.heads import FUSION, outputs_of, trap_outputs, with_losses
from mtl.training.callbacks.finite import gradient_norms, require_finite
from mtl.training.check_settings import monitored_metric
from mtl.training.schedules import CosineWithWarmup
from mtl.visualization.panels import cosine_panel
from mtl.visualization.tensorboard import Board, MapTotals
from targets.scene import Bool, Float

PANEL_MAPS = 4  # maps drawn per head in TensorBoard
GRADIENT_BATCHES = 4  # of an epoch, on which the heads' gradients are compared
BALANCE_RATE = 0.01  # of learned log-variances: Adam moves one by about this much a step, hundreds of steps settle it


class MultiTaskModule(L.LightningModule):
    """The shared network with the losses, scores and optimiser of a run."""

    net: MultiHeadNet

    def __init__(self, config: TrainConfig, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        self.lr = config.optim.lr  # under which name Lightning's tuner asks for it
        self.net, self.inputs, self.heads = build_net(config, pretrained)
        self.net = self.net.to(memory_format=torch.channels_last)
        self.balance = find_weighting(config.optim.balance, [config.optim.loss_weights.get(h.name, 1.0) for h in self.heads])
        later = replace(config.optim, losses=config.optim.losses | config.optim.second_stage_losses)
        self.later_heads = with_losses(self.heads, later)
        self.outputs = outputs_of(self.heads)
        self.sums = {output.name: MapTotals(len(output.metric.state)) for output in self.outputs}
        self.board = Board(self.outputs)
        self.plateau: ReduceLROnPlateau | None = None
        self.saved_plateau: dict[str, Any] | None = None
        self.losses: dict[str, list[float]] = {}
        self.answered: list[tuple[Sample, dict[str, Float]]] = []
        self.gradients: list[tuple[Tensor, Tensor]] = []  # products of an epoch's gradients, and weights
        self.means: dict[str, tuple[Tensor, int]] = {}  # of an epoch so far: sums over patches, and patches
        # Half a tile apart and one look, rather than as prediction is set to: validation comes every epoch.
        quick = replace(config.predict, stride=max(STRIDE, config.patches.size // 2 // STRIDE * STRIDE), tta="none")
        config = replace(config, predict=quick)
        self.predictor = Predictor((self.net,), self.net.fusion, self.inputs, self.heads, config)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The weighted sum of all heads' losses on a batch of patches, that of all processes."""
        self.batch = batch
        with global_batch():
            inputs = batch["inputs"].contiguous(memory_format=torch.channels_last)
            shared, stages = self.net.features(inputs)
            costs = self.costs(self.net.answers(shared, inputs.shape[-2:]), batch)
            by_head = {head.name: cost for head, cost in zip(self.heads, costs, strict=True)}
            require_finite(by_head, "loss", batch, self.trainer)
            early = [self.costs(logits, batch) for logits in self.net.early_answers(stages, inputs.shape[-2:])]
            supervised = costs
            if early:
                share = self.config.net.deep_supervision / len(early)
                supervised = [cost + share * sum(others) for cost, *others in zip(costs, *early, strict=True)]
            total, weights = self.balance(supervised, shared)
            if batch_idx % math.ceil(self.trainer.num_training_batches / GRADIENT_BATCHES) == 0:
                self.gradients.append((gradient_gramian(costs, shared).cpu(), weights.cpu()))
            patches = int(all_reduce(torch.tensor(len(inputs))))
        for head, cost, weight in zip(self.heads, costs, weights, strict=True):
            self.add_to_mean(f"{head.name}/train_loss", cost, patches)
            self.add_to_mean(f"{head.name}/weight", weight, patches)
        self.log("loss", total.detach(), prog_bar=True, on_step=True, on_epoch=False)
        return total

    def costs(self, logits: Mapping[str, Tensor], batch: Batch) -> list[Tensor]:
        """Every head's loss on a batch."""
        return [
            head.compute_loss(logits[head.name], batch[f"target/{head.name}"], batch[f"valid/{head.name}"])
            for head in self.heads_now
        ]

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Look at the gradients; in 16-mixed the scaler takes care of them, by leaving out the step."""
        if self.config.loop.precision != "16-mixed":
            require_finite(gradient_norms(self.net), "gradient", self.batch, self.trainer)

    @property
    def heads_now(self) -> tuple[Head, ...]:
        """The heads with the losses of this epoch."""
        optim = self.config.optim
        return self.later_heads if optim.second_stage_losses and self.current_epoch >= optim.second_stage_epoch else self.heads

    def add_to_mean(self, name: str, value: Tensor, patches: int) -> None:
        """Add a figure of a batch to its mean over the epoch, which is kept in a checkpoint within the epoch, too."""
        total, count = self.means.get(name, (torch.zeros_like(value), 0))
        self.means[name] = total.to(value.device) + value.detach() * patches, count + patches

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Patches go to the device; a whole map stays where it is, its tiles are sent one batch at a time."""
        return batch if isinstance(batch, Sample) else super().transfer_batch_to_device(batch, device, dataloader_idx)

    def setup(self, stage: str) -> None:
        """Let every process drop other features; their weights are those of the first."""
        if self.global_rank:
            torch.manual_seed(self.config.loop.seed + self.global_rank)

    def on_validation_epoch_start(self) -> None:
        self.losses = {head.name: [] for head in self.heads}
        self.answered = []

    def validation_step(self, sample: Sample | None) -> None:
        """Predict one whole map by tiles, as `tools/predict.py` does, and add up its scores; None: there is no map."""
        if sample is None:
            return
        predictor = self.predictor.known_by([",".join(sample.shown[0])])
        values, logits = predictor.answer_and_logits(lambda rows: sample.inputs[:, rows], sample.scene)
        for output in self.outputs:
            if output is not FUSION:
                self.judge(output, values[output.name], *sample.target_of(output))
        for head in self.heads_now:
            target, valid = sample.targets[head.name], sample.valid[head.name]
            raw = torch.from_numpy(logits[head.name])[None].nan_to_num()
            cells = torch.tensor(valid)[None, None].float()  # copied: the validity of a seismic image is read-only
            self.losses[head.name].append(float(head.compute_loss(raw, torch.from_numpy(target)[None], cells)))
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
                losses = all_gather_objects(self.losses[output.name])
                figures["val_loss"] = sum(losses) / max(1, len(losses))
            for name, value in figures.items():
                self.log(f"{output.name}/{name}", value, prog_bar=name == output.metric.primary and output is self.heads[0])
        if self.draws_now():
            self.draw_panels()
        self.board.clear()
        self.answered = []
        self.log_gradients()
        for name, (total, count) in self.means.items():
            self.log(name, total / count)
        self.means = {}

    def draws_now(self) -> bool:
        """Whether this epoch has its pictures: the last one has, and one in `panels_every`."""
        last = self.current_epoch + 1 == self.config.loop.epochs
        return last or self.current_epoch % self.config.loop.panels_every == 0

    def fuse(self, fusion: Fusion) -> None:
        """Fit the weights of the fusion to the validation maps, and judge what it then says about them."""
        targets = [sample.target_of(FUSION) for sample, _ in self.answered]
        answers = [(sample.shown[0], values) for sample, values in self.answered]
        fusion.fit([(*answer, *target) for answer, target in zip(answers, targets, strict=True)])
        for (shown, values), target in zip(answers, targets, strict=True):
            values[FUSION.name] = fusion(values, shown)
            self.judge(FUSION, values[FUSION.name], *target)

    def judge(self, output: Output, prediction: Float, target: Float, valid: Bool) -> None:
        """Add up the score of an output on one map, and what its pictures count."""
        counted = output.metric.update(prediction, target, valid)
        self.sums[output.name].update([counted[name] for name in output.metric.state])
        self.board.add(output, prediction, target, valid)

    def figures(self, output: Output) -> dict[str, float]:
        """The figures of an output over all maps pooled."""
        pooled = self.sums[output.name].compute().tolist()
        return output.metric.compute(dict(zip(output.metric.state, pooled, strict=True)))

    def writers(self) -> list[SummaryWriter]:
        """What writes pictures for TensorBoard, in the process that writes."""
        loggers = self.loggers if self.trainer.is_global_zero else []
        return [logger.experiment for logger in loggers if isinstance(logger, TensorBoardLogger)]

    def draw_panels(self) -> None:
        """The pictures of every output in TensorBoard."""
        samples, predictions = zip(*self.answered[:PANEL_MAPS], strict=True)
        for writer in self.writers():
            self.board.draw(writer, self.current_epoch, samples, predictions)

    def log_gradients(self) -> None:
        """Log what the heads asked of the shared features in this epoch: how much, and who fought whom."""
        lengths = torch.stack([weights * products.diagonal().sqrt() for products, weights in self.gradients]).mean(0)
        cosine = torch.stack([cosine_similarities(products) for products, _ in self.gradients]).nanmean(0).tolist()
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
            _, mode = monitored_metric(self.config, self.heads)
            self.plateau = ReduceLROnPlateau(optimizer, mode=mode, factor=optim.plateau_factor, patience=optim.plateau_patience)
            if self.saved_plateau is not None:
                self.plateau.load_state_dict(self.saved_plateau)
        if optim.schedule in ("cosine", "one_cycle"):
            rate = self.rate_by_step(optimizer, int(self.trainer.estimated_stepping_batches))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}
        return optimizer

    def rate_by_step(self, optimizer: torch.optim.Optimizer, steps: int) -> LRScheduler:
        """The schedule of a run of so many steps."""
        warmup = self.config.optim.warmup_fraction
        if self.config.optim.schedule == "cosine":
            return LambdaLR(optimizer, CosineWithWarmup(steps, max(1, round(warmup * steps))))
        steps = max(4, steps)  # torch divides by the length of either part less one step
        highest = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, highest, total_steps=steps, pct_start=max(warmup, 2 / steps))

    def on_train_epoch_start(self) -> None:
        for group in self.trainer.optimizers[0].param_groups:
            self.add_to_mean(f"rate/{group['name']}", torch.tensor(group["lr"]), 1)

    def on_train_epoch_end(self) -> None:
        """Close the epoch of the heads' weights, and lower the rates on a plateau.

        Lightning would lower them after the epoch's checkpoint is written, and a resumed run would miss it.
        """
        self.balance.end_epoch()
        if self.plateau is not None:
            self.plateau.step(float(self.trainer.callback_metrics[monitored_metric(self.config, self.heads)[0]]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the config, the plateau, where the run stands, what is counted of the epoch so far, and the random state:
        patches and their variation need none, dropout does."""
        checkpoint[KEY] = self.config.as_dict()
        batches = int((self.trainer.fit_loop.batch_idx + 1) % self.trainer.num_training_batches)
        checkpoint[POSITION] = {"epoch": self.current_epoch + (batches == 0), "batches": batches}
        checkpoint["so_far"] = {"means": self.means, "gradients": self.gradients}
        checkpoint["random"] = torch.stack(all_gather_objects([torch.get_rng_state()]))
        if self.plateau is not None:
            checkpoint["plateau"] = self.plateau.state_dict()
        if torch.cuda.is_available():
            checkpoint["random_cuda"] = all_gather_objects([torch.cuda.get_rng_state()])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore plateau and random state; Lightning restores weights, optimiser, cosine schedule and position."""
        states, rank = torch.atleast_2d(checkpoint["random"].cpu()), self.global_rank
        if rank < len(states):  # there were as many processes
            torch.set_rng_state(states[rank].clone())  # torch crashes on a part of a tensor
        self.saved_plateau = checkpoint.get("plateau")  # the scheduler itself is made later
        if "so_far" in checkpoint:
            self.means, self.gradients = checkpoint["so_far"]["means"], checkpoint["so_far"]["gradients"]
        if torch.cuda.is_available() and rank < len(checkpoint.get("random_cuda", [])):
            torch.cuda.set_rng_state(checkpoint["random_cuda"][rank].cpu())
