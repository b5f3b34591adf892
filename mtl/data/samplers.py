"""Samplers: the order of patches in an epoch, and the shard of each batch that a process trains on."""

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np
from torch.utils.data import Sampler

from mtl.distributed.launch import Process
from targets.errors import UserError
from targets.scene import Bool


class EpochSampler(Sampler[int]):
    """Random order of the patches of an epoch, drawn from seed and epoch; yields keys of `PatchDataset`.

    Parameters
    ----------
    length : int
        Number of patches.
    seed : int
        Seed of the order.
    repeats : int, default 1
        How often every patch is drawn in an epoch.
    priority : (length,) bool, default None
        Patches to draw every time; None: all.
    min_fraction : float, default 0.0
        Least fraction of `priority` patches in an epoch: of the others only as many are drawn, different ones each
        time, as leave it. 0: all patches every time.

    Examples
    --------
    >>> sampler = EpochSampler(4, seed=0, priority=np.array([True, False, False, False]), min_fraction=0.5)
    >>> keys = list(sampler)
    >>> len(keys), 0 in keys
    (2, True)
    """

    def __init__(
        self, length: int, seed: int, repeats: int = 1, priority: Bool | None = None, min_fraction: float = 0.0
    ) -> None:
        self._length, self._seed, self._repeats = length, seed, repeats
        self._epoch = self._already_seen = 0
        self._priority = np.ones(length, bool) if priority is None or not priority.any() else priority
        number = int(self._priority.sum())
        self._others = length - number
        if min_fraction:
            self._others = min(self._others, math.floor(number * (1 - min_fraction) / min_fraction + 1e-9))

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop at the start of an epoch."""
        if epoch != self._epoch:
            self.resume(epoch, 0)

    def resume(self, epoch: int, already_seen: int) -> None:
        """Begin with an epoch of which so many patches were seen before the run was interrupted.

        Workers ask for patches before the training loop calls `set_epoch`.
        """
        self._epoch, self._already_seen = epoch, already_seen

    def __len__(self) -> int:
        return (int(self._priority.sum()) + self._others) * self._repeats

    def __iter__(self) -> Iterator[int]:
        return islice(self._keys(), self._already_seen, None)

    def _keys(self) -> Iterator[int]:
        for repeat in range(self._epoch * self._repeats, (self._epoch + 1) * self._repeats):
            order = np.random.default_rng([self._seed, repeat]).permutation(self._length)
            others = np.cumsum(~self._priority[order])  # the first of the others in this order are drawn
            drawn = order[self._priority[order] | (others <= self._others)]
            yield from (repeat * self._length + drawn).tolist()


def count_batches(patches: int, size: int, world_size: int) -> int:
    """Batches of an epoch, of `size` patches in each process.

    Patches left over that cannot give each process one, and a single one, join the batch before.

    Examples
    --------
    >>> [count_batches(patches, size=4, world_size=1) for patches in (8, 9, 10)], count_batches(9, 4, world_size=2)
    ([2, 2, 3], 1)
    """
    full, rest = divmod(patches, size * world_size)
    least = max(world_size, min(2, size))  # one patch may be too little for batch norm
    return max(1, full + (rest >= least))


class DistributedBatchSampler(Sampler[list[int]]):
    """The shard of every batch of an epoch that one process trains on; all processes together see each patch once.

    Parameters
    ----------
    sampler : EpochSampler
        Order of the patches; Lightning sets its epoch.
    size : int
        Patches of a process in a batch.
    process : Process
        Rank and world size.

    Raises
    ------
    UserError
        Fewer patches than processes.
    """

    def __init__(self, sampler: EpochSampler, size: int, process: Process) -> None:
        self.sampler, self._size, self._process = sampler, size, process
        if len(sampler) < process.world_size:
            found = f"{len(sampler)} patches in an epoch for {process.world_size} processes"
            raise UserError(
                "--data", found, "a patch for each at least", "use fewer processes, or --loop.repeats_per_epoch"
            )

    def __len__(self) -> int:
        return count_batches(len(self.sampler), self._size, self._process.world_size)

    def __iter__(self) -> Iterator[list[int]]:
        keys = list(self.sampler)  # fewer than its length, where an interrupted epoch is resumed
        size, world_size = self._size, self._process.world_size
        ends = size * world_size * np.arange(1, count_batches(len(keys), size, world_size))
        for batch in np.split(np.array(keys), ends):
            yield self._process.shard(batch.tolist())
