"""The review page in a browser: traps are corrected, saved and found again, whatever happens to server and tabs."""

import threading
import time

import numpy as np
import pytest

from mtl.prediction.writers import apply_colour_map
from mtl.review.predictions import MapPrediction, OutputLayer
from mtl.review.server import bind_server
from mtl.review.session import ReviewSession
from mtl.tasks.heads import HEADS
from targets.io.catalogue import list_maps, read_map
from targets.io.images import write_picture
from targets.io.map_folder.sidecar import read_sidecar
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.browser import open_page
from tests.conftest import dome_scene
from tests.targets.pages.test_page import page_with_bar

pytestmark = pytest.mark.slow
SIZE = 64


def two_traps(scene):
    """A prediction that is certain of one trap and uncertain of another."""
    probability = np.zeros(scene.shape, np.uint8)
    probability[10:30, 10:25], probability[40:55, 35:60] = 230, 102
    probability[2:5, 2:5] = 255  # too small for a trap
    head = HEADS["trap"]
    layers = {"trap": OutputLayer(head, apply_colour_map(head.drawing, probability / np.float32(255)), 1.0)}
    return MapPrediction(layers, probability)


class Served:
    """A data set of two maps and its server, which can be stopped and started again with another key."""

    def __init__(self, folder):
        self.session, self.server = ReviewSession(folder, two_traps, ReadOptions()), None

    def start(self, key):
        self.server = bind_server(self.session, self.server.port if self.server else 0, key)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://{self.server.host}:{self.server.port}/?key={key}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served(tmp_path):
    """A data set that is served."""
    pytest.importorskip("flask")
    for name in ("first", "second"):
        write_map_folder(dome_scene(name), tmp_path / name)
    served = Served(tmp_path)
    yield served
    served.stop()


@pytest.fixture
def page(served, browser):
    """The page of the first map."""
    with open_page(browser, served.start("key")) as page:
        says(page, "#kept", "0 traps,")
        yield page


def spot(page, row, col):
    """Where a (fractional) row and column of the whole map lie on the screen."""
    box = page.locator("#view").bounding_box()
    scale = 0.96 * min(box["width"], box["height"]) / SIZE
    return (
        box["x"] + box["width"] / 2 + (col - SIZE / 2) * scale,
        box["y"] + box["height"] / 2 + (row - SIZE / 2) * scale,
    )


def lasso(page, *corners):
    """Drag the mouse around corners (row, column)."""
    page.mouse.move(*spot(page, *corners[0]))
    page.mouse.down()
    for corner in (*corners[1:], corners[0]):
        page.mouse.move(*spot(page, *corner), steps=8)
    page.mouse.up()


def traps_of(folder):
    """The drawn traps of the first map, or None."""
    return read_map(list_maps([folder])[0]).traps


def says(page, where, text):
    """Wait until a line of the page says this."""
    page.locator(where).filter(has_text=text).wait_for()


def click(page, name):
    """Click a button."""
    page.get_by_role("button", name=name, exact=True).click()


def test_open_correct_save_and_reload(page, tmp_path):
    says(page, "#title", "first")
    says(page, "#found", "1 trap,")
    says(page, "#kept", "0 traps,")
    page.locator("#threshold").fill("0.3")
    says(page, "#found", "2 traps,")  # the speck is none
    page.get_by_label("trap", exact=True).check()
    says(page, "#unit", "probability of trap")

    page.mouse.click(*spot(page, 20, 15))  # accepts the first
    page.mouse.click(*spot(page, 47, 40))  # accepts the second
    says(page, "#kept", "2 traps,")
    page.mouse.click(*spot(page, 47, 40))  # deletes it again
    says(page, "#kept", "1 trap,")
    page.get_by_text("Draw", exact=True).click()
    lasso(page, (35, 10), (35, 30), (50, 30), (50, 10))
    says(page, "#kept", "2 traps,")
    page.get_by_text("Cut away").click()
    for corner in ((9, 20), (9, 41), (31, 41)):  # corner by corner, the last one twice
        page.mouse.click(*spot(page, *corner))
    page.mouse.dblclick(*spot(page, 31, 20))
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")

    expected = np.zeros((SIZE, SIZE), bool)
    expected[10:30, 10:20] = expected[35:50, 10:30] = True
    click(page, "Save")
    says(page, "#state", "saved as traps.png")
    np.testing.assert_array_equal(traps_of(tmp_path), expected)

    page.reload()
    says(page, "#kept", "2 traps,")
    says(page, "#progress", "1 of 2")
    assert page.get_by_role("button", name="Save").is_disabled()  # nothing is left to save
    click(page, "Delete all")
    click(page, "Save")
    says(page, "#state", "a map without traps")
    np.testing.assert_array_equal(traps_of(tmp_path), np.zeros((SIZE, SIZE), bool))
    click(page, "Undo")
    click(page, "Save")
    says(page, "#state", "saved as traps.png")
    np.testing.assert_array_equal(traps_of(tmp_path), expected)


def test_a_click_shows_where_what_rises_ends_up(page):
    page.get_by_text("Migrate", exact=True).click()
    page.mouse.click(*spot(page, 20, 15))
    says(page, "#way", "Fills closure 1 (")
    says(page, "#way", "out of the map.")
    click(page, "Show them")
    says(page, "#way", "More points fill nothing more.")
    page.locator("#points").press("2")  # a digit in a field chooses no tool
    assert page.get_by_role("radio", name="Migrate").is_checked()
    says(page, "#kept", "0 traps,")
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator("#view").bounding_box()
    assert box["width"] > 300 and box["height"] > 300  # a phone shows the map, too
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_picture_is_read_as_marked(browser, tmp_path):
    pytest.importorskip("flask")
    write_picture(page_with_bar()[0], tmp_path / "page.png")
    served = Served(tmp_path)
    with open_page(browser, served.start("key"), may_say=("422",)) as page:
        page.get_by_role("button", name="Picture …").click()
        says(page, "#understood", "which end of its colours is high")
        page.wait_for_load_state("networkidle")
        box = page.locator("#view").bounding_box()
        scale = 0.96 * min(box["width"] / 260, box["height"] / 230)

        def place(x, y):
            box = page.locator("#view").bounding_box()  # lines above it may come and go
            middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            return middle[0] + (x + 0.5 - 130) * scale, middle[1] + (y + 0.5 - 115) * scale

        page.mouse.move(*place(30, 40))
        page.mouse.down()
        page.mouse.move(*place(129, 119), steps=3)
        page.mouse.up()
        page.get_by_label("click two places").check()
        page.mouse.click(*place(226, 60))
        page.locator("#first").fill("1600")
        page.mouse.click(*place(226, 120))
        says(page, "#places", "1: 226, 60; 2: 226, 120")
        click(page, "Save and read")
        says(page, "#state", "needs two places and the number at each")
        page.locator("#second").fill("1900")
        click(page, "Save and read")
        says(page, "#state", "saved as page.yaml")
        says(page, "#about", "1500 to")
    served.stop()
    said = read_sidecar(tmp_path / "page.yaml")
    assert said.map_box == (30, 40, 130, 120) and said.colour_bar == (226, 60, 226, 120, 1600, 1900)


def test_corrections_are_not_left_by_mistake(page, tmp_path):
    click(page, "Accept all")
    questions = []

    def stay(dialog):
        questions.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", stay)
    click(page, "second")
    assert questions == ["The corrections of first are not saved. Leave them?"]
    says(page, "#title", "first")
    page.once("dialog", lambda dialog: dialog.accept())
    click(page, "second")
    says(page, "#title", "second")
    says(page, "#kept", "0 traps,")
    assert traps_of(tmp_path) is None


def test_of_two_tabs_the_later_save_is_told_and_chooses(served, browser, tmp_path):
    address = served.start("key")
    with open_page(browser, address, may_say=("409",)) as one, open_page(browser, address, may_say=("409",)) as two:
        for tab in (one, two):
            says(tab, "#kept", "0 traps,")
        click(one, "Accept all")
        click(one, "Save")
        says(one, "#state", "saved as traps.png")
        first = traps_of(tmp_path)

        two.get_by_text("Draw", exact=True).click()
        lasso(two, (35, 10), (35, 30), (45, 30), (45, 10))
        click(two, "Save")
        says(two, "#state", "were saved elsewhere since they were opened here")
        np.testing.assert_array_equal(traps_of(tmp_path), first)
        click(two, "Show the saved ones")
        says(two, "#kept", "1 trap, 7.3 %")  # 300 cells
        click(two, "Undo")
        says(two, "#kept", "1 trap, 4.9 %")  # its own
        click(two, "Accept all")
        click(two, "Save")
        says(two, "#state", "saved as traps.png")
        assert traps_of(tmp_path).sum() == 500

        click(one, "Delete all")
        click(one, "Save")
        says(one, "#state", "were saved elsewhere")
        click(one, "Replace them by mine")
        says(one, "#state", "a map without traps")
        assert traps_of(tmp_path).sum() == 0


def test_a_held_key_saves_once_and_a_server_that_stops_loses_nothing(served, browser, tmp_path, monkeypatch):
    saves, save = [], served.session.save

    def save_slowly(*arguments):
        saves.append(arguments)
        time.sleep(1)
        return save(*arguments)

    monkeypatch.setattr(served.session, "save", save_slowly)
    with open_page(browser, served.start("key"), may_say=("ERR_CONNECTION_REFUSED", "403")) as page:
        says(page, "#kept", "0 traps,")
        click(page, "Accept all")
        page.keyboard.down("Control")
        for _ in range(20):  # the key repeats
            page.keyboard.down("s")
        page.keyboard.up("s")
        page.keyboard.up("Control")
        says(page, "#state", "saving …")
        click(page, "second")  # waits for the save, and asks nothing
        says(page, "#title", "second")
        page.locator("#maps button").first.click()
        says(page, "#kept", "1 trap,")
        assert len(saves) == 1 and traps_of(tmp_path).sum() == 300

        served.stop()
        click(page, "Delete all")
        click(page, "Save")
        says(page, "#state", "The server does not answer.")
        address = served.start("another")
        click(page, "Save")
        says(page, "#state", "The server was started again.")
        assert traps_of(tmp_path).sum() == 300
        other = page.context.new_page()
        other.goto(address)
        click(page, "Save")
        says(page, "#state", "a map without traps")
        assert traps_of(tmp_path).sum() == 0
