"""The review page in a browser: open a map, correct its traps, save them, come back."""

import shutil
import threading

import numpy as np
import pytest

from mtl.commands.review import main  # noqa: F401 (the fixture `call`)
from mtl.prediction.writers import apply_colour_map
from mtl.review.predictions import MapPrediction, OutputLayer
from mtl.review.server import bind_server
from mtl.review.session import ReviewSession
from mtl.tasks.heads import HEADS
from targets.io.catalogue import list_maps, read_map
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.conftest import dome_scene

SIZE = 64


def two_traps(scene):
    """A prediction that is certain of one trap and uncertain of another."""
    probability = np.zeros(scene.shape, np.uint8)
    probability[10:30, 10:25], probability[40:55, 35:60] = 230, 102
    probability[2:5, 2:5] = 255  # too small for a trap
    head = HEADS["trap"]
    layers = {"trap": OutputLayer(head, apply_colour_map(head.drawing, probability / np.float32(255)), 1.0)}
    return MapPrediction(layers, probability)


@pytest.fixture
def address(tmp_path):
    """A served data set of two maps."""
    pytest.importorskip("flask")
    for name in ("first", "second"):
        write_map_folder(dome_scene(name), tmp_path / name)
    server = bind_server(ReviewSession(tmp_path, two_traps, ReadOptions()), 0, "key")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{server.host}:{server.port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(address):
    """A page of a headless browser, with its key; it may neither report an error nor ask another server."""
    api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as machine:
        browser = machine.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        complaints, asked = [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}?key=key")
        yield page
        assert not complaints and all(url.startswith((address, "data:")) for url in asked)
        browser.close()


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
    page.locator(where).filter(has_text=text).wait_for(timeout=20_000)


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
    page.get_by_role("button", name="Save").click()
    says(page, "#state", "saved as traps.png")
    np.testing.assert_array_equal(traps_of(tmp_path), expected)

    page.reload()
    says(page, "#kept", "2 traps,")
    says(page, "#progress", "1 of 2")
    assert page.get_by_role("button", name="Save").is_disabled()  # nothing is left to save
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Save").click()
    says(page, "#state", "a map without traps")
    np.testing.assert_array_equal(traps_of(tmp_path), np.zeros((SIZE, SIZE), bool))
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Save").click()
    says(page, "#state", "saved as traps.png")
    np.testing.assert_array_equal(traps_of(tmp_path), expected)


def test_corrections_are_not_left_by_mistake(page, tmp_path):
    says(page, "#kept", "0 traps,")
    page.get_by_role("button", name="Accept all").click()
    questions = []

    def stay(dialog):
        questions.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", stay)
    page.get_by_role("button", name="second").click()
    assert questions == ["The corrections of first are not saved. Leave them?"]
    says(page, "#title", "first")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="second").click()
    says(page, "#title", "second")
    says(page, "#kept", "0 traps,")
    assert traps_of(tmp_path) is None


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["DATA", "--checkpoint", "a.ckpt", "--predictions", "b"], "given together with --checkpoint"),
        (["nowhere", "--predictions", "b"], "nowhere: not a folder"),
        (["DATA", "--predictions", "b", "--port", "PORT"], "is taken"),
    ],
)
def test_mistakes_are_one_line(call, address, tmp_path, words, error):
    port = address.rstrip("/").rpartition(":")[2]
    code, _, said = call(*(word.replace("DATA", str(tmp_path)).replace("PORT", port) for word in words))
    assert code == 2 and error in said and said.count("\n") == 1
