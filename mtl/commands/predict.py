"""Predict maps with a trained network."""

from pathlib import Path

from mtl.inference.loading import PredictorOptions
from mtl.metrics.base import THRESHOLD
from mtl.prediction.predict_maps import REPORT_FILE, predict_maps
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers
from targets.errors import UserError, raise_all
from targets.io.catalogue import ReadOptions
from targets.io.tgs_salt import SUBMISSION

READING, NETWORK = ReadOptions(), PredictorOptions()


def main(
    maps: tuple[str, ...],
    network: PredictorOptions = NETWORK,
    workers: Workers = THIS_PROCESS,
    *,
    out: str,
    folders: bool = True,
    threshold: float = THRESHOLD,
    reading: ReadOptions = READING,
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
    threshold : float, default THRESHOLD
        Of a network of salt, the probability above which a cell is salt in submission.csv.
    resume : bool, default False
        Do not repeat maps that an earlier command with these options finished.
    """
    folder, failed = Path(out), dict[int, UserError]()
    with lock_folder(folder):
        done = predict_maps(network, maps, folder, reading, folders, threshold, workers=workers, resume=resume)
        for place, name, result in done:
            if isinstance(result, UserError):
                failed[place] = result
            elif folders:
                print(f"{name}: look at {result / 'overlay.png'}", flush=True)
    if (folder / SUBMISSION).exists():
        print(f"run-length codes of all masks: {folder / SUBMISSION}")
    elif folders:
        print(f"all maps, the least sure first: {folder / REPORT_FILE}", flush=True)
    raise_all(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
