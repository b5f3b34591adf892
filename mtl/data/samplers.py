"""Samplers: the order of patches in an epoch, and their share of each process."""

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np
from torch.utils.data import Sampler

from mtl.distributed.launch import Process
from targets.errors import UserError
from targets.scene import Bool


class EpochSampler(Sampler[int]):
    """Every patch `repeats` times an epoch, in an order drawn from seed and epoch; yields the keys of `Patches`.

    Parameters
    ----------
    wanted
        (length,) bool, patches to show each time; of the others only as many, drawn anew each time, as leave the wanted
        ones their `share`. None: all patches each time.
    """

    def __init__(
        self, length: int, seed: int, repeats: int = 1, wanted: Bool | None = None, share: float = 0.0
    ) -> None:
        self._length, self._seed, self._repeats = length, seed, repeats
        self._epoch = self._shown = 0
        self._wanted = np.ones(length, bool) if wanted is None or not wanted.any() else wanted
        number = int(self._wanted.sum())
        self._others = (
            min(length - number, math.floor(number * (1 - share) / share + 1e-9)) if share else length - number
        )

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop at the start of an epoch."""
        if epoch != self._epoch:
            self.go_on(epoch, 0)

    def go_on(self, epoch: int, shown: int) -> None:
        """Begin with an epoch of which so many patches were shown before the run was interrupted.

        Workers ask for patches before the training loop calls `set_epoch`.
        """
        self._epoch, self._shown = epoch, shown

    def __len__(self) -> int:
        return (int(self._wanted.sum()) + self._others) * self._repeats

    def __iter__(self) -> Iterator[int]:
        return islice(self._keys(), self._shown, None)

    def _keys(self) -> Iterator[int]:
        for turn_of_all in range(self._epoch * self._repeats, (self._epoch + 1) * self._repeats):
            order = np.random.default_rng([self._seed, turn_of_all]).permutation(self._length)
            others = np.cumsum(~self._wanted[order])  # the first of the others in this order are shown
            shown = order[self._wanted[order] | (others <= self._others)]
            yield from (turn_of_all * self._length + shown).tolist()


def number_of_batches(patches: int, size: int, processes: int) -> int:
    """Batches of `size` patches for every process; too few for each process to have one, the last join those before."""
    full, rest = divmod(patches, size * processes)
    return full + (rest >= processes)


class Batches(Sampler[list[int]]):
    """What one of several processes has of every batch of an epoch; all together, each patch of `sampler` once.

    Parameters
    ----------
    size
        Patches of a process in a batch.
    process
        Which of all it is for.

    Raises
    ------
    UserError
        Fewer patches than processes.
    """

    def __init__(self, sampler: EpochSampler, size: int, process: Process) -> None:
        self.sampler, self._size, self._process = sampler, size, process  # Lightning tells `sampler` the epoch
        if len(sampler) < process.number:
            found = f"{len(sampler)} patches in an epoch for {process.number} processes"
            raise UserError("--data", found, "a patch for each at least", "use fewer processes, or --loop.repeats")

    def __len__(self) -> int:
        return number_of_batches(len(self.sampler), self._size, self._process.number)

    def __iter__(self) -> Iterator[list[int]]:
        keys = list(self.sampler)  # fewer than its length, where a resumed epoch goes on
        size, number = self._size, self._process.number
        ends = size * number * np.arange(1, number_of_batches(len(keys), size, number))
        for batch in np.split(np.array(keys), ends):
            yield self._process.share(batch.tolist())
