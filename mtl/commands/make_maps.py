"""Make maps to train and test on: synthetic ones, or real grids drawn as interpreters see them."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mtl.migration import EARLIER_MAKE_MAPS
from targets.common.atomic_write import remove_half_written
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.resume import map_resumable
from targets.errors import UserError, raise_all
from targets.io.catalogue import MapSource, list_maps, read_map
from targets.io.images import write_picture
from targets.io.map_folder.layout import Layout
from targets.io.map_folder.reader import read_map_picture
from targets.io.map_folder.writer import write_map_folder
from targets.rendering.map import contact_sheet, with_rendered_picture
from targets.rendering.style import DEFAULT_STYLE, Style
from targets.rendering.style_families import CLEAN, FAMILY_NAMES, random_style
from targets.scene import Scene
from targets.surface.resample import downsample
from targets.synthetic.options import DEFAULT_STRUCTURES, StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map, with_picking_noise

LAYOUT = Layout()
SHOWN = 12  # maps on the contact sheet
SEEDS = 100_000  # maps of one --seed at most, so that two seeds never share a map


def main(
    workers: Workers = THIS_PROCESS,
    *,
    out: Path,
    count: int | None = None,
    seed: int = 0,
    size: int = 512,
    grids: tuple[Path, ...] = (),
    elevation: bool = False,
    longest: int = 0,
    styles: str | None = None,
    style: Style = DEFAULT_STYLE,
    synth: StructureMapOptions = DEFAULT_STRUCTURES,
    surfaces: tuple[Path, ...] = (),
    margin: int = 12,
    depth_noise: float = 0.0,
    depth_bits: int = 16,
    resume: bool = False,
) -> None:
    """Make maps: synthetic ones, or with --grids real surfaces drawn as interpreters see them.

    Parameters
    ----------
    out : Path
        The folder that gets one folder per map, and contact_sheet.png, which shows the first of them.
    count : int | None, default None
        Number of synthetic maps (default 12).
    seed : int, default 0
        The same seed makes the same maps; different seeds share none.
    size : int, default 512
        Rows and columns of a synthetic map.
    grids : tuple[Path, ...], default ()
        Files or folders of gridded surfaces, read with the fault files beside them; no synthetic maps then.
    elevation : bool, default False
        The grids hold elevations, positive up.
    longest : int, default 0
        Grids with a longer side are coarsened to this many cells; 0: never.
    styles : str | None, default None
        Draw every map in another style of a family, by seed: clean (as synthetic maps are by default), train (as maps
        stand in reports), or what no network was trained on: unseen, unseen_legend.
    style : Style, default DEFAULT
        How grids are drawn where no family is named.
    synth : StructureMapOptions, default DEFAULT_STRUCTURES
        What synthetic maps look like.
    surfaces : tuple[Path, ...], default ()
        Files or folders of real surfaces, of which random cuts, turned, upside down, smoothed and tilted, take the
        place of the folds of synthetic maps; maps of one surface are one group.
    margin : int, default 12
        White pixels around the pictures, as interpreters' exports have.
    depth_noise : float, default 0.0
        Share of the relief, such as 0.01, by which depths (and pictures) are disturbed, as poor picks are; what is true
        of the maps stays that of the surface before, which is kept as depth_clean.png.
    depth_bits : int, default 16
        8 or 16 for a depth picture, 32 for exact depths.
    resume : bool, default False
        Do not repeat maps that an earlier command with these options finished.
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
    if min(seed, margin, longest) < 0:
        raise UserError("--seed, --margin, --longest", f"{seed}, {margin}, {longest}", "at least 0")
    if styles is not None and styles not in FAMILY_NAMES:
        raise UserError("--styles", repr(styles), f"one of {', '.join(FAMILY_NAMES)}")
    jobs: Sequence[int | MapSource] = list_maps(grids) if grids else range(seed * SEEDS, seed * SEEDS + count)
    shape = (elevation, longest, depth_noise)
    make: partial[Scene] = partial(_make_grid, shape=shape, style=style, styles=styles, seed=seed)
    if not grids:
        make = partial(_make_synthetic, size=size, options=synth, styles=styles or CLEAN, disturbed=depth_noise,
                       surfaces=surfaces)  # fmt: skip
    work = partial(_make_and_write, make=make, out=out, margin=margin, depth_bits=depth_bits)
    made, failed = dict[int, str](), dict[int, UserError]()
    settings = (make.keywords, margin, depth_bits)
    with lock_folder(out):
        done = map_resumable(work, jobs, out, settings, resume, workers, lambda _, name: (out / name).is_dir(), "maps")
        for number, name in done:
            if isinstance(name, UserError):
                failed[number] = name
            else:
                made[number] = name
    if made:
        first = [made[number] for number in sorted(made)[:SHOWN]]
        sheet = out / "contact_sheet.png"
        pictures = [read_map_picture(out / name / f"{LAYOUT.rgb}.png").replace(name=name) for name in first]
        write_picture(contact_sheet(pictures), sheet)
        print(f"{len(made)} maps in {out}: look at {sheet}")
    raise_all(failed)


def _make_and_write(job: int | MapSource, make: Callable[..., Scene], out: Path, margin: int, depth_bits: int) -> str:
    """Write one map; returns its name."""
    scene = make(job)
    remove_half_written(out / scene.name)
    write_map_folder(scene, out / scene.name, margin, depth_bits)
    return scene.name


def _make_synthetic(
    seed: int,
    size: int,
    options: StructureMapOptions,
    styles: str,
    disturbed: float,
    surfaces: tuple[Path, ...],
) -> Scene:
    real = _read_surfaces(surfaces) if surfaces else ()
    return make_structure_map(seed, size, options, style_family=styles, depth_noise=disturbed, real_surfaces=real)


@lru_cache(maxsize=1)
def _read_surfaces(surfaces: tuple[Path, ...]) -> tuple[Scene, ...]:
    """Real surfaces, read once by each process."""
    return tuple(read_map(source) for source in list_maps(surfaces))


def _make_grid(source: MapSource, shape: tuple[bool, int, float], style: Style, styles: str | None, seed: int) -> Scene:
    """A grid with its picture, in `style` or in one of a family that seed and name choose."""
    scene = _shaped(source, *shape, seed)
    if styles is not None:
        style = random_style(np.random.default_rng([seed, *source.name.encode()]), styles, scene.shape)
    return with_rendered_picture(scene, style)


def _shaped(source: MapSource, elevation: bool, longest: int, disturbed: float, seed: int) -> Scene:
    """A grid as it is to be drawn."""
    scene = downsample(read_map(source, elevation=elevation), longest)
    noise = np.random.default_rng([seed, *source.name.encode(), 1])
    return with_picking_noise(scene, disturbed, noise) if disturbed else scene


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, earlier=EARLIER_MAKE_MAPS)
