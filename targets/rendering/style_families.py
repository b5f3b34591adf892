"""Families of styles to draw maps in at random: those for training, and those kept for tests."""

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
    """What the styles of a family are drawn from.

    Attributes
    ----------
    palettes : tuple[str, ...]
        Names of palettes (`targets.rendering.palettes`).
    random_share : float
        Share of maps that have a random palette (random:SEED) instead.
    inks : tuple[Colour, ...]
        Colours of contours and annotations.
    fault_colours : tuple[Colour, ...]
        Colours of faults.
    fault_symbols : tuple[FaultSymbol, ...]
        How faults are drawn.
    fonts : tuple[str, ...]
        Names of fonts (`targets.rendering.text`).
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
    # palettes whose legend `targets.picture_reading.depth_from_known_palette` knows
    "unseen_legend": replace(UNSEEN, palettes=("soft", "dusk")),
}
CLEAN = "clean"  # the known palettes, black contours, brown faults, and no annotations
FAMILY_NAMES = (CLEAN, *FAMILIES)
SMALL_SIDE = 160  # pixels of a picture's shorter side, below which wide lines and long texts would hide the map


def random_style(rng: np.random.Generator, family: str = CLEAN, shape: tuple[int, int] = (512, 512)) -> Style:
    """Draw a style from a family.

    Parameters
    ----------
    rng : np.random.Generator
        Decides everything.
    family : str, default 'clean'
        One of `FAMILY_NAMES`.
    shape : tuple[int, int], default (512, 512)
        Rows and columns of the map; small ones of reports get thin lines and few annotations.

    Returns
    -------
    Style
        One of the many of the family.

    Raises
    ------
    UserError
        An unknown family.

    Examples
    --------
    >>> random_style(np.random.default_rng(0), "clean").palette in PALETTES
    True
    """
    if family == CLEAN:
        return random_clean_style(rng)
    if family not in FAMILIES:
        raise UserError("styles", repr(family), f"one of {', '.join(FAMILY_NAMES)}")
    style = random_report_style(rng, FAMILIES[family])
    if min(shape) >= SMALL_SIDE:
        return style
    thin, few = min(style.contour_width, 0.5), min(style.contour_density, 1.2)
    annotations = replace(style.annotations, grid_spacing=0, names=0, scale_bar=False, title=False)
    return replace(style, contour_width=thin, contour_density=few, fault_width=1, annotations=annotations)


def with_random_style(scene: Scene, rng: np.random.Generator, family: str) -> Scene:
    """Draw the map again, in a style from a family.

    Parameters
    ----------
    scene : Scene
        The map; its contour interval is left to the style.
    rng : np.random.Generator
        Decides the style.
    family : str
        One of `FAMILY_NAMES`.

    Returns
    -------
    Scene
        The same map with another picture and contour interval.
    """
    plain = scene.replace(geo=replace(scene.geo, contour_interval=None, contour_base=0.0))
    return with_rendered_picture(plain, random_style(rng, family, scene.shape))


def random_clean_style(rng: np.random.Generator) -> Style:
    """Draw a style in which interpreters' programs show a map on the screen."""
    brown = np.add(BROWN, rng.integers(-20, 21, 3))
    return Style(
        palette=str(rng.choice(list(PALETTES))),
        banded=bool(rng.random() < 0.25),
        contour_width=float(rng.choice([0.5, 1.0, 1.5], p=[0.6, 0.3, 0.1])),
        contour_labels=bool(rng.random() < 0.15),
        fault_width=int(rng.integers(1, 4)),
        fault_colour=(int(brown[0]), int(brown[1]), int(brown[2])),
    )


def random_report_style(rng: np.random.Generator, family: StyleFamily) -> Style:
    """Draw a style of maps in reports: any colours and lines of a family, annotated, copied and scanned."""

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    random_palette, seed = chance(family.random_share), int(rng.integers(2**31))
    density = float(np.exp(rng.uniform(np.log(0.4), np.log(2.2))))
    width = float(rng.choice([0.5, 1.0, 1.5], p=[0.6, 0.3, 0.1])) if density < 1.3 else 0.5
    return Style(
        palette=f"random:{seed}" if random_palette else str(rng.choice(family.palettes)),
        banded=chance(0.3),
        contour_density=density,
        contour_width=0.0 if chance(0.08) else width,
        contour_colour=_choose(rng, family.inks),
        index_every=int(rng.choice([0, 4, 5, 10], p=[0.2, 0.15, 0.5, 0.15])),
        dashed_contours=chance(0.08),
        contour_labels=chance(0.35),
        align_labels=chance(0.6),
        hillshade=float(rng.uniform(0.1, 0.5)) if chance(0.2) else 0.0,
        fault_symbol=_choose(rng, family.fault_symbols),
        fault_width=int(rng.integers(1, 4)),
        fault_colour=_choose(rng, family.fault_colours),
        annotations=random_annotations(rng, family, seed),
        scan=random_scan_effects(rng),
    )


def random_annotations(rng: np.random.Generator, family: StyleFamily, seed: int) -> Annotations:
    """Draw the annotations of a map in a report: none on two of five, else some of everything."""
    present = rng.random(8) < (0 if rng.random() < 0.4 else 0.4)
    return Annotations(
        grid_spacing=int(rng.integers(60, 160)) * int(present[0]),
        blocks=int(rng.integers(1, 4)) * int(present[1]),
        wells=int(rng.integers(1, 9)) * int(present[2]),
        names=int(rng.integers(1, 4)) * int(present[3]),
        legend=bool(present[4]),
        scale_bar=bool(present[5]),
        north_arrow=bool(present[6]),
        title=bool(present[7]),
        font=_choose(rng, family.fonts),
        letter_height=float(rng.uniform(5.5, 9.0)),
        ink=_choose(rng, family.inks),
        seed=seed,
    )


def random_scan_effects(rng: np.random.Generator) -> ScanEffects:
    """Draw the scan effects of a report: none on half of the pictures."""
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


def _choose(rng: np.random.Generator, choices: tuple[Choice, ...]) -> Choice:
    """Draw one of some choices."""
    return choices[int(rng.integers(len(choices)))]
