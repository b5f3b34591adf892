"""Makes docs/images/example_*.png: what the tools leave of the files in examples/, as README and tutorials show it.

python docs/pictures/make_example_pictures.py
"""

import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from mtl.commands.closures import command as closures
from mtl.commands.predict import command as predict

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
WIDTH = 760  # pixels
WHERE = ["--crs", "EPSG:23031"]


def main() -> None:
    """Run both tools, and shrink their pictures."""
    examples = ROOT / "examples"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        closures([str(examples / "top_reservoir.gri"), *WHERE, "--depth_unit", "m", "--out", str(out / "traps")])
        predict([str(examples / "map_page.png"), *WHERE, "--out", str(out / "read")])
        page = Image.open(examples / "map_page.png").convert("RGB")
        overlay = Image.open(out / "read" / "map_page" / "overlay.png").convert("RGB")
        write(page, "example_page")
        write(overlay, "example_overlay")
        write(Image.open(out / "traps" / "top_reservoir" / "closures.png").convert("RGB"), "example_closures")
        write(Image.open(out / "read" / "map_page" / "read.png").convert("RGB"), "example_read")
        pair = [ImageOps.contain(picture, (900, 700)) for picture in (page, overlay)]
        both = Image.new("RGB", (sum(picture.width for picture in pair) + 20, 700), "white")
        both.paste(pair[0], (0, (700 - pair[0].height) // 2))
        both.paste(pair[1], (pair[0].width + 20, (700 - pair[1].height) // 2))
        write(both, "example_result", 1400)


def write(picture: Image.Image, name: str, width: int = WIDTH) -> None:
    """Write a picture for the documents, small on disk."""
    if picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    picture.quantize(200, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
