"""What is in a data set, and what looks wrong with it? Prints it, and writes a page that can be sent."""

from pathlib import Path

from targets.check.dataset import check_data
from targets.check.report import write_check_report
from targets.check.summary_text import dataset_summary
from targets.common.cli import run
from targets.common.parallel import THIS_PROCESS, Workers
from targets.io.catalogue import ReadOptions
from targets.truth.traps import TrapCriteria

READING, RULES = ReadOptions(), TrapCriteria()


def main(
    data: tuple[Path, ...],
    workers: Workers = THIS_PROCESS,
    *,
    out: Path = Path("check"),
    reading: ReadOptions = READING,
    rules: TrapCriteria = RULES,
) -> None:
    """Check maps: what they hold, and what looks wrong, as text and as one HTML page.

    Parameters
    ----------
    data : tuple[Path, ...]
        Maps, folders of maps, or grids.
    out : Path, default Path('check')
        Folder for check.html.
    """
    check = check_data(data, reading, rules, workers)
    for what, text in dataset_summary(check):
        print(f"{what:15}{text}")
    print(f"\n{len(check.findings)} finding(s)")
    for finding in check.findings:
        print(f"- {finding.kind}: {finding.error}")
    page = out / "check.html"
    write_check_report(
        check, page, f"Check of {', '.join(path.name or str(path.resolve().name) for path in data)}", reading, rules
    )
    print(f"\nlook at {page}")


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
