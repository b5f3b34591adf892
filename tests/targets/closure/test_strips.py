"""Strips cover a grid once, in order, with threads and without."""

import pytest

from targets.closure import strips


@pytest.mark.parametrize(("size", "threads"), [(100, 3), (strips.SMALL, 1), (strips.SMALL, 3)])
@pytest.mark.parametrize("length", [1, 5, 97])
def test_strips_cover_everything_once(size: int, threads: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "threads_for", lambda size: threads if size >= strips.SMALL else 1)
    found = strips.map_strips(size, length, range)
    assert [i for part in found for i in part] == list(range(length))
    assert len(found) == (1 if size < strips.SMALL or threads == 1 else min(length, 4 * threads))
