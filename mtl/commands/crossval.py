"""Command crossval: train one network per fold, choose thresholds out of fold, predict new maps with the ensemble."""

from pathlib import Path

from mtl.config import TrainConfig
from mtl.migration import EARLIER_SETTINGS
from mtl.training import find_model_presets
from targets.common.cli import run
from targets.common.folder_lock import lock_folder
from targets.common.process_lifetime import importing


def main(config: TrainConfig, *, out: str, test: str | None = None, nested: bool = True) -> None:
    """Train every fold of split.folds that is not finished, and score the settings on maps each fold did not see.

    Parameters
    ----------
    out : str
        Folder of the folds, tables and pictures; the same command resumes an interrupted one.
    test : str | None, default None
        A new map, or a folder of new maps, to predict with all folds together.
    nested : bool, default True
        Of the maps that a fold leaves, split.val_fraction choose its checkpoint, so that the fold only judges. With
        --no_nested all of them train, the fold chooses too, and its figures flatter.
    """
    with importing():
        from mtl.evaluation.cross_validation import cross_validate

    folder = Path(out)
    with lock_folder(folder):
        print(cross_validate(config, folder, test, nested))
    print(f"look at {folder / 'crossval.png'}; tables: {folder / 'crossval.md'}, {folder / 'thresholds.json'}")
    if test is not None:
        print(f"masks of {test}: {folder / 'submission.csv'}")


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args, find_presets=find_model_presets, earlier=EARLIER_SETTINGS)
