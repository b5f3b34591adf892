"""Walk over combinations of settings: what `check_settings` lets through trains, resumes, predicts and exports.

python -m tests.soak.combinations --seed 0

The rows cover every pair of values of any two settings. A row ends well (`ok`), or with a user's error before anything
is trained (`refused`); everything else is a fault, and makes the exit code 1.
"""

import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from itertools import combinations
from math import isclose, isnan
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
import yaml
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig, NetConfig, TrainConfig
from mtl.data.read import load_maps
from mtl.evaluation.evaluate import evaluate, score_map
from mtl.export.all_heads import export_onnx
from mtl.export.weights import export_weights
from mtl.inference.loading import cached_predictor
from mtl.inference.options import PredictorOptions
from mtl.inference.predictor import Predictor, load_predictor
from mtl.metrics.base import add_states
from mtl.models.checkpoint import read_checkpoint
from mtl.models.safetensors_io import bundled_model
from mtl.prediction.options import BatchOptions
from mtl.prediction.predict_maps import predict_maps
from mtl.tasks.heads import FUSION, HEADS
from mtl.training.check_settings import check_settings
from mtl.training.finetune import DEFAULT_MODEL
from mtl.training.run import train
from targets.common.cli import Names, run
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.rendering.map import render
from targets.scene import GeoReference, Scene
from targets.truth.traps import build_ground_truth

Row = dict[str, Any]
OK, REFUSED = "ok", "refused"
ROOT = Path(__file__).parents[2]
MOST_SECONDS = 1800  # of a training in several processes, on a machine with other work
ENCODER = "tu-test_efficientnet"  # of timm's own tests: five stages, 360,000 weights
EVERY_SET = '["rgb", "depth", "rgb,depth"]'
FACTORS: dict[str, tuple[Any, ...]] = {
    "maps": ("alike", "mixed", "tiny", "large", "pictures", "pieces"),
    "heads": ("trap", "trap,dist,depth", "dist,crest", "fused,empty", "height,fault,boundary"),
    "inputs": ("depth", "rgb,fault,depth", "rgb", "map,gradient,isolines", "rgb_plain,closure",
               f"rgb,depth {EVERY_SET}"),
    "net": ("unet", "unetplusplus scse", "unetplusplus all", "unet bottleneck", "unet deep", "manet hypercolumn",
            "linknet deep", "deeplabv3plus", "fpn", "pspnet", "upernet"),
    "net.inputs_to_heads": (True, False),
    "patches.size": (64, 32, 96),
    "patches.stride": (32, 64, 16),
    "patches.small_map_mode": ("pad", "reflect", "resize"),
    "patches.shrink_to_maps": (True, False),
    "patches.max_side": (0, 32, 48),
    "patches.context": (0, 2, 4),
    "patches.min_valid_fraction": (0.1, 0.6),
    "patches.min_positive_fraction": (0.0, 0.6),
    "augment.symmetry": ("d4", "none", "mirror"),
    "augment.restyle": (0.0, 0.5),
    "split": ("fraction", "folds", "nested", "val_data", "train_groups", "overfit"),
    "optim.schedule": ("cosine", "plateau", "one_cycle", "constant"),
    "optim.balance": ("fixed", "uncertainty", "dwa", "torchjd:upgrad"),
    "optim.ema_decay": (0.0, 0.9),
    "losses": ("own", "others", "two stages"),
    "loop.batch_size": (2, 1, 5),
    "loop.accumulate_batches": (1, 2),
    "loop.repeats_per_epoch": (1, 2),
    "loop.precision": ("32-true", "bf16-mixed"),
    "loop.early_stop_patience": (0, 1),
    "loop.monitor": (None, "val_loss"),
    "loop.num_workers": (0, 1),
    "loop.logger": ("csv", "tensorboard"),
    "predict.stride": ("half", "whole"),
    "predict.tta": ("none", "mirror", "d4"),
    "predict.tile_weights": ("gaussian", "constant"),
    "stopped": ("at an epoch's end", "within an epoch", "never"),
    "init": ("nothing", "a run", "the bundled model"),
    "processes": (1, 2),
    "predicted": ("folders", "tables"),
    "exported": ("weights", "graph"),
}  # fmt: skip
QUICK: Row = {  # what costs most is left to the long form
    "loop.num_workers": 0, "loop.logger": "csv", "loop.precision": "32-true", "processes": 1, "augment.restyle": 0.0,
    "init": "nothing", "predicted": "tables", "exported": "weights",
}  # fmt: skip
EXTRAS: dict[str, Row] = {
    "": {},
    "scse": {"attention": "scse", "decoder_channels": [16] * 5},
    "bottleneck": {"block": "bottleneck", "dropout": 0.2},
    "hypercolumn": {"hypercolumn": True},
    "deep": {"deep_supervision": 0.4},
    "all": {"block": "bottleneck", "dropout": 0.2, "hypercolumn": True, "deep_supervision": 0.4},
}
OTHER_LOSSES = {
    "trap": "tversky", "dist": "slopes", "depth": "heteroscedastic", "crest": "bce", "fused": "class_dice",
    "height": "heteroscedastic", "fault": "focal", "boundary": "boundary",
}  # fmt: skip
SECOND_STAGE = {"trap": "lovasz", "dist": "smooth_l1", "fused": "class_dice", "height": "smooth_l1"}
SIZES = {
    "alike": [(64, 64)] * 4,
    "mixed": [(64, 64), (40, 70), (24, 64), (70, 33), (64, 64)],
    "tiny": [(20, 20), (20, 26), (26, 20), (20, 20)],
    "large": [(100, 66), (64, 64), (66, 104), (64, 64)],
    "pictures": [(64, 64)] * 4,
    "pieces": [(64, 48)] * 8,
}


def hill(name: str, rows: int, cols: int, number: int) -> Scene:
    """A hill of an interpreter's trap, its place and the outline of the map depending on the number; one is flat."""
    row, col = np.indices((rows, cols), np.float32)
    away = np.hypot(row - rows * (0.4 + 0.05 * (number % 3)), col - cols * 0.5) / (0.35 * min(rows, cols))
    height = 0.0 if number == 3 else 100.0
    depth = (2100 - height * np.clip(1 - away**2, 0, None) + 0.1 * col).astype(np.float32)
    inside = np.ones((rows, cols), bool)
    if number % 2:
        inside[: rows // 4, : cols // 4] = False
    fault = np.zeros_like(inside)
    fault[rows // 2, cols // 8 : cols // 4] = inside[rows // 2, cols // 8 : cols // 4]
    geo = GeoReference(0.0, 0.0, 50.0, -25.0 if number % 4 == 1 else -50.0, depth_unit="m")  # some cells are oblong
    return Scene(name, depth, inside, inside, fault, traps=(away < 0.7) & inside & (height > 0), geo=geo)


def write_maps(folder: Path, kind: str) -> None:
    """The maps of a kind, and maps to validate on, as map folders; some of `pictures` have no depth."""
    for number, (rows, cols) in enumerate(SIZES[kind]):
        scene = hill(f"{kind}{number}", rows, cols, number)
        if kind == "pictures":
            scene = scene.replace(rgb=render(scene))
            if number % 2:
                scene = scene.replace(depth_valid=np.zeros_like(scene.map_valid))
        if kind == "pieces":  # of one map, side by side
            geo = GeoReference(50.0 * cols * number, 0.0, 50.0, -50.0, depth_unit="m")
            scene = scene.replace(geo=geo, group="field")
        for part in ("maps", *(["validation"] if number < 2 else [])):
            write_map_folder(scene, folder / kind / part / scene.name)


def covering_rows(factors: Mapping[str, tuple[Any, ...]], seed: int, tries: int = 8) -> Iterator[Row]:
    """Rows until every pair of values of two factors was in one: each the best of several greedy ones.

    Examples
    --------
    >>> rows = list(covering_rows({"a": (0, 1), "b": (0, 1), "c": (0, 1)}, seed=0))
    >>> 4 <= len(rows) <= 6, len({(row["a"], row["c"]) for row in rows})
    (True, 4)
    """
    draw, names = random.Random(seed), list(factors)
    numbers = {name: range(len(values)) for name, values in factors.items()}
    pairs = (((a, i), (b, j)) for a, b in combinations(names, 2) for i in numbers[a] for j in numbers[b])
    left = dict.fromkeys(pairs)  # a set whose order is the same in every process
    while left:
        best: dict[str, int] = {}
        gain = 0
        for _ in range(tries):
            chosen = dict(draw.choice(list(left)))
            for name in draw.sample(names, len(names)):
                if name not in chosen:
                    scores = [
                        (len(_pairs(chosen, names, name, i) & left.keys()), draw.random(), i) for i in numbers[name]
                    ]
                    chosen[name] = max(scores)[2]
            own = sum(len(_pairs(chosen, names, name, chosen[name]) & left.keys()) for name in names) // 2
            if own > gain:
                best, gain = chosen, own
        for pair in {pair for name in names for pair in _pairs(best, names, name, best[name])}:
            left.pop(pair, None)
        yield {name: factors[name][best[name]] for name in names}


def _pairs(chosen: Mapping[str, int], names: list[str], name: str, value: int) -> set[tuple[Any, Any]]:
    """The pairs that a value of one factor makes with the values that are chosen."""
    here = names.index(name)
    return {
        ((other, i), (name, value)) if names.index(other) < here else ((name, value), (other, i))
        for other, i in chosen.items()
        if other != name
    }


def config_of(row: Row, folder: Path) -> TrainConfig:
    """The settings of a row; its maps lie in a folder of `write_maps`."""
    arch, _, extras = row["net"].partition(" ")
    channels = None if arch == "linknet" else [8] * 5
    net = replace(NetConfig(arch, ENCODER, "none", channels), **EXTRAS[extras])
    config = TrainConfig(net=net, loop=LoopConfig(epochs=2, accelerator="cpu", save_minutes=0))
    for name, value in row.items():
        if "." in name and name not in ("loop.monitor", "predict.stride"):
            config = with_setting(config, name, value)
    inputs, _, sets = row["inputs"].partition(" ")
    config = replace(config, heads=Names(row["heads"]), inputs=Names(inputs), input_sets=yaml.safe_load(sets or "[]"))
    if row["init"] == "the bundled model":
        config = like_bundled(config)
    stride = max(32, row["patches.size"] // 64 * 32) if row["predict.stride"] == "half" else row["patches.size"]
    config = with_setting(config, "predict.stride", stride)
    first = config.heads[0]
    if row["losses"] == "others":
        losses = {name: OTHER_LOSSES[name] for name in config.heads if name in OTHER_LOSSES}
        config = with_setting(config, "optim.losses", losses)
    if row["losses"] == "two stages" and first in SECOND_STAGE:
        config = with_setting(config, "optim.second_stage_epoch", 1)
        config = with_setting(config, "optim.second_stage_losses", {first: SECOND_STAGE[first]})
    elif row["loop.monitor"]:  # losses of two stages cannot be compared
        config = with_setting(config, "loop.monitor", f"{first}/val_loss")
    serves_pictures = config.inputs == ("rgb",) or config.input_sets
    own = folder / (row["maps"] if serves_pictures or row["maps"] != "pictures" else "alike")
    config = replace(config, data=str(own / "maps"), overfit=2 if row["split"] == "overfit" else 0)
    split = {
        "folds": {"folds": 2},
        "nested": {"folds": 2, "nested": True},
        "val_data": {"val_data": str(own / "validation")},
        "train_groups": {"train_groups": 1},
    }
    return replace(config, split=replace(config.split, **split.get(row["split"], {})))


def like_bundled(config: TrainConfig) -> TrainConfig:
    """The settings with the network and the inputs of the model that comes with the package, to start from it."""
    model, _ = read_checkpoint(bundled_model())
    patches = replace(config.patches, context=model.patches.context)
    own = {name: getattr(model, name) for name in ("inputs", "input_sets", "missing_values", "net")}
    return replace(config, init=DEFAULT_MODEL, patches=patches, **own)


def with_setting(record: Any, name: str, value: Any) -> Any:
    """The settings with one of them changed."""
    section, _, rest = name.partition(".")
    inner = getattr(record, section)
    return replace(record, **{section: with_setting(inner, rest, value) if is_dataclass(inner) and rest else value})


class Stopped(Exception):
    """The end of a run that is killed."""


class StopAt(Callback):
    """Kills a run before a batch of its second epoch, or of its first if that is its only one."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx) == (1, min(self.batch, trainer.num_training_batches - 1)):
            raise Stopped


def try_row(row: Row, folder: Path, out: Path) -> str:
    """Do with a row's settings all that a user would; returns `OK`, or `REFUSED` and why.

    Raises
    ------
    Exception
        A fault: a refusal after training has begun or in several lines, an answer of the wrong shape, a prediction that
        is not the validated one, or any other error.
    """
    config = config_of(row, folder)
    try:
        check_settings(config)
        if row["init"] == "a run":
            config = replace(config, init=str(make_model(config, out)))
        metrics = train_row(config, row, out / "run")
    except UserError as error:
        assert not (out / "run" / "last.ckpt").exists(), f"refused late: {error}"
        assert "\n" not in str(error), f"not one line: {error}"
        return f"{REFUSED}: {error}"
    last = load_predictor(out / "run" / "last.ckpt", device="cpu", backend="torch")
    check_validated(config, load_maps(config).validation, metrics, last)
    new = hill("new", 75, 50, 1).replace(traps=None)
    write_map_folder(new, out / "new" / new.name)
    options = PredictorOptions(Names(str(out / "run" / "best.ckpt")), device="cpu", backend="torch")
    quiet, batch = ReadOptions(quiet=True), BatchOptions(folders=row["predicted"] == "folders")
    table, failed = evaluate(options, [config.data], out / "evaluated", quiet)
    assert not failed and all(f"## {output.name}" in table for output in last.outputs), failed
    for _, _, outcome in predict_maps(options, [str(out / "new")], out / "predicted", quiet, batch):
        assert not isinstance(outcome, UserError), outcome
    predictor = cached_predictor(options)
    for one in (last, predictor):
        check_answers(one, new)
    export_weights(predictor, out / "best.safetensors")
    again = load_predictor(out / "best.safetensors", device="cpu", backend="torch")(new)
    for name, values in predictor(new).items():
        if name in HEADS:  # weights are rounded to 16 bits; what is computed of depths may jump
            scale = max(1.0, float(np.nanmax(np.abs(values))))
            np.testing.assert_allclose(values, again[name], atol=0.02 * scale, err_msg=name)
    if row["exported"] == "graph":
        for errors in export_onnx(predictor, out / "best.onnx").values():
            assert max(errors.values()) < 1e-2, errors
    return OK


def make_model(config: TrainConfig, out: Path) -> Path:
    """A model of the same network to start from, trained for a step."""
    once = replace(config, loop=replace(config.loop, epochs=1, logger="csv", monitor=None))
    once = replace(once, optim=replace(once.optim, second_stage_losses={}, second_stage_epoch=0))
    train(once, out / "model")
    return out / "model" / "last.ckpt"


def train_row(config: TrainConfig, row: Row, out: Path) -> dict[str, float]:
    """Train, stopped and resumed if the row says so, or in two processes; returns the last validation's metrics."""
    if row["processes"] > 1:
        return train_in_processes(config, out, row["processes"])
    if row["stopped"] == "never":
        return train(config, out)
    try:
        metrics = train(config, out, extra_callbacks=[StopAt(0 if row["stopped"] == "at an epoch's end" else 1)])
    except Stopped:
        return train(config, out, resume=True)
    assert config.loop.early_stop_patience  # it ended before the second epoch, or was to be stopped
    return metrics


def train_in_processes(config: TrainConfig, out: Path, number: int) -> dict[str, float]:
    """Train in several processes under torchrun; metrics are those of metrics.csv."""
    out.parent.mkdir(parents=True, exist_ok=True)
    settings = out.parent / "settings.yaml"
    settings.write_text(yaml.safe_dump(config.as_dict(), sort_keys=False))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(number)]
    words = [str(ROOT / "tools" / "train.py"), "--config", str(settings), "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*launch, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as launcher:
        try:
            said, _ = launcher.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            launcher.terminate()  # and it ends its processes; killed, it would leave them
            raise
    if launcher.returncode:
        found = [line for line in said.splitlines() if line.startswith("error: ")]
        assert found, said[-2000:]
        raise UserError("torchrun", found[0])
    header, *_, last = (out / "metrics.csv").read_text().splitlines()
    return {name: float(value or "nan") for name, value in zip(header.split(","), last.split(","), strict=True)}


def check_validated(
    config: TrainConfig, validation: list[Scene], metrics: Mapping[str, float], predictor: Predictor
) -> None:
    """What the last checkpoint predicts of the validation maps is what the run's last validation judged."""
    if config.input_sets or config.loop.precision != "32-true":  # which show maps by every set, and in other bits
        return
    settings = predictor.config
    quick = replace(settings.predict, tta="none", stride=max(32, settings.patches.size // 64 * 32))
    predictor = replace(predictor, config=replace(settings, predict=quick))
    outputs = [output for output in predictor.outputs if output.name != FUSION.name]
    scores = [score_map(build_ground_truth(scene, config.targets), predictor(scene), outputs) for scene in validation]
    for output in outputs:
        pooled = output.metric.compute(add_states([score.states[output.name] for score in scores]))
        for name, value in pooled.items():
            judged = metrics[f"{output.name}/{name}"]
            same = isclose(value, judged, rel_tol=1e-3, abs_tol=1e-3) or (isnan(value) and isnan(judged))
            assert same, f"{output.name}/{name}: {value} predicted, {judged} validated"


def check_answers(predictor: Predictor, scene: Scene) -> None:
    """Every output has the map's shape, is finite inside the map and NaN outside."""
    for name, values in predictor(scene).items():
        assert values.shape[1:] == scene.shape, name
        assert np.isfinite(values[:, scene.map_valid]).all(), name
        assert np.isnan(values[:, ~scene.map_valid]).all(), name


def describe(row: Row, names: Mapping[str, tuple[Any, ...]]) -> str:
    """The settings of a row that are not the first of their factor."""
    return ", ".join(f"{name} {value}" for name, value in row.items() if value != names[name][0])


def main(*, seed: int = 0, rows: int = 0, first: int = 0) -> None:
    """Try rows of settings until every pair was in one, and print a line for each.

    Parameters
    ----------
    seed : int, default 0
        Seed of the rows.
    rows : int, default 0
        Number of rows; 0: all.
    first : int, default 0
        Rows to skip.
    """
    torch.set_num_threads(1)
    found = Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in SIZES:
            write_maps(folder, kind)
        for number, row in enumerate(covering_rows(FACTORS, seed)):
            if number < first or (rows and number >= first + rows):
                continue
            start, said = monotonic(), io.StringIO()
            try:
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    outcome = try_row(row, folder, folder / str(number))
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                outcome = f"{type(error).__name__}: {str(error)[:300]} ({Path(place.filename).name}:{place.lineno})"
            found[outcome.split(":")[0] if outcome.startswith((OK, REFUSED)) else "faults"] += 1
            print(f"{number:3d} {monotonic() - start:5.1f} s  {outcome}  | {describe(row, FACTORS)}", flush=True)
    print(", ".join(f"{count} {what}" for what, count in found.items()))
    if found["faults"]:
        raise SystemExit(1)


if __name__ == "__main__":
    run(main)
