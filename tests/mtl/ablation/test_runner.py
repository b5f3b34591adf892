"""An ablation on tiny maps: every run once, however often it is stopped; changed settings run again."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import mtl.ablation.runner
import mtl.training.run_folder
from mtl.ablation.grid import expand_grid
from mtl.ablation.options import Ablation
from mtl.ablation.results import METRICS_FILE, SUMS_FILE, read_results
from mtl.ablation.runner import StepTimer, run_ablation, share_window
from mtl.evaluation.evaluate import evaluate
from mtl.inference.options import PredictorOptions
from mtl.models.checkpoint import build_net
from mtl.models.safetensors_io import write_weights
from targets.common.cli import Names
from targets.common.parallel import Workers
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.conftest import SMALL_ENCODER, dome_scene

SMOKE = Path(__file__).parents[3] / "configs" / "ablations" / "smoke.yaml"


@pytest.fixture
def smoke(tmp_path):
    """The shipped smoke ablation with a smaller network, on six domes of 32 × 32 cells."""
    for i in range(6):
        scene = dome_scene(f"dome{i}", size=32, crest=(0.35 + 0.06 * i, 0.6 - 0.04 * i))
        write_map_folder(scene, tmp_path / "maps" / scene.name)
    given = yaml.safe_load(SMOKE.read_text())
    smaller = {"net.arch": "unet", "net.encoder": SMALL_ENCODER, "loop.logger": "csv"}
    given["conditions"]["tiny"] |= {"data": str(tmp_path / "maps")} | smaller
    tests = {"same": str(tmp_path / "maps"), "real": str(tmp_path / "absent")}
    base = str(SMOKE.parents[1] / "demo.yaml")
    return Ablation("smoke", given["rows"], tests, given["conditions"], given["seeds"], base)


class Killed(Exception):
    pass


def lines(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_killed_ablation_goes_on_and_repeats_nothing(smoke, tmp_path, monkeypatch, capsys):
    out, trained, real = tmp_path / "out", [], mtl.training.run_folder.train

    def train_until(last):
        def train(config, folder, **more):
            if len(trained) == last:
                raise Killed
            trained.append(folder.relative_to(out))
            return real(config, folder, **more)

        return train

    monkeypatch.setattr(mtl.training.run_folder, "train", train_until(1))
    with pytest.raises(Killed):
        run_ablation(smoke, out)
    assert [line["row"] for line in lines(out / METRICS_FILE)] == ["trap alone"]  # written after every run
    monkeypatch.setattr(mtl.training.run_folder, "train", train_until(9))
    assert run_ablation(smoke, out) == []
    rows = ["trap_alone/tiny/0", "+_boundary/tiny/0", "trap_alone/tiny/1", "+_boundary/tiny/1"]
    assert [str(folder) for folder in trained] == rows
    assert "test set real is skipped" in capsys.readouterr().out
    results = read_results(out)
    assert len(results) == 5 and len(lines(out / SUMS_FILE)) == 5 * 6
    exact = results["exact closures of the depth channel", "tiny", 0, "same"]
    assert exact.metrics()["trap/iou"] == 1 and exact.metrics()["trap/boundary_f1"] == 1
    folder = out / "trap_alone" / "tiny" / "0"
    assert {p.name for p in folder.iterdir()} >= {"config.yaml", "best.ckpt", "last.ckpt", "metrics.csv", "same"}
    with (folder / "same" / "metrics.csv").open() as file:  # the pooled figure is that of the run's own evaluation
        pooled = list(csv.DictReader(file))[-1]
    result = results["trap alone", "tiny", 0, "same"]
    assert float(pooled["trap/iou"]) == pytest.approx(result.metrics()["trap/iou"])
    assert result.step_seconds > 0
    scalars = EventAccumulator(str(folder)).Reload().Tags()["scalars"]
    assert {"same/trap/iou", "seconds_per_step"} <= set(scalars)  # what the hparams tab compares


def test_only_what_changed_runs_again(smoke, tmp_path, monkeypatch):
    out, trained, real = tmp_path / "out", [], mtl.training.run_folder.train

    def train(config, folder, **more):
        trained.append(f"{folder.relative_to(out)} {'goes on' if more['resume'] else 'anew'}")
        return real(config, folder, **more)

    monkeypatch.setattr(mtl.training.run_folder, "train", train)
    smoke = replace(smoke, seeds=1)
    run_ablation(smoke, out)
    before = (out / METRICS_FILE).read_text()
    trained.clear()
    run_ablation(smoke, out)
    assert trained == [] and (out / METRICS_FILE).read_text() == before
    rows = smoke.rows | {"+ boundary": {"heads": "trap,boundary", "optim.loss_weights": {"boundary": 0.25}}}
    run_ablation(replace(smoke, rows=rows), out)
    assert trained == ["+_boundary/tiny/0 anew"]
    trained.clear()
    # Elsewhere, with the two tables only: nothing is left to do. Another test set needs the finished run again.
    run_ablation(replace(smoke, rows=rows), out)
    more = replace(smoke, rows=rows, test_sets=smoke.test_sets | {"two": [str(tmp_path / "maps" / "dome0")]})
    run_ablation(more, out)
    assert trained == ["trap_alone/tiny/0 goes on", "+_boundary/tiny/0 goes on"]
    assert read_results(out)["trap alone", "tiny", 0, "two"].step_seconds > 0  # of the steps made long ago


def test_one_impossible_run_does_not_stop_the_others(smoke, tmp_path):
    rows = {"impossible": {"split.train_groups": 99}, "exact": {"baseline": "exact"}}
    tiny = {key: value for key, value in smoke.conditions["tiny"].items() if key != "split.train_groups"}
    failed = run_ablation(replace(smoke, rows=rows, conditions={"tiny": tiny}, seeds=1), tmp_path / "out")
    assert [run.row for run, _ in failed] == ["impossible"] and "99" in str(failed[0][1])
    assert list(read_results(tmp_path / "out")) == [("exact", "tiny", 0, "same")]


def test_rows_of_other_maps_have_the_same_window_under_a_condition(smoke, tmp_path):
    for i in range(4):
        write_map_folder(dome_scene(f"dome{i}", size=70), tmp_path / "larger" / f"dome{i}")
    wide = smoke.conditions["tiny"] | {"patches.size": 128, "optim.loss_weights": {}}
    data = wide.pop("data")
    rows = {"small": {"data": data}, "larger": {"data": str(tmp_path / "larger")}}
    mixed = replace(smoke, rows=rows, conditions={"mixed": wide}, seeds=1)
    small = replace(smoke, rows={"small": {"data": data}}, conditions={"small": wide}, seeds=1)
    runs = share_window([*expand_grid(mixed, tmp_path), *expand_grid(small, tmp_path)])
    assert [run.config.patches.size for run in runs] == [96, 96, 32]
    assert not any(run.config.patches.shrink_to_maps for run in runs)
    assert share_window(runs) == runs


def test_a_model_stands_beside_what_is_trained_from_it(smoke, tmp_path):
    tiny = smoke.conditions["tiny"] | {"loop.epochs": 1}
    rows = {"model": {"heads": "trap", "optim.loss_weights": {}}}
    (run,) = expand_grid(replace(smoke, rows=rows, conditions={"tiny": tiny}, seeds=1), tmp_path / "first")
    torch.manual_seed(1)
    net, _, _ = build_net(run.config, pretrained=False)
    model = tmp_path / "model.safetensors"
    write_weights(run.config, {f"net.{name}": value for name, value in net.state_dict().items()}, model)
    ours = {key: value for key, value in tiny.items() if not key.startswith("net.") and key != "inputs"}
    rows = {"trained on": {"init": str(model)}, "as it is": {"baseline": "model", "init": str(model)}}
    assert run_ablation(replace(smoke, rows=rows, conditions={"tiny": ours}, seeds=1), tmp_path / "out") == []
    results = read_results(tmp_path / "out")
    options = PredictorOptions(Names(str(model)))
    score, _ = evaluate(options, [str(tmp_path / "maps")], tmp_path / "alone", ReadOptions())
    assert f"**{results['as it is', 'tiny', 0, 'same'].metrics()['trap/iou']:.3f}**" in score
    assert not (tmp_path / "out" / "as_it_is" / "tiny" / "0" / "best.ckpt").exists()
    assert (tmp_path / "out" / "trained_on" / "tiny" / "0" / "best.ckpt").exists()


def test_where_nothing_is_drawn_the_rules_are_those_of_the_settings(smoke, tmp_path, capsys):
    for i in range(3):
        scene = dome_scene(f"dome{i}", size=48)
        write_map_folder(scene.replace(traps=scene.map_valid & False), tmp_path / "drawn" / scene.name)
    tiny = {key: value for key, value in smoke.conditions["tiny"].items() if key != "split.train_groups"}
    given = replace(smoke, rows={"fitted": {"baseline": "rules"}}, conditions={"tiny": tiny | {"data": "drawn"}},
                    test_sets={"same": "drawn"}, data_root=str(tmp_path), seeds=1)  # fmt: skip
    assert run_ablation(given, tmp_path / "out") == []
    assert "no trap is drawn on the maps that train" in capsys.readouterr().out


@pytest.mark.slow
def test_the_fitted_rule_is_that_of_the_maps_to_train_on(smoke, tmp_path, capsys):
    """Drawn to the last closed contour of 40 m on all maps; a rule that is not fitted fills them to the spill point."""
    for i in range(4):
        scene = dome_scene(f"dome{i}", size=48, crest=(0.4 + 0.05 * i, 0.5))
        scene = scene.replace(traps=scene.depth <= 2080, geo=replace(scene.geo, contour_interval=40.0))
        write_map_folder(scene, tmp_path / "drawn" / scene.name, depth_bits=32)
    tiny = {key: value for key, value in smoke.conditions["tiny"].items() if key != "split.train_groups"}
    rows = {"exact": {"baseline": "exact"}, "fitted": {"baseline": "rules"}}
    given = replace(smoke, rows=rows, conditions={"tiny": tiny | {"data": "drawn", "split.train_groups": 2}},
                    test_sets={"same": "drawn"}, data_root=str(tmp_path))  # fmt: skip
    assert run_ablation(given, tmp_path / "out") == []
    assert "2 maps" in capsys.readouterr().out
    results = read_results(tmp_path / "out")
    exact, fitted = (results[row, "tiny", 0, "same"].metrics()["trap/iou"] for row in rows)
    assert exact < 0.9 < 0.98 < fitted


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"rows": {"a": {"baseline": "exact", "init": "default"}}}, "only baseline"),
        ({"rows": {"a": {"heads": "trap,crust"}}}, "crust"),
        ({"rows": {"a": {"optim.rate": 1}}}, "optim.rate"),
        ({"rows": {"a": {"inputs": "rgb"}}}, "both set inputs"),
        ({"rows": {"a": {"baseline": "guess"}}}, "exact"),
        ({"rows": {"a": {"heads": "dist", "optim.loss_weights": {}}}}, "answers dist"),
        ({"rows": {"A b": {}, "a_B": {}}}, "differ"),
        ({"seeds": 0}, "one seed"),
    ],
)
def test_a_grid_that_cannot_run_is_refused_before_anything_runs(smoke, tmp_path, fields, word):
    with pytest.raises(UserError, match=word):
        run_ablation(replace(smoke, **fields), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_run_has_its_own_fingerprint_and_the_outputs_of_its_heads(smoke, tmp_path):
    rows = {"a": {"heads": "trap"}, "b": {"heads": "trap,depth"}, "c": {"heads": "fused"}}
    conditions = {"tiny": smoke.conditions["tiny"] | {"optim.loss_weights": {}}}
    outputs = Names("trap,depth_traps,fused_traps,fusion")
    runs = expand_grid(replace(smoke, rows=rows, conditions=conditions, outputs=outputs), tmp_path)
    assert len({run.fingerprint for run in runs}) == len(runs) == 6
    assert [run.outputs for run in runs[::2]] == [("trap",), ("trap", "depth_traps", "fusion"), ("fused_traps",)]


def test_a_foreign_folder_is_left_alone(smoke, tmp_path):
    folder = tmp_path / "out" / "trap_alone" / "tiny" / "0"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    failed = run_ablation(replace(smoke, rows={"trap alone": smoke.rows["trap alone"]}, seeds=1), tmp_path / "out")
    assert "not a run" in str(failed[0][1]) and (folder / "thesis.txt").read_text() == "mine"


def test_the_time_of_a_step_leaves_out_first_steps_and_validation(monkeypatch):
    clock = iter([0, 9, 9, 9, 9, 9, *range(10, 15), 100, 101, 102])  # a validation of 86 between two epochs
    monkeypatch.setattr(mtl.ablation.runner, "perf_counter", lambda: float(next(clock)))
    time = StepTimer()
    for steps in (11, 3):
        time.on_train_epoch_start(None, None)
        for _ in range(steps):
            time.on_train_batch_end(None, None, None, None, 0)
    assert time.median() == 1
    again = StepTimer()
    again.load_state_dict(time.state_dict())
    assert again.median() == 1 and torch.isnan(torch.tensor(StepTimer().median()))


@pytest.mark.long
def test_a_dask_cluster_gives_the_same_results(smoke, tmp_path):
    pytest.importorskip("distributed")
    alone, workers = (tmp_path / name for name in ("alone", "workers"))
    smoke = replace(smoke, seeds=1)
    assert run_ablation(smoke, alone) == run_ablation(smoke, workers, Workers(jobs=2, scheduler="local")) == []
    assert (alone / SUMS_FILE).read_text() == (workers / SUMS_FILE).read_text()
