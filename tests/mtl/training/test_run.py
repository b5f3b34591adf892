"""Training end to end on tiny maps: the run folder, resuming, and the errors a user can make."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mtl.config import AugmentConfig, LoopConfig, NetConfig, OptimConfig, PatchConfig, TrainConfig
from mtl.data.read import in_threads
from mtl.inference.predictor import load_predictor
from mtl.models.checkpoint import KEY, read_checkpoint
from mtl.training.check_settings import check_settings, monitored_metric
from mtl.training.lightning_module import MultiTaskModule
from mtl.training.run import fit, train
from mtl.training.schedules import CosineWithWarmup
from mtl.training.setup import fitting_patch_size
from targets.common.atomic_write import HALF_WRITTEN
from targets.common.cli import Names
from targets.errors import UserError
from targets.truth.traps import build_ground_truth
from tests.conftest import dome_scene, full_disk, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_a_run_folder_holds_what_is_promised(tmp_path):
    config = tiny_config(heads=Names("trap,dist"))
    figures = fit(config, tmp_path / "run", SCENES[:3], SCENES[3:])
    assert {"trap/iou", "trap/val_loss", "trap/train_loss", "dist/mae"} <= set(figures)
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"config.yaml", "best.ckpt", "last.ckpt", "metrics.csv"}
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"] and float(rows[0]["trap/train_loss"]) > 0
    content = torch.load(tmp_path / "run" / "best.ckpt", weights_only=True)
    assert content["trapmtl"]["heads"] == ["trap", "dist"]
    assert read_checkpoint(tmp_path / "run" / "last.ckpt")[0] == config


def test_tensorboard_has_a_panel_and_scalars_per_head_and_the_config(tmp_path):
    fit(tiny_config(), tmp_path / "run", SCENES[:3], SCENES[3:])
    events = EventAccumulator(str(tmp_path / "run"), size_guidance={"images": 0}).Reload()
    tags = events.Tags()
    for head in ("trap", "boundary", "crest", "dist"):
        assert f"{head}/panel" in tags["images"]
        assert {f"{head}/{name}" for name in ("train_loss", "val_loss", "weight", "gradient")} <= set(tags["scalars"])
    assert "gradients/cosine" in tags["images"]
    assert {"cosine/trap-boundary", "cosine/crest-dist"} <= set(tags["scalars"])
    assert all(abs(event.value) <= 1 for event in events.Scalars("cosine/trap-boundary"))
    assert "config/text_summary" in tags["tensors"]


def test_the_checkpoint_predicts_what_the_network_in_memory_does(tmp_path):
    fit(tiny_config(heads=Names("trap,crest")), tmp_path / "run", SCENES[:3], SCENES[3:])
    predictor = load_predictor(tmp_path / "run" / "last.ckpt", device="cpu")
    out = predictor(SCENES[0])
    assert set(out) == {"trap", "crest"} and out["trap"].shape == (1, 64, 64)
    again = load_predictor(tmp_path / "run" / "last.ckpt", device="cpu")(SCENES[0])
    np.testing.assert_array_equal(out["trap"], again["trap"])


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
    "one cycle and later losses": OptimConfig(schedule="one_cycle", second_stage_losses={"trap": "lovasz"}, second_stage_epoch=2),
    "uncertainty and moving average": OptimConfig(balance="uncertainty", ema_decay=0.9, losses={"dist": "heteroscedastic"}),
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
def test_a_killed_run_resumes_as_if_nothing_had_happened(tmp_path, optim, accumulate, saved):
    if optim.balance.startswith("torchjd"):
        pytest.importorskip("torchjd")
    minutes = 0 if saved else 10
    loop = LoopConfig(epochs=3, batch_size=1, accumulate_batches=accumulate, panels_every=10, save_minutes=minutes)
    config = tiny_config(optim=optim, loop=loop, heads=Names("trap,dist"))
    config = replace(config, net=replace(config.net, block="bottleneck", dropout=0.2))
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
    assert first.get("plateau") == second.get("plateau")
    assert torch.equal(first["random"], second["random"])
    assert whole == pytest.approx(parts, nan_ok=True)
    texts = [(tmp_path / n / "metrics.csv").read_text() for n in ("whole", "parts")]
    assert texts[0] == texts[1]


def test_a_disk_that_fills_up_is_told_and_the_checkpoint_before_stays(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2))
    fit(config, tmp_path, SCENES[:2], SCENES[2:])
    before = (tmp_path / "last.ckpt").read_bytes()
    more = replace(config, loop=LoopConfig(epochs=2, batch_size=2))
    with pytest.raises(UserError, match=r"(last|best).ckpt: cannot be written"), full_disk(len(before) // 2):
        fit(more, tmp_path, SCENES[:2], SCENES[2:], resume=True)
    assert (tmp_path / "last.ckpt").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if HALF_WRITTEN.fullmatch(path.name)]


class Spoil(Callback):
    """Makes the weights or the gradients of a head NaN at a batch."""

    def __init__(self, what):
        self.what = what

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        weights = next(module.net.heads["dist"].parameters())
        if batch_idx == 1 and self.what == "loss":
            weights.data.fill_(torch.nan)
        elif batch_idx == 1:
            weights.register_hook(lambda gradient: gradient * torch.inf)


@pytest.mark.parametrize(("what", "named"), [("loss", "dist nan"), ("gradient", "heads (nan|inf)")])
def test_a_value_that_is_not_finite_stops_the_run_with_its_batch(tmp_path, what, named):
    config = tiny_config(heads=Names("trap,dist"), loop=LoopConfig(epochs=1, batch_size=1, save_minutes=0))
    found = rf"stopped.pt: .*{what} was not finite \({named}\), of maps d[012];"
    with pytest.raises(UserError, match=found) as raised:
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[Spoil(what)])
    kept = torch.load(tmp_path / "stopped.pt", weights_only=True)
    assert kept["batch"]["inputs"].shape == (1, 5, 64, 64)
    assert f"maps {kept['places'][0][0]};" in str(raised.value)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)  # of the step before
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


def test_early_answers_weigh_in_training_and_are_not_asked_for_afterwards(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2))
    deep = replace(config, net=replace(config.net, deep_supervision=0.5, hypercolumn=True))
    fit(deep, tmp_path, SCENES[:2], SCENES[2:])
    content = torch.load(tmp_path / "last.ckpt", weights_only=True)
    early = [value for name, value in content["state_dict"].items() if name.startswith("net.early")]
    fresh = [value for name, value in MultiTaskModule(deep).state_dict().items() if name.startswith("net.early")]
    assert len(early) == 8 and not any(map(torch.equal, early, fresh))
    assert load_predictor(tmp_path / "last.ckpt", device="cpu")(SCENES[0])["trap"].shape == (1, 64, 64)


def test_a_used_folder_and_other_heads_are_refused(tmp_path):
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2))
    fit(config, tmp_path, SCENES[:2], SCENES[2:])
    with pytest.raises(UserError, match="--resume"):
        fit(config, tmp_path, SCENES[:2], SCENES[2:])
    with pytest.raises(UserError, match="heads trap"):
        fit(replace(config, heads=Names("trap,dist")), tmp_path, SCENES[:2], SCENES[2:], resume=True)
    with pytest.raises(UserError, match="no such file"):
        fit(config, tmp_path / "new", SCENES[:2], SCENES[2:], resume=True)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"patches": PatchConfig(size=100)}, "multiple of 32"),
        ({"heads": Names("trap,crust")}, "crust"),
        ({"inputs": Names("rgb,dpeth")}, "dpeth"),
        ({"loop": LoopConfig(monitor="trap/iuo")}, "trap/iou"),
        ({"heads": Names("dist"), "loop": LoopConfig(monitor="dist/bias")}, "dist/mae"),
        ({"optim": OptimConfig(second_stage_losses={"trap": "lovasz"})}, "epoch from 1 to 1"),
        ({"optim": OptimConfig(second_stage_losses={"trap": "lovasz"}, second_stage_epoch=2)}, "epoch from 1 to 1"),
        ({"optim": OptimConfig(second_stage_losses={"dits": "smooth_l1"}, second_stage_epoch=1)}, "dits"),
        ({"optim": OptimConfig(second_stage_losses={"dist": "heteroscedastic"}, second_stage_epoch=1)}, "2 planes"),
        ({"optim": OptimConfig(loss_weights={"dits": 1.0})}, "dits"),
        ({"optim": OptimConfig(losses={"dits": "smooth_l1"})}, "dits"),
        ({"optim": OptimConfig(losses={"trap": "lovas"})}, "lovasz"),
        ({"optim": OptimConfig(balance="dvva")}, "dwa"),
        ({"optim": OptimConfig(ema_decay=1.0)}, "optim.ema"),
        ({"net": NetConfig(dropout=0.5)}, "net.block bottleneck"),
        ({"net": NetConfig(deep_supervision=-1.0)}, "net.deep_supervision"),
        ({"augment": AugmentConfig(restyle=1.5)}, "augment.redraw"),
    ],
)
def test_settings_that_cannot_be_met_are_named(tmp_path, fields, word):
    with pytest.raises(UserError, match=word):
        fit(tiny_config(**fields), tmp_path / "run", SCENES[:2], SCENES[2:])
    assert not (tmp_path / "run").exists()  # nothing half-made


def test_maps_are_made_ready_in_their_order_and_the_first_mistake_is_told():
    def half(number):
        if number % 2:
            raise UserError(str(number), "is odd", "an even number")
        return number // 2

    assert in_threads(half, range(0, 40, 2)) == list(range(20))
    with pytest.raises(UserError, match=r"^3: is odd"):
        in_threads(half, [0, 2, 3, 4, 5])


def test_patches_are_no_larger_than_the_largest_map():
    assert fitting_patch_size(tiny_config(patches=PatchConfig(size=256)), SCENES) == 64
    assert fitting_patch_size(tiny_config(patches=PatchConfig(size=256)), [dome_scene(size=70)]) == 96
    assert fitting_patch_size(tiny_config(patches=PatchConfig(size=32)), SCENES) == 32


def test_cosine_rate_warms_up_and_ends_at_zero():
    rate = CosineWithWarmup(steps=100, warmup=10)
    assert rate(0) == 0.1 and rate(9) == rate(10) == 1.0
    assert rate(55) == pytest.approx(0.5) and rate(100) == pytest.approx(0, abs=1e-9)


def test_one_cycle_is_torchs_with_the_peak_of_every_group(tmp_path):
    rates = []

    class Look(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            rates.append([group["lr"] for group in trainer.optimizers[0].param_groups])

    optim = OptimConfig(schedule="one_cycle", lr=1e-3, warmup_fraction=0.3)
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=5, batch_size=2), optim=optim)
    fit(config, tmp_path, SCENES[:4], SCENES[3:], extra_callbacks=[Look()])
    weights = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], 1e-3)
    expected = torch.optim.lr_scheduler.OneCycleLR(weights, 1e-3, total_steps=10, pct_start=0.3)
    for seen in rates:  # the scheduler's step lies before the callback
        weights.step()
        expected.step()
        assert seen == pytest.approx(expected.get_last_lr() * 2)


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_one_cycle_can_be_as_short_as_a_step(steps):
    module = MultiTaskModule(tiny_config(optim=OptimConfig(schedule="one_cycle")))
    optimizer = torch.optim.AdamW(module.net.parameters(), 1e-3)
    rate = module.rate_by_step(optimizer, steps)
    for _ in range(steps):
        optimizer.step()
        rate.step()


def test_later_losses_begin_with_their_epoch(tmp_path):
    seen = []

    class Look(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            seen.append([head.loss.name for head in module.heads_now])

    optim = OptimConfig(losses={"trap": "bce"}, second_stage_losses={"trap": "lovasz"}, second_stage_epoch=2)
    loop = LoopConfig(epochs=3, batch_size=2, panels_every=10)
    figures = fit(
        tiny_config(heads=Names("trap,dist"), loop=loop, optim=optim),
        tmp_path,
        SCENES[:2],
        SCENES[2:],
        extra_callbacks=[Look()],
    )
    assert seen == [["bce", "smooth_l1"]] * 2 + [["lovasz", "smooth_l1"]]
    with (tmp_path / "metrics.csv").open() as file:
        losses = [float(row["trap/val_loss"]) for row in csv.DictReader(file)]
    assert losses[2] == pytest.approx(figures["trap/val_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("figure", "mode"),
    [
        ("trap/iou", "max"),
        ("trap/fn_area", "min"),
        ("trap/average_precision", "max"),
        ("boundary/calibration_error", "min"),
        ("dist/mae", "min"),
        ("crest/mean_miss", "min"),
        ("depth_traps/iou", "max"),
        ("dist/val_loss", "min"),
    ],
)
def test_any_figure_of_any_output_may_be_monitored_in_its_own_direction(figure, mode):
    config = tiny_config(heads=Names("trap,boundary,crest,dist,depth"), loop=LoopConfig(monitor=figure))
    heads = MultiTaskModule(config).heads
    assert monitored_metric(config, heads) == (figure, mode)


def test_what_is_monitored_is_logged_and_drives_checkpoint_and_plateau(tmp_path):
    loop = LoopConfig(epochs=2, batch_size=2, monitor="trap/calibration_error", panels_every=10)
    config = tiny_config(heads=Names("trap"), loop=loop, optim=OptimConfig(schedule="plateau", plateau_patience=5, plateau_factor=0.5))
    plateaus = []

    class Look(Callback):
        def on_train_epoch_end(self, trainer, module):
            plateaus.append(module.plateau)

    fit(config, tmp_path, SCENES[:2], SCENES[2:], extra_callbacks=[Look()])
    with (tmp_path / "metrics.csv").open() as file:
        errors = [float(row["trap/calibration_error"]) for row in csv.DictReader(file)]
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert best["epoch"] == errors.index(min(errors))
    assert plateaus[-1].mode == "min" and plateaus[-1].best == pytest.approx(min(errors), rel=1e-4)


def test_a_plateau_of_a_figure_that_should_grow_halves_the_rate_after_patience():
    module = MultiTaskModule(tiny_config(optim=OptimConfig(schedule="plateau", plateau_patience=5, plateau_factor=0.5, lr=1e-3)))
    optimizer = module.configure_optimizers()
    rates = []
    for figure in (0.5, 0.6, *[0.55] * 7):
        module.plateau.step(figure)
        rates.append(optimizer.param_groups[-1]["lr"])
    assert module.plateau.mode == "max"
    assert rates == [1e-3] * 7 + [5e-4] * 2  # the sixth epoch without a better figure


def test_a_pretrained_encoder_learns_at_its_own_rate(tmp_path):
    seen = {}

    class Look(Callback):
        def on_train_start(self, trainer, module):
            seen.update({group["name"]: group["initial_lr"] for group in trainer.optimizers[0].param_groups})

    for weights in ("imagenet", "none"):
        config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=2))
        config = replace(config, net=replace(config.net, weights=weights), optim=OptimConfig(lr=1e-3, encoder_lr=1e-5))
        fit(config, tmp_path / weights, SCENES[:2], SCENES[2:], extra_callbacks=[Look()])
        assert seen == {"encoder": 1e-5 if weights == "imagenet" else 1e-3, "decoder": 1e-3}


def test_a_checkpoint_of_an_earlier_version_is_read_in_todays_words(tmp_path):
    config = tiny_config()
    old = config.as_dict()
    old["augment"] = {"d4": False, "brightness": 0.1, "contrast": 0.1, "noise": 1.0}
    for name in ("attention", "block", "dropout", "hypercolumn", "deep_supervision"):
        del old["net"][name]
    path = tmp_path / "old.ckpt"
    torch.save({KEY: old, "state_dict": MultiTaskModule(config).state_dict()}, path)
    assert read_checkpoint(path)[0] == replace(config, augment=replace(config.augment, symmetry="none"))
    assert load_predictor(path, device="cpu")(SCENES[0])["trap"].shape == (1, 64, 64)


@pytest.mark.slow
def test_two_maps_can_be_learnt_by_heart(tmp_path, two_maps):
    """With the defaults but for the number of epochs; 0.98 is reached after 3 epochs of 6."""
    config = TrainConfig(data=str(two_maps), overfit=2, loop=LoopConfig(epochs=6, batch_size=2, panels_every=10))
    assert train(config, tmp_path / "run")["trap/dice"] >= 0.98


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_derived_and_fused_answers_are_judged_saved_and_predicted_alike(tmp_path, ema):
    config = tiny_config(heads=Names("trap,depth,fused"), loop=LoopConfig(epochs=2, batch_size=2, panels_every=1))
    config = replace(config, optim=OptimConfig(ema_decay=ema))
    figures = fit(config, tmp_path, SCENES[:3], SCENES[3:])
    events = EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    events.Reload()
    assert {"depth_traps/panel", "fused_traps/panel", "fusion/panel"} <= set(events.Tags()["images"])
    predictor = load_predictor(tmp_path / "last.ckpt", device="cpu")
    assert predictor.fusion.weights.tolist() != [1 / 3] * 3  # fitted, and kept in the checkpoint
    for name in ("depth_traps", "fused_traps", "fusion"):
        output = next(output for output in predictor.outputs if output.name == name)
        sums = dict.fromkeys(output.metric.state, 0.0)
        for scene in SCENES[3:]:
            own = output.metric.update(predictor(scene)[name], *output.target(build_ground_truth(scene, config.targets)))
            sums = {key: sums[key] + own[key] for key in sums}
        assert output.metric.compute(sums)["iou"] == pytest.approx(figures[f"{name}/iou"], abs=1e-3)


def test_one_network_serves_maps_that_lack_inputs(tmp_path):
    config = tiny_config(heads=Names("trap,depth"), inputs=Names("rgb,depth"), shown=["rgb", "rgb,depth"])
    fit(config, tmp_path, SCENES[:2], SCENES[2:3])
    predictor = load_predictor(tmp_path / "best.ckpt", device="cpu")
    picture = SCENES[0].replace(depth=SCENES[0].depth * 0, depth_valid=~SCENES[0].map_valid)
    told = replace(predictor, config=replace(predictor.config, shown=["rgb"]))
    for name in ("trap", "depth_traps"):  # closures of the predicted depth read the picture, as of a network of rgb
        np.testing.assert_array_equal(predictor(picture)[name], told(SCENES[0])[name])
    assert not np.array_equal(predictor(SCENES[0])["trap"], told(SCENES[0])["trap"])


def test_a_set_of_unknown_inputs_is_named():
    with pytest.raises(UserError, match=r"--shown.*closure"):
        check_settings(tiny_config(inputs=Names("rgb,depth"), shown=["rgb,closure"]))
