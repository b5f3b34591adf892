"""Sets of maps as map folders: synthetic structure maps, or gridded surfaces drawn as interpreters see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from targets.common.atomic_write import remove_half_written
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.resume import file_state, map_resumable
from targets.errors import UserError
from targets.io.catalogue import MapSource, find_maps, read_map
from targets.io.describe import MapDescription, describe_map, describe_maps, print_lines, report_maps
from targets.io.images import write_picture
from targets.io.map_folder.layout import Layout
from targets.io.map_folder.reader import read_map_picture
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.rendering.map import contact_sheet, with_rendered_picture
from targets.rendering.style import DEFAULT_STYLE, Style
from targets.rendering.style_families import CLEAN, FAMILY_NAMES, random_style
from targets.scene import Scene
from targets.surface.resample import downsample
from targets.synthetic.interpreters.registry import find_interpreter, with_drawn_traps
from targets.synthetic.options import DEFAULT_STRUCTURES, StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map, with_picking_noise

CONTACT_SHEET_MAPS = 12
SEEDS = 100_000  # maps of one seed at most, so that two seeds never share a map
DEFAULT_COUNT = 12
LAYOUT = Layout()


@dataclass(frozen=True)
class SyntheticSet:
    """Which synthetic maps are made.

    Attributes
    ----------
    count : int | None, default None
        Number of synthetic maps, by default 12; not with --grids.
    size : int, default 512
        Rows and columns of a synthetic map.
    synth : StructureMapOptions, default DEFAULT_STRUCTURES
        What synthetic maps look like.
    surfaces : tuple[Path, ...], default ()
        Files or folders of real surfaces, of which random crops, rotated, inverted, smoothed and tilted, take the place
        of the folds of synthetic maps; maps of one surface are one group. Not with --grids.
    """

    count: int | None = None
    size: int = 512
    synth: StructureMapOptions = DEFAULT_STRUCTURES
    surfaces: tuple[Path, ...] = ()


@dataclass(frozen=True)
class GriddedSet:
    """Which gridded surfaces are drawn instead.

    Attributes
    ----------
    grids : tuple[Path, ...], default ()
        Files or folders of gridded surfaces, read with the fault files beside them; none: synthetic maps are made.
    longest : int, default 0
        Grids with a longer side are downsampled to this many cells; 0: never.
    """

    grids: tuple[Path, ...] = ()
    longest: int = 0

    def __post_init__(self) -> None:
        if self.longest < 0:
            raise UserError("--longest", f"{self.longest}", "at least 0")


@dataclass(frozen=True)
class MapAppearance:
    """How the maps of a set are drawn and stored.

    Attributes
    ----------
    seed : int, default 0
        Seed of maps, styles and noise: the same seed makes the same maps, different seeds share none.
    styles : str | None, default None
        Family of styles, of which every map is drawn in another one: clean (the default of synthetic maps), train (as
        maps stand in reports), or what no network was trained on: unseen, unseen_legend.
    style : Style, default DEFAULT_STYLE
        How grids are drawn where no family is named.
    margin : int, default 12
        White pixels around the pictures, as interpreters' exports have.
    depth_noise : float, default 0.0
        Picking noise in depths and pictures, as a fraction of the relief, such as 0.01. The truth of the maps stays
        that of the surface without noise, which is kept as depth_clean.png.
    depth_bits : int, default 16
        Bits of a depth value: 8 or 16 for a picture, 32 for exact depths.
    interpreter : str | None, default None
        Whose traps are drawn on every map, in place of any that it has: contours, sealing, leaking, culminations,
        large, three_way, polygons or mistakes. None: no traps are drawn, and they are computed from the depth.
    """

    seed: int = 0
    styles: str | None = None
    style: Style = DEFAULT_STYLE
    margin: int = 12
    depth_noise: float = 0.0
    depth_bits: int = 16
    interpreter: str | None = None

    def __post_init__(self) -> None:
        if self.depth_bits not in (8, 16, 32):
            raise UserError("--depth_bits", str(self.depth_bits), "8, 16 or 32")
        if not 0 <= self.depth_noise < 1:
            raise UserError("--depth_noise", str(self.depth_noise), "a share of the relief, below 1")
        if min(self.seed, self.margin) < 0:
            raise UserError("--seed, --margin", f"{self.seed}, {self.margin}", "at least 0")
        if self.styles is not None and self.styles not in FAMILY_NAMES:
            raise UserError("--styles", repr(self.styles), f"one of {', '.join(FAMILY_NAMES)}")
        if self.interpreter is not None:
            find_interpreter(self.interpreter)


def make_map_set(
    synthetic: SyntheticSet,
    gridded: GriddedSet,
    appearance: MapAppearance,
    out: Path,
    workers: Workers = THIS_PROCESS,
    resume: bool = False,
    reading: ReadOptions = DEFAULT_READING,
) -> tuple[list[str], dict[int, UserError]]:
    """Make a set of maps, each a map folder, and write contact_sheet.png with the first of them.

    Parameters
    ----------
    synthetic : SyntheticSet
        The synthetic maps.
    gridded : GriddedSet
        The surfaces that are drawn instead, if there are any.
    appearance : MapAppearance
        How maps are drawn and stored.
    out : Path
        Folder of the set.
    workers : Workers, default THIS_PROCESS
        Processes that make maps.
    resume : bool, default False
        Skip maps that an earlier call with these settings finished.
    reading : ReadOptions, default DEFAULT_READING
        How the files of grids and real surfaces are read.

    Returns
    -------
    names : list[str]
        The maps that were made.
    failed : dict[int, UserError]
        {index: error} of the others.

    Raises
    ------
    UserError
        The options contradict each other, or a file of the set cannot be written.
    """
    if gridded.grids and (synthetic.count is not None or synthetic.surfaces):
        hint = "grids are drawn as they are; leave out the others"
        raise UserError("--count, --surfaces", "given together with --grids", "one of them", hint)
    count = DEFAULT_COUNT if synthetic.count is None else synthetic.count
    if not gridded.grids and not 0 < count <= SEEDS:
        raise UserError("--count", str(count), f"a number from 1 to {SEEDS}")
    first = appearance.seed * SEEDS
    items: Sequence[int | MapSource] = (
        report_maps(gridded.grids, reading) if gridded.grids else range(first, first + count)
    )
    make: partial[Scene] = partial(_draw_grid, gridded=gridded, appearance=appearance, reading=reading)
    if not gridded.grids:
        make = partial(_make_synthetic, synthetic=synthetic, appearance=appearance, reading=reading)
    surfaces = report_maps(synthetic.surfaces, reading) if synthetic.surfaces else []
    print_lines(describe_maps(describe_map(scene) for scene in _read_surfaces(synthetic.surfaces, reading)), reading)
    states = [file_state(file) for source in surfaces for file in source.input_files]
    settings = make.keywords | {"reading": replace(reading, quiet=False)}, states
    work = partial(_make_and_write, make=make, out=out, appearance=appearance)
    made, failed = dict[int, str](), dict[int, UserError]()

    def is_complete(_: int | MapSource, result: Sequence[Any]) -> bool:
        return (out / result[0]).is_dir()

    descriptions = dict[int, MapDescription]()
    for index, outcome in map_resumable(work, items, out, settings, resume, workers, is_complete, "maps"):
        if isinstance(outcome, UserError):
            failed[index] = outcome
            continue
        made[index], description = outcome
        if description is not None:
            descriptions[index] = MapDescription(*description)
    print_lines(describe_maps(descriptions[index] for index in sorted(descriptions)), reading)
    names = [made[index] for index in sorted(made)]
    if names:
        files = {name: out / name / f"{LAYOUT.rgb}.png" for name in names[:CONTACT_SHEET_MAPS]}
        pictures = [read_map_picture(file).replace(name=name) for name, file in files.items()]
        write_picture(contact_sheet(pictures), out / "contact_sheet.png")
    return names, failed


def _make_and_write(
    item: int | MapSource, make: Callable[..., Scene], out: Path, appearance: MapAppearance
) -> tuple[str, MapDescription | None]:
    """Make and write one map; returns its name, and what was understood of the grid it was made of."""
    scene = make(item)
    if appearance.interpreter is not None:
        scene = with_drawn_traps(scene, appearance.interpreter, appearance.seed)
    remove_half_written(out / scene.name)
    write_map_folder(scene, out / scene.name, appearance.margin, appearance.depth_bits)
    return scene.name, describe_map(scene) if isinstance(item, MapSource) else None


def _make_synthetic(seed: int, synthetic: SyntheticSet, appearance: MapAppearance, reading: ReadOptions) -> Scene:
    """Make one synthetic map."""
    return make_structure_map(
        seed,
        synthetic.size,
        synthetic.synth,
        style_family=appearance.styles or CLEAN,
        depth_noise=appearance.depth_noise,
        real_surfaces=_read_surfaces(synthetic.surfaces, reading) if synthetic.surfaces else (),
    )


@lru_cache(maxsize=1)
def _read_surfaces(surfaces: tuple[Path, ...], reading: ReadOptions) -> tuple[Scene, ...]:
    """Real surfaces, read once by each process."""
    return tuple(read_map(source, reading) for source in find_maps(surfaces, reading).sources)


def _draw_grid(source: MapSource, gridded: GriddedSet, appearance: MapAppearance, reading: ReadOptions) -> Scene:
    """A gridded surface with its picture, in one style or in one of a family that seed and name choose."""
    scene = downsample(read_map(source, reading), gridded.longest)
    seeds = [appearance.seed, *source.name.encode()]
    if appearance.depth_noise:
        scene = with_picking_noise(scene, appearance.depth_noise, np.random.default_rng([*seeds, 1]))
    style = appearance.style
    if appearance.styles is not None:
        style = random_style(np.random.default_rng(seeds), appearance.styles, scene.shape)
    return with_rendered_picture(scene, style)
