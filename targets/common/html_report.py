"""How is a report told in one HTML file that can be sent? Pictures inside the file, every text escaped."""

import base64
import html
import io
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #222 }}
table {{ border-collapse: collapse; margin: .5rem 0 2rem; font-variant-numeric: tabular-nums }}
th, td {{ padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top }}
img {{ max-width: 100% }}
.half img {{ max-width: 44rem; width: 100% }}
.scroll {{ overflow-x: auto }}
.scroll th, .scroll td {{ white-space: nowrap }}
.numbers :is(th, td):not(:first-child) {{ text-align: right; padding-left: .75rem }}
code {{ background: #f3f3f3; padding: 0 .25rem }}
.gallery {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 1.2rem }}
.wide {{ grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)) }}
figure {{ margin: 0 }}
figcaption {{ font-size: 13px; line-height: 1.35; overflow-wrap: anywhere }}
.bad {{ color: #a11 }}
.note {{ color: #666 }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


class Html(str):
    """Text that is HTML already; all other text is escaped."""

    __slots__ = ()


def page(title: str, parts: Sequence[Html]) -> str:
    """A whole page; it needs no other file."""
    return _PAGE.format(title=html.escape(title), body="\n".join(parts))


def element(tag: str, *content: str, css: str = "") -> Html:
    """``<tag class=css>content</tag>``."""
    kind = f' class="{html.escape(css)}"' if css else ""
    return Html(f"<{tag}{kind}>{''.join(_inner(part) for part in content)}</{tag}>")


def link(text: str, target: str) -> Html:
    """A way to another file, its path relative to the page's."""
    return Html(f'<a href="{html.escape(quote(target))}">{html.escape(text)}</a>')


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = False) -> Html:
    """A table that scrolls sideways where the page is too narrow; an empty header has no line of its own.

    With `numbers` all columns but the first are aligned to the right.
    """
    lines = [element("tr", *(element("th", cell) for cell in header))] if header else []
    lines += [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    return element("div", element("table", *lines), css="scroll numbers" if numbers else "scroll")


def picture(data: bytes, alt: str) -> Html:
    """A PNG or JPEG inside the page."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    code = base64.b64encode(data).decode()
    return Html(f'<img alt="{html.escape(alt)}" src="data:image/{kind};base64,{code}">')


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


def _inner(part: str) -> str:
    return part if isinstance(part, Html) else html.escape(part)
