"""HTML reports from Jinja2 templates: one file that can be sent, its pictures inside, every text escaped.

A report is a template in the folder `templates` of its own room, ending in ``.html.j2``::

    {% extends "report.html.j2" %}
    {% import "macros.html.j2" as html %}
    {% block content %}
    <h2>Maps</h2>
    {{ html.table(("map", "traps"), rows, numbers=true) }}
    {{ html.picture(overview, "all maps") }}
    {% endblock %}

It is filled with plain texts, bytes of pictures and records::

    page = render_report(Path(__file__).parent / "templates" / "maps.html.j2", "Title", rows=rows, overview=png)

``macros.html.j2`` holds ``table(header, rows, numbers, wrap)``, ``picture(data, alt)`` and ``link(text, target)``; a
cell of a table is a text or a `Cell`. A value that a template names and nobody gave is an error.
"""

import base64
import io
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

SHARED_TEMPLATES = Path(__file__).parent / "templates"


class Cell(NamedTuple):
    """One cell of a table that is more than a plain text.

    Attributes
    ----------
    text : str
        What is read.
    style : Literal['', 'bold', 'bad', 'note'], default ''
        Bold, in red, or in grey.
    target : str, default ''
        A file that the text links to, its path relative to the report's folder.
    """

    text: str
    style: Literal["", "bold", "bad", "note"] = ""
    target: str = ""


def render_report(template: Path, title: str, **values: object) -> str:
    """Fill a report's template; the page needs no other file.

    Parameters
    ----------
    template : Path
        Extends ``report.html.j2`` and fills its block ``content``.
    title : str
        Heading of the page.
    **values : object
        What the template names: texts are escaped, bytes are pictures.

    Returns
    -------
    str
        The HTML page.
    """
    # Jinja's own guess by the suffix would leave .html.j2 unescaped.
    environment = Environment(
        loader=FileSystemLoader([template.parent, SHARED_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["data_uri"] = data_uri
    environment.filters["file_url"] = file_url
    page = environment.get_template(template.name).render(title=title, **values)
    return page.encode("utf-8", "replace").decode("utf-8")  # names of files may hold bytes that are no letters


def data_uri(data: bytes) -> str:
    """A PNG or JPEG as an address that holds the picture itself.

    Examples
    --------
    >>> data_uri(b"\\x89PNG")
    'data:image/png;base64,iVBORw=='
    """
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def file_url(path: str) -> str:
    """A relative path as a link's address; it never runs as a script.

    Examples
    --------
    >>> file_url("my map/overlay.png"), file_url("javascript:alert(1)")
    ('my%20map/overlay.png', 'javascript%3Aalert%281%29')
    """
    return quote(path)


def png_of_figure(figure: Figure) -> bytes:
    """A figure as PNG."""
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def jpeg_of_pixels(pixels: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) uint8 as JPEG, a fifth of the size of a PNG."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=85)
    return data.getvalue()
