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
from mtl.data.read import maps_of
from mtl.inference.loading import PredictorOptions
from mtl.inference.predictor import load_predictor
from mtl.metrics.base import THRESHOLD, Sums, mode_of, pool
from mtl.prediction.predict_maps import predict_maps
from mtl.registry import pick
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS
from mtl.training.check_settings import check_settings
from mtl.training.run_folder import is_run_of, make_run
from targets.common.atomic_write import written_whole
from targets.common.cli import Names
from targets.errors import UserError, raise_together
from targets.scene import Float
from targets.truth.traps import find_truth

CUTS = np.round(np.arange(0.05, 0.951, 0.025), 3)  # thresholds that are tried
HALF = int(np.argmin(np.abs(CUTS - THRESHOLD)))
SEEN = "out_of_fold.npz"  # in a fold's folder: what it says about the maps it did not see
Counts = list[Sums]  # pooled sums at each of CUTS


@dataclass(frozen=True)
class Cut:
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
    figure: str
    threshold: float
    best: float
    half: float
    other: float
    floor: float
    curve: list[float]
    folds: list[list[float]]


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
    heads = [head for head in pick(HEADS, config.heads, "--heads") if head.kind == "mask"]
    if not heads:
        raise UserError("--heads", f"{config.heads}", "at least one mask, which can be cut")
    check_settings(config)
    counts: dict[str, list[Counts]] = {head.name: [] for head in heads}
    for fold in range(config.split.folds):
        own = replace(config, split=replace(config.split, fold=fold))
        for name, sums in count_fold(own, heads, out / f"fold_{fold}").items():
            counts[name].append(sums)
    cuts = [find_cut(head, counts[head.name]) for head in heads]
    text = write_cuts(cuts, out)
    if test is not None:
        members = Names(str(out / f"fold_{fold}" / "best.ckpt") for fold in range(config.split.folds))
        head, cut = cuts[0].head, cuts[0].threshold
        found = predict_maps(PredictorOptions(members), [test], out, config.reading, folders=False, cut=cut, masks=head)
        raise_together({place: told for place, _, told in found if isinstance(told, UserError)})
    return text


def count_fold(config: TrainConfig, heads: Sequence[Head], folder: Path) -> dict[str, Counts]:
    """Train one fold unless it is finished; {head: its sums on the maps the fold did not see, at each of CUTS}."""
    settings = fingerprint(config, None)
    path = folder / SEEN
    if not path.exists() or not is_run_of(settings, folder):
        print(f"{folder}: fold {config.split.fold + 1} of {config.split.folds}", flush=True)
        make_run(config, folder, settings)
        with written_whole(path) as temporary:
            np.savez_compressed(temporary, **answers_out_of_fold(config, heads, folder / "best.ckpt"))
    with np.load(path) as kept:
        return {
            head.name: [dict(zip(head.score.sums, row, strict=True)) for row in kept[f"sums/{head.name}"].tolist()]
            for head in heads
        }


def answers_out_of_fold(config: TrainConfig, heads: Sequence[Head], checkpoint: Path) -> dict[str, Any]:
    """What a fold says about the maps that validated it: HEAD/MAP, (C, H, W) float16; and sums/HEAD, (cuts, sums)."""
    predictor = load_predictor(checkpoint)
    _, held = maps_of(config)
    found: dict[str, Any] = {f"sums/{head.name}": np.zeros((len(CUTS), len(head.score.sums))) for head in heads}
    for scene in held:
        values, truth = predictor(scene), find_truth(scene, config.targets)
        for head in heads:
            answer, (target, valid) = values[head.name], head.target(truth)
            found[f"{head.name}/{scene.name}"] = answer.astype(np.float16)
            for row, cut in zip(found[f"sums/{head.name}"], CUTS, strict=True):
                row += list(head.score.count(moved(answer, cut), target, valid).values())
    return found


def moved(values: Float, cut: float) -> Float:
    """Probabilities moved so that what exceeds `cut` exceeds the threshold of all scores, 0.5."""
    return values + np.float32(THRESHOLD - cut)


def find_cut(head: Head, folds: Sequence[Counts]) -> Cut:
    """The best cut of a head, from every fold's sums at each of CUTS."""

    def curve(counted: Sequence[Counts]) -> list[float]:
        return [head.score.ratios(pool(sums))[head.score.best] for sums in zip(*counted, strict=True)]

    def best(counted: Sequence[Counts]) -> int:
        values = np.array(curve(counted))
        if np.isnan(values).all():
            return HALF
        return int(np.nanargmax(values if mode_of(head.score.best) == "max" else -values))

    chosen = best(folds)
    unseen = [fold[best([o for o in folds if o is not fold])] for fold in folds]
    reached = head.score.ratios(pool([fold[chosen] for fold in folds]))
    values = curve(folds)
    return Cut(
        head.name,
        head.score.best,
        float(CUTS[chosen]),
        values[chosen],
        values[HALF],
        head.score.ratios(pool(unseen))[head.score.best],
        reached[head.score.floor] if head.score.floor else float("nan"),
        values,
        [curve([fold]) for fold in folds],
    )


def write_cuts(cuts: Sequence[Cut], out: Path) -> str:
    """Write thresholds.json, crossval.md and crossval.png; returns the Markdown."""
    with written_whole(out / "thresholds.json") as temporary:
        temporary.write_text(json.dumps({cut.head: cut.threshold for cut in cuts}, indent=2) + "\n")
    lines = [
        "| head | figure | cut at | there | at 0.5 | cut by the other folds | per fold | nothing |",
        "|---|---|" + "---:|" * 6,
    ]
    for cut in cuts:
        folds = ", ".join(f"{curve[int(np.argmin(abs(CUTS - cut.threshold)))]:.3f}" for curve in cut.folds)
        numbers = (cut.best, cut.half, cut.other)
        told = " | ".join(f"{number:.4f}" for number in numbers)
        floor = "–" if np.isnan(cut.floor) else f"{cut.floor:.4f}"
        lines.append(f"| {cut.head} | {cut.figure} | {cut.threshold:g} | {told} | {folds} | {floor} |")
    text = "\n".join(lines) + "\n"
    with written_whole(out / "crossval.md") as temporary:
        temporary.write_text(text)
    with written_whole(out / "crossval.png") as temporary:
        draw_cuts(cuts).savefig(temporary)
    return text


def draw_cuts(cuts: Sequence[Cut]) -> Figure:
    """The main figure of every mask over the threshold: each fold thin, all maps thick, the best cut marked."""
    figure = Figure(figsize=(4.8 * len(cuts), 4.2), dpi=90, layout="constrained")
    for axis, cut in zip(figure.subplots(1, len(cuts), squeeze=False)[0], cuts, strict=True):
        for number, curve in enumerate(cut.folds):
            axis.plot(CUTS, curve, color="0.7", linewidth=1, label="one fold" if number == 0 else None)
        axis.plot(CUTS, cut.curve, color="tab:blue", linewidth=2, label="all maps, out of fold")
        axis.plot(0.5, cut.half, "o", color="k", label=f"cut at 0.5: {cut.half:.3f}")
        axis.plot(cut.threshold, cut.best, "D", color="tab:orange", label=f"cut at {cut.threshold:g}: {cut.best:.3f}")
        if not np.isnan(cut.floor):
            axis.axhline(cut.floor, color="0.4", linestyle="--", label=f"no answer: {cut.floor:.3f}")
        axis.set(xlabel="threshold: cells above it are found", ylabel=cut.figure, title=cut.head, xlim=(0, 1))
        axis.grid(color="0.9")
        axis.legend(fontsize=8)
    return figure
