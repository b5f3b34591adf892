"""Command train: train a multi-head network on a folder of maps."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from mtl.config import VERSION, TrainConfig
from mtl.migration import EARLIER_SETTINGS, upgrade_trained
from mtl.training import find_model_presets
from targets.common.cli import Presets, run
from targets.common.process_lifetime import importing
from targets.common.settings_files import read_yaml
from targets.errors import UserError

RUNS = Path("runs")


def main(
    config: TrainConfig,
    *,
    out: str | None = None,
    resume: bool = False,
    find_lr: bool = False,
    rules: str | None = None,
) -> None:
    """Train a multi-head network on a folder of maps and leave a run folder.

    Parameters
    ----------
    config : TrainConfig
        The settings of the run.
    out : str | None, default None
        The run folder; by default a new one under runs/, or with --resume the newest there.
    resume : bool, default False
        Continue the run in --out from its last checkpoint, with its settings.
    find_lr : bool, default False
        Train nothing, but try a hundred learning rates on as many steps and suggest one for optim.lr.
    rules : str | None, default None
        Rules of traps that the input `closure` and derived outputs follow: a file of fit_rules, or none (those of
        targets.traps, which also come before those of a file). By default they are found from what was drawn on the
        training maps, unless an option of targets.traps is given.
    """
    with importing():
        from mtl.distributed.launch import current_process, report_error_once, require_single_process
        from mtl.registry import select_records
        from mtl.tasks.heads import HEADS
        from mtl.training.callbacks.metrics_csv import best_value
        from mtl.training.check_settings import monitored_metric
        from mtl.training.lr_finder import suggest_lr
        from mtl.training.run import train
        from mtl.visualization.tensorboard import write_hparams

    folder = Path(out) if out else newest_run() if resume else RUNS / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    if find_lr:
        require_single_process("--find_lr")
        rate = suggest_lr(config, folder)
        print(f"where the loss falls fastest: --optim.lr {rate:.2g}; look at {folder / 'rates.png'}")
        return
    with report_error_once():
        metrics = train(config, folder, resume, fits_rules=rules is None)
    if not current_process().is_main:
        return
    heads = select_records(HEADS, config.heads, "--heads")
    if "tensorboard" in config.loop.logger:
        monitor, mode = monitored_metric(config, heads)
        write_hparams(folder, config.as_dict(), monitor, best_value(folder / "metrics.csv", monitor, mode))
    reported = [
        f"{head.name}/{name} {metrics[f'{head.name}/{name}']:.3f}"
        for head in heads
        for name in (head.metric.primary, head.metric.trivial_baseline, "dice" if config.overfit else None)
        if f"{head.name}/{name}" in metrics
    ]
    print("last validation: " + ", ".join(reported))
    print(f"run folder: {folder} (best.ckpt, last.ckpt, metrics.csv, config.yaml, provenance.yaml)")
    print(f"look at it: tensorboard --logdir {folder}")


def newest_run() -> Path:
    """The newest folder under runs/ that holds a checkpoint to resume from.

    Raises
    ------
    UserError
        There is none.
    """
    runs = sorted(RUNS.glob("*/last.ckpt"), key=lambda path: path.stat().st_mtime)
    if not runs:
        raise UserError(RUNS, "no run to resume", "a run folder with last.ckpt", "name it with --out")
    return runs[-1].parent


def find_presets(values: Mapping[str, Any], typed: Mapping[str, Any]) -> Presets | None:
    """The settings of the run to resume, or of the model to start from; parameters as of `find_model_presets`."""
    if not values["resume"]:
        return _with_rules(find_model_presets(values, typed), values["rules"])
    if values["rules"] is not None:
        raise UserError("--rules", "given with --resume", "one of them", "a resumed run keeps its rules")
    saved = (Path(values["out"]) if values["out"] else newest_run()) / "config.yaml"
    if not saved.exists():
        return None
    content = read_yaml(saved)
    earlier = isinstance(content, dict) and content.get("version", 1) != VERSION
    return Presets(upgrade_trained(content, saved) if earlier else saved, replace_config=False, source=saved)


def _with_rules(presets: Presets | None, file: str | None) -> Presets | None:
    """Settings that are taken over, and the rules of a file."""
    if file is None:
        return presets
    with importing():
        from targets.rules.fitted_rules import rules_of_file

    rules = rules_of_file(file)
    if rules is None:
        return presets
    settings = {} if presets is None or isinstance(presets.settings, Path) else dict(presets.settings)
    return Presets(settings | {"targets": {"traps": asdict(rules)}}, replace_config=True)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, find_presets=find_presets, earlier=EARLIER_SETTINGS)
