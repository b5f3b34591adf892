"""Grid of an ablation: rows × conditions × seeds, each a training run with all its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtl.ablation.options import Ablation
from mtl.config import TrainConfig, fingerprint
from mtl.data.channels import RULE_TRAPS
from mtl.evaluation.baselines import BASELINES, INITIAL_MODEL, TRAP_HEAD
from mtl.migration import EARLIER_SETTINGS
from mtl.registry import select_records
from mtl.tasks.heads import HEADS, collect_outputs, known_outputs, with_objects
from mtl.training import find_model_presets
from mtl.training.check_settings import check_settings
from mtl.training.finetune import DEFAULT_MODEL, as_word, check_initial_model
from targets.common.atomic_write import safe_file_name
from targets.common.cli import read_record
from targets.errors import UserError

MAX_RUNS = 10_000  # at ten minutes each, ten weeks of one machine
TestSets = dict[str, dict[str, list[str]]]  # {test set: {group, "" for each map's own: paths}}


@dataclass(frozen=True)
class AblationRun:
    """One run of the grid, finished or not.

    Attributes
    ----------
    row, condition, seed : str, str, int
        Place in the grid.
    config : TrainConfig
        All settings.
    baseline : str | None
        Name of the baseline instead of a trained network, None for a network.
    fingerprint : str
        Fingerprint of config and baseline.
    outputs : tuple[str, ...]
        Outputs that are scored, of those the run has.
    hparams : dict[str, str | float]
        {setting: value} of the settings that differ within the grid, for TensorBoard.
    folder : Path
        Run folder.
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
    """Expand an ablation into its runs, those of the first row first.

    Parameters
    ----------
    ablation : Ablation
        Rows, conditions and seeds.
    out : Path
        Folder of the ablation.

    Raises
    ------
    UserError
        An unknown setting, head or baseline, a row without a scored output, names that cannot be folders, or more than
        `MAX_RUNS` runs.
    """
    if ablation.seeds < 1 or not ablation.rows or not ablation.conditions:
        raise UserError(ablation.name, "nothing to run", "at least one row, one condition and one seed")
    count = len(ablation.rows) * len(ablation.conditions) * ablation.seeds
    if count > MAX_RUNS:
        grid = f"{len(ablation.rows)} rows × {len(ablation.conditions)} conditions × {ablation.seeds:,} seeds"
        hint = "fewer seeds, or rows and conditions in several ablations"
        raise UserError(ablation.name, f"{grid} are {count:,} runs", f"at most {MAX_RUNS:,}", hint)
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
    runs = []
    for row, settings in ablation.rows.items():
        for condition in ablation.conditions:
            baseline = settings.get("baseline")
            for seed in range(1 if baseline else ablation.seeds):
                config = configs[row, condition]
                config = replace(config, loop=replace(config.loop, seed=seed))
                run = AblationRun(
                    row=row,
                    condition=condition,
                    seed=seed,
                    config=config,
                    baseline=baseline,
                    fingerprint=fingerprint(config, baseline),
                    outputs=scored_outputs(ablation, row, config, baseline),
                    hparams={key: _setting(config, key) for key in keys if key != "baseline"},
                    folder=out / safe_file_name(row) / safe_file_name(condition) / str(seed),
                )
                runs.append(run)
    _check_scored(ablation, runs)
    return runs


def _check_scored(ablation: Ablation, runs: list[AblationRun]) -> None:
    """Refuse outputs that no row has, and metrics that none of them has: their columns would stay empty."""
    known = {name: output.metric for name, output in known_outputs().items()}
    scored = {name for run in runs for name in run.outputs}
    if missing := [name for name in ablation.outputs if name not in scored]:
        raise UserError(f"{ablation.name}, outputs", ", ".join(missing), f"some of {', '.join(sorted(scored))}")
    metrics = {name for output in scored for name in known[output].higher_is_better}
    if missing := [name for name in ablation.metrics if name not in metrics]:
        raise UserError(f"{ablation.name}, metrics", ", ".join(missing), f"some of {', '.join(sorted(metrics))}")


def resolve_config(ablation: Ablation, row: str, condition: str) -> TrainConfig:
    """Resolve the settings of a row under a condition, before the seed.

    Parameters
    ----------
    ablation : Ablation
        The ablation.
    row : str
        Name of the row.
    condition : str
        Name of the condition.

    Raises
    ------
    UserError
        Unknown or contradicting settings.
    """
    where = f"{ablation.name}, {row} · {condition}"
    settings, common = ablation.rows[row], ablation.conditions[condition]
    if both := settings.keys() & common.keys():
        raise UserError(where, f"row and condition both set {', '.join(sorted(both))}", "one of them to set it")
    if (baseline := settings.get("baseline")) is not None:
        baselines = (*BASELINES, INITIAL_MODEL)
        allowed = {"baseline", "init"} if baseline == INITIAL_MODEL else {"baseline"}
        if baseline not in baselines or settings.keys() - allowed:
            raise UserError(where, f"{settings}", f"only baseline: one of {', '.join(baselines)} (with an init)")
        settings = {"init": settings.get("init", DEFAULT_MODEL)} if baseline == INITIAL_MODEL else {}
    words = [f"--{key}={as_word(value)}" for key, value in (common | settings).items()]
    try:
        words = ["--config", ablation.base, *words]
        config = read_record(TrainConfig, words, "tools/train.py", EARLIER_SETTINGS, find_model_presets)
        config = replace(config, data=ablation.locate(config.data))
        if config.split.val_data:
            config = replace(config, split=replace(config.split, val_data=ablation.locate(config.split.val_data)))
        check_settings(config)
        check_initial_model(config)
    except UserError as error:
        raise UserError(where, str(error)) from error
    return config


def scored_outputs(ablation: Ablation, row: str, config: TrainConfig, baseline: str | None) -> tuple[str, ...]:
    """Names of the outputs of a row that are scored.

    Raises
    ------
    UserError
        The row has none of them.
    """
    heads = (TRAP_HEAD,) if baseline in BASELINES else select_records(HEADS, config.heads, "heads")
    if config.starts_from_rules:
        heads = with_objects(heads, RULE_TRAPS.name)
    available = [output.name for output in collect_outputs(heads)]
    if not (scored := tuple(name for name in ablation.outputs if name in available)):
        raise UserError(f"{ablation.name}, {row}", f"answers {', '.join(available)}", f"one of {ablation.outputs}")
    return scored


def find_test_sets(ablation: Ablation) -> TestSets:
    """Find the test sets that are present, and print which are not.

    Raises
    ------
    UserError
        None is present, or a name cannot be a folder.
    """
    present: TestSets = {}
    for name in ablation.test_sets:
        _check_folder(ablation, name)
    for name, given in ablation.test_sets.items():
        groups = given if isinstance(given, Mapping) else {"": given}
        listed = {group: [own] if isinstance(own, str) else list(own) for group, own in groups.items()}
        paths = {group: [ablation.locate(path) for path in own] for group, own in listed.items()}
        if missing := [path for own in paths.values() for path in own if not Path(path).exists()]:
            print(f"test set {name} is skipped: {missing[0]} is absent")
        else:
            present[name] = paths
    if not present:
        raise UserError(ablation.name, "no test set is there", "one of them", "make it as the config's comment says")
    return present


def _check_folder(ablation: Ablation, name: str) -> None:
    """Refuse a name that cannot be a folder, or leads out of its parent."""
    if name in ("", ".", "..") or Path(name).name != name or not name.isprintable():
        raise UserError(ablation.name, f"the name {name!r}", "one that can be a folder's")


def _setting(config: TrainConfig, key: str) -> str | float:
    """A setting as TensorBoard's hparams can hold it."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    if isinstance(value, tuple):  # of names
        return ", ".join(value)
    return value if isinstance(value, bool | int | float | str) else str(value)
