"""Rows of tables: blocks that pandas reads and lines that are read one by one give the same numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.errors import UserError
from targets.io.text_tables import rows
from targets.io.text_tables.layout import find_layout
from targets.io.text_tables.rows import read_columns, sample_runs

numbers = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.floats(-1e9, 1e9).map(repr),
    st.floats(-1e9, 1e9).map(lambda value: f"{value:.3e}"),
    st.sampled_from(
        ["-0", "+5", "1E+30", "007", "5.", ".5", "1e-300", "Undef", "NaN", "nan", "NULL", "#N/A", "1.#QNAN"]
    ),
)


def read(path: Path, columns: tuple[int, ...]) -> np.ndarray:
    with path.open("rb") as file:
        layout = find_layout(file.read(65536), path.stat().st_size < 65536)
    assert layout is not None
    return read_columns(path, layout, columns)[0]


@given(
    st.lists(st.tuples(numbers.filter(lambda word: word[0] != "#"), numbers, numbers), min_size=1, max_size=8),
    st.sampled_from([" ", ",", ";", "\t"]),
)  # a row that begins with # is a remark
@settings(max_examples=40, deadline=None, derandomize=True)
def test_blocks_and_single_lines_give_the_same_numbers(tmp_path_factory, table, separator) -> None:
    path = tmp_path_factory.mktemp("rows") / "table"
    start = ["1.5", "2.5", "3.5"]
    text = "".join(separator.join(row) + "\n" for row in [start, start, *table, *[start] * 20])
    path.write_text(text)
    by_block = read(path, (0, 1, 2))
    path.write_text(text + "# the end\n")
    np.testing.assert_array_equal(read(path, (0, 1, 2)), by_block)
    expected = [[np.nan if word[-1].isalpha() or "#" in word else float(word) for word in row] for row in table]
    np.testing.assert_array_equal(by_block[2 : 2 + len(table)], expected)


@pytest.mark.parametrize("size", [50, 1000, 2**20])
def test_the_size_of_the_blocks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    lines = [f"{i} {2 * i}.5 {3 * i}" for i in range(500)]
    lines.insert(250, "# a comment\n\n")
    (tmp_path / "table").write_text("\r\n".join(lines) + "\r\nEOD\r\n\x1a")
    monkeypatch.setattr(rows, "BLOCK", size)
    np.testing.assert_array_equal(read(tmp_path / "table", (2, 0)), [[3 * i, i] for i in range(500)])


def test_a_wrong_line_is_named_by_its_number_in_any_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["# a head", "", *(f"{i} {2 * i} {3 * i}" for i in range(800))]
    lines[700] = "7 8 nine"
    (tmp_path / "table").write_text("\n".join(lines))
    for size in (100, 5000, 2**20):
        monkeypatch.setattr(rows, "BLOCK", size)
        with pytest.raises(UserError, match=r"line 701 \('7 8 nine'\)"):
            read(tmp_path / "table", (0, 1, 2))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "cp1251"])
def test_rows_are_sampled_from_the_whole_file(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "table").write_text("".join(f"{i} {2 * i} {3 * i}\n" for i in range(40_000)), encoding)
    with (tmp_path / "table").open("rb") as file:
        layout = find_layout(file.read(65536), False)
    assert layout is not None
    runs = sample_runs(tmp_path / "table", layout)
    assert len(runs) > 5 and runs[-1][0, 0] > 30_000
    assert all((np.diff(run[:, 0]) == 1).all() for run in runs)
    assert all((run[:, 2] == 3 * run[:, 0]).all() for run in runs)


def test_columns_that_are_left_out_at_the_end_of_a_row_are_empty(tmp_path: Path) -> None:
    (tmp_path / "table").write_text("x;y;z\n1;2;3\n2;3\n4;5;6\n7;8;9;\n")
    np.testing.assert_array_equal(
        read(tmp_path / "table", (0, 1, 2)), [[1, 2, 3], [2, 3, np.nan], [4, 5, 6], [7, 8, 9]]
    )


def test_what_is_no_text_ends_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "table").open("wb") as file:
        file.write(b"1 2 3\n" * 20_000)
        file.truncate(2**32)  # a hole of zeros
    with pytest.raises(UserError, match="no text behind the first lines"):
        read(tmp_path / "table", (0, 1, 2))
    (tmp_path / "line").write_text("1 2 3\n" * 20_000 + "7" * 200_000)
    with pytest.raises(UserError, match="line 20001"):
        read(tmp_path / "line", (0, 1, 2))
