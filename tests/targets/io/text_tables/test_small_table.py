"""One dialect for all small tables: wells, contacts and charges say the same however they are written."""

from pathlib import Path

import pytest

from targets.errors import UserError
from targets.io.text_tables.named_points import read_named_points
from targets.io.text_tables.small_table import read_small_table
from targets.prospects.contact_table import read_contact_table

HEADINGS = ("Name", "X", "Y", "OWC", "Volume")
ROWS = (("A 1", "1500.5", "2000.25", "1640.5..1660", "5e5"), ("B", "1600", "2100", "60%", "1e5"))


def written(separator: str, decimal: str = ".", quote: str = '"') -> str:
    """The table in a dialect."""
    lines = [separator.join(HEADINGS)]
    for row in ROWS:
        words = [word.replace("..", "§").replace(".", decimal).replace("§", "..") for word in row]
        lines.append(separator.join(f"{quote}{word}{quote}" if separator in word or " " in word else word
                                    for word in words))  # fmt: skip
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(
    "text",
    [
        *(written(mark) for mark in ",;\t| "),
        *(written(mark, ",") for mark in ";\t|,"),
        written(";").replace("\n", "\r\n"),
        "# a remark\n" + written(","),
        "# " + written(" "),
        written(";", ",").replace("\n", ";\n"),
    ],
)
def test_every_dialect_says_the_same(text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_bytes(text.encode(encoding))
    points = read_named_points(path)
    assert points.names == ("A 1", "B") and points.x.tolist() == [1500.5, 1600] and points.y.tolist() == [2000.25, 2100]
    contacts = read_contact_table(path)
    assert [row.contacts.water for row in contacts] == ["1640.5..1660", "60%"]
    assert [row.xy for row in contacts] == [(1500.5, 2000.25), (1600, 2100)]
    table = read_small_table(path, "a table", "columns")
    assert [table.dialect.to_number(words[-1]) for _, words in table.rows] == [5e5, 1e5]


def test_thousands_are_read_where_they_can_be_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "wells.csv"
    path.write_text("name;x;y\nA;461.500,25;5.932.100,5\nB;461.700,75;5.932.200,5\n", "utf-8")
    assert read_named_points(path).x.tolist() == [461500.25, 461700.75]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name;x;y\nA;461,500;593,210\n", "may be 461.500 or 461500"),
        ("name,x,y\nA,1,5,2\n", "line 2 holds 4 columns"),
        ("name x y\nA 1 1500 2000\n", "line 2 holds 4 columns"),
        ("name,x,y\n", "0 rows"),
        ("", "no text"),
        ("\0\1\2", "no text"),
    ],
)
def test_what_may_mean_two_things_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "wells.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError, match=words):
        read_named_points(path)
