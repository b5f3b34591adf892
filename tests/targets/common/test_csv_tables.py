"""Tables for spreadsheets: no text is a formula, numbers stay numbers, and everything reads back as it was."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.common.csv_tables import csv_text, read_csv, write_csv
from targets.io.tgs_salt import write_id_table

HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\n=1", '=HYPERLINK("http://x","y")', "'=1", "''@"]


@pytest.mark.parametrize("cell", HOSTILE)
def test_a_text_is_no_formula_and_reads_back(tmp_path: Path, cell: str) -> None:
    write_csv(tmp_path / "a.csv", ["name", cell], [[cell, 1], ["b", cell]])
    with (tmp_path / "a.csv").open(newline="") as file:
        for row in csv.reader(file):
            assert not any(shown[:1] in "=+-@\t\r" for shown in row if shown)
    assert list(read_csv(tmp_path / "a.csv")) == [{"name": cell, cell: "1"}, {"name": "b", cell: cell}]


def test_numbers_stay_numbers() -> None:
    cells = [-1, -2.5, "-2.5", "+3e5", "-inf", "", "a-b", "1 5 20 3"]
    assert next(csv.reader(io.StringIO(csv_text(cells, [])))) == [str(cell) for cell in cells]


@given(st.lists(st.text(alphabet="'=+-@\t\r\n,\" a1", max_size=6), min_size=1, max_size=3))
def test_any_texts_fill_one_row_and_are_no_formulas(names: list[str]) -> None:
    head, row = csv.reader(io.StringIO(csv_text(names, [names]), newline=""))
    assert all(shown[:1] not in "=@\t\r\n" for shown in (*head, *row) if shown)


def test_run_length_codes_are_kept_as_they_are(tmp_path: Path) -> None:
    write_id_table({"-x": "1 5 20 3", "b": ""}, "rle_mask", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "id,rle_mask\n'-x,1 5 20 3\nb,\n"
