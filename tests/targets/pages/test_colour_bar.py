"""Depths of drawn pages through their colour bars: right in number, unit and direction, or refused."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.ticker import StrMethodFormatter

from targets.errors import UserError
from targets.pages.bar_depth import depth_from_bar
from targets.pages.colour_bar import find_colour_bar
from tests.targets.pages.drawn_pages import UTM, DrawnPage, draw_page, surface


def shown(cmap, sign=1, **bar):
    """Draw a map as an image, with a colour bar."""

    def draw(figure, depth):
        axes = figure.add_subplot()
        image = axes.imshow(sign * depth, cmap=cmap, extent=UTM, interpolation="bilinear")
        figure.colorbar(image, ax=axes, **bar)

    return draw


def inset(figure, depth):
    axes = figure.add_subplot()
    image = axes.imshow(depth, cmap="rainbow", extent=UTM, interpolation="bilinear")
    bar = figure.colorbar(image, cax=axes.inset_axes([0.86, 0.1, 0.04, 0.6]))
    bar.ax.yaxis.set_ticks_position("left")
    bar.ax.set_title("TVD m", fontsize=8)


def inverted(figure, depth):
    axes = figure.add_subplot()
    image = axes.imshow(depth, cmap="plasma", extent=UTM, interpolation="bilinear")
    figure.colorbar(image, label="Depth (m)").ax.invert_yaxis()


def filled(figure, depth):
    levels = np.arange(1500, 2001, 25)
    axes = figure.add_subplot()
    x = np.linspace(UTM[0], UTM[1], depth.shape[1])
    y = np.linspace(UTM[3], UTM[2], depth.shape[0])
    bands = axes.contourf(x, y, depth, levels, cmap="RdYlBu")
    bar = figure.colorbar(bands, label="Depth [m]")
    bar.add_lines(axes.contour(x, y, depth, levels[::5], colors="k", linewidths=0.8))


PAGES = {
    "right": (surface(), shown("viridis_r", label="Depth (m)"), "m"),
    "below, in feet": (surface(8200, 9700), shown("jet_r", orientation="horizontal", label="Depth, ft TVDSS"), "ft"),
    "in the frame": (surface(), inset, "m"),
    "upside down": (surface(), inverted, "m"),
    "elevation": (surface(), shown("gist_earth", -1, label="Elevation (m)"), "m"),
    "negative depths": (surface(2500, 2750), shown("nipy_spectral", -1, label="TVDSS (m)"), "m"),
    "time, arrows at both ends": (
        surface(1800, 2150),
        shown("Spectral", label="TWT (ms)", extend="both"),
        "ms",
    ),
    "seconds": (surface(1.21, 1.87), shown("turbo", label="Two-way time (s)", shrink=0.6), "s"),
    "left": (surface(), shown("cubehelix", label="Depth (m)", location="left"), "m"),
    "thousands": (surface(9000, 11000), shown("gray", label="Depth (ft)", format=StrMethodFormatter("{x:,.0f}")), "ft"),
    "bands and lines": (surface(), filled, "m"),
}


def read(page: DrawnPage):
    bar = find_colour_bar(page.picture, page.box, page.texts)
    assert bar is not None
    mask = np.isfinite(page.depth)
    row0, col0, row1, col1 = bar.box
    if row0 < page.box[2] and col0 < page.box[3] and row1 > page.box[0] and col1 > page.box[1]:
        mask[row0 - 15 : row1 + 5, col0 - 40 : col1 + 5] = False  # a bar in the frame covers the map
    return bar, depth_from_bar(page.picture, bar, mask, page.texts), mask


@pytest.mark.parametrize("kind", PAGES)
def test_depths_through_a_bar_are_right(kind):
    depth, draw, unit = PAGES[kind]
    page = draw_page(depth, draw, size=(5, 3.4))
    bar, found, mask = read(page)
    assert bar.unit == unit
    error = (found.depth - page.depth)[mask]
    assert np.sqrt((error**2).mean()) <= 0.01 * np.ptp(depth)
    assert np.corrcoef(found.depth[mask], page.depth[mask])[0, 1] >= 0.99
    assert np.isnan(found.depth[~mask]).all()


@pytest.fixture(scope="module")
def plain():
    """A page whose texts are replaced."""
    return draw_page(surface(), shown("viridis", label="Depth (m)"), size=(5, 3.4))


def relabelled(page: DrawnPage, new: dict[str, str]) -> DrawnPage:
    return replace(page, texts=tuple(replace(text, text=new.get(text.text, text.text)) for text in page.texts))


def test_misread_numbers_and_tick_marks_read_as_signs_change_nothing(plain):
    wrong = {"1600": "7600", "1700": "-1700", "1900": "-1900", "2000": "Z000"}
    assert read(relabelled(plain, wrong))[0].span == pytest.approx(read(plain)[0].span, abs=2)


@pytest.mark.parametrize(
    ("shift", "sign", "label", "grows"),
    [
        (0, 1, "Top", "down"),  # taken to be depths, which the bar's sentence says
        (-1700, 1, "Top", None),
        (-1500, 1, "Top", None),  # from 0: no horizon begins at the surface, a height does
        (-1700, 1, "Depth (m)", "down"),
        (-1700, 1, "Height above sea level [m]", "up"),
        (0, 1, "Altitude (m)", "up"),
    ],
)
def test_direction_is_that_of_words_or_unknown(plain, shift, sign, label, grows):
    numbers = {str(depth): str(sign * (depth + shift)) for depth in range(1500, 2001, 100)}
    page = relabelled(plain, numbers | {"Depth (m)": label})
    bar = find_colour_bar(page.picture, (page.box[0], 0, page.box[2], page.box[3]), page.texts)
    assert bar is not None and bar.grows == grows and bar.reason in bar.sentence
    if grows is None:
        with pytest.raises(UserError, match="nothing says"):
            depth_from_bar(page.picture, bar, np.isfinite(page.depth))


def test_a_logarithmic_bar_is_refused(plain):
    powers = {str(depth): f"10{n}" for n, depth in enumerate(range(1500, 2001, 100))}  # of 10^0, 10^1 ...
    for numbers in (powers, {str(1500 + 100 * n): str(10**n) for n in range(6)}):
        bar = find_colour_bar(plain.picture, plain.box, relabelled(plain, numbers).texts)
        assert bar is not None and "logarithmic" in bar.sentence
        with pytest.raises(UserError, match="logarithmic"):
            depth_from_bar(plain.picture, bar, np.isfinite(plain.depth))


def test_a_bar_of_other_colours_is_not_the_maps(plain):
    picture = plain.picture.copy()
    picture[:, plain.box[3] + 3 :, 0] = 255 - picture[:, plain.box[3] + 3 :, 0]
    picture[:, plain.box[3] + 3 :, 1] //= 2
    assert find_colour_bar(picture, plain.box, plain.texts) is None


def test_numbers_beside_a_map_alone_make_no_bar(plain):
    width = plain.box[3] + 3
    texts = [text for text in plain.texts if text.box[3] < width]
    assert len(texts) > 6 and find_colour_bar(plain.picture[:, :width], plain.box, texts) is None


def test_numbers_of_an_axis_between_a_map_and_its_bar_are_none_of_the_bar():
    """Where the numbers of a bar were not read, eastings above it were depths of 454 km."""
    page = draw_page(surface(), shown("jet_r", orientation="horizontal", label="Depth (m)"))
    assert find_colour_bar(page.picture, page.box, page.texts) is not None
    axis = tuple(text for text in page.texts if text.text.replace("0", "").startswith("45"))
    assert len(axis) >= 3 and find_colour_bar(page.picture, page.box, axis) is None


def test_numbers_that_are_no_depths_are_not_used():
    page = draw_page(surface(450_000, 460_000), shown("jet", label="Depth (m)"))
    bar = find_colour_bar(page.picture, page.box, page.texts)
    assert "are no depths" in bar.sentence
    with pytest.raises(UserError, match="are no depths"):
        depth_from_bar(page.picture, bar, np.isfinite(page.depth))


def test_a_unit_may_stand_behind_a_number_of_the_bar():
    """The letters at the side of a bar were read as part of one of its numbers."""
    page = draw_page(surface(), shown("viridis"))
    numbers = [text for text in page.texts if text.text == "1700"]
    texts = [replace(text, text="1700 m") if text in numbers else text for text in page.texts]
    assert find_colour_bar(page.picture, page.box, page.texts).unit is None
    assert find_colour_bar(page.picture, page.box, texts).unit == "m"


def test_a_map_in_a_corner_of_its_frame_on_grey_paper_has_the_colours_of_its_bar():
    """Grey paper within the frame, around an irregular outline, was taken for colours of the map."""

    def draw(figure, depth):
        figure.set_facecolor("0.9")
        axes = figure.add_subplot(facecolor="0.9")
        depth = np.where(np.add.outer(np.arange(81), np.arange(101)) < 70, depth, np.nan)
        figure.colorbar(axes.imshow(depth, cmap="rainbow", extent=UTM), label="Depth (m)")

    page = draw_page(surface(), draw)
    assert find_colour_bar(page.picture, page.box, page.texts) is not None
