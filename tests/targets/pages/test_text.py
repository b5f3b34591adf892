"""Recognition of text, without any network; skipped where the extra `pictures` is not installed."""

import socket

import numpy as np
import pytest

from targets.errors import UserError
from targets.pages import text as text_module
from targets.pages.axes import read_axes
from targets.pages.bar_depth import depth_from_bar
from targets.pages.colour_bar import find_colour_bar
from targets.pages.text import can_read_text, read_text
from tests.targets.pages.drawn_pages import UTM, draw_page, surface


def drawn(figure, depth):
    axes = figure.add_subplot()
    image = axes.imshow(-depth, cmap="turbo", extent=UTM, interpolation="bilinear")
    figure.colorbar(image, label="Elevation (ft)")


@pytest.mark.slow
def test_a_page_is_read_with_its_own_text_and_no_network(monkeypatch):
    pytest.importorskip("rapidocr", reason="rapidocr is absent")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    text_module._engine.cache_clear()
    page = draw_page(surface(), drawn, size=(5, 3.4))
    texts = read_text(page.picture)
    turned = [text.text for text in reversed(texts) if text.angle == 90]  # from below, perhaps word by word
    assert " ".join(turned) == "Elevation (ft)"
    bar = find_colour_bar(page.picture, page.box, texts)
    assert bar is not None and bar.unit == "ft" and bar.grows == "up"
    mask = np.isfinite(page.depth)
    error = (depth_from_bar(page.picture, bar, mask, texts).depth - page.depth)[mask]
    assert np.sqrt((error**2).mean()) <= 0.01 * 500
    axes = read_axes(page.picture, page.box, texts, bar)
    assert axes is not None and axes.y is not None and axes.y.values.max() == 6_788_000  # 6.788, and 1e6 once
    assert read_text(np.full((30, 30, 3), 255, np.uint8)) == ()


def test_without_the_library_a_line_says_how_to_get_it(monkeypatch):
    text_module._engine.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    assert not can_read_text()
    with pytest.raises(UserError, match=r"pip install 'trapmtl\[pictures\]'"):
        read_text(np.full((30, 30, 3), 255, np.uint8))
    text_module._engine.cache_clear()
