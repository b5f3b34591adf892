"""Settings that cannot be met are named, and any metric may choose the best checkpoint."""

from dataclasses import fields, is_dataclass, replace

import pytest

from mtl.config import AugmentConfig, LoopConfig, NetConfig, OptimConfig, PatchConfig, PredictConfig, SplitConfig
from mtl.config_ranges import RANGES
from mtl.tasks.heads import HEADS
from mtl.training.check_settings import check_settings, monitored_metric, unused_options
from mtl.training.run import fit
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"patches": PatchConfig(size=100)}, r"patches\.size: 100; expected a multiple of 32"),
        ({"patches": PatchConfig(size=32), "predict": PredictConfig(stride=64)}, r"predict\.stride: 64.*size, 32"),
        ({"split": SplitConfig(folds=1)}, "fold 0 of 1"),
        ({"split": SplitConfig(nested=True)}, "split.nested"),
        ({"split": SplitConfig(folds=3, fold=3)}, "fold 3 of 3"),
        ({"net": NetConfig(decoder_channels=[])}, "net.decoder_channels"),
        ({"optim": OptimConfig(fp_weight=0, fn_weight=0)}, "optim.fp_weight"),
        ({"optim": OptimConfig(loss_weights={"trap": -1.0})}, "optim.loss_weights.trap"),
        ({"augment": AugmentConfig(picture_transforms={"blur": 2.0})}, "augment.picture_transforms.blur"),
        ({"augment": AugmentConfig(picture_transforms={"blurr": 0.5})}, "gamma"),
        ({"loop": LoopConfig(accelerator="quantum")}, "loop.accelerator"),
        ({"loop": LoopConfig(accelerator="cpu", precision="16-mixed")}, "16-mixed on a CPU"),
        ({"patches": PatchConfig(64, 64, max_side=5)}, "patches.max_side"),
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
        ({"loop": LoopConfig(logger="tensorbord")}, "tensorboard, csv"),
        ({"loop": LoopConfig(logger="csv,csv")}, "twice"),
        ({"optim": OptimConfig(ema_decay=1.0)}, "optim.ema_decay"),
        ({"net": NetConfig(dropout=0.5)}, "net.block bottleneck"),
        ({"net": NetConfig(deep_supervision=-1.0)}, "net.deep_supervision"),
        ({"net": NetConfig("panet", encoder_weights="none")}, r"net\.arch: .*'panet'.*pan, pspnet"),
        ({"net": NetConfig("linknet", encoder_weights="none")}, r"--net\.decoder_channels null"),
        ({"net": NetConfig("manet", encoder_weights="none", attention="scse")}, "net.attention.*unetplusplus or unet"),
        ({"net": NetConfig("fpn", encoder_weights="none", hypercolumn=True)}, "or unet or manet or linknet"),
        ({"net": NetConfig("pan", "resnet18", "none")}, r"patches\.size: 64 cells, which pan .* cannot take"),
        ({"net": NetConfig("unet", "resnet43", "none")}, r"net\.encoder: unknown encoder 'resnet43'.*resnet34"),
        ({"net": NetConfig("unet", "resnet18", "none", [8] * 6)}, "unet with the encoder resnet18 cannot be built"),
        ({"split": SplitConfig(folds=2, val_data="maps")}, "split.folds: 2, beside split.val_data maps"),
        ({"optim": OptimConfig(loss_weights=dict.fromkeys(["trap", "boundary", "crest", "dist"], 0))}, "one head that"),
        ({"missing_values": {"depth": float("nan")}}, "missing_values.depth"),
        ({"augment": AugmentConfig(restyle=1.5)}, "augment.restyle"),
    ],
)
def test_settings_that_cannot_be_met_are_named(tmp_path, fields, word):
    with pytest.raises(UserError, match=word):
        fit(tiny_config(**fields), tmp_path / "run", SCENES[:2], SCENES[2:])
    assert not (tmp_path / "run").exists()  # nothing half-made


def numbers(record, prefix=""):
    """(dotted name, type) of every number among the settings."""
    for item in fields(record):
        value = getattr(record, item.name)
        if is_dataclass(value):
            yield from numbers(value, f"{prefix}{item.name}.")
        elif type(value) in (int, float):
            yield f"{prefix}{item.name}", type(value)


def with_setting(record, name, value):
    """The settings with one of them changed."""
    section, _, rest = name.partition(".")
    return replace(record, **{section: with_setting(getattr(record, section), rest, value) if rest else value})


# checked beside others: a multiple of 32, a fold of so many, one of four factors, one of two neighbourhoods
OTHERS = {"patches.size", "predict.stride", "split.fold", "patches.context", "targets.traps.connectivity"}


@pytest.mark.parametrize(("name", "kind"), [one for one in numbers(tiny_config()) if one[0] not in OTHERS])
def test_every_number_has_a_range_and_is_refused_outside_it_by_its_name(name, kind):
    is_of_traps = name.startswith("targets.traps.")  # whose ranges are their own
    assert is_of_traps or sum(name in known.settings for known in RANGES) == 1
    for value in (-1, *((float("nan"), float("inf")) if kind is float else ())):
        with pytest.raises(UserError, match=rf"^{name}: "):
            check_settings(with_setting(tiny_config(), name, value))


def test_encoders_that_read_numbers_while_they_are_built_are_no_error():
    """Mix Transformers read out of a `linspace` how many paths to drop, which a network without memory lacks."""
    check_settings(tiny_config(net=NetConfig("unet", "mit_b0", "none", [8, 8, 8, 8, 8])))


def test_a_set_of_unknown_inputs_is_named():
    with pytest.raises(UserError, match=r"--input_sets.*closure"):
        check_settings(tiny_config(inputs=Names("rgb,depth"), input_sets=["rgb,closure"]))


@pytest.mark.parametrize(
    ("metric", "mode"),
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
def test_any_metric_of_any_output_may_be_monitored_in_its_own_direction(metric, mode):
    config = tiny_config(heads=Names("trap,boundary,crest,dist,depth"), loop=LoopConfig(monitor=metric))
    heads = [HEADS[name] for name in config.heads]
    assert monitored_metric(config, heads) == (metric, mode)


def test_settings_of_heads_that_are_not_trained_are_named_and_ignored():
    optim = OptimConfig(loss_weights={"trap": 1.0, "crest": 0.5}, losses={"dist": "l1"})
    config = tiny_config(heads=Names("trap,boundary"), optim=optim)
    check_settings(config)
    assert [line.split(" not used")[0] for line in unused_options(config)] == [
        "optim.loss_weights: crest", "optim.losses: dist"]  # fmt: skip
