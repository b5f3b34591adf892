"""Makes docs/images/scenario_*.png: python docs/pictures/make_scenario_pictures.py"""

import tempfile
from pathlib import Path

from PIL import Image, ImageOps

from mtl.commands.prospects import command as prospects

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
WIDTH = 1100  # pixels


def main() -> None:
    """Run the tool on the example grid, and shrink its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        grid, out = ROOT / "examples" / "top_reservoir.gri", Path(folder)
        prospects([str(grid), "--crs", "EPSG:23031", "--depth_unit", "m", "--out", str(out), "--faults", "sealing",
                   "--charge", "4e7", "--fault_scenarios", "true", "--pages", "0"])  # fmt: skip
        made = {path.stem: Image.open(path).convert("RGB") for path in (out / "top_reservoir").glob("*.png")}
    made["faults"] = made["faults"].crop((0, 0, made["faults"].width, made["faults"].height // 2))
    beside = [ImageOps.contain(made[name], (1000, 800)) for name in ("charge_map", "charge")]
    both = Image.new("RGB", (sum(picture.width for picture in beside) + 20, 800), "white")
    both.paste(beside[0], (0, (800 - beside[0].height) // 2))
    both.paste(beside[1], (beside[0].width + 20, (800 - beside[1].height) // 2))
    for name, picture in {"charge": both, "faults": made["fault_scenarios"], "sides": made["faults"]}.items():
        picture = ImageOps.contain(picture, (WIDTH, 2 * WIDTH))
        picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(IMAGES / f"scenario_{name}.png", optimize=True)


if __name__ == "__main__":
    main()
