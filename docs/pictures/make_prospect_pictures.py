"""Makes docs/images/prospect_page.png: python docs/pictures/make_prospect_pictures.py (needs a Chromium)"""

import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from mtl.commands.prospects import command as prospects

ROOT = Path(__file__).parents[2]
# As in docs/howto/prospects.md.
WORDS = """--crs EPSG:23031 --depth_unit m --faults sealing --contact 60..90% --thickness 20..40 --net_to_gross 0.6..0.8
    --porosity 0.15..0.2..0.25 --water_saturation 0.2..0.4 --oil_factor 1.2..1.3 --depth_std 4 --correlation 1000"""


def main() -> None:
    """Run the tool on the example grid, and take a picture of the page of its first prospect."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as machine:
        prospects([str(ROOT / "examples" / "top_reservoir.gri"), "--out", folder, *WORDS.split(), "--pages", "1"])
        browser = machine.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto((Path(folder) / "inventory.html").as_uri())
        shot = Path(folder) / "page.png"
        page.screenshot(path=shot, full_page=True)
        browser.close()
        picture = Image.open(shot).convert("RGB")
    picture.quantize(128).save(ROOT / "docs" / "images" / "prospect_page.png", optimize=True)


if __name__ == "__main__":
    main()
