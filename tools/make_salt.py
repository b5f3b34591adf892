#!/usr/bin/env python
"""Make seismic images with and without salt to train and test on, in the layout of the TGS challenge."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from targets.cli import run
from targets.errors import UserError
from targets.pictures import write_picture
from targets.scene import Scene
from targets.seismic import TYPICAL, SeismicOptions, make_image, sheet_of
from targets.tgs import write_set

SHOWN = 32  # images on the contact sheet
SEEDS = 50_000  # training images of one --seed at most, and as many test images, so that no two sets share an image


def main(
    *,
    out: Path,
    count: int = 400,
    test: int = 100,
    seed: int = 0,
    seismic: SeismicOptions = TYPICAL,
    workers: int = 1,
) -> None:
    """Make seismic images with and without salt.

    Parameters
    ----------
    out : the folder that gets train/, test/, train.csv, depths.csv, and contact_sheet.png with the first images.
    count : number of training images, with masks; test : number of test images, without.
    seed : the same seed makes the same images; different seeds share none.
    seismic : what the images look like.
    workers : processes at work.
    """
    if not (0 < count <= SEEDS and 0 <= test <= SEEDS):
        raise UserError("--count, --test", f"{count}, {test}", f"numbers from 1 and 0 to {SEEDS}")
    if seed < 0 or workers < 1:
        raise UserError("--seed, --workers", f"{seed}, {workers}", "at least 0 and 1")
    first = 2 * SEEDS * seed
    jobs = range(first, first + count), range(first + SEEDS, first + SEEDS + test)
    make, shown = partial(make_image, options=seismic), list[Scene]()
    if workers == 1:
        write_set(_kept(map(make, jobs[0]), shown), map(make, jobs[1]), out)
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            train, asked = (pool.map(make, numbers, chunksize=16) for numbers in jobs)
            write_set(_kept(train, shown), asked, out)
    sheet = out / "contact_sheet.png"
    write_picture(sheet_of(shown), sheet)
    print(f"{count} training and {test} test images in {out}: look at {sheet}")


def _kept(scenes: Iterator[Scene], shown: list[Scene]) -> Iterator[Scene]:
    """The same scenes; the first ones are kept for the contact sheet."""
    for scene in scenes:
        if len(shown) < SHOWN:
            shown.append(scene)
        yield scene


if __name__ == "__main__":
    run(main)
