"""Notes that tasks leave on disk come back as they were, and tiles cover the map once."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from targets.closure.kernels.codes import Grid
from targets.closure.tiles.survey import FramedTile, Settled, survey
from targets.closure.tiles.tasks import cut_tiles, load_record, save_record
from tests.targets.closure.cases import rough


def flat(record: Any) -> list[Any]:
    """All arrays and numbers of a record of records."""
    values = record if isinstance(record, tuple) else [getattr(record, field.name) for field in fields(record)]
    return [leaf for value in values for leaf in (flat(value) if isinstance(value, tuple) else [value])]


@pytest.mark.parametrize("interval", [0.0, 2.5])
def test_what_a_tile_settled_comes_back_from_disk(tmp_path: Path, interval: float) -> None:
    grid = Grid(rough(1, (20, 21)), np.empty((0, 0), np.uint8), True, True, interval, 0.5)
    _, _, settled = survey(FramedTile(grid, 0, 1, 0, 1, 0, 0, 40))
    with (tmp_path / "note").open("wb") as file:
        save_record(settled, file)
    with (tmp_path / "note").open("rb") as file:
        again = load_record(Settled, file)
        assert file.read() == b""
    assert type(again.highs.interval) is float and again.highs.tree._fields == settled.highs.tree._fields
    before, after = flat(settled), flat(again)
    assert len(before) == len(after) > 10 and settled.highs.branches.nodes.size > 0
    for a, b in zip(before, after, strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype and np.array_equal(a, b)


@pytest.mark.parametrize("side", [1, 3, 5, 100])
def test_tiles_cover_the_map_once(side: int) -> None:
    shape = (7, 5)
    count = np.zeros(shape, int)
    for number, tile in enumerate(cut_tiles(shape, side)):
        assert tile.number == number
        count[tile.window] += 1
        window, (top, bottom, left, right) = tile.framed(shape)
        inner = count[window][top : count[window].shape[0] - bottom, left : count[window].shape[1] - right]
        assert inner.shape == count[tile.window].shape and np.shares_memory(inner, count[tile.window])
    assert (count == 1).all()
