"""Stop of a run at the first NaN or infinite loss or gradient, with its batch kept and its maps named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from mtl.data.dataset import PatchDataset
from mtl.data.sample import Batch
from mtl.distributed.collectives import all_gather_objects
from mtl.training.callbacks.checkpoint_files import save_atomically
from mtl.training.lightning_module import MultiTaskModule
from targets.errors import UserError

STOPPED_FILE = "stopped.pt"  # in the run folder: the batch at which a run stopped, and the weights that it met


class FiniteCheck(Callback):
    """Checks the heads' losses before every backward pass, and the gradients before every optimiser step.

    In 16-mixed precision gradients are not checked: the scaler expects infinite ones and skips their step.
    """

    def on_before_backward(self, trainer: L.Trainer, pl_module: MultiTaskModule, loss: Tensor) -> None:  # type: ignore[override]
        step = pl_module.step
        losses = {head.name: head_loss for head, head_loss in zip(pl_module.heads, step.losses, strict=True)}
        require_finite(losses, "loss", step.batch, trainer)

    def on_before_optimizer_step(
        self,
        trainer: L.Trainer,
        pl_module: MultiTaskModule,  # type: ignore[override]
        optimizer: Optimizer,
    ) -> None:
        if trainer.precision != "16-mixed":
            require_finite(gradient_norms(pl_module.net), "gradient", pl_module.step.batch, trainer)


def gradient_norms(net: nn.Module) -> dict[str, Tensor]:
    """{part: L2 norm of its gradient} of every child of a network that has one."""
    parts = {
        name: [weight.grad for weight in part.parameters() if weight.grad is not None]
        for name, part in net.named_children()
    }
    return {name: get_total_norm(gradients) for name, gradients in parts.items() if gradients}


def require_finite(values: Mapping[str, Tensor], what: str, batch: Batch, trainer: L.Trainer) -> None:
    """Stop before a NaN or infinite value spoils the weights; the batch and the weights stay in stopped.pt.

    Parameters
    ----------
    values : Mapping[str, Tensor]
        {head or part of the network: value}.
    what : str
        `loss` or `gradient`.
    batch : Batch
        The patches of this process, with their keys.
    trainer : L.Trainer
        Of the run.

    Raises
    ------
    UserError
        A value is not finite; it names the maps of the global batch.
    """
    if torch.stack(list(values.values())).isfinite().all():
        return
    wrong = {name: value.item() for name, value in values.items() if not value.isfinite()}
    batch = {name: torch.cat(all_gather_objects([value.cpu()])) for name, value in batch.items()}  # the global batch
    patches: PatchDataset = cast(Any, trainer.train_dataloader).dataset
    places = [patches.locate(int(key)) for key in batch["key"]]
    path = Path(trainer.default_root_dir) / STOPPED_FILE
    content = {
        "what": what,
        "values": wrong,
        "epoch": trainer.current_epoch,
        "step": trainer.global_step,
        "places": places,
        "batch": batch,
        "weights": trainer.lightning_module.state_dict(),
    }
    if trainer.is_global_zero:
        save_atomically(content, path)
    trainer.strategy.barrier()
    raise UserError(
        path,
        f"holds the batch of epoch {trainer.current_epoch + 1} at which the {what} was not finite "
        f"({', '.join(f'{name} {value}' for name, value in wrong.items())}), "
        f"of maps {', '.join(dict.fromkeys(name for name, _ in places))}",
        "finite losses and gradients",
        "look at these maps with tools/check_data.py, or lower --optim.lr; --resume continues from last.ckpt",
    )
