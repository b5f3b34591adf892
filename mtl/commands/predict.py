"""Predict maps with a trained network."""

from pathlib import Path

from mtl.inference.loading import PredictorOptions
from mtl.metrics.base import THRESHOLD
from mtl.prediction.predict_maps import REPORT, predict_maps
from targets.common.cli import run
from targets.common.folder_lock import in_use
from targets.common.parallel import HERE, Farm
from targets.errors import UserError, raise_together
from targets.io.catalogue import Reading
from targets.io.tgs_salt import SUBMISSION

READING, NETWORK = Reading(), PredictorOptions()


def main(
    maps: tuple[str, ...],
    network: PredictorOptions = NETWORK,
    farm: Farm = HERE,
    *,
    out: str,
    folders: bool = True,
    cut: float = THRESHOLD,
    reading: Reading = READING,
    resume: bool = False,
) -> None:
    """Predict every head of one or more maps and write pictures, polygons and tables.

    Parameters
    ----------
    maps : tuple[str, ...]
        Maps, folders of maps, or grids.
    out : str
        Folder for the results, one folder per map, and report.html about all of them (of salt: submission.csv).
    folders : bool, default True
        Write a folder per map (--no_folders: only what is written of all maps together).
    cut : float, default THRESHOLD
        Of a network of salt, the probability above which a cell is salt in submission.csv.
    resume : bool, default False
        Do not repeat maps that an earlier command with these options finished.
    """
    folder, failed = Path(out), dict[int, UserError]()
    with in_use(folder):
        done = predict_maps(network, maps, folder, reading, folders, cut, farm=farm, resume=resume)
        for place, name, result in done:
            if isinstance(result, UserError):
                failed[place] = result
            elif folders:
                print(f"{name}: look at {result / 'overlay.png'}", flush=True)
    if (folder / SUBMISSION).exists():
        print(f"run-length codes of all masks: {folder / SUBMISSION}")
    elif folders:
        print(f"all maps, the least sure first: {folder / REPORT}", flush=True)
    raise_together(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
