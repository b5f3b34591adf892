"""Training runs end to end on tiny maps: the run folder, resuming, and a user's mistakes."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch.callbacks import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mtl.config import LoopConfig, NetConfig, OptimConfig, PatchConfig, PredictConfig, TrainConfig
from mtl.inference.predictor import load_predictor
from mtl.metrics.base import Metric
from mtl.models.checkpoint import CONFIG_KEY, read_checkpoint
from mtl.tasks.heads import HEADS
from mtl.training.lightning_module import MultiTaskModule
from mtl.training.run import fit, train
from targets.common.atomic_write import HALF_WRITTEN
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene, full_disk, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_a_run_folder_holds_what_is_promised(tmp_path):
    config = tiny_config(heads=Names("trap,dist"))
    metrics = fit(config, tmp_path / "run", SCENES[:3], SCENES[3:])
    assert {"trap/iou", "trap/val_loss", "trap/train_loss", "dist/mae"} <= set(metrics)
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"config.yaml", "best.ckpt", "last.ckpt", "metrics.csv"}
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"] and float(rows[0]["trap/train_loss"]) > 0
    content = torch.load(tmp_path / "run" / "best.ckpt", weights_only=True)
    assert content["trapmtl"]["heads"] == ["trap", "dist"]
    assert read_checkpoint(tmp_path / "run" / "last.ckpt")[0] == config
    provenance = yaml.safe_load((tmp_path / "run" / "provenance.yaml").read_text())
    assert provenance["maps"]["validation"] == [scene.name for scene in SCENES[3:]]
    assert torch.__version__.startswith(provenance["versions"]["torch"]) and provenance["command"]


def test_tensorboard_has_a_panel_and_scalars_per_head_and_the_config(tmp_path):
    fit(tiny_config(loop=LoopConfig(epochs=1, batch_size=2)), tmp_path / "run", SCENES[:3], SCENES[3:])
    events = EventAccumulator(str(tmp_path / "run"), size_guidance={"images": 0}).Reload()
    tags = events.Tags()
    for head in ("trap", "boundary", "crest", "dist"):
        assert f"{head}/panel" in tags["images"]
        assert {f"{head}/{name}" for name in ("train_loss", "val_loss", "loss_weight", "grad_norm")} <= set(
            tags["scalars"]
        )
    assert "gradients/cosine" in tags["images"]
    assert {"grad_cosine/trap-boundary", "grad_cosine/crest-dist"} <= set(tags["scalars"])
    assert all(abs(event.value) <= 1 for event in events.Scalars("grad_cosine/trap-boundary"))
    assert {"config/text_summary", "provenance/text_summary"} <= set(tags["tensors"])
    assert len(events.Scalars("trap/step_loss")) == len(events.Scalars("total_loss"))
    epoch_end = {event.step for event in events.Scalars("trap/val_loss")}
    assert {event.step for event in events.Images("trap/panel")} <= {step + 1 for step in epoch_end} | epoch_end


def test_the_checkpoint_predicts_what_the_network_in_memory_does(tmp_path):
    fit(tiny_config(heads=Names("trap,crest")), tmp_path / "run", SCENES[:3], SCENES[3:])
    predictor = load_predictor(tmp_path / "run" / "last.ckpt", device="cpu")
    out = predictor(SCENES[0])
    assert set(out) == {"trap", "crest"} and out["trap"].shape == (1, 64, 64)
    again = load_predictor(tmp_path / "run" / "last.ckpt", device="cpu")(SCENES[0])
    np.testing.assert_array_equal(out["trap"], again["trap"])


@pytest.mark.parametrize("mode", ["pad", "reflect", "resize"])
def test_a_run_with_wide_strides_on_small_maps_predicts(tmp_path, mode):
    patches = PatchConfig(256 if mode == "pad" else 128, 128, small_map_mode=mode)
    loop = LoopConfig(epochs=1, batch_size=2, logger="csv")
    config = tiny_config(heads=Names("trap"), patches=patches, predict=PredictConfig(stride=128), loop=loop)
    fit(config, tmp_path, SCENES[:2], SCENES[2:3])
    predictor = load_predictor(tmp_path / "best.ckpt", device="cpu")
    assert predictor.config.patches.size == (64 if mode == "pad" else 128)
    assert predictor(dome_scene("larger", 90))["trap"].shape == (1, 90, 90)
    with pytest.raises(UserError, match="tile stride"):  # asked for: refused before any map is read
        load_predictor(tmp_path / "best.ckpt", device="cpu", stride=256)


def test_a_checkpoint_whose_stride_was_left_behind_predicts(tmp_path):
    """Versions before 3 saved a stride of 128 beside patches that had shrunk to 64."""
    config = tiny_config(heads=Names("trap"), predict=PredictConfig(stride=128))
    path = tmp_path / "old.ckpt"
    torch.save({CONFIG_KEY: config.as_dict(), "state_dict": MultiTaskModule(config).state_dict()}, path)
    assert load_predictor(path, device="cpu")(SCENES[0])["trap"].shape == (1, 64, 64)


@pytest.mark.parametrize(("arch", "size"), [("unetplusplus", 32), ("deeplabv3plus", 64)])
def test_a_patch_that_is_left_over_joins_the_batch_before_and_a_lone_one_is_refused(tmp_path, arch, size):
    scenes = [dome_scene(f"s{i}", size) for i in range(4)]
    loop = LoopConfig(epochs=1, batch_size=2, logger="csv")
    net = NetConfig(arch=arch, encoder_weights="none", decoder_channels=[16, 16, 8, 8, 8])
    patches, predict = PatchConfig(size, size), PredictConfig(stride=32)
    config = tiny_config(net=net, patches=patches, predict=predict, heads=Names("trap"), loop=loop)
    fit(config, tmp_path / "three", scenes[:3], scenes[3:])
    for given, maps in ((config, 1), (replace(config, loop=replace(loop, batch_size=1)), 3)):
        with pytest.raises(UserError, match=f"one patch of {size} cells"):
            fit(given, tmp_path / "lone", scenes[:maps], scenes[3:])
    assert not (tmp_path / "lone").exists()


def test_a_lone_patch_of_more_cells_is_a_batch(tmp_path):
    loop = LoopConfig(epochs=1, batch_size=1, logger="csv")
    fit(tiny_config(heads=Names("trap"), loop=loop), tmp_path, SCENES[:1], SCENES[1:2])


@pytest.mark.parametrize(
    ("higher", "best_epoch", "falls", "epochs"),
    [(False, 1, 2, 4), (True, 2, 2, 5)],
)
def test_checkpoint_plateau_and_early_stop_follow_the_direction_of_a_new_metric(
    tmp_path, monkeypatch, higher, best_epoch, falls, epochs
):
    """By epoch 0.5, 0.2, 0.8, 0.4, 0.7: a small error is the best in the second epoch, a large score in the third."""
    values = iter((1.0, 0.5, 0.2, 0.8, 0.4, 0.7))  # the first: whether a perfect answer has a value
    metric = Metric(
        ("maps",), lambda *_: {"maps": 1.0}, lambda _: {"new": next(values)}, "new", {"new": higher}, (("new",),)
    )
    monkeypatch.setitem(HEADS, "trap", replace(HEADS["trap"], metric=metric, curve=None))
    optim = OptimConfig(schedule="plateau", plateau_patience=0, plateau_factor=0.1, lr=1e-3)
    loop = LoopConfig(epochs=5, batch_size=2, early_stop_patience=2, logger="csv")
    fit(tiny_config(heads=Names("trap"), optim=optim, loop=loop), tmp_path, SCENES[:2], SCENES[2:3])
    assert torch.load(tmp_path / "best.ckpt", weights_only=True)["epoch"] == best_epoch
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert last["epoch"] == epochs - 1
    (optimizer,) = last["optimizer_states"]
    assert optimizer["param_groups"][1]["lr"] == pytest.approx(1e-3 * 0.1 ** (falls + higher))


class Killed(Exception):
    pass


class KillAt(Callback):
    """Stops the run in the middle of an epoch, as a lost machine would."""

    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == self.at:
            raise Killed


RESUMED = {
    "plateau": OptimConfig(schedule="plateau", plateau_patience=0, plateau_factor=0.1),
    "cosine": OptimConfig(schedule="cosine"),
    "one cycle and later losses": OptimConfig(
        schedule="one_cycle", second_stage_losses={"trap": "lovasz"}, second_stage_epoch=2
    ),
    "uncertainty and moving average": OptimConfig(
        balance="uncertainty", ema_decay=0.9, losses={"dist": "heteroscedastic"}
    ),
    "dwa": OptimConfig(balance="dwa"),
    "gradient surgery": OptimConfig(balance="torchjd:mgda"),
}


@pytest.mark.parametrize(
    ("optim", "accumulate", "saved"),
    [
        *((optim, 1, 2) for optim in RESUMED.values()),
        (RESUMED["cosine"], 2, 2),  # one batch less: its gradient waits for the next one's
        (RESUMED["plateau"], 1, 0),  # from the start of the epoch
    ],
    ids=[*RESUMED, "accumulated", "epochs only"],
)
def test_a_killed_run_resumes_as_if_nothing_had_happened(tmp_path, monkeypatch, optim, accumulate, saved):
    monkeypatch.setattr("mtl.training.callbacks.preemption.MIN_SECONDS_TO_SAVE", 600.0)  # on a busy machine, too
    if optim.balance.startswith("torchjd"):
        pytest.importorskip("torchjd")
    minutes = 0 if saved else 10
    loop = LoopConfig(epochs=3, batch_size=1, accumulate_batches=accumulate, save_minutes=minutes, logger="csv")
    config = tiny_config(optim=optim, loop=loop, heads=Names("trap,dist"))
    net = replace(config.net, decoder_channels=[8, 8], block="bottleneck", dropout=0.2)  # saved after every step
    config = replace(config, net=net)
    maps = [*SCENES[:3], SCENES[0]][: 2 + accumulate], SCENES[3:]
    whole = fit(config, tmp_path / "whole", *maps)
    with pytest.raises(Killed):
        fit(config, tmp_path / "parts", *maps, extra_callbacks=[KillAt(1, batch=1 + accumulate)])
    at = torch.load(tmp_path / "parts" / "last.ckpt", weights_only=True)["position"]
    assert at == {"epoch": 1, "batches": saved}
    parts = fit(config, tmp_path / "parts", *maps, resume=True)
    first, second = (torch.load(tmp_path / n / "last.ckpt", weights_only=True) for n in ("whole", "parts"))
    for name, value in first["state_dict"].items():
        assert torch.equal(value, second["state_dict"][name]), name
    for name, value in first.get("current_model_state", {}).items():
        assert torch.equal(value, second["current_model_state"][name]), name
    assert first["lr_schedulers"] == second["lr_schedulers"]
    assert first["callbacks"].get("PlateauSchedule") == second["callbacks"].get("PlateauSchedule")
    assert torch.equal(first["random"], second["random"])
    assert whole == pytest.approx(parts, nan_ok=True)
    texts = [(tmp_path / n / "metrics.csv").read_text() for n in ("whole", "parts")]
    assert texts[0] == texts[1]


def test_a_full_disk_is_reported_and_the_checkpoint_before_stays(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2, logger="csv"))
    fit(config, tmp_path, SCENES[:2], SCENES[2:])
    before = (tmp_path / "last.ckpt").read_bytes()
    more = replace(config, loop=replace(config.loop, epochs=2))
    with pytest.raises(UserError, match=r"(last|best).ckpt: cannot be written"), full_disk(len(before) // 2):
        fit(more, tmp_path, SCENES[:2], SCENES[2:], resume=True)
    assert (tmp_path / "last.ckpt").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if HALF_WRITTEN.fullmatch(path.name)]


def test_a_used_folder_and_other_heads_are_refused(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2, logger="csv"))
    fit(config, tmp_path, SCENES[:2], SCENES[2:])
    with pytest.raises(UserError, match="--resume"):
        fit(config, tmp_path, SCENES[:2], SCENES[2:])
    with pytest.raises(UserError, match="heads trap"):
        fit(replace(config, heads=Names("trap,dist")), tmp_path, SCENES[:2], SCENES[2:], resume=True)
    with pytest.raises(UserError, match="no such file"):
        fit(config, tmp_path / "new", SCENES[:2], SCENES[2:], resume=True)


@pytest.mark.long
def test_two_maps_can_be_overfitted(tmp_path):
    """With the defaults but for the number of epochs; 0.994 is reached."""
    for seed in (3, 5):
        scene = make_structure_map(seed, 64)
        write_map_folder(scene, tmp_path / "maps" / scene.name)
    loop = LoopConfig(epochs=4, batch_size=2, logger="csv")
    config = TrainConfig(data=str(tmp_path / "maps"), overfit=2, loop=loop)
    assert train(config, tmp_path / "run")["trap/dice"] >= 0.98


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_derived_and_stacked_outputs_are_evaluated_saved_and_predicted_alike(tmp_path, ema):
    loop = LoopConfig(epochs=1, batch_size=2, logger="csv" if ema else "tensorboard")
    config = tiny_config(heads=Names("trap,depth,fused"), loop=loop, optim=OptimConfig(ema_decay=ema))
    metrics = fit(config, tmp_path, SCENES[:3], SCENES[3:])
    if not ema:
        events = EventAccumulator(str(tmp_path), size_guidance={"images": 0}).Reload()
        assert {"depth_traps/panel", "fused_traps/panel", "fusion/panel"} <= set(events.Tags()["images"])
    predictor = load_predictor(tmp_path / "last.ckpt", device="cpu")
    assert predictor.stacking.weights.tolist() != [1 / 3] * 3  # fitted, and kept in the checkpoint
    for name in ("depth_traps", "fused_traps", "fusion"):
        output = next(output for output in predictor.outputs if output.name == name)
        sums = dict.fromkeys(output.metric.state, 0.0)
        for scene in SCENES[3:]:
            own = output.metric.update(
                predictor(scene)[name], *output.target(build_ground_truth(scene, config.targets))
            )
            sums = {key: sums[key] + own[key] for key in sums}
        assert output.metric.compute(sums)["iou"] == pytest.approx(metrics[f"{name}/iou"], abs=1e-3)


def test_one_network_serves_maps_that_lack_inputs(tmp_path):
    config = tiny_config(heads=Names("trap,depth"), inputs=Names("rgb,depth"), input_sets=["rgb", "rgb,depth"])
    fit(config, tmp_path, SCENES[:2], SCENES[2:3])
    predictor = load_predictor(tmp_path / "best.ckpt", device="cpu")
    picture = SCENES[0].replace(depth=SCENES[0].depth * 0, depth_valid=~SCENES[0].map_valid)
    rgb_only = replace(predictor, config=replace(predictor.config, input_sets=["rgb"]))
    for name in ("trap", "depth_traps"):  # closures of the predicted depth read the picture, as of a network of rgb
        np.testing.assert_array_equal(predictor(picture)[name], rgb_only(SCENES[0])[name])
    assert not np.array_equal(predictor(SCENES[0])["trap"], rgb_only(SCENES[0])["trap"])


def test_without_a_trap_among_the_maps_that_validate_the_last_epoch_is_the_best_and_is_said_to_be(tmp_path, capsys):
    """IoU has no value there, or is 0 in every epoch: the first would stay, and early stopping would end the run."""
    flat = SCENES[3].replace(traps=np.zeros(SCENES[3].shape, bool))
    loop = LoopConfig(epochs=3, batch_size=2, early_stop_patience=1, logger="csv")
    fit(tiny_config(heads=Names("trap"), loop=loop), tmp_path, SCENES[:2], [flat])
    assert "no map that validates has what trap/iou measures" in capsys.readouterr().out
    epochs = [torch.load(tmp_path / f"{name}.ckpt", weights_only=True)["epoch"] for name in ("best", "last")]
    assert epochs == [2, 2]
    metrics = fit(tiny_config(heads=Names("trap"), loop=loop), tmp_path, SCENES[:2], [flat], resume=True)
    assert metrics["trap/val_loss"] > 0  # of a finished run: those of its last epoch
