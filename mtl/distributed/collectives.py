"""Several processes as one: losses and batch norm over the batches of all of them, as if one process had these."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.nn.modules._functions import SyncBatchNorm
from torch.overrides import TorchFunctionMode

Item = TypeVar("Item")


def is_distributed() -> bool:
    """Whether this process trains with others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def global_batch() -> AbstractContextManager:
    """Inside it, `over_all`, `joined` and batch norm in training see the batches of all processes.

    All processes must then ask for the same sums in the same order. Validation stays outside: maps are shared out
    unequally, and each process judges its own.
    """
    return _Together() if is_distributed() else nullcontext()


def world_size() -> int:
    """How many processes a sum is over."""
    return dist.get_world_size() if _Together.entered else 1


def all_reduce(sums: Tensor) -> Tensor:
    """Sums of one batch -> sums over the batches of all processes (the sums themselves, outside `together`).

    A loss made of such sums is the same in all processes. Its gradient comes back from each of them, so that it is
    `number()` times too large, and DDP's mean of the gradients makes it that of one process with all batches.
    """
    return _Sum.apply(sums) if _Together.entered else sums


def all_gather(values: Tensor) -> Tensor:
    """(n,) values, n differing between processes -> those of all processes, one after the other."""
    if not _Together.entered:
        return values
    lengths = all_gather_objects([len(values)])
    before = sum(lengths[: dist.get_rank()])
    return all_reduce(F.pad(values, (before, sum(lengths) - before - len(values))))


def all_gather_objects(items: Sequence[Item]) -> list[Item]:
    """The items of all processes, those of the first one first."""
    if not is_distributed():
        return list(items)
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, list(items))
    return [item for own in found for item in own]


class _Sum(Function):
    @staticmethod
    def forward(context: Any, sums: Tensor) -> Tensor:
        total = sums.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _Sum.apply(gradient)


class _Together(TorchFunctionMode):
    """Every kind of batch norm layer calls `F.batch_norm`, so that none has to be exchanged for another: torch's own
    exchange makes a plain layer of timm's, which end with an activation, and works on GPUs alone."""

    entered = False

    def __enter__(self) -> "_Together":
        _Together.entered = True
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        _Together.entered = False
        super().__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.batch_norm and kwargs["training"]:
            return _batch_norm(*args, **kwargs)
        return func(*args, **(kwargs or {}))


def _batch_norm(
    input: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor,
    bias: Tensor,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """`F.batch_norm` in training, with mean and variance of the batches (B, C, ...) of all processes."""
    if input.is_cuda:  # the same in fewer passes over memory
        group, size = dist.group.WORLD, dist.get_world_size()
        return SyncBatchNorm.apply(input, weight, bias, running_mean, running_var, eps, momentum, group, size)
    x = input.float()
    around, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
    counted = torch.cat([x.sum(around), x.new_tensor([x.numel() / x.shape[1]])])
    total, cells = all_reduce(counted).split([x.shape[1], 1])
    mean = total / cells
    centred = x - mean.view(shape)
    variance = all_reduce(centred.square().sum(around)) / cells
    with torch.no_grad():
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(variance * cells / (cells - 1), momentum)
    scale = weight * (variance + eps).rsqrt()
    return (centred * scale.view(shape) + bias.view(shape)).to(input.dtype)
