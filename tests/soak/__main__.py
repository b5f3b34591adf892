"""All long forms of attacks, and a table of what held: `python -m tests.soak --kind numbers --minutes 10`."""

import torch

from targets.common.cli import run
from targets.errors import UserError
from tests.soak.attack import Budget, Kind, Tally
from tests.soak.kinds import disks, files, grids, models, names, networks, numbers, programs, signals, torchrun

KINDS: tuple[Kind, ...] = (
    *programs.DAMAGED, files.SIZES, files.NO_FILE, grids.KIND, names.NAMED, names.LOCALE, numbers.KIND, networks.KIND,
    models.CHECKPOINTS, models.RESUMED, disks.KIND, signals.KIND, torchrun.KIND, programs.KERNEL, programs.KILLED,
    programs.COMBINED,
)  # fmt: skip


def select(kind: str | None) -> list[Kind]:
    """The kinds whose names begin so; all without one.

    Raises
    ------
    UserError
        There is none.
    """
    chosen = [record for record in KINDS if kind is None or record.name.startswith(kind)]
    if not chosen:
        raise UserError("--kind", str(kind), ", ".join(record.name for record in KINDS))
    return chosen


def show(tallies: dict[str, Tally]) -> str:
    """The table: a row for each kind."""
    rows = [f"| {name} | {t.total} | {t.held} | {len(t.failures)} |" for name, t in tallies.items()]
    return "\n".join(["| kind | attacks | held | failed |", "|---|---:|---:|---:|", *rows])


def main(*, kind: str | None = None, minutes: float = 0.0, count: int | None = None, seed: int = 0) -> None:
    """Try every kind of attack and print a table of what held; exit code 1 if one failed.

    Parameters
    ----------
    kind : str | None, default None
        Only the kinds whose names begin so, such as damaged or signals.
    minutes : float, default 0.0
        Minutes for each kind; 0: as long as it takes.
    count : int | None, default None
        Attacks of each kind at most; by default as many as the kind has.
    seed : int, default 0
        Seed of what is drawn.
    """
    torch.set_num_threads(1)
    tallies = {}
    for record in select(kind):
        print(f"{record.name}: {record.held}", flush=True)
        tallies[record.name] = record.run(Budget(minutes, record.count if count is None else count, seed))
    print(show(tallies))
    if any(tally.failures for tally in tallies.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    run(main)
