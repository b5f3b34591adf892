"""A trap head that starts from rules: untrained it answers with their traps, to the cell, wherever the network runs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from mtl.config import PatchConfig, PredictConfig
from mtl.data.channels import RULE_TRAPS
from mtl.data.dataset import PatchDataset, prepare_sample
from mtl.inference.onnx import export_graph
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import build_net
from mtl.models.mask_residual import MaskResidual
from mtl.tasks.heads import HEADS, with_losses
from targets.common.cli import Names
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import GroundTruthOptions, TrapCriteria
from targets.truth.traps import compute_traps
from tests.conftest import tiny_config

RULES = TrapCriteria(reading="contour", contour_interval=20.0, faults="sealing", min_area=20, smoothing=1.0)
CONFIG = tiny_config(
    heads=Names("trap,dist"), inputs=Names("fault,depth"), trap_base="rules", targets=GroundTruthOptions(RULES)
)
SCENE = make_structure_map(3, 96)


def untrained(config):
    torch.manual_seed(0)
    net, inputs, heads = build_net(config, pretrained=False)
    return Predictor((net.eval(),), None, inputs, heads, config)


def patches(size=64, **fields):
    return PatchConfig(size=size, stride=size, **fields)


@pytest.mark.parametrize(
    "settings",
    [
        {"patches": patches(), "predict": PredictConfig(stride=32)},
        {"patches": patches(), "predict": PredictConfig(stride=64, tta="d4")},
        {"patches": patches(max_side=64)},  # the network sees coarser cells
        {"patches": patches(128, small_map_mode="resize")},  # and finer ones
        {"patches": patches(128, small_map_mode="reflect"), "predict": PredictConfig(stride=128)},
        {"patches": patches(context=2)},
        {"patches": patches(), "net": replace(CONFIG.net, inputs_to_heads=False, hypercolumn=True)},
        {"patches": patches(), "net": replace(CONFIG.net, arch="fpn", decoder_channels=[16])},  # a quarter of the cells
        {"patches": patches(), "input_sets": ["fault", "fault,depth"]},
    ],
)
def test_untrained_it_equals_the_traps_by_rules_to_the_cell(settings):
    traps = compute_traps(SCENE, RULES).labels > 0
    assert traps.any()
    answer = untrained(replace(CONFIG, **settings))(SCENE)["trap"][0]
    assert np.array_equal(answer > 0.5, traps)
    assert np.isfinite(answer[SCENE.map_valid]).all()


def test_other_rules_are_other_traps():
    predictor = untrained(CONFIG)
    other = replace(predictor, config=replace(CONFIG, targets=GroundTruthOptions(TrapCriteria())))
    assert np.array_equal(other(SCENE)["trap"][0] > 0.5, compute_traps(SCENE, TrapCriteria()).labels > 0)
    assert not np.array_equal(other(SCENE)["trap"], predictor(SCENE)["trap"])


def test_a_map_whose_depth_is_not_shown_is_answered_as_without_rules():
    shown = replace(CONFIG, input_sets=["fault", "fault,depth"])
    predictor, plain = untrained(shown), untrained(replace(shown, trap_base="none"))
    plain.nets[0].load_state_dict(predictor.nets[0].state_dict(), strict=False)
    no_depth = SCENE.replace(depth_valid=np.zeros(SCENE.shape, bool))
    assert np.array_equal(predictor(no_depth)["trap"], plain(no_depth)["trap"], equal_nan=True)
    for names in (["fault"], ["fault,depth"]):
        own = predictor.with_input_sets(names)(SCENE)["dist"], plain.with_input_sets(names)(SCENE)["dist"]
        assert np.array_equal(*own, equal_nan=True)  # the rest of the network does not see the rules


def test_a_change_counts_in_training_and_where_it_was_accepted():
    net = untrained(CONFIG).nets[0]
    torch.nn.init.constant_(net.residuals["trap"].change[-1].bias, -2.0)
    x = torch.rand(1, 3, 64, 64).round()
    alone = net(x)["trap"]
    assert torch.equal(alone, 6 * x[:, 2:] - 3)
    net.residuals["trap"].accepted.fill_(1)
    torch.testing.assert_close(net(x)["trap"], alone - 2)
    net.residuals["trap"].accepted.fill_(0)
    net.train()
    torch.testing.assert_close(net(x)["trap"], alone - 2)


def test_patches_start_from_rules_too_and_the_change_learns():
    net, inputs, heads = build_net(CONFIG, pretrained=False)
    drawn = SCENE.replace(traps=compute_traps(SCENE, TrapCriteria()).labels > 0)
    sample = prepare_sample(drawn, inputs, heads, CONFIG.targets)
    batch = PatchDataset([sample], inputs, CONFIG.patches, CONFIG.augment)[0]
    logits = net.train()(batch["inputs"][None].repeat(2, 1, 1, 1))
    rules = batch["inputs"][[record.name for record in inputs].index(RULE_TRAPS.name)]
    assert set(rules.unique().tolist()) == {0, 1} and torch.equal(logits["trap"][0, 0] > 0, rules > 0.5)
    assert not torch.equal(rules, batch["target/trap"][0])  # what was drawn differs, and is what is learned
    (head, _) = with_losses(heads, CONFIG.optim)
    target, valid = (batch[f"{part}/trap"][None].repeat(2, 1, 1, 1) for part in ("target", "valid"))
    head.compute_loss(logits["trap"], target, valid).backward()
    assert net.residuals["trap"].change[-1].weight.grad.abs().max() > 0


def test_what_is_right_by_the_rules_of_known_maps_is_kept_on_others():
    """Features of a few maps can be learned by heart; that the mask is right on them is what has to be learned."""
    torch.manual_seed(0)
    residual = MaskResidual(12, HEADS["trap"])

    def make_map():
        mask = torch.zeros(1, 1, 32, 32)
        mask[..., 4:13, 5:15] = mask[..., 20:26, 18:28] = 1
        return torch.randn(1, 12, 32, 32), mask.roll(tuple(torch.randint(32, (2,)).tolist()), (2, 3))

    known = [torch.cat(part) for part in zip(make_map(), make_map(), strict=True)]
    optimizer = torch.optim.Adam(residual.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(residual(known[1], *known), known[1]).backward()
        optimizer.step()
    features, mask = make_map()
    logits = residual(mask, features, mask)
    assert torch.equal(logits > 0, mask > 0)
    start = binary_cross_entropy_with_logits(6 * mask - 3, mask)
    assert binary_cross_entropy_with_logits(logits, mask) < start / 4  # surer of the mask on a map never seen


def test_settings_of_a_checkpoint_without_a_word_about_it_start_from_nothing():
    older = tiny_config(heads=Names("trap"), inputs=Names("depth"))
    net, inputs, _ = build_net(older, pretrained=False)
    assert older.trap_base == "auto" and RULE_TRAPS not in inputs and not net.residuals
    assert not any(name.startswith("residuals.") for name in net.state_dict())
    assert HEADS["trap"].residual_of == RULE_TRAPS.name


def test_the_graph_of_other_programs_holds_the_rules_as_its_last_plane():
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    predictor = untrained(CONFIG)
    session = runtime.InferenceSession(export_graph(predictor.nets[0], predictor.in_channels))
    x = np.random.default_rng(0).random((1, 3, 64, 64)).round().astype(np.float32)
    answer = session.run(["trap"], {session.get_inputs()[0].name: x})[0]
    assert np.array_equal(answer[0, 0] > 0, x[0, 2] > 0)
