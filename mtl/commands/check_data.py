"""Command check_data: what a data set holds and what looks wrong with it, as text and as an HTML report."""

from pathlib import Path

from targets.check.dataset import check_data
from targets.check.report import write_check_report
from targets.check.summary_text import dataset_summary
from targets.common.cli import run
from targets.common.parallel import THIS_PROCESS, Workers
from targets.io.describe import describe_maps, print_lines
from targets.io.read_options import ReadOptions
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
    """Check maps: what they hold, and what looks wrong, as text and as one HTML report.

    Parameters
    ----------
    data : tuple[Path, ...]
        Maps, folders of maps, or grids.
    out : Path, default Path('check')
        Folder for the report check.html.
    """
    check = check_data(data, reading, rules, workers)
    print_lines(check.set_lines, reading)
    # Notes are findings here.
    print_lines(describe_maps(description._replace(notes=()) for description in check.descriptions), reading)
    for label, text in dataset_summary(check):
        print(f"{label:15}{text}")
    print(f"\n{len(check.findings)} finding(s)")
    for finding in check.findings:
        print(f"- {finding.kind}: {finding.error}")
    report = out / "check.html"
    title = f"Check of {', '.join(path.name or str(path.resolve().name) for path in data)}"
    write_check_report(check, report, title, reading, rules)
    print(f"\nlook at {report}")


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
