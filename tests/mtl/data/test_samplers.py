"""Order of patches over the epochs of a run."""

from mtl.data.samplers import EpochSampler


def test_an_epoch_goes_on_where_it_was_and_the_next_is_whole():
    whole, parts = EpochSampler(7, seed=1), EpochSampler(7, seed=1)
    parts.resume(epoch=3, already_seen=4)
    for epoch, first in ((3, 4), (4, 0)):
        whole.set_epoch(epoch)
        parts.set_epoch(epoch)
        assert list(parts) == list(whole)[first:] and len(parts) == 7
