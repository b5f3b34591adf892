"""Pages that the tests draw: the map is found on any ground and at any size, and what is no map is refused."""

import cv2
import numpy as np
import pytest

from targets.common.rgb_planes import colourfulness
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.images import write_picture
from targets.io.map_folder.sidecar import change_sidecar
from targets.io.read_options import ReadOptions
from targets.pages import page as page_module
from targets.pages.crop import crop_to_map
from targets.pages.map_body import Part, clip_to_frame
from targets.pages.page import PageOptions, read_page
from targets.pages.text import TextBox
from targets.picture_reading.resolution import line_width, reduction_of
from targets.rendering.palettes import colour_table


@pytest.fixture(autouse=True)
def no_text(monkeypatch):
    """Recognition takes seconds; texts are given where a test needs them."""
    monkeypatch.setattr(page_module, "can_read_text", lambda: False)


def surface(height: int = 120, width: int = 160) -> np.ndarray:
    """(height, width) of 0 to 1: two highs and a low."""
    rows, cols = np.mgrid[:height, :width] / min(height, width)
    bumps = [(0.35, 0.4, 1.0), (0.6, 0.95, 0.8), (0.75, 0.4, -0.7)]
    z = sum(size * np.exp(-((rows - r) ** 2 + (cols - c) ** 2) / 0.045) for r, c, size in bumps)
    return (z - z.min()) / np.ptp(z)


def coloured(z: np.ndarray, palette: str = "jet", bands: int = 12) -> np.ndarray:
    """A surface in bands of colour, with a dark line of one pixel between them."""
    levels = np.minimum((z * bands).astype(int), bands - 1)
    rgb = colour_table(palette)[levels * 255 // (bands - 1)]
    edge = (np.diff(levels, axis=0, append=levels[-1:]) != 0) | (np.diff(levels, axis=1, append=levels[:, -1:]) != 0)
    rgb[edge] = 20
    return rgb


def on_page(picture: np.ndarray, ground: int = 255, margin: int = 40) -> np.ndarray:
    """A picture on a page with a frame and a title."""
    page = np.full((picture.shape[0] + 2 * margin, picture.shape[1] + 2 * margin, 3), ground, np.uint8)
    ink = (0, 0, 0) if ground > 127 else (255, 255, 255)
    page[margin:-margin, margin:-margin] = picture
    cv2.rectangle(page, (margin - 1, margin - 1), (page.shape[1] - margin, page.shape[0] - margin), ink, 1)
    cv2.putText(page, "Top Sand", (margin, margin - 14), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1)
    return page


@pytest.mark.parametrize("ground", [255, 0, 190, 60])
def test_a_map_is_found_on_any_ground(ground):
    found = read_page(on_page(coloured(surface()), ground))
    assert found.problem is None and len(found.panels) == 1
    true = np.zeros(found.inside.shape, bool)
    true[40:-40, 40:-40] = True
    assert (found.inside != true).sum() <= 2 * 2 * (120 + 160)  # the frame's line may count as either
    assert found.high == "red" and "close round their warm end" in found.stage("polarity").sentence


def test_numbers_that_touch_a_frame_are_no_map():
    """Letters a few pixels from the frame were joined to the map: crests and traps lay among them."""
    page = on_page(coloured(surface()))
    for col in range(45, 190, 38):
        page[164:172, col : col + 24 : 2] = 0
    for row in range(44, 150, 24):
        page[row : row + 8, 18:36:2] = 0
    found = read_page(page)
    true = np.zeros(found.inside.shape, bool)
    true[40:-40, 40:-40] = True
    assert (found.inside != true).sum() <= 2 * 2 * (120 + 160)


def test_the_line_of_a_coordinate_net_is_no_frame():
    """A map was cut off along the last line of its net where numbers stood close to its frame."""
    page = np.full((120, 120, 3), 90, np.uint8)
    page[:100, :100] = np.arange(100)[:, None, None] * [2, 1, 0]
    page[92, :100], page[99, :100] = 176, 0
    mask = np.ones((118, 100), bool)
    mask[100:, 30:] = False
    assert clip_to_frame(page, Part((0, 0, 118, 100), mask)).box == (0, 0, 101, 100)


@pytest.mark.parametrize("margin", [(1, 23, 0, 4), (23, 3, 5, 5), (2, 0, 0, 0), (0, 0, 0, 0)])
def test_paper_of_any_width_is_cut_off(margin):
    top, bottom, left, right = margin
    picture = coloured(surface())
    page = np.pad(picture, ((top, bottom), (left, right), (0, 0)), constant_values=255)
    assert crop_to_map(read_page(page)).margin == margin


def chart(kind: str) -> np.ndarray:
    """A page without a map."""
    rng = np.random.default_rng(1)
    page = np.full((300, 400, 3), 255, np.uint8)
    if kind == "text":
        for row in range(20, 290, 14):
            cv2.putText(page, "The structure of the field is", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
    elif kind == "menu":
        page[:] = 230
        page[40:280, 20:120] = page[40:280, 140:390] = 255
        for k in range(18):
            page[8:24, 10 + 21 * k : 26 + 21 * k] = rng.integers(0, 255, 3)
    elif kind == "table":
        for row in range(10, 290, 20):
            page[row : row + 20, 10:390] = (217, 225, 242) if row // 20 % 2 else (255, 255, 255)
        page[10:30, 10:390] = (68, 114, 196)
    elif kind == "bars":
        for k, height in enumerate([80, 200, 150, 240, 100, 60]):
            page[280 - height : 280, 20 + 60 * k : 60 + 60 * k] = colour_table("hue")[40 * k]
    elif kind == "histogram":
        for k in range(40):
            height = int(240 * np.exp(-(((k - 20) / 8) ** 2)))
            page[280 - height : 280, 40 + 8 * k : 48 + 8 * k] = colour_table("mpl:viridis")[6 * k]
    elif kind == "pie":
        for k, colour in enumerate([(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189)]):
            cv2.ellipse(page, (200, 150), (120, 120), 0, 72 * k, 72 * (k + 1), colour, -1)
    elif kind == "blocks":
        table = rng.integers(60, 250, (12, 3))
        page[30:270, 50:350] = table[rng.integers(0, 12, (8, 10))].repeat(30, 0).repeat(30, 1)
    elif kind == "patches":
        points, (rows, cols) = rng.random((30, 2)) * (240, 300), np.mgrid[:240, :300]
        nearest = np.argmin((rows[..., None] - points[:, 0]) ** 2 + (cols[..., None] - points[:, 1]) ** 2, axis=2)
        page[30:270, 50:350] = rng.integers(60, 250, (10, 3))[nearest % 10]
    elif kind == "seismic":
        z = cv2.GaussianBlur(rng.normal(size=(240, 300)), (0, 0), sigmaX=14, sigmaY=3)
        page[30:270, 50:350] = colour_table("mpl:seismic")[np.clip(128 + 90 * z / z.std(), 0, 255).astype(int)]
    elif kind == "layers":  # a stack plot
        tops = np.cumsum(30 + 12 * np.sin(np.arange(300) / 30 + np.arange(7)[:, None]), axis=0)
        layer = (np.arange(240)[::-1, None, None] >= tops.T[None]).sum(axis=2)
        page[30:270, 50:350][layer < 7] = colour_table("jet")[layer[layer < 7] * 36]
    elif kind == "dots":
        z = surface(240, 300)
        for row, col in rng.random((500, 2)) * (240, 300):
            colour = colour_table("jet")[int(255 * z[int(row), int(col)])]
            cv2.circle(page, (50 + int(col), 30 + int(row)), 6, colour.tolist(), -1)
    elif kind == "counts":  # a histogram of two variables
        cells, _, _ = np.histogram2d(*rng.normal(size=(2, 4000)), bins=(40, 50), range=[[-4, 4], [-4, 4]])
        levels = (cells * 255 / cells.max()).astype(int).repeat(6, 0).repeat(6, 1)
        page[30:270, 50:350] = colour_table("mpl:viridis")[levels]
    elif kind == "lines":
        z = surface(240, 300)
        page[30:270, 50:350][colourfulness(coloured(z, bands=14)) == 0] = 0
    return page


KINDS = ["text", "menu", "table", "bars", "histogram", "pie", "blocks", "patches", "seismic", "lines"]
KINDS += ["layers", "dots", "counts"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_without_a_map_is_refused(kind):
    found = read_page(chart(kind), where="page.png")
    assert found.problem is not None and not found.inside.any()
    assert str(found.problem).startswith("page.png: no coloured map found (")


def test_a_picture_that_is_known_to_be_a_map_is_read_whatever_it_looks_like():
    found = read_page(chart("patches"), PageOptions(high="red", is_map=True))
    assert found.problem is None and found.question is None and found.inside[30:270, 50:350].mean() > 0.95


def test_a_level_of_the_colour_of_the_paper_is_map_and_a_void_is_none():
    """White tops of `terrain` were paper; the black parts of a survey without data were the lowest lows."""
    z = surface()
    picture = coloured(z, "jet")
    picture[z > 0.8] = 255
    found = read_page(on_page(picture))
    assert found.inside[40:-40, 40:-40].mean() > 0.99
    void = coloured(surface())
    void[:50, :30] = void[80:, 100:] = 0
    found = read_page(on_page(void))
    assert not found.inside[50:80, 45:60].any() and not found.inside[130:150, 150:180].any()
    assert found.inside[110, 80] and found.inside[60, 150]


@pytest.mark.parametrize("times", [2, 3, 7])
def test_an_enlarged_picture_is_the_same_picture(times):
    page = on_page(coloured(surface()))
    one, many = read_page(page), read_page(page.repeat(times, 0).repeat(times, 1))
    assert many.reduction == times * one.reduction
    np.testing.assert_array_equal(many.picture, one.picture)
    np.testing.assert_array_equal(many.inside, one.inside)
    first, other = crop_to_map(one), crop_to_map(many)
    assert other.margin == tuple(times * side for side in first.margin)
    row, col = (float(value) for value in other.geo.xy(0, 0)[::-1])
    assert (row, col) == (times * first.margin[0] + (times - 1) / 2, times * first.margin[2] + (times - 1) / 2)


def test_lines_have_one_width_at_every_resolution():
    plt = pytest.importorskip("matplotlib.figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    widths, shares = [], []
    for dpi in (60, 80, 200, 400):
        figure = plt.Figure(figsize=(4, 3), dpi=dpi)
        canvas, axis = FigureCanvasAgg(figure), figure.add_subplot()
        axis.contourf(surface(), 10, cmap="jet")
        axis.contour(surface(), 10, colors="black")
        canvas.draw()
        picture = np.asarray(canvas.buffer_rgba())[..., :3]
        found = read_page(picture)
        widths.append(line_width(picture) / reduction_of(picture))
        shares.append(found.inside.mean())
    assert all(1.3 < width < 3 for width in widths)
    np.testing.assert_allclose(shares, shares[0], atol=0.01)


def test_panels_are_listed_and_never_mixed(monkeypatch):
    one, other = on_page(coloured(surface())), on_page(coloured(surface()[::-1], "mpl:viridis"))
    page = np.hstack([other, one])
    found = read_page(page)
    assert "2 panels: 1, 2" in str(found.problem) and "--panel" in str(found.problem)
    second = read_page(page, PageOptions(panel="2"))
    assert second.problem is None and not second.inside[:, :240].any() and second.inside[:, 240:].any()
    texts = (TextBox("Porosity", (20, 40, 30, 110)), TextBox("Depth map", (20, 285, 30, 350)))
    monkeypatch.setattr(page_module, "can_read_text", lambda: True)
    monkeypatch.setattr(page_module, "read_text", lambda picture: texts)
    by_title = read_page(page)
    np.testing.assert_array_equal(by_title.inside, second.inside)
    assert "'Depth map' by its title" in by_title.stages[0].sentence
    assert "panels" in str(read_page(page, PageOptions(panel="thickness")).problem)


def test_the_high_end_of_the_colours_is_asked_where_nothing_tells_it():
    """Depths in viridis and in jet, which are drawn either way round, were read upside down without a word."""
    page = on_page(coloured(surface(), "mpl:viridis"))
    assert "--high light or --high dark" in str(read_page(page).question)
    assert read_page(page, PageOptions(high="dark")).question is None
    rainbow = on_page(coloured(1 - surface()))  # red is deep, and blue closes round the highs
    assert "--high red or --high blue" in str(read_page(rainbow).question)
    for is_inverted, high in ((True, "blue"), (False, "red")):
        found = read_page(rainbow, PageOptions(is_inverted=is_inverted))
        assert found.high == high and found.question is None


@pytest.mark.parametrize(("upper", "lower", "high"), [("High", "low", "red"), ("Deep", "shallow", "blue")])
def test_words_at_the_ends_of_a_colour_bar_say_which_end_is_high(monkeypatch, upper, lower, high):
    picture = colour_table("jet")[(surface() * 255).astype(int)]
    page = np.pad(on_page(picture), ((0, 0), (0, 60), (0, 0)), constant_values=255)
    page[40:160, 222:234] = colour_table("jet")[::-1][np.linspace(0, 255, 120).astype(int)][:, None]
    texts = (TextBox(upper, (36, 240, 46, 262)), TextBox(lower, (154, 240, 164, 262)))
    monkeypatch.setattr(page_module, "can_read_text", lambda: True)
    monkeypatch.setattr(page_module, "read_text", lambda picture: texts)
    found = read_page(page)
    assert found.high == high and "by the words" in found.stage("polarity").sentence
    assert found.question is None and found.depth is None
    monkeypatch.setattr(page_module, "read_text", lambda picture: texts[:1])
    assert "by the words" not in read_page(page).stage("polarity").sentence


@pytest.mark.parametrize(("title", "says"), [("Porosity", "map of 'Porosity'"), ("Top Permian", "is not known")])
def test_a_map_of_something_else_than_depth_is_asked_about(monkeypatch, title, says):
    texts = (TextBox(title, (20, 80, 30, 150)),)
    monkeypatch.setattr(page_module, "can_read_text", lambda: True)
    monkeypatch.setattr(page_module, "read_text", lambda picture: texts)
    page = on_page(coloured(1 - surface()))
    assert says in str(read_page(page).question)
    assert read_page(page, PageOptions(high="red")).question is None


def test_a_box_is_the_map_as_asked():
    page = on_page(coloured(surface()))
    found = read_page(page, PageOptions(map_box=(60, 50, 160, 120)))
    assert found.problem is None and found.inside.sum() == 100 * 70 and found.inside[50:120, 60:160].all()
    assert "has 240 x 200" in str(read_page(page, PageOptions(map_box=(60, 50, 900, 120))).problem)


def test_map_yaml_says_what_a_page_does_not(tmp_path):
    page = np.hstack([on_page(coloured(surface(), "mpl:viridis")), on_page(coloured(surface()))])
    write_picture(page, tmp_path / "page.png")
    (tmp_path / "page.yaml").write_text('panel: "1"\nhigh: dark\n', "utf-8")
    (source,) = list_maps([tmp_path / "page.png"])
    scene = read_map(source)
    assert scene.provenance.page.high == "dark" and scene.provenance.margin[3] > 240
    (tmp_path / "page.yaml").write_text("map_box: [300, 60, 380, 120]\n", "utf-8")
    assert read_map(source).shape == (60, 80)
    for wrong, says in (("high: up", "red, blue, light or dark"), ("map_box: [1, 2]", "left, top, right, bottom")):
        (tmp_path / "page.yaml").write_text(wrong, "utf-8")
        with pytest.raises(UserError, match=says):
            read_map(source)


def page_with_bar(is_lying=False):
    """A page whose bar has no numbers: 1500 at its light end and 2000 at its dark one, and the true depth."""
    share = 1 - surface()
    depth = 1500 + 500 * share
    page = np.full((230, 260, 3), 255, np.uint8)
    colours = colour_table("mpl:viridis")[::-1]
    page[40 : 40 + depth.shape[0], 30 : 30 + depth.shape[1]] = colours[(share * 255).astype(int)]
    strip = colours[np.linspace(0, 255, 101).round().astype(int)]
    if is_lying:
        page[180:192, 30:131] = strip
    else:
        page[40:141, 220:232] = strip[:, None]
    return page, depth


@pytest.mark.parametrize("is_lying", [False, True])
def test_a_bar_without_numbers_is_read_between_two_places_that_are_named(is_lying):
    page, depth = page_with_bar(is_lying)
    places = (50, 185, 110, 187, 1600, 1900) if is_lying else (226, 60, 225, 120, 1600, 1900)
    found = read_page(page, PageOptions(colour_bar=places))
    read = found.depth[40 : 40 + depth.shape[0], 30 : 30 + depth.shape[1]]
    assert found.bar.span == pytest.approx((1500, 2000), abs=5) and found.question is None
    assert np.nanmax(np.abs(read - depth)) < 15 and np.sqrt(np.nanmean((read - depth) ** 2)) < 3
    turned = read_page(page, PageOptions(colour_bar=places, high="dark"))  # what a user says comes first
    assert turned.bar.grows == "up" and np.corrcoef(np.nan_to_num(turned.depth[50:100, 40:100]).ravel(),
                                                    found.depth[50:100, 40:100].ravel())[0, 1] < -0.99  # fmt: skip


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ((226, 60, 226, 63, 1600, 1900), "3 pixels apart"),
        ((226, 60, 226, 120, 1600, 1600), "numbers 1600 and 1600"),
        ((226, 60, 226, 999, 1600, 1900), "outside the picture of 260 x 230"),
        ((10, 60, 10, 120, 1600, 1900), "grey levels from the bar's"),
    ],
)
def test_places_that_are_no_bar_are_refused(places, says):
    with pytest.raises(UserError, match=says):
        read_page(page_with_bar()[0], PageOptions(colour_bar=places))


def test_map_yaml_names_the_colour_bar(tmp_path):
    write_picture(page_with_bar()[0], tmp_path / "page.png")
    change_sidecar(tmp_path / "page.yaml", {"colour_bar": [226, 60, 226, 120, 1600, 1900.5], "depth_unit": "m"})
    (source,) = list_maps([tmp_path / "page.png"])
    scene = read_map(source)
    assert scene.has_depth and scene.geo.depth_unit == "m" and 1495 < scene.depth.min() < 1510
    (tmp_path / "page.yaml").unlink()
    (source,) = list_maps([tmp_path / "page.png"])
    typed = read_map(source, ReadOptions(colour_bar=(226, 60, 226, 120, 1600, 1900.5)))
    np.testing.assert_array_equal(typed.depth, scene.depth)
    for wrong in ("[1, 2, 3]", "[1, 2, 3, 4, 5, .nan]", "[1, 2, 3, 4, a, b]", "7"):
        (tmp_path / "page.yaml").write_text(f"colour_bar: {wrong}\n", "utf-8")
        with pytest.raises(UserError, match="two places on the bar"):
            read_map(list_maps([tmp_path / "page.png"])[0])


def test_a_document_is_not_a_picture(tmp_path):
    for name in ("map.pdf", "map.svg"):
        (tmp_path / name).write_bytes(b"%PDF-1.7" if name.endswith("pdf") else b"<svg></svg>")
        with pytest.raises(UserError, match="save the page with the map as PNG"):
            read_map(list_maps([tmp_path / name])[0])


def test_a_page_with_faults_beside_it_says_that_its_numbers_are_not_read(tmp_path):
    page = on_page(coloured(surface()), margin=60)
    write_picture(page, tmp_path / "rgb.png")
    write_picture(np.full(page.shape[:2], 255, np.uint8), tmp_path / "fault_mask.png")
    notes = read_map(list_maps([tmp_path])[0]).provenance.notes
    assert any("not read as a page, for fault_mask.png beside it" in note for note in notes)
    plain = tmp_path / "plain"
    plain.mkdir()
    write_picture(coloured(surface()), plain / "rgb.png")
    write_picture(np.full((120, 160), 255, np.uint8), plain / "fault_mask.png")
    assert not read_map(list_maps([plain])[0]).provenance.notes
    said = read_map(list_maps([plain])[0], ReadOptions(high="red")).provenance.notes
    assert any("--high are not used" in note for note in said)
