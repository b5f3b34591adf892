"""Strips cover a grid once, in order, with threads and without."""

import numpy as np
import pytest

from targets.closure import catchments, find_closures, strips
from tests.targets.closure.cases import rough


@pytest.mark.parametrize(("size", "threads"), [(100, 3), (strips.SMALL, 1), (strips.SMALL, 3)])
@pytest.mark.parametrize("length", [1, 5, 97])
def test_strips_cover_everything_once(size: int, threads: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "threads_for", lambda size: threads if size >= strips.SMALL else 1)
    found = strips.map_strips(size, length, range)
    assert [i for part in found for i in part] == list(range(length))
    assert len(found) == (1 if size < strips.SMALL or threads == 1 else min(length, 4 * threads))


@pytest.mark.parametrize("interval", [None, 2.0])
def test_the_number_of_threads_does_not_matter(interval: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines with other numbers of cores find the same closures; only sums of volumes differ, in the last digits."""
    depth = np.round(rough(5, (90, 70)) * 2)
    answers = []
    for threads in (1, 2, 7):
        monkeypatch.setattr(strips, "threads_for", lambda size, threads=threads: threads)
        found = find_closures(depth, faults=depth % 11 == 0, fault_rule="sealing", contour_interval=interval)
        answers.append((found, catchments(found)))
    first, drained = answers[0]
    assert first.table.size > 20
    for found, catchment in answers[1:]:
        assert (found.labels == first.labels).all() and (found.height == first.height).all()
        assert (catchment == drained).all()
        for name in set(found.table.dtype.names or ()) - {"volume"}:
            assert (found.table[name] == first.table[name]).all(), name
        assert np.allclose(found.table["volume"], first.table["volume"], rtol=1e-12, atol=0)
