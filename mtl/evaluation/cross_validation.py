"""Cross-validation: out-of-fold predictions of every map, the best threshold of every mask, and the ensemble of folds.

Every map is predicted once, by the network that did not train on it. Thresholds are chosen on these predictions; the
networks of all folds together are the ensemble that predicts new maps.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mtl.config import THRESHOLD, TrainConfig, fingerprint
from mtl.data.read import load_maps
from mtl.inference.options import PredictorOptions
from mtl.inference.predictor import load_predictor
from mtl.metrics.base import State, add_states
from mtl.prediction.options import BatchOptions
from mtl.prediction.predict_maps import predict_maps
from mtl.registry import select_records
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS
from mtl.training.check_settings import check_settings
from mtl.training.finetune import check_initial_model
from mtl.training.run_folder import ensure_run, holds_run
from targets.common.atomic_write import atomic_write
from targets.common.cli import Names
from targets.errors import UserError, raise_all
from targets.io.catalogue import find_maps
from targets.scene import Float
from targets.truth.traps import build_ground_truth

THRESHOLDS = np.round(np.arange(0.05, 0.951, 0.025), 3)  # candidates
DEFAULT_INDEX = int(np.argmin(np.abs(THRESHOLDS - THRESHOLD)))  # of the threshold without a choice, 0.5
OUT_OF_FOLD_FILE = "out_of_fold.npz"  # in a fold's folder
NESTED = "No map of a fold trained its network or chose its checkpoint."
NOT_NESTED = "Each fold chose the checkpoint that it judges: expect somewhat less of new maps."
StatesByThreshold = list[State]  # metric states, one per entry of THRESHOLDS


@dataclass(frozen=True)
class ThresholdChoice:
    """The best threshold of a mask head, and the values of its primary metric.

    Attributes
    ----------
    head : str
        Name of the head.
    metric : str
        Name of its primary metric.
    threshold : float
        The best threshold over all maps.
    value : float
        Metric at that threshold, pooled over all maps.
    value_at_default : float
        Metric at 0.5.
    cross_fitted_value : float
        Metric when each fold is cut at the threshold that is best on the other folds: an unbiased estimate for new
        maps.
    trivial_baseline : float
        Metric of a trivial answer; NaN where the head's metric does not define it.
    curve : list[float]
        Metric of all maps at each of `THRESHOLDS`.
    fold_curves : list[list[float]]
        The curve of each fold.
    """

    head: str
    metric: str
    threshold: float
    value: float
    value_at_default: float
    cross_fitted_value: float
    trivial_baseline: float
    curve: list[float]
    fold_curves: list[list[float]]


def cross_validate(config: TrainConfig, out: Path, test: str | None = None, nested: bool = True) -> str:
    """Train unfinished folds, choose thresholds, and predict new maps with the ensemble of folds.

    Leaves fold_K/ (a run folder with out_of_fold.npz), thresholds.json, crossval.md and crossval.png; of new maps
    submission.csv (run-length codes of the first mask head) and relative_std.csv.

    Parameters
    ----------
    config : TrainConfig
        Settings of every fold; `split.folds` is their number.
    out : Path
        Folder of the results.
    test : str | None, default None
        New maps: a map or a folder of maps.
    nested : bool, default True
        Some of the maps that a fold leaves choose its checkpoint, so that the fold only judges; else it does both.

    Returns
    -------
    str
        Text of crossval.md.

    Raises
    ------
    UserError
        No folds, no mask head, settings that contradict each other, or no new maps.
    """
    if config.split.folds < 2:
        raise UserError("split.folds", f"{config.split.folds}", "the number of folds, at least 2", "--split.folds 5")
    heads = [head for head in select_records(HEADS, config.heads, "--heads") if head.task == "binary"]
    if not heads:
        raise UserError("--heads", f"{config.heads}", "at least one mask, whose threshold can be chosen")
    for name, value in (("split.val_data", config.split.val_data), ("overfit", config.overfit or None)):
        if value is not None:
            raise UserError(name, f"{value}", "none: the folds of --data validate", f"leave out --{name}")
    check_settings(config)
    check_initial_model(config)
    if test is not None:
        find_maps([test], config.reading)  # before hours of training
    config = replace(config, split=replace(config.split, nested=nested))
    states: dict[str, list[StatesByThreshold]] = {head.name: [] for head in heads}
    for fold in range(config.split.folds):
        fold_config = replace(config, split=replace(config.split, fold=fold))
        for name, fold_states in score_fold(fold_config, heads, out / f"fold_{fold}").items():
            states[name].append(fold_states)
    choices = [choose_threshold(head, states[head.name]) for head in heads]
    text = write_threshold_choices(choices, out, nested)
    if test is not None:
        ensemble = Names(str(out / f"fold_{fold}" / "best.ckpt") for fold in range(config.split.folds))
        batch = BatchOptions(folders=False, threshold=choices[0].threshold, mask_output=choices[0].head)
        outcomes = predict_maps(PredictorOptions(ensemble), [test], out, config.reading, batch)
        raise_all({index: outcome for index, _, outcome in outcomes if isinstance(outcome, UserError)})
    return text


def score_fold(config: TrainConfig, heads: Sequence[Head], folder: Path) -> dict[str, StatesByThreshold]:
    """Train one fold unless it is finished, and score its out-of-fold predictions.

    Parameters
    ----------
    config : TrainConfig
        Settings, with `split.fold`.
    heads : Sequence[Head]
        Mask heads.
    folder : Path
        Run folder of the fold.

    Returns
    -------
    dict[str, StatesByThreshold]
        {head: metric state over the validation maps at each of `THRESHOLDS`}.
    """
    settings = fingerprint(config, None)
    path = folder / OUT_OF_FOLD_FILE
    if not path.exists() or not holds_run(settings, folder):
        print(f"{folder}: fold {config.split.fold + 1} of {config.split.folds}", flush=True)
        ensure_run(config, folder, settings)
        with atomic_write(path) as temporary:
            np.savez_compressed(temporary, **predict_out_of_fold(config, heads, folder / "best.ckpt"))
    with np.load(path) as arrays:
        return {
            head.name: [dict(zip(head.metric.state, row, strict=True)) for row in arrays[f"sums/{head.name}"].tolist()]
            for head in heads
        }


def predict_out_of_fold(config: TrainConfig, heads: Sequence[Head], checkpoint: Path) -> dict[str, Any]:
    """Predict the maps of a fold, which a nested one keeps from training and from the choice of the checkpoint.

    Returns
    -------
    dict[str, Any]
        HEAD/MAP: (C, H, W) float16 prediction; sums/HEAD: (thresholds, quantities) float64 metric states.
    """
    predictor = load_predictor(checkpoint)
    maps = load_maps(config)
    arrays: dict[str, Any] = {
        f"sums/{head.name}": np.zeros((len(THRESHOLDS), len(head.metric.state))) for head in heads
    }
    for scene in maps.judging or maps.validation:
        values, truth = predictor(scene), build_ground_truth(scene, config.targets)
        for head in heads:
            prediction, (target, valid) = values[head.name], head.target(truth)
            arrays[f"{head.name}/{scene.name}"] = prediction.astype(np.float16)
            for row, threshold in zip(arrays[f"sums/{head.name}"], THRESHOLDS, strict=True):
                shifted = shift_probabilities(prediction, threshold)
                row += list(head.metric.count(shifted, target, valid, scene.cell_sides).values())
    return arrays


def shift_probabilities(values: Float, threshold: float) -> Float:
    """Shift probabilities so that those above `threshold` exceed the threshold of all metrics, 0.5.

    Examples
    --------
    >>> shift_probabilities(np.array([0.25, 0.75], np.float32), 0.125).tolist()
    [0.625, 1.125]
    """
    return values + np.float32(THRESHOLD - threshold)


def choose_threshold(head: Head, folds: Sequence[StatesByThreshold]) -> ThresholdChoice:
    """Choose the threshold of a mask head by its primary metric.

    Parameters
    ----------
    head : Head
        A head whose metric is counted on masks.
    folds : Sequence[StatesByThreshold]
        Metric states of each fold at each of `THRESHOLDS`.
    """

    def curve(states: Sequence[StatesByThreshold]) -> list[float]:
        return [head.metric.compute(add_states(pooled))[head.metric.primary] for pooled in zip(*states, strict=True)]

    def best_index(states: Sequence[StatesByThreshold]) -> int:
        values = np.array(curve(states))
        if np.isnan(values).all():
            return DEFAULT_INDEX
        return int(np.nanargmax(values if head.metric.mode == "max" else -values))

    best = best_index(folds)
    cross_fitted = [fold[best_index([other for other in folds if other is not fold])] for fold in folds]
    metrics = head.metric.compute(add_states([fold[best] for fold in folds]))
    values = curve(folds)
    return ThresholdChoice(
        head=head.name,
        metric=head.metric.primary,
        threshold=float(THRESHOLDS[best]),
        value=values[best],
        value_at_default=values[DEFAULT_INDEX],
        cross_fitted_value=head.metric.compute(add_states(cross_fitted))[head.metric.primary],
        trivial_baseline=metrics[head.metric.trivial_baseline] if head.metric.trivial_baseline else float("nan"),
        curve=values,
        fold_curves=[curve([fold]) for fold in folds],
    )


def write_threshold_choices(choices: Sequence[ThresholdChoice], out: Path, nested: bool) -> str:
    """Write thresholds.json, crossval.md and crossval.png, and return the Markdown.

    Parameters
    ----------
    choices : Sequence[ThresholdChoice]
        One per mask head.
    out : Path
        Folder of the files.
    nested : bool
        Whether other maps than those of a fold chose its checkpoint.

    Raises
    ------
    UserError
        A file cannot be written.
    """
    with atomic_write(out / "thresholds.json") as temporary:
        thresholds = {choice.head: choice.threshold for choice in choices}
        temporary.write_text(json.dumps(thresholds, indent=2) + "\n", "utf-8")
    lines = [
        "| head | metric | threshold | at threshold | at 0.5 | threshold of other folds | per fold | trivial |",
        "|---|---|" + "---:|" * 6,
    ]
    for choice in choices:
        index = int(np.argmin(abs(THRESHOLDS - choice.threshold)))
        per_fold = ", ".join(f"{curve[index]:.3f}" for curve in choice.fold_curves)
        values = (choice.value, choice.value_at_default, choice.cross_fitted_value)
        cells = " | ".join(f"{value:.4f}" for value in values)
        trivial = "–" if np.isnan(choice.trivial_baseline) else f"{choice.trivial_baseline:.4f}"
        lines.append(f"| {choice.head} | {choice.metric} | {choice.threshold:g} | {cells} | {per_fold} | {trivial} |")
    text = "\n".join([*lines, "", NESTED if nested else NOT_NESTED]) + "\n"
    with atomic_write(out / "crossval.md") as temporary:
        temporary.write_text(text, "utf-8")
    with atomic_write(out / "crossval.png") as temporary:
        draw_threshold_curves(choices).savefig(temporary)
    return text


def draw_threshold_curves(choices: Sequence[ThresholdChoice]) -> Figure:
    """Draw the primary metric of every mask over the threshold: each fold thin, all maps thick, the choice marked."""
    figure = Figure(figsize=(4.8 * len(choices), 4.2), dpi=90, layout="constrained")
    for axis, choice in zip(figure.subplots(1, len(choices), squeeze=False)[0], choices, strict=True):
        for number, curve in enumerate(choice.fold_curves):
            axis.plot(THRESHOLDS, curve, color="0.7", linewidth=1, label="one fold" if number == 0 else None)
        axis.plot(THRESHOLDS, choice.curve, color="tab:blue", linewidth=2, label="all maps, out of fold")
        label = f"threshold 0.5: {choice.value_at_default:.3f}"
        axis.plot(THRESHOLD, choice.value_at_default, "o", color="k", label=label)
        label = f"threshold {choice.threshold:g}: {choice.value:.3f}"
        axis.plot(choice.threshold, choice.value, "D", color="tab:orange", label=label)
        if not np.isnan(choice.trivial_baseline):
            label = f"trivial answer: {choice.trivial_baseline:.3f}"
            axis.axhline(choice.trivial_baseline, color="0.4", linestyle="--", label=label)
        axis.set(xlabel="threshold of the probability", ylabel=choice.metric, title=choice.head, xlim=(0, 1))
        axis.grid(color="0.9")
        axis.legend(fontsize=8)
    return figure
