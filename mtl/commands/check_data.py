"""Command check_data: what a data set holds and what looks wrong with it, as text and as an HTML report."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from targets.common.cli import Presets, run
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.process_lifetime import importing
from targets.io.read_options import ReadOptions
from targets.truth.criteria import TrapCriteria

READING, RULES = ReadOptions(), TrapCriteria()


def main(
    data: tuple[Path, ...],
    workers: Workers = THIS_PROCESS,
    *,
    out: Path = Path("check"),
    reading: ReadOptions = READING,
    rules_file: str | None = None,
    rules: TrapCriteria = RULES,
) -> None:
    """Check maps: what they hold, and what looks wrong, as text and as one HTML report.

    Parameters
    ----------
    data : tuple[Path, ...]
        Maps, folders of maps, or grids.
    out : Path, default Path('check')
        Folder for the report check.html.
    rules_file : str | None, default None
        Rules of the exact closures that drawn traps are compared with: a file of fit_rules, or none (those of the
        options --rules.reading and so on, which also come before those of a file). By default they are found from the
        drawn traps, unless such an option is given.
    """
    with importing():
        from targets.check.dataset import check_data
        from targets.check.report import write_check_report
        from targets.check.summary_text import dataset_summary
        from targets.io.describe import describe_maps, print_lines

    is_asked = rules_file is not None or rules != RULES
    check = check_data(data, reading, rules if is_asked else None, workers)
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
    write_check_report(check, report, title, reading)
    print(f"\nlook at {report}")


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, find_presets=find_presets)


def find_presets(values: Mapping[str, Any], typed: Mapping[str, Any]) -> Presets | None:
    """The rules of the file that --rules names; options that are typed come before them."""
    if values["rules_file"] is None:
        return None
    with importing():
        from targets.rules.fitted_rules import rules_of_file

    rules = rules_of_file(values["rules_file"])
    return None if rules is None else Presets({"rules": asdict(rules)}, replace_config=False)
