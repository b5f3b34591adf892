"""In which style is a map drawn? Families of styles, those for training and those kept for tests, in one place."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from targets.errors import UserError
from targets.rendering.annotations import Annotations
from targets.rendering.fault_symbols import FaultSymbol
from targets.rendering.map import with_rendered_picture
from targets.rendering.palettes import BLACK, PALETTES, Colour
from targets.rendering.scan_effects import ScanEffects
from targets.rendering.style import BROWN, Style
from targets.scene import Scene


@dataclass(frozen=True)
class StyleFamily:
    """What a style is drawn from.

    Attributes
    ----------
    palettes : tuple[str, ...]
        Names of `targets.rendering.palettes`.
    random : float
        Share of maps in colours of their own instead (random:SEED).
    inks : tuple[Colour, ...]
        Of contours and of what lies over the map.
    faults : tuple[Colour, ...]
        Colours of faults.
    marks : tuple[FaultMark, ...]
        How faults are drawn.
    fonts : tuple[str, ...]
        Of `targets.rendering.text`.
    """

    palettes: tuple[str, ...]
    random_share: float
    inks: tuple[Colour, ...]
    fault_colours: tuple[Colour, ...]
    fault_symbols: tuple[FaultSymbol, ...]
    fonts: tuple[str, ...]


# What networks are trained on.
TRAIN = StyleFamily(
    palettes=("rainbow", "jet", "spectral", "hue", "mpl:plasma", "mpl:YlGnBu_r", "mpl:gist_earth", "mpl:rainbow",
              "mpl:RdYlGn_r", "mpl:cividis"),
    random_share=0.6,
    inks=(BLACK, BLACK, BLACK, (60, 60, 60), (110, 80, 50), (40, 40, 110), (120, 120, 120)),
    fault_colours=(BROWN, BROWN, BLACK, (90, 90, 90), (200, 20, 20), (255, 255, 255)),
    fault_symbols=("filled", "filled", "edged", "outline", "line"),
    fonts=("simplex", "plain", "complex"),
)  # fmt: skip
# What no network may have been trained on: neither palettes nor fonts nor colours of faults, nor faults with teeth.
UNSEEN = StyleFamily(
    palettes=("mpl:turbo", "mpl:RdYlBu_r", "mpl:viridis", "mpl:terrain", "mpl:nipy_spectral", "mpl:coolwarm"),
    random_share=0.0,
    inks=((20, 20, 20), (90, 60, 90), (30, 90, 60)),
    fault_colours=((150, 30, 130), (60, 30, 0), (40, 60, 120)),
    fault_symbols=("filled", "teeth", "edged"),
    fonts=("duplex", "triplex"),
)
FAMILIES: dict[str, StyleFamily] = {
    "train": TRAIN,
    "unseen": UNSEEN,  # palettes whose legend no program knows
    "unseen_legend": replace(
        UNSEEN, palettes=("soft", "dusk")
    ),  # palettes whose legend `targets.picture_reading.depth_from_known_palette` knows
}
CLEAN = "clean"  # the known palettes, black contours, brown faults, and nothing over the map
FAMILY_NAMES = (CLEAN, *FAMILIES)


SMALL = 160  # pixels of the shorter side of a picture, below which wide lines and long texts would hide the map


def random_style(rng: np.random.Generator, family: str = CLEAN, shape: tuple[int, int] = (512, 512)) -> Style:
    """One of the many ways in which a map of (H, W) pixels may be drawn; small ones of reports in thin lines.

    Raises
    ------
    UserError
        An unknown family.
    """
    if family == CLEAN:
        return clean_style(rng)
    if family not in FAMILIES:
        raise UserError("styles", repr(family), f"one of {', '.join(FAMILY_NAMES)}")
    style = report_style(rng, FAMILIES[family])
    if min(shape) >= SMALL:
        return style
    thin, few = min(style.contour_width, 0.5), min(style.contour_density, 1.2)
    sheet = replace(style.annotations, grid=0, names=0, scale_bar=False, title=False)
    return replace(style, contour_width=thin, density=few, fault_width=1, sheet=sheet)


def with_random_style(scene: Scene, rng: np.random.Generator, family: str) -> Scene:
    """The map with another picture, whose contours are the style's own."""
    plain = scene.replace(geo=replace(scene.geo, contour_interval=None, contour_base=0.0))
    return with_rendered_picture(plain, random_style(rng, family, scene.shape))


def clean_style(rng: np.random.Generator) -> Style:
    """As interpreters' programs draw a map on the screen."""
    brown = np.add(BROWN, rng.integers(-20, 21, 3))
    return Style(
        palette=str(rng.choice(list(PALETTES))),
        banded=bool(rng.random() < 0.25),
        contour_width=float(rng.choice([0.5, 1.0, 1.5], p=[0.6, 0.3, 0.1])),
        contour_labels=bool(rng.random() < 0.15),
        fault_width=int(rng.integers(1, 4)),
        fault_colour=(int(brown[0]), int(brown[1]), int(brown[2])),
    )


def report_style(rng: np.random.Generator, family: StyleFamily) -> Style:
    """As maps stand in reports: any colours and lines of a family, written over, copied and scanned."""

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    random, seed = chance(family.random_share), int(rng.integers(2**31))
    density = float(np.exp(rng.uniform(np.log(0.4), np.log(2.2))))
    width = float(rng.choice([0.5, 1.0, 1.5], p=[0.6, 0.3, 0.1])) if density < 1.3 else 0.5
    return Style(
        palette=f"random:{seed}" if random else str(rng.choice(family.palettes)),
        banded=chance(0.3),
        contour_density=density,
        contour_width=0.0 if chance(0.08) else width,
        contour_colour=_one(rng, family.inks),
        index_every=int(rng.choice([0, 4, 5, 10], p=[0.2, 0.15, 0.5, 0.15])),
        dashed_contours=chance(0.08),
        contour_labels=chance(0.35),
        align_labels=chance(0.6),
        hillshade=float(rng.uniform(0.1, 0.5)) if chance(0.2) else 0.0,
        fault_symbol=_one(rng, family.fault_symbols),
        fault_width=int(rng.integers(1, 4)),
        fault_colour=_one(rng, family.fault_colours),
        annotations=random_sheet(rng, family, seed),
        scan=random_scan(rng),
    )


def random_sheet(rng: np.random.Generator, family: StyleFamily, seed: int) -> Annotations:
    """What lies over a map in a report: nothing on two of five, else some of everything."""
    busy = rng.random(8) < (0 if rng.random() < 0.4 else 0.4)
    return Annotations(
        grid_spacing=int(rng.integers(60, 160)) * int(busy[0]),
        blocks=int(rng.integers(1, 4)) * int(busy[1]),
        wells=int(rng.integers(1, 9)) * int(busy[2]),
        names=int(rng.integers(1, 4)) * int(busy[3]),
        legend=bool(busy[4]),
        scale_bar=bool(busy[5]),
        north_arrow=bool(busy[6]),
        title=bool(busy[7]),
        font=_one(rng, family.fonts),
        letter_height=float(rng.uniform(5.5, 9.0)),
        ink=_one(rng, family.inks),
        seed=seed,
    )


def random_scan(rng: np.random.Generator) -> ScanEffects:
    """What a report does to a picture: nothing to half of them."""
    if rng.random() < 0.5:
        return ScanEffects()
    cast = rng.integers(-12, 13, 3)
    return ScanEffects(
        blur=float(rng.uniform(0.3, 0.9)) if rng.random() < 0.5 else 0.0,
        colour_cast=(int(cast[0]), int(cast[1]), int(cast[2])),
        fade=float(rng.uniform(0, 0.2)),
        noise=float(rng.uniform(0, 6)) if rng.random() < 0.5 else 0.0,
        jpeg_quality=int(rng.integers(40, 96)) if rng.random() < 0.7 else 0,
    )


Choice = TypeVar("Choice")


def _one(rng: np.random.Generator, choices: tuple[Choice, ...]) -> Choice:
    return choices[int(rng.integers(len(choices)))]
