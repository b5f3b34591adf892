"""Command make_maps: synthetic maps, or real grids drawn as interpreters see them, to train and test on."""

from pathlib import Path

from mtl.migration import EARLIER_MAKE_MAPS
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers
from targets.errors import raise_all
from targets.io.read_options import ReadOptions
from targets.synthetic.map_set import GriddedSet, MapAppearance, SyntheticSet, make_map_set

SYNTHETIC, GRIDDED, APPEARANCE, READING = SyntheticSet(), GriddedSet(), MapAppearance(), ReadOptions()


def main(
    synthetic: SyntheticSet = SYNTHETIC,
    gridded: GriddedSet = GRIDDED,
    appearance: MapAppearance = APPEARANCE,
    workers: Workers = THIS_PROCESS,
    *,
    out: Path,
    reading: ReadOptions = READING,
    resume: bool = False,
) -> None:
    """Make maps: synthetic ones, or with --grids real surfaces drawn as interpreters see them.

    Parameters
    ----------
    out : Path
        Folder that gets one folder per map, and contact_sheet.png, which shows the first of them.
    reading : ReadOptions
        How the files of grids and real surfaces are read.
    resume : bool, default False
        Skip maps that an earlier command with these options finished.
    """
    with lock_folder(out):
        names, failed = make_map_set(synthetic, gridded, appearance, out, workers, resume, reading)
    if names:
        print(f"{len(names)} maps in {out}: look at {out / 'contact_sheet.png'}")
    raise_all(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, earlier=EARLIER_MAKE_MAPS)
