"""Which runs an ablation means: its config, read into one settled set of settings per row, condition and seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mtl.config import TrainConfig, fingerprint
from mtl.evaluation.baselines import BASELINES, TRAP_HEAD, INITIAL_MODEL
from mtl.registry import select_records
from mtl.tasks.heads import HEADS, collect_outputs
from mtl.training.check_settings import check_settings
from mtl.training.finetune import DEFAULT_MODEL, as_word, with_model
from targets.common.atomic_write import safe_file_name
from targets.common.cli import Names, read_record
from targets.errors import UserError

MAX_RUNS = 10_000  # of ten minutes each, ten weeks of one machine
TestSets = dict[str, dict[str, list[str]]]  # {test set: {group, "" for each map's own: paths}}


@dataclass(frozen=True)
class Ablation:
    """What is compared with what.

    Attributes
    ----------
    name : str
        Of the comparison, and of its folder under runs/ablations.
    rows : dict[str, dict[str, Any]]
        {row: {setting: value}}, settings by their dotted names as in mtl/config.py; the first row is the one that all
        others are compared with. {baseline: NAME} is a row without a network; {baseline: model, init: FILE} is a model
        that is not trained on.
    conditions : dict[str, dict[str, Any]]
        {condition: {setting: value}}; every row is trained under each, and compared within it.
    seeds : int, default 3
        Runs of every row under every condition; maps and split stay, what training draws varies.
    base : str, default 'configs/ablations/base.yaml'
        Config file that all rows start from.
    tests : dict[str, Any]
        {test set: maps, folders of maps or grids}, or {test set: {group: maps, folders or grids}} where the maps of a
        group (of one field, say) are not independent of each other. A set that is absent is skipped.
    answers : Names
        Outputs that are judged; a row has a line in the table for each of them that it gives.
    figures : Names
        Of the answers, pooled over the maps of a test set.
    """

    name: str
    rows: dict[str, dict[str, Any]]
    test_sets: dict[str, Any]
    conditions: dict[str, dict[str, Any]] = field(default_factory=lambda: {"all": {}})
    seeds: int = 3
    base: str = "configs/ablations/base.yaml"
    outputs: Names = Names("trap")  # noqa: RUF009 - immutable
    metrics: Names = Names("iou,boundary_f1")  # noqa: RUF009


@dataclass(frozen=True)
class AblationRun:
    """One run that is to be made, or that is finished.

    Attributes
    ----------
    settings : str
        Fingerprint of config and baseline.
    answers : tuple[str, ...]
        Outputs to be scored, of those the row gives.
    varied : dict[str, str | float]
        {setting: value} of what differs between the runs of the grid.
    """

    row: str
    condition: str
    seed: int
    config: TrainConfig
    baseline: str | None
    fingerprint: str
    outputs: tuple[str, ...]
    hparams: dict[str, str | float]
    folder: Path

    def __str__(self) -> str:
        return f"{self.row} · {self.condition}" + ("" if self.baseline else f" · seed {self.seed}")


def expand_grid(ablation: Ablation, out: Path) -> list[AblationRun]:
    """All runs of the grid, those of the first row first.

    Raises
    ------
    UserError
        An unknown setting, head or baseline, a row that gives no answer, names that cannot be folders, or more than
        `MOST_RUNS` runs.
    """
    if ablation.seeds < 1 or not ablation.rows or not ablation.conditions:
        raise UserError(ablation.name, "nothing to run", "at least one row, one condition and one seed")
    if (runs := len(ablation.rows) * len(ablation.conditions) * ablation.seeds) > MAX_RUNS:
        grid = f"{len(ablation.rows)} rows × {len(ablation.conditions)} conditions × {ablation.seeds:,} seeds"
        raise UserError(ablation.name, f"{grid} are {runs:,} runs", f"at most {MAX_RUNS:,}",
                        "fewer seeds, or rows and conditions in several ablations")  # fmt: skip
    _check_folder(ablation, ablation.name)
    for names in (ablation.rows, ablation.conditions):
        folders = [safe_file_name(name) for name in names]
        if not all(folders) or len(set(folders)) < len(folders):
            raise UserError(ablation.name, f"{', '.join(names)}", "names that differ in letters and digits")
    configs = {
        (row, condition): resolve_config(ablation, row, condition)
        for row in ablation.rows
        for condition in ablation.conditions
    }
    keys = sorted({key for part in (*ablation.rows.values(), *ablation.conditions.values()) for key in part})
    jobs = []
    for row, own in ablation.rows.items():
        for condition in ablation.conditions:
            baseline = own.get("baseline")
            config = configs[row, condition]
            for seed in range(1 if baseline else ablation.seeds):
                run = replace(config, loop=replace(config.loop, seed=seed))
                jobs.append(
                    AblationRun(
                        row,
                        condition,
                        seed,
                        run,
                        baseline,
                        fingerprint(run, baseline),
                        scored_outputs(ablation, row, run, baseline),
                        {key: _of(run, key) for key in keys if key != "baseline"},
                        out / safe_file_name(row) / safe_file_name(condition) / str(seed),
                    )
                )
    return jobs


def resolve_config(ablation: Ablation, row: str, condition: str) -> TrainConfig:
    """The settings of a row under a condition, before the seed.

    Raises
    ------
    UserError
        Unknown or contradicting settings.
    """
    where = f"{ablation.name}, {row} · {condition}"
    own, common = ablation.rows[row], ablation.conditions[condition]
    if both := own.keys() & common.keys():
        raise UserError(where, f"row and condition both set {', '.join(sorted(both))}", "one of them to set it")
    if (baseline := own.get("baseline")) is not None:
        if baseline not in (*BASELINES, INITIAL_MODEL) or own.keys() - {
            "baseline",
            "init" if baseline == INITIAL_MODEL else "",
        }:
            raise UserError(
                where, f"{own}", f"only baseline: one of {', '.join((*BASELINES, INITIAL_MODEL))} (with an init)"
            )
        own = {"init": own.get("init", DEFAULT_MODEL)} if baseline == INITIAL_MODEL else {}
    words = [f"--{key}={as_word(value)}" for key, value in (common | own).items()]
    try:
        config = read_record(TrainConfig, with_model(["--config", ablation.base, *words]), "tools/train.py")
        check_settings(config)
    except UserError as error:
        raise UserError(where, str(error)) from error
    return config


def scored_outputs(ablation: Ablation, row: str, config: TrainConfig, baseline: str | None) -> tuple[str, ...]:
    """Which of the outputs that are judged a row gives."""
    heads = (TRAP_HEAD,) if baseline in BASELINES else select_records(HEADS, config.heads, "heads")
    given = [output.name for output in collect_outputs(heads)]
    if not (answers := tuple(name for name in ablation.outputs if name in given)):
        raise UserError(f"{ablation.name}, {row}", f"answers {', '.join(given)}", f"one of {ablation.outputs}")
    return answers


def find_test_sets(ablation: Ablation) -> TestSets:
    """The test sets that are there; says which are not."""
    found: TestSets = {}
    for name in ablation.test_sets:
        _check_folder(ablation, name)
    for name, given in ablation.test_sets.items():
        groups = given if isinstance(given, Mapping) else {"": given}
        paths = {group: [own] if isinstance(own, str) else list(own) for group, own in groups.items()}
        if missing := [path for own in paths.values() for path in own if not Path(path).exists()]:
            print(f"test set {name} is skipped: {missing[0]} is absent")
        else:
            found[name] = paths
    if not found:
        raise UserError(ablation.name, "no test set is there", "one of them", "make it as the config's comment says")
    return found


def _check_folder(ablation: Ablation, name: str) -> None:
    """Refuse a name that leads out of the folder in which it is to be one."""
    if name in ("", ".", "..") or Path(name).name != name or not name.isprintable():
        raise UserError(ablation.name, f"the name {name!r}", "one that can be a folder's")


def _of(config: TrainConfig, key: str) -> str | float:
    """A setting as TensorBoard's hparams can hold it."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    if isinstance(value, tuple):  # of names
        return ", ".join(value)
    return value if isinstance(value, bool | int | float | str) else str(value)
