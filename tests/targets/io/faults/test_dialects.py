"""Dialects of fault files: one known set of faults is the same lines in all of them."""

import numpy as np
import pytest

from targets.io.faults.registry import read_fault_file
from tests.targets.io.faults.dialects import FAULTS, Sample, all_samples

SAMPLES = all_samples()


@pytest.mark.parametrize("group", range(8))
def test_every_dialect_holds_the_same_lines(tmp_path, group):
    for number, sample in enumerate(SAMPLES[group::8]):
        check_sample(sample, tmp_path / f"faults_{number}.txt")


def check_sample(sample: Sample, path) -> None:
    path.write_bytes(sample.data)
    found = read_fault_file(path)
    expected = FAULTS if sample.names is None else FAULTS[: len(sample.names)]
    assert len(found.lines) == len(expected), (sample.title, [(line.name, line.points) for line in found.lines])
    width = 3 if sample.has_z else 2
    for line, known in zip(found.lines, expected, strict=True):
        np.testing.assert_allclose(line.points[:, :width], known.points[:, :width], atol=0.06, err_msg=sample.title)
        assert line.is_polygon == known.is_polygon, sample.title
    if sample.names is not None:
        assert [line.name for line in found.lines] == list(sample.names), sample.title
    assert found.is_named == (sample.names is not None), sample.title
