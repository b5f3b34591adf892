"""Differentiable all-reduce and all-gather over the global batch, so that DDP equals one process with all patches."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

Item = TypeVar("Item")
_is_global = False  # whether sums are over the batches of all processes


def is_distributed() -> bool:
    """Whether this process trains together with others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


@contextmanager
def global_batch() -> Iterator[None]:
    """Make `all_reduce`, `all_gather` and `world_size` span all processes inside this block.

    All processes must then ask for the same sums in the same order. Validation stays outside: processes have unequal
    numbers of maps, and each predicts its own.
    """
    global _is_global
    _is_global = is_distributed()
    try:
        yield
    finally:
        _is_global = False


def world_size() -> int:
    """Number of processes that a sum spans: 1 outside `global_batch`."""
    return dist.get_world_size() if _is_global else 1


def all_reduce(sums: Tensor) -> Tensor:
    """Sums of one batch -> sums over the global batch; the sums themselves outside `global_batch`.

    A loss made of such sums is the same in all processes. Its gradient comes back from each of them and is
    `world_size()` times too large; DDP's mean of the gradients makes it that of one process with the global batch.
    """
    return _AllReduce.apply(sums) if _is_global else sums


def all_gather(values: Tensor) -> Tensor:
    """Values (n,), n differing between processes -> those of all processes in the order of ranks; differentiable."""
    if not _is_global:
        return values
    lengths = all_gather_objects([len(values)])
    before = sum(lengths[: dist.get_rank()])
    return all_reduce(F.pad(values, (before, sum(lengths) - before - len(values))))


def all_gather_objects(items: Sequence[Item]) -> list[Item]:
    """The items of all processes in the order of ranks, whether or not inside `global_batch`."""
    if not is_distributed():
        return list(items)
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, list(items))
    return [item for own in found for item in own]


class _AllReduce(Function):
    """Sum over all processes, whose gradient is summed over them too."""

    @staticmethod
    def forward(context: Any, sums: Tensor) -> Tensor:
        total = sums.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _AllReduce.apply(gradient)
