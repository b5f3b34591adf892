"""HTML reports: whatever a name holds, it is text; links are files; pictures lie inside; nothing is forgotten."""

import base64

import numpy as np
import pytest
from jinja2 import UndefinedError
from matplotlib.figure import Figure

from targets.common.html_report import Cell, jpeg_of_pixels, png_of_figure, render_report

HOSTILE = "\"><script>alert(1)</script>&'"
TEMPLATE = """{% extends "report.html.j2" %}
{% import "macros.html.j2" as html %}
{% block content %}
<p class="{{ name }}">{{ name }}</p>
{{ html.link(name, name ~ "/overlay.png") }}
{{ html.link("a", "javascript:alert(1)") }}
{{ html.table((name,), rows) }}
{{ html.picture(picture, name) }}
{% endblock %}
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "names.html.j2"
    path.write_text(TEMPLATE)
    return path


def test_names_are_text_wherever_they_stand(template) -> None:
    rows = [(HOSTILE, Cell(HOSTILE, "bold")), (HOSTILE, Cell(HOSTILE, "bad", target="javascript:alert(2)"))]
    text = render_report(template, HOSTILE, name=HOSTILE, rows=rows, picture=np.zeros(4, np.uint8).tobytes())
    assert "<script" not in text and HOSTILE not in text
    assert 'href="javascript:' not in text  # its colon is quoted: a file's name
    assert text.lstrip().startswith("<!doctype html>") and text.count("&lt;script&gt;") >= 8


def test_a_value_that_nobody_gave_is_an_error(template) -> None:
    with pytest.raises(UndefinedError, match="rows"):
        render_report(template, "title", name="a", picture=b"")


def test_cells_have_styles_and_links(template) -> None:
    rows = [("plain", Cell("b", "bold"), Cell("c", target="my map/c.png"), Cell("d", "bad", "d.png"))]
    text = render_report(template, "title", name="a", rows=rows, picture=b"")
    assert "<td>plain</td>" in text and '<span class="bold">b</span>' in text
    assert '<a href="my%20map/c.png">c</a>' in text and '<span class="bad"><a href="d.png">d</a></span>' in text


def test_pictures_lie_inside_the_page(template) -> None:
    figure = Figure((1, 1))
    for data, kind in ((png_of_figure(figure), "png"), (jpeg_of_pixels(np.zeros((4, 4, 3), np.uint8)), "jpeg")):
        text = render_report(template, "title", name="a", rows=[], picture=data)
        assert f'src="data:image/{kind};base64,{base64.b64encode(data).decode()}"' in text
