"""Makes the pictures of docs/howto/make_maps.md."""

from pathlib import Path

import numpy as np
from PIL import Image

from targets.rendering.map import contact_sheet, with_rendered_picture
from targets.rendering.palettes import PALETTES
from targets.rendering.style import Style
from targets.rendering.style_families import with_random_style
from targets.scene import Scene
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map

IMAGES = Path(__file__).parents[1] / "images"
SEED = 21


def main() -> None:
    """Make all of them."""
    _write("synthetic_maps", [make_structure_map(seed, 360) for seed in (16, 17, 18, 21, 34, 32, 28, 43)], 4)
    frame = (1, 1)
    bent = make_structure_map(
        SEED, 360, StructureMapOptions(faults=(0, 0), picking_noise=(0, 0), outline_rectangles=frame), "bent"
    )
    broken = make_structure_map(
        SEED, 360, StructureMapOptions(picking_noise=(0, 0), outline_rectangles=frame), "broken"
    )
    measured = make_structure_map(SEED, 360, StructureMapOptions(), "measured")
    interval = broken.geo.contour_interval
    _write(
        "how_a_map_is_made",
        [with_rendered_picture(scene, Style(contour_interval=interval)) for scene in (bent, broken, measured)],
        3,
    )
    styles = [Style(palette=name, banded=i % 3 == 2, contour_labels=i == 0) for i, name in enumerate(PALETTES)]
    scene = make_structure_map(18, 360)
    _write("report_styles", report_maps("train", 8) + report_maps("unseen", 4), 4)
    _write("styles", [with_rendered_picture(scene.replace(name=style.palette), style) for style in styles], 3)


def report_maps(family: str, count: int) -> list[Scene]:
    """Maps as they stand in reports, in styles of a family."""
    scenes = [make_structure_map(seed, 360) for seed in (16, 18, 21, 34)]
    drawn_anew = [with_random_style(scenes[i % 4], np.random.default_rng([2, i]), family) for i in range(count)]
    return [scene.replace(name=f"{family} {i}") for i, scene in enumerate(drawn_anew)]


def _write(name: str, scenes: list[Scene], columns: int) -> None:
    """Write a contact sheet, in 256 colours to keep the file small."""
    IMAGES.mkdir(exist_ok=True)
    sheet = Image.fromarray(contact_sheet(scenes, columns, side=260))
    colours = sheet.quantize(256, Image.Quantize.MEDIANCUT)
    few = sheet.quantize(palette=colours, dither=Image.Dither.FLOYDSTEINBERG)
    few.save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
