"""Axes of drawn pages: location within a pixel, units as named, and what is no location."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, ScalarFormatter

from targets.pages.axes import name_other_view, read_axes
from targets.scene import GeoReference
from tests.targets.pages.drawn_pages import UTM, draw_page, surface, texts_of


def axes_of(extent=UTM, xlabel="", ylabel="", origin="upper", written="", ticks="", ground="white", **formatter):
    def draw(figure, depth):
        figure.set_facecolor(ground)
        axes = figure.add_subplot()
        axes.imshow(depth, extent=extent, aspect="auto", origin=origin)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if formatter:
            axes.xaxis.set_major_formatter(ScalarFormatter(**formatter))
            axes.yaxis.set_major_formatter(ScalarFormatter(**formatter))
        for axis, compass in ((axes.xaxis, "°E"), (axes.yaxis, "°N")):
            if written == "plotly":
                axis.set_major_formatter(EngFormatter(sep=""))
            elif written:
                axis.set_major_formatter(f"{{x:{written}}}{compass if written == '.2f' else ''}")
        if ticks == "in":
            axes.tick_params(direction="in", top=True, right=True, labelsize=7)
        if ground == "black":
            axes.tick_params(colors="white")
            axes.spines[:].set_color("white")

    page = draw_page(surface(), draw, extent, size=(7, 4))
    return page, read_axes(page.picture, page.box, page.texts)


@pytest.mark.parametrize(
    ("extent", "labels", "formatter", "unit"),
    [
        (UTM, {}, {}, "m"),  # by its size; y is written 6.78 with 1e6 above
        (UTM, {"xlabel": "Easting (ft)", "ylabel": "Northing (ft)"}, {"useOffset": False}, "ft"),
        ((455_100, 455_400, 6_780_500, 6_780_700), {}, {"useOffset": True}, "m"),  # +4.55e5 is written once
        ((0, 12.5, 0, 10), {"xlabel": "X (km)"}, {}, "km"),
        ((3.1, 3.4, 60.1, 60.3), {"xlabel": "Longitude", "ylabel": "Latitude"}, {}, "degrees"),
        ((0, 5500, -2000, 6500), {}, {}, None),
        ((3.1, 3.4, 60.1, 60.3), {}, {"written": ".2f"}, "degrees"),  # 3.10°E
        (UTM, {}, {"written": "plotly"}, "m"),  # 452k and 6.78M
        (UTM, {}, {"written": ",.0f", "ground": "black"}, "m"),
        (UTM, {}, {"ticks": "in", "ground": "black"}, "m"),
    ],
)
def test_a_map_lies_where_its_axes_say(extent, labels, formatter, unit):
    page, axes = axes_of(extent, **labels, **formatter)
    assert axes.is_location and axes.xy_unit == unit, axes.sentence
    x0, x1, y0, y1 = extent
    row0, col0, row1, col1 = page.box
    geo = axes.georeference(row0, col0, GeoReference(depth_unit="ms"))
    assert geo.depth_unit == "ms" and geo.xy_unit == unit
    # The middles of the frame's first and last cells lie half a cell within it; two pixels off are allowed.
    assert geo.dx == pytest.approx((x1 - x0) / (col1 - col0), rel=0.01)
    assert geo.dy == pytest.approx((y0 - y1) / (row1 - row0), rel=0.01)
    x, y = geo.xy([0, row1 - row0 - 1], [0, col1 - col0 - 1])
    assert np.abs(x - [x0 + geo.dx / 2, x1 - geo.dx / 2]).max() < 2 * geo.dx
    assert np.abs(y - [y1 + geo.dy / 2, y0 - geo.dy / 2]).max() < -2 * geo.dy


@pytest.mark.parametrize(
    ("extent", "labels", "lack"),
    [
        ((1000, 1400, 300, 700), {"xlabel": "Inline", "ylabel": "Crossline"}, "inline"),
        ((0, 460, 590, 0), {}, "grows downwards"),
        ((460_000, 450_000, 6_780_000, 6_788_000), {}, "to the left"),
        ((450_000, 460_000, 0, 3), {}, "times as fast"),
    ],
)
def test_what_is_no_location_is_said(extent, labels, lack):
    _, axes = axes_of(extent, **labels)
    assert not axes.is_location and lack in axes.sentence
    assert axes.georeference() == GeoReference()


def test_panels_in_line_share_the_numbers_of_one():
    """A panel beside another one has no numbers of rows, one above it none of columns."""
    page, _ = axes_of()
    below = [text for text in page.texts if text.box[0] >= page.box[2]]
    row0, col0, row1, col1 = page.box
    shifted = (row0, col1 + 40, row1, 2 * col1 + 40 - col0)
    own = [replace(text, box=(a, b + col1 + 40 - col0, c, d + col1 + 40 - col0)) for text in below
           for a, b, c, d in [text.box]]  # fmt: skip
    wide = np.pad(page.picture, ((0, 0), (0, col1), (0, 0)), constant_values=255)
    alone = read_axes(wide, shifted, (*page.texts, *own))
    assert not alone.is_location and "y axis" in alone.lack
    shared = read_axes(wide, shifted, (*page.texts, *own), others=[page.box])
    first = read_axes(page.picture, page.box, page.texts)
    assert shared.is_location and shared.y.slope == first.y.slope and shared.y.offset == first.y.offset


def test_a_title_with_a_unit_of_depth_names_no_unit_of_place():
    _, axes = axes_of((0, 5500, -2000, 6500), xlabel="Depth (ft)")
    assert axes.xy_unit is None


def test_numbers_of_a_second_axis_are_no_power_of_ten():
    """1100 of the inlines above a map was 10 to the power of 0: northings of 5.93 for 5.93e6."""
    page, _ = axes_of()
    top, left, _, right = page.box
    inlines = [replace(page.texts[0], text=str(1000 + 100 * n), box=(top - 18, col, top - 8, col + 26))
               for n, col in enumerate(range(left + 5, right - 30, 60))]  # fmt: skip
    factor = next(text for text in page.texts if text.text == "1e6")
    texts = (*inlines, *(text for text in page.texts if text is not factor), factor)
    axes = read_axes(page.picture, page.box, texts)
    assert axes.y.values.max() > 6e6 and axes.is_location


@pytest.mark.parametrize("word", ["view in perspective", "polar"])
def test_a_plot_whose_axes_no_map_has_is_named(word):
    figure = Figure(figsize=(5, 4), dpi=100)
    canvas, z = FigureCanvasAgg(figure), surface(shape=(20, 30))
    if word == "polar":
        axes = figure.add_subplot(projection="polar")
        axes.pcolormesh(np.linspace(0, 2 * np.pi, 30), np.linspace(0, 1, 20), z, cmap="jet")
    else:
        axes = figure.add_subplot(projection="3d")
        axes.plot_surface(*np.mgrid[:20, :30], -z, cmap="jet")
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    texts, nowhere = texts_of(figure, picture), np.zeros(picture.shape[:2], bool)
    assert word in name_other_view(texts, nowhere)
    page, _ = axes_of(UTM, "Easting", "Northing")
    assert name_other_view(page.texts, np.zeros(page.depth.shape, bool)) == ""
