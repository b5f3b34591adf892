"""metrics.csv of a resumed run: as it was written, and as spreadsheets and editors save it."""

import csv
import io
import math

import pytest

from mtl.training.callbacks.metrics_csv import MetricsCSV, best_value, read_rows
from targets.errors import UserError

ROWS = [
    {"epoch": "0", "lr/heads": "0.002", "total_loss": "1.5", "trap/iou": "nan"},
    {"epoch": "1", "lr/heads": "1e-05", "total_loss": "-0.25", "trap/iou": "0.731"},
]


def table(separator: str = ",", comma: bool = False, quoting: int = csv.QUOTE_MINIMAL) -> str:
    """The rows with a separator, and with decimal commas."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting)
    writer.writerow(ROWS[0])
    for row in ROWS:
        writer.writerow([value.replace(".", ",") if comma else value for value in row.values()])
    return text.getvalue()


SAVED = {
    "as written": table().encode(),
    "mark of UTF-8": table().encode("utf-8-sig"),
    "semicolons": table(";").encode(),
    "sep= of Excel": ("sep=;\r\n" + table(";", comma=True)).encode(),
    "decimal commas": table(";", comma=True).encode("utf-8-sig"),
    "tabs in UTF-16": table("\t", comma=True).encode("utf-16"),
    "all quoted": table(quoting=csv.QUOTE_ALL).encode(),
    "empty rows": (table(";").replace("\r\n", "\r\n;;;\r\n\r\n") + ";;;\r\n").encode(),
    "empty columns": table(";").replace("\r\n", ";;\r\n").encode(),
    "lines of the Mac": table().replace("\r\n", "\r").encode(),
    "epochs with points": table().replace("\r\n0,", "\r\n0.0,").replace("\r\n1,", "\r\n1.0,").encode(),
}


@pytest.mark.parametrize("how", SAVED)
def test_a_table_that_a_spreadsheet_saved_is_read(how, tmp_path):
    (tmp_path / "metrics.csv").write_bytes(SAVED[how])
    assert read_rows(tmp_path / "metrics.csv") == ROWS


def test_a_remark_in_another_encoding_stays_as_it_is(tmp_path):
    remark = "хорошо".encode("cp1251")
    content = table(";").encode().replace(b"\r\n", b";\r\n").replace(b"trap/iou;", b"trap/iou;remark")
    (tmp_path / "metrics.csv").write_bytes(content.replace(b"nan;", b"nan;" + remark))
    (first, second) = read_rows(tmp_path / "metrics.csv")
    assert first == ROWS[0] | {"remark": remark.decode("utf-8", "surrogateescape")} and second["remark"] == ""


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 50, b"\xff\xfea", b"a,b\n1,2\n", b"epoch,x\nlast,2\n", b"epoch\n1e999\n", b"PK\3\4" * 9]
)  # fmt: skip
def test_what_is_no_table_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    assert MetricsCSV(path, resume=False).rows == []  # a new run begins a new table
    if not content:
        assert read_rows(path) == []
        return
    with pytest.raises(UserError, match="begins a new table") as caught:
        MetricsCSV(path, resume=True)
    assert "\n" not in str(caught.value)


def test_the_best_value_follows_the_direction_and_leaves_out_nan(tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,trap/iou,dist/mae\n0,0.5,9\n1,0.7,\n2,nan,4\n")
    assert best_value(file, "trap/iou", "max") == 0.7 and best_value(file, "dist/mae", "min") == 4
    assert math.isnan(best_value(file, "depth/mae", "min"))
