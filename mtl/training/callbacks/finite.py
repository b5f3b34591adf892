"""What happens when a loss or gradient is NaN or infinite: the run stops, its batch is kept and its maps are named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from mtl.data.sample import Batch
from mtl.distributed.collectives import all_gather_objects
from mtl.training.callbacks.checkpointing import save_atomically
from targets.errors import UserError

STOPPED_FILE = "stopped.pt"  # in the run folder: the batch at which a run stopped, and the weights it met


def gradient_norms(net: nn.Module) -> dict[str, Tensor]:
    """{part: length of its gradient}, of every part of a network that has one."""
    parts = {
        name: [weight.grad for weight in part.parameters() if weight.grad is not None]
        for name, part in net.named_children()
    }
    return {name: get_total_norm(gradients) for name, gradients in parts.items() if gradients}


def require_finite(values: Mapping[str, Tensor], what: str, batch: Batch, trainer: L.Trainer) -> None:
    """Before a value that is NaN or infinite spoils the weights, leave the batch and the weights in stopped.pt.

    Parameters
    ----------
    values : Mapping[str, Tensor]
        By head or part of the network.
    what : str
        Loss or gradient.
    batch : Batch
        Of patches, with their keys.

    Raises
    ------
    UserError
        A value is not finite; it names the maps of the batch.
    """
    if torch.stack(list(values.values())).isfinite().all():
        return
    wrong = {name: value.item() for name, value in values.items() if not value.isfinite()}
    batch = {name: torch.cat(all_gather_objects([value.cpu()])) for name, value in batch.items()}  # of all processes
    patches: Any = trainer.train_dataloader
    places = [patches.dataset.place(int(key)) for key in batch["key"]]
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
        "look at these maps with tools/check_data.py, or lower --optim.lr; --resume goes on from last.ckpt",
    )
