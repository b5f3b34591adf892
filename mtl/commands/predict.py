"""Command predict: pictures, polygons and tables of what a trained network predicts."""

from pathlib import Path

from mtl.inference.options import PredictorOptions
from mtl.migration import EARLIER_PREDICT
from mtl.prediction.options import BatchOptions
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.process_lifetime import importing
from targets.errors import UserError, raise_all
from targets.io.outline_files import DEFAULT_OUTLINES, OutlineOptions
from targets.io.read_options import ReadOptions

READING, NETWORK, BATCH = ReadOptions(), PredictorOptions(), BatchOptions()


def main(
    maps: tuple[str, ...],
    network: PredictorOptions = NETWORK,
    batch: BatchOptions = BATCH,
    workers: Workers = THIS_PROCESS,
    outlines: OutlineOptions = DEFAULT_OUTLINES,
    *,
    out: str,
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
    resume : bool, default False
        Skip maps that an earlier command with these options finished.
    """
    with importing():
        from mtl.prediction.predict_maps import REPORT_FILE, predict_maps
        from targets.io.text_tables.named_points import read_named_points
        from targets.io.tgs_salt import SUBMISSION
        from targets.surface.simplify_outlines import check_tolerance

    check_tolerance(outlines.simplify)
    if batch.names is not None:
        read_named_points(batch.names)  # is refused once, not for each map
    folder, failed = Path(out), dict[int, UserError]()
    with lock_folder(folder):
        for index, name, outcome in predict_maps(network, maps, folder, reading, batch, workers, resume, outlines):
            if isinstance(outcome, UserError):
                failed[index] = outcome
            elif batch.folders:
                print(f"{name}: look at {outcome / 'overlay.png'}", flush=True)
    if (folder / SUBMISSION).exists():
        print(f"run-length codes of all masks: {folder / SUBMISSION}")
    elif batch.folders:
        print(f"all maps, the most uncertain first: {folder / REPORT_FILE}", flush=True)
    raise_all(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, earlier=EARLIER_PREDICT)
