"""IRAP binary grids: records of any length, and files that lie."""

import struct
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.grids.registry import read_surface
from tests.targets.io.grids.samples import DEPTH, GEO, assert_places


def irap_binary(rows: int = 2, cols: int = 3, lengths: tuple[int, ...] = (24,), values: bytes | None = None) -> bytes:
    """`DEPTH` as IRAP binary, its values in records of these lengths."""
    head = struct.pack(">ii i6f i", 32, -996, rows, 1000, 1200, 2000, 2050, 100, 50, 32)
    head += struct.pack(">i if2f i", 16, cols, 0, 1000, 2000, 16) + struct.pack(">9i", 28, *[0] * 7, 28)
    cells = np.where(np.isnan(DEPTH), 1e30, DEPTH)[::-1].astype(">f4").tobytes() if values is None else values
    body, at = b"", 0
    for length in lengths:
        body += struct.pack(">i", length) + cells[at : at + max(length, 0)] + struct.pack(">i", length)
        at += max(length, 0)
    return head + body


@pytest.mark.parametrize("lengths", [(24,), (12, 12), (4,) * 6])
def test_irap_binary_comes_in_records_of_any_length(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    (tmp_path / "a").write_bytes(irap_binary(lengths=lengths))
    depth, geo = read_surface(tmp_path / "a")
    np.testing.assert_array_equal(depth, DEPTH)
    assert_places(geo, GEO, DEPTH.shape)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (irap_binary(lengths=(8, -8, 16)), "a record of -8 bytes"),  # a reader that follows it goes in circles
        (irap_binary(lengths=(0, 24)), "a record of 0 bytes"),
        (irap_binary(lengths=(28,)), "a record of 28 bytes"),
        (irap_binary(rows=-2, cols=-3), "claims -2 x -3 cells"),
        (irap_binary(rows=2**31 - 1, cols=2**31 - 1), "claims 2147483647 x 2147483647 cells"),
        (irap_binary(rows=16000, cols=16000), "cut off"),
        (irap_binary() + b"\0", "1 bytes behind the last value"),
        (irap_binary()[:60], "cut off"),
    ],
)
def test_irap_binary_that_lies_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=found):
        read_surface(tmp_path / "a")
