"""Command ablate: train and score a grid of settings, and compare every row with the first."""

from pathlib import Path

from mtl.ablation.options import Ablation
from mtl.migration import EARLIER_ABLATIONS
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.process_lifetime import importing
from targets.errors import UserError


def main(
    ablation: Ablation,
    workers: Workers = THIS_PROCESS,
    *,
    out: str | None = None,
    threads: int | None = None,
    report_only: bool = False,
) -> None:
    """Train and score every run of an ablation that is not finished yet, and compare the rows.

    Parameters
    ----------
    out : str | None, default None
        Folder of the runs and tables; by default runs/ablations/NAME.
    threads : int | None, default None
        Threads of torch in each run; by default the cores are shared among the jobs.
    report_only : bool, default False
        Make no run, only tables and pictures of the finished ones.
    """
    with importing():
        from mtl.ablation.grid import expand_grid
        from mtl.ablation.report import write_report
        from mtl.ablation.results import read_results
        from mtl.ablation.runner import run_ablation

    folder = Path(out or Path("runs") / "ablations" / ablation.name)
    with lock_folder(folder):
        failed = [] if report_only else run_ablation(ablation, folder, workers, threads)
        print(write_report(ablation, expand_grid(ablation, folder), read_results(folder), folder))
    print(f"look at {folder / 'report.html'}; tables: {folder / 'results.csv'}, {folder / 'comparison.md'}")
    print(f"the runs side by side: tensorboard --logdir {folder}")
    if failed:
        first, error = failed[0]
        raise UserError(folder, f"{len(failed)} run(s) could not be made, the first of them {first}: {error}")


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, earlier=EARLIER_ABLATIONS)
