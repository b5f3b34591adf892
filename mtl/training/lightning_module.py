"""Lightning module of a run: the multi-head network, its losses and its optimiser.

Everything that watches training, such as metrics, pictures and checks, is a callback (`mtl.training.callbacks`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import lightning as L
import torch
from torch import Tensor

from mtl.config import STRIDE, TrainConfig
from mtl.data.sample import TRAPS, Batch, Sample, traps_of
from mtl.distributed.collectives import all_reduce, global_batch
from mtl.inference.predictor import Predictor
from mtl.losses.masked import MaskedTraps
from mtl.losses.weighting import find_weighting
from mtl.models.checkpoint import CONFIG_KEY, build_net
from mtl.models.multi_head_net import MultiHeadNet
from mtl.tasks.base import Head
from mtl.tasks.heads import collect_outputs, with_losses
from mtl.training.schedules import make_schedule
from targets.scene import Float

LOG_VARIANCE_LR = 0.01  # Adam moves a learned log-variance by about this much a step: hundreds of steps settle it


@dataclass(frozen=True)
class TrainingStep:
    """What callbacks may look at after the forward pass of a step.

    Attributes
    ----------
    batch : Batch
        The patches of this process.
    losses : tuple[Tensor, ...]
        Each head's loss on the global batch; a part of the graph until the backward pass.
    weights : Tensor
        (heads,) weights of the losses, without gradient.
    features : Tensor | None
        (B, width, h, w) features that all heads share; None from the backward pass on, which frees their graph.
    patches : int
        Size of the global batch.
    """

    batch: Batch
    losses: tuple[Tensor, ...]
    weights: Tensor
    features: Tensor | None
    patches: int


class ValidatedMap(NamedTuple):
    """One validation map with its predictions.

    Attributes
    ----------
    sample : Sample
        The map, its targets and their validity.
    predictions : dict[str, Float]
        {output: (C, H, W) float32 in the output's unit}; the stacked output is missing.
    losses : dict[str, float]
        {head: loss on the whole map}.
    """

    sample: Sample
    predictions: dict[str, Float]
    losses: dict[str, float]


class MultiTaskModule(L.LightningModule):
    """The network of a run with its losses and optimiser.

    Parameters
    ----------
    config : TrainConfig
        The settings of the run.
    pretrained : bool, default True
        Start the encoder from ImageNet weights, if the config asks for them.
    """

    net: MultiHeadNet
    step: TrainingStep

    def __init__(self, config: TrainConfig, pretrained: bool = True) -> None:
        super().__init__()
        self.config = config
        self.lr = config.optim.lr  # Lightning's tuner asks for this name
        self.net, self.inputs, self.heads = build_net(config, pretrained)
        self.net = self.net.to(memory_format=torch.channels_last)
        given = [config.optim.loss_weights.get(head.name, 1.0) for head in self.heads]
        self.balance = find_weighting(config.optim.balance, given)
        second_stage = config.optim.losses | config.optim.second_stage_losses
        later = replace(config.optim, losses=second_stage)
        self.second_stage_heads = with_losses(self.heads, later, config.targets.traps)
        self.outputs = collect_outputs(self.heads)
        # Validation comes every epoch: tiles lie half a patch apart, without test-time augmentation.
        stride = max(STRIDE, config.patches.size // 2 // STRIDE * STRIDE)
        quick = replace(config, predict=replace(config.predict, stride=stride, tta="none"))
        self.predictor = Predictor((self.net,), self.net.fusion, self.inputs, self.heads, quick)

    @property
    def current_heads(self) -> tuple[Head, ...]:
        """The heads with the losses of this epoch."""
        optim = self.config.optim
        second_stage = optim.second_stage_losses and self.current_epoch >= optim.second_stage_epoch
        return self.second_stage_heads if second_stage else self.heads

    def setup(self, stage: str) -> None:
        """Seed dropout differently in every process; DDP copies the initial weights of the main one to all."""
        if self.global_rank:
            torch.manual_seed(self.config.loop.seed + self.global_rank)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move patches to the device; a whole map stays where it is, its tiles follow a batch at a time."""
        return batch if isinstance(batch, Sample) else super().transfer_batch_to_device(batch, device, dataloader_idx)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Weighted sum of all heads' losses on the global batch."""
        with global_batch():
            inputs = batch["inputs"].contiguous(memory_format=torch.channels_last)
            features, stages = self.net.features(inputs)
            losses = self.head_losses(self.net.head_logits(features, inputs.shape[-2:], inputs), batch)
            early = [
                self.head_losses(logits, batch)
                for logits in self.net.deep_supervision_logits(stages, inputs.shape[-2:])
            ]
            supervised = losses
            if early:
                share = self.config.net.deep_supervision / len(early)
                supervised = [loss + share * sum(others) for loss, *others in zip(losses, *early, strict=True)]
            total, weights = self.balance(supervised, features)
            patches = int(all_reduce(torch.tensor(len(inputs))))
        self.step = TrainingStep(batch, tuple(losses), weights, features, patches)
        self.log("total_loss", total.detach(), prog_bar=True, on_step=True, on_epoch=False)
        return total

    def head_losses(self, logits: Mapping[str, Tensor], batch: Batch) -> list[Tensor]:
        """Every head's loss on a batch, in the order of the heads."""
        traps = traps_of(batch)
        return [
            head.compute_loss(logits[head.name], batch[f"target/{head.name}"], batch[f"valid/{head.name}"], traps)
            for head in self.current_heads
        ]

    def on_before_backward(self, loss: Tensor) -> None:
        """Let go of the graph: the callbacks, whose hooks come first, have seen it."""
        losses = tuple(head_loss.detach() for head_loss in self.step.losses)
        self.step = replace(self.step, losses=losses, features=None)

    def validation_step(self, sample: Sample | None) -> ValidatedMap | None:  # type: ignore[override]
        """Predict one whole map by tiles, as `tools/predict.py` does; None: this process has no map."""
        if sample is None:
            return None
        predictor = self.predictor.with_input_sets([",".join(sample.input_sets[0])])
        predictions, logits = predictor.predict_with_logits(
            lambda rows: sample.inputs[:, rows], sample.scene, sample.judged.scene
        )
        traps = None
        if TRAPS in sample.targets:
            planes, known = sample.targets[TRAPS], sample.valid[TRAPS]
            traps = MaskedTraps(torch.from_numpy(planes)[None], torch.from_numpy(known)[None, None])
        losses = {}
        for head in self.current_heads:
            target = torch.from_numpy(sample.targets[head.name])[None]
            valid = torch.tensor(sample.valid[head.name])[None, None].float()  # copied: a seismic image's is read-only
            raw = torch.from_numpy(logits[head.name])[None].nan_to_num()
            losses[head.name] = float(head.compute_loss(raw, target, valid, traps))
        return ValidatedMap(sample, predictions, losses)

    def configure_optimizers(self) -> Any:
        """AdamW with a learning rate of its own for a pretrained encoder, and the schedule."""
        optim, net = self.config.optim, self.net
        encoder_lr = optim.lr if self.config.net.encoder_weights == "none" else optim.encoder_lr
        decoder = [p for part in (net.decoder, net.mix, net.heads, net.residuals, net.early) for p in part.parameters()]
        groups: list[dict[str, Any]] = [
            {"params": net.encoder.parameters(), "lr": encoder_lr, "name": "encoder"},
            {"params": decoder, "lr": optim.lr, "name": "decoder"},
        ]
        if learned := list(self.balance.parameters()):
            groups.append({"params": learned, "lr": LOG_VARIANCE_LR, "weight_decay": 0.0, "name": "balance"})
        optimizer = torch.optim.AdamW(groups, weight_decay=optim.weight_decay)
        schedule = make_schedule(optimizer, optim, lambda: int(self.trainer.estimated_stepping_batches))
        if schedule is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_end(self) -> None:
        """Let the weights of the losses know that an epoch has ended."""
        self.balance.end_epoch()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the config, without which a checkpoint cannot be read."""
        checkpoint[CONFIG_KEY] = self.config.as_dict()
