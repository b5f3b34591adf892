#!/usr/bin/env python
"""Make maps to train and test on: synthetic ones, or real grids drawn as interpreters see them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from targets.cli import run
from targets.coarse import coarsened
from targets.errors import UserError
from targets.folder import write_folder
from targets.maps import MapSource, list_maps, read_map
from targets.pictures import write_picture
from targets.render import DEFAULT, Style, contact_sheet, drawn
from targets.scene import Scene
from targets.styles import CLEAN, STYLES, random_style
from targets.synth import TYPICAL, SynthOptions, make_scene, with_poor_picks

SHOWN = 12  # maps on the contact sheet
SEEDS = 100_000  # maps of one --seed at most, so that two seeds never share a map


def main(
    *,
    out: Path,
    count: int | None = None,
    seed: int = 0,
    size: int = 512,
    grids: tuple[Path, ...] = (),
    elevation: bool = False,
    longest: int = 0,
    styles: str | None = None,
    style: Style = DEFAULT,
    synth: SynthOptions = TYPICAL,
    surfaces: tuple[Path, ...] = (),
    margin: int = 12,
    depth_noise: float = 0.0,
    depth_bits: int = 16,
    workers: int = 1,
) -> None:
    """Make maps: synthetic ones, or with --grids real surfaces drawn as interpreters see them.

    Parameters
    ----------
    out : the folder that gets one folder per map, and contact_sheet.png, which shows the first of them.
    count : number of synthetic maps (default 12).
    seed : the same seed makes the same maps; different seeds share none.
    size : rows and columns of a synthetic map.
    grids : files or folders of gridded surfaces, read with the fault files beside them; no synthetic maps then.
    elevation : the grids hold elevations, positive up.
    longest : grids with a longer side are coarsened to this many cells; 0: never.
    styles : draw every map in another style of a family, by seed: clean (as synthetic maps are by default), train
        (as maps stand in reports), or what no network was trained on: unseen, unseen_legend.
    style : how grids are drawn where no family is named.
    synth : what synthetic maps look like.
    surfaces : files or folders of real surfaces, of which random cuts, turned, upside down, smoothed and tilted, take
        the place of the folds of synthetic maps; maps of one surface are one group.
    margin : white pixels around the pictures, as interpreters' exports have.
    depth_noise : share of the relief, such as 0.01, by which depths (and pictures) are disturbed, as poor picks are;
        what is true of the maps stays that of the surface before, which is kept as depth_clean.png.
    depth_bits : 8 or 16 for a depth picture, 32 for exact depths.
    workers : processes at work; each map takes about half a second, so more than one pays from some 20 maps.
    """
    if grids and (count is not None or surfaces):
        mend = "grids are drawn as they are; leave the others away"
        raise UserError("--count, --surfaces", "given together with --grids", "one of them", mend)
    count = 12 if count is None else count
    if not grids and not 0 < count <= SEEDS:
        raise UserError("--count", str(count), f"a number from 1 to {SEEDS}")
    if depth_bits not in (8, 16, 32):
        raise UserError("--depth_bits", str(depth_bits), "8, 16 or 32")
    if not 0 <= depth_noise < 1:
        raise UserError("--depth_noise", str(depth_noise), "a share of the relief, below 1")
    if min(seed, margin, longest) < 0 or workers < 1:
        found = f"{seed}, {margin}, {longest}, {workers}"
        raise UserError("--seed, --margin, --longest, --workers", found, "at least 0, 0, 0 and 1")
    if styles is not None and styles not in STYLES:
        raise UserError("--styles", repr(styles), f"one of {', '.join(STYLES)}")
    jobs: Sequence[int | MapSource] = list_maps(grids) if grids else range(seed * SEEDS, seed * SEEDS + count)
    real = [read_map(source) for source in list_maps(surfaces)] if surfaces else []
    make: Callable[..., Scene] = partial(
        make_scene, surfaces=real, size=size, options=synth, styles=styles or CLEAN, disturbed=depth_noise
    )
    if grids:
        shape = partial(_shaped, elevation=elevation, longest=longest, disturbed=depth_noise, seed=seed)
        make = partial(_make_grid, shape=shape, style=style, styles=styles, seed=seed)
    work = partial(_make_and_write, make=make, out=out, margin=margin, depth_bits=depth_bits)
    if workers == 1:
        shown = list(map(work, jobs, range(len(jobs))))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            shown = list(pool.map(work, jobs, range(len(jobs)), chunksize=4))
    sheet = out / "contact_sheet.png"
    write_picture(contact_sheet([scene for scene in shown if scene is not None]), sheet)
    print(f"{len(jobs)} maps in {out}: look at {sheet}")


def _make_and_write(
    job: int | MapSource, index: int, make: Callable[..., Scene], out: Path, margin: int, depth_bits: int
) -> Scene | None:
    """Write one map; give it back when it goes on the contact sheet."""
    scene = make(job)
    write_folder(scene, out / scene.name, margin, depth_bits)
    return scene if index < SHOWN else None


def _make_grid(
    source: MapSource, shape: Callable[[MapSource], Scene], style: Style, styles: str | None, seed: int
) -> Scene:
    """A grid with its picture, in `style` or in one of a family that seed and name choose."""
    scene = shape(source)
    if styles is not None:
        style = random_style(np.random.default_rng([seed, *source.name.encode()]), styles, scene.shape)
    return drawn(scene, style)


def _shaped(source: MapSource, elevation: bool, longest: int, disturbed: float, seed: int) -> Scene:
    """A grid as it is to be drawn."""
    scene = coarsened(read_map(source, elevation=elevation), longest)
    noise = np.random.default_rng([seed, *source.name.encode(), 1])
    return with_poor_picks(scene, disturbed, noise) if disturbed else scene


if __name__ == "__main__":
    run(main)
