"""Order of patches over the epochs of a run, and the shards of several processes."""

import numpy as np
import pytest

from mtl.data.samplers import DistributedBatchSampler, EpochSampler
from mtl.distributed.launch import Process
from targets.errors import UserError


def test_the_sampler_draws_every_patch_once_an_epoch_in_an_order_of_its_own():
    sampler = EpochSampler(10, seed=1)
    first = list(sampler)
    sampler.set_epoch(3)
    later = list(sampler)
    assert sorted(first) == list(range(10)) and sorted(later) == list(range(30, 40))
    assert first != sorted(first) and [key - 30 for key in later] != first


def test_patches_without_traps_take_turns_if_traps_are_rare():
    priority = np.arange(40) % 10 == 0  # four of forty hold a trap
    sampler = EpochSampler(40, 1, priority=priority, min_fraction=0.5)
    seen = []
    for epoch in range(12):
        sampler.set_epoch(epoch)
        numbers = [key - 40 * epoch for key in sampler]
        assert len(numbers) == len(sampler) == 8 and set(np.flatnonzero(priority)) <= set(numbers)
        seen += numbers
    assert len(set(seen)) > 30  # the others take turns
    assert len(EpochSampler(40, 1, priority=priority, min_fraction=0.05)) == 40  # traps are frequent enough
    assert len(EpochSampler(40, 1, priority=priority)) == 40
    assert len(EpochSampler(40, 1, priority=priority, min_fraction=1.0)) == 4
    assert (
        len(EpochSampler(40, 1, priority=~priority & priority, min_fraction=0.5)) == 40
    )  # no trap at all: nothing to prefer


def test_an_epoch_resumes_where_it_was_and_the_next_is_whole():
    whole, parts = EpochSampler(7, seed=1), EpochSampler(7, seed=1)
    parts.resume(epoch=3, already_seen=4)
    for epoch, first in ((3, 4), (4, 0)):
        whole.set_epoch(epoch)
        parts.set_epoch(epoch)
        assert list(parts) == list(whole)[first:] and len(parts) == 7


def shards(sampler, size, number):
    """The batches of every process."""
    return [list(DistributedBatchSampler(sampler, size, Process(rank, number, 1, None))) for rank in range(number)]


@pytest.mark.parametrize(("patches", "number"), [(n, k) for n in (3, 7, 8, 9, 12, 25) for k in (1, 2, 3)])
def test_all_processes_together_see_every_patch_once_in_batches_of_one_process(patches, number):
    sampler = EpochSampler(patches, seed=1)
    own, (whole,) = shards(sampler, 2, number), shards(sampler, 2 * number, 1)
    assert len({len(batches) for batches in own}) == 1 and all(batch for batches in own for batch in batches)
    assert sorted(key for batches in own for batch in batches for key in batch) == list(range(patches))
    joined = [[key for batch in step for key in batch] for step in zip(*own, strict=True)]
    if len(whole) > 1 and len(whole[-1]) < number:  # too few for each process to have one
        *whole, before, last = whole
        whole.append(before + last)
    assert joined == whole


def test_an_epoch_resumes_with_the_next_batch_of_all_processes():
    sampler = EpochSampler(13, seed=1)
    whole = shards(sampler, 2, 3)
    sampler.resume(0, 6)
    assert shards(sampler, 2, 3) == [batches[1:] for batches in whole]


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_no_batch_has_a_single_patch_unless_all_have(size):
    for patches in range(1, 20):
        ((*batches,),) = shards(EpochSampler(patches, seed=1), size, 1)
        assert sum(map(len, batches)) == patches
        assert all(len(batch) > 1 for batch in batches) or min(size, patches) == 1


def test_a_process_without_a_patch_is_refused():
    with pytest.raises(UserError, match="2 patches in an epoch for 3 processes"):
        DistributedBatchSampler(EpochSampler(2, seed=1), 4, Process(0, 3, 1, None))


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_every_validation_map_is_in_one_shard_and_rank_0_has_one(number):
    own = [Process(rank, number, 1, None).shard(list("abcd")) for rank in range(number)]
    assert [name for names in own for name in names] == list("abcd")
    assert own[0] and max(map(len, own)) - min(map(len, own)) <= 1
