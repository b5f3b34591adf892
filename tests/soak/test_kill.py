"""The short version of tests/soak/kill.py: a run is killed while it writes, asked to stop, and killed at any moment."""

import pytest

from tests.soak.kill import ANY, ASKED, WRITING, soak


@pytest.mark.long
def test_a_run_that_is_stopped_three_times_is_bit_for_bit_an_undisturbed_one(tmp_path):
    assert soak(tmp_path, times=3, workers=[0]) == {WRITING: 1, ASKED: 1, ANY: 1}
