"""Makes docs/images/review.png: the review page in a browser, some traps accepted and one redrawn.

python docs/pictures/make_review_pictures.py runs/demo/best.ckpt (needs playwright and an installed Chromium)
"""

import shutil
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from mtl.inference.predictor import load_predictor
from mtl.review.predictions import predictions_of_network
from mtl.review.security import LOOPBACK
from mtl.review.server import bind_server
from mtl.review.session import ReviewSession
from targets.io.catalogue import ReadOptions
from targets.io.map_folder.writer import write_map_folder
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

IMAGE = Path(__file__).parents[1] / "images" / "review.png"


def main(checkpoint: str) -> None:
    """Open the page on five synthetic maps, of which two were reviewed, and correct the third."""
    predictor = load_predictor(checkpoint, "cpu")
    with tempfile.TemporaryDirectory() as name:
        for number in range(5):
            scene = make_structure_map(700000 + number, 128, name=f"map_{number + 1}")
            traps = compute_traps(scene, TrapCriteria())[0] > 0 if number < 2 else None
            write_map_folder(scene.replace(traps=traps), Path(name) / scene.name)
        server = bind_server(ReviewSession(Path(name), predictions_of_network(predictor), ReadOptions()), 0, "key")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as machine:
            browser = machine.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1240, "height": 740})
            page.goto(f"http://{LOOPBACK}:{server.port}/?key=key")
            page.get_by_role("button", name="map_3").click()
            page.locator("#kept").filter(has_text="of the map").wait_for()
            page.locator("#title").filter(has_text="map_3").wait_for()
            page.get_by_label("trap", exact=True).check()
            page.locator("#opacity").fill("0.35")
            page.get_by_role("button", name="Accept all").click()
            page.locator("#threshold").fill("0.25")
            page.get_by_text("Draw", exact=True).click()
            box = page.locator("#view").bounding_box()
            assert box is not None
            for right, down in ((0.36, 0.2), (0.45, 0.13), (0.55, 0.2), (0.52, 0.3)):
                page.mouse.click(box["x"] + right * box["width"], box["y"] + down * box["height"])
            page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.31 * box["height"])
            page.wait_for_timeout(300)
            page.screenshot(path=IMAGE)
            browser.close()
        server.shutdown()
    Image.open(IMAGE).convert("RGB").save(IMAGE, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
