"""What a recipe is worth on all maps: folds train, are judged on what they did not see, cut where it is best, averaged.

Every map is predicted once by a network that never saw it (out of fold). Where a mask is best cut is searched on these
answers, and the folds together are the ensemble that predicts new maps.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mtl.config import TrainConfig, fingerprint
from mtl.data.read import load_maps
from mtl.inference.loading import PredictorOptions
from mtl.inference.predictor import load_predictor
from mtl.metrics.base import THRESHOLD, State, add_states, mode_of
from mtl.prediction.predict_maps import predict_maps
from mtl.registry import select_records
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS
from mtl.training.check_settings import check_settings
from mtl.training.run_folder import ensure_run, holds_run
from targets.common.atomic_write import atomic_write
from targets.common.cli import Names
from targets.errors import UserError, raise_all
from targets.scene import Float
from targets.truth.traps import build_ground_truth

THRESHOLDS = np.round(np.arange(0.05, 0.951, 0.025), 3)  # thresholds that are tried
DEFAULT_INDEX = int(np.argmin(np.abs(THRESHOLDS - THRESHOLD)))
OUT_OF_FOLD_FILE = "out_of_fold.npz"  # in a fold's folder: what it says about the maps it did not see
SumsByThreshold = list[State]  # pooled sums at each of CUTS


@dataclass(frozen=True)
class ThresholdChoice:
    """Where the mask of a head is best cut, and what it is then worth.

    Attributes
    ----------
    figure : str
        By which it is judged, the head's main one.
    threshold : float
        At which the figure is best, over all maps.
    best : float
        The figure there.
    half : float
        At 0.5.
    other : float
        With every fold cut where the other folds are best: what may be expected of new maps.
    floor : float
        Of no answer at all; NaN where the head's score does not tell.
    curve : list[float]
        The figure of all maps at each of CUTS.
    folds : list[list[float]]
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


def cross_validate(config: TrainConfig, out: Path, test: str | None = None) -> str:
    """Train the folds that are not finished, search the cuts, and predict new maps with all folds together.

    Leaves fold_K/ (a run folder, with out_of_fold.npz), thresholds.json, crossval.md and crossval.png; and of new maps
    submission.csv, the run-length codes of the first mask head's masks, and spread.csv.

    Parameters
    ----------
    config : TrainConfig
        Its `split.folds` says how many.
    test : str | None, default None
        New maps: a map or a folder of maps.

    Returns
    -------
    The text of crossval.md.

    Raises
    ------
    UserError
        No folds, no mask to cut, or settings that cannot be met.
    """
    if config.split.folds < 2:
        raise UserError("split.folds", f"{config.split.folds}", "the number of folds, at least 2", "--split.folds 5")
    heads = [head for head in select_records(HEADS, config.heads, "--heads") if head.task == "binary"]
    if not heads:
        raise UserError("--heads", f"{config.heads}", "at least one mask, which can be cut")
    check_settings(config)
    counts: dict[str, list[SumsByThreshold]] = {head.name: [] for head in heads}
    for fold in range(config.split.folds):
        own = replace(config, split=replace(config.split, fold=fold))
        for name, sums in score_fold(own, heads, out / f"fold_{fold}").items():
            counts[name].append(sums)
    cuts = [choose_threshold(head, counts[head.name]) for head in heads]
    text = write_threshold_choices(cuts, out)
    if test is not None:
        members = Names(str(out / f"fold_{fold}" / "best.ckpt") for fold in range(config.split.folds))
        head, cut = cuts[0].head, cuts[0].threshold
        found = predict_maps(
            PredictorOptions(members), [test], out, config.reading, folders=False, threshold=cut, mask_output=head
        )
        raise_all({place: told for place, _, told in found if isinstance(told, UserError)})
    return text


def score_fold(config: TrainConfig, heads: Sequence[Head], folder: Path) -> dict[str, SumsByThreshold]:
    """Train one fold unless it is finished; {head: its sums on the maps the fold did not see, at each of CUTS}."""
    settings = fingerprint(config, None)
    path = folder / OUT_OF_FOLD_FILE
    if not path.exists() or not holds_run(settings, folder):
        print(f"{folder}: fold {config.split.fold + 1} of {config.split.folds}", flush=True)
        ensure_run(config, folder, settings)
        with atomic_write(path) as temporary:
            np.savez_compressed(temporary, **predict_out_of_fold(config, heads, folder / "best.ckpt"))
    with np.load(path) as kept:
        return {
            head.name: [dict(zip(head.metric.state, row, strict=True)) for row in kept[f"sums/{head.name}"].tolist()]
            for head in heads
        }


def predict_out_of_fold(config: TrainConfig, heads: Sequence[Head], checkpoint: Path) -> dict[str, Any]:
    """What a fold says about the maps that validated it: HEAD/MAP, (C, H, W) float16; and sums/HEAD, (cuts, sums)."""
    predictor = load_predictor(checkpoint)
    _, held = load_maps(config)
    found: dict[str, Any] = {f"sums/{head.name}": np.zeros((len(THRESHOLDS), len(head.metric.state))) for head in heads}
    for scene in held:
        values, truth = predictor(scene), build_ground_truth(scene, config.targets)
        for head in heads:
            answer, (target, valid) = values[head.name], head.target(truth)
            found[f"{head.name}/{scene.name}"] = answer.astype(np.float16)
            for row, cut in zip(found[f"sums/{head.name}"], THRESHOLDS, strict=True):
                row += list(head.metric.update(shift_probabilities(answer, cut), target, valid).values())
    return found


def shift_probabilities(values: Float, threshold: float) -> Float:
    """Probabilities moved so that what exceeds `cut` exceeds the threshold of all scores, 0.5."""
    return values + np.float32(THRESHOLD - threshold)


def choose_threshold(head: Head, folds: Sequence[SumsByThreshold]) -> ThresholdChoice:
    """The best cut of a head, from every fold's sums at each of CUTS."""

    def curve(counted: Sequence[SumsByThreshold]) -> list[float]:
        return [head.metric.compute(add_states(sums))[head.metric.primary] for sums in zip(*counted, strict=True)]

    def best(counted: Sequence[SumsByThreshold]) -> int:
        values = np.array(curve(counted))
        if np.isnan(values).all():
            return DEFAULT_INDEX
        return int(np.nanargmax(values if mode_of(head.metric.primary) == "max" else -values))

    chosen = best(folds)
    unseen = [fold[best([o for o in folds if o is not fold])] for fold in folds]
    reached = head.metric.compute(add_states([fold[chosen] for fold in folds]))
    values = curve(folds)
    return ThresholdChoice(
        head.name,
        head.metric.primary,
        float(THRESHOLDS[chosen]),
        values[chosen],
        values[DEFAULT_INDEX],
        head.metric.compute(add_states(unseen))[head.metric.primary],
        reached[head.metric.trivial_baseline] if head.metric.trivial_baseline else float("nan"),
        values,
        [curve([fold]) for fold in folds],
    )


def write_threshold_choices(choices: Sequence[ThresholdChoice], out: Path) -> str:
    """Write thresholds.json, crossval.md and crossval.png; returns the Markdown."""
    with atomic_write(out / "thresholds.json") as temporary:
        temporary.write_text(json.dumps({cut.head: cut.threshold for cut in choices}, indent=2) + "\n")
    lines = [
        "| head | figure | cut at | there | at 0.5 | cut by the other folds | per fold | nothing |",
        "|---|---|" + "---:|" * 6,
    ]
    for cut in choices:
        folds = ", ".join(f"{curve[int(np.argmin(abs(THRESHOLDS - cut.threshold)))]:.3f}" for curve in cut.fold_curves)
        numbers = (cut.value, cut.value_at_default, cut.cross_fitted_value)
        told = " | ".join(f"{number:.4f}" for number in numbers)
        floor = "–" if np.isnan(cut.trivial_baseline) else f"{cut.trivial_baseline:.4f}"
        lines.append(f"| {cut.head} | {cut.metric} | {cut.threshold:g} | {told} | {folds} | {floor} |")
    text = "\n".join(lines) + "\n"
    with atomic_write(out / "crossval.md") as temporary:
        temporary.write_text(text)
    with atomic_write(out / "crossval.png") as temporary:
        draw_threshold_curves(choices).savefig(temporary)
    return text


def draw_threshold_curves(choices: Sequence[ThresholdChoice]) -> Figure:
    """The main figure of every mask over the threshold: each fold thin, all maps thick, the best cut marked."""
    figure = Figure(figsize=(4.8 * len(choices), 4.2), dpi=90, layout="constrained")
    for axis, cut in zip(figure.subplots(1, len(choices), squeeze=False)[0], choices, strict=True):
        for number, curve in enumerate(cut.fold_curves):
            axis.plot(THRESHOLDS, curve, color="0.7", linewidth=1, label="one fold" if number == 0 else None)
        axis.plot(THRESHOLDS, cut.curve, color="tab:blue", linewidth=2, label="all maps, out of fold")
        axis.plot(0.5, cut.value_at_default, "o", color="k", label=f"cut at 0.5: {cut.value_at_default:.3f}")
        axis.plot(cut.threshold, cut.value, "D", color="tab:orange", label=f"cut at {cut.threshold:g}: {cut.value:.3f}")
        if not np.isnan(cut.trivial_baseline):
            axis.axhline(
                cut.trivial_baseline, color="0.4", linestyle="--", label=f"no answer: {cut.trivial_baseline:.3f}"
            )
        axis.set(xlabel="threshold: cells above it are found", ylabel=cut.metric, title=cut.head, xlim=(0, 1))
        axis.grid(color="0.9")
        axis.legend(fontsize=8)
    return figure
