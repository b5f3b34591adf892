"""What a decoder may have beyond the library's: every kind answers and learns; off, nothing of it is there."""

import copy

import pytest
import torch

from mtl.config import NetConfig
from mtl.data.channels import INPUTS
from mtl.models.decoder_blocks import Bottleneck, run_decoder_stages, stack_hypercolumn
from mtl.models.multi_head_net import MultiHeadNet
from mtl.registry import select_records
from mtl.tasks.heads import HEADS
from targets.errors import UserError

SMALL = [24, 24, 16, 16, 16]
KINDS = {
    "scse": {"attention": "scse"},
    "bottleneck": {"block": "bottleneck", "dropout": 0.1},
    "hypercolumn": {"hypercolumn": True},
    "deep supervision": {"deep_supervision": 0.5},
    "all": {"attention": "scse", "block": "bottleneck", "hypercolumn": True, "deep_supervision": 0.5},
}


def build(arch="unetplusplus", encoder="resnet18", channels=SMALL, **config):
    torch.manual_seed(0)
    records = select_records(INPUTS, ["rgb", "fault"], ""), select_records(HEADS, ["trap", "dist"], "")
    return MultiHeadNet(NetConfig(arch, encoder, "none", channels, inputs_to_heads=False, **config), *records)


def parts(net):
    return {name: tuple(value.shape) for name, value in net.state_dict().items()}


@pytest.mark.parametrize("arch", ["unet", "unetplusplus"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_part_of_every_kind_answers_and_learns(arch, kind):
    net, x = build(arch, **kind), torch.randn(2, 4, 64, 64)
    shared, stages = net.features(x)
    answers = [net.head_logits(shared, x.shape[-2:]), *net.deep_supervision_logits(stages, x.shape[-2:])]
    assert len(answers) == (5 if kind.get("deep_supervision") else 1)
    assert all(tuple(logits["dist"].shape) == (2, 1, 64, 64) for logits in answers)
    sum(value.square().mean() for logits in answers for value in logits.values()).backward()
    reached = {".".join(n.split(".")[:3]) for n, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    assert {".".join(name.split(".")[:3]) for name, _ in net.named_parameters()} - reached == set()


@pytest.mark.parametrize("arch", ["unet", "unetplusplus"])
def test_off_is_the_librarys_network(arch):
    """The weights that checkpoints of earlier versions hold, under their names, and none besides."""
    plain = build(arch)
    assert {name.split(".")[0] for name in parts(plain)} == {"encoder", "decoder", "heads"}
    assert parts(build(arch, attention="none", block="plain", hypercolumn=False, deep_supervision=0.0)) == parts(plain)
    x = torch.randn(1, 4, 64, 64)
    net = plain.eval()
    expected = net.heads["trap"](net.decoder(net.encoder(x)))
    assert torch.equal(net(x)["trap"], expected) and net.features(x)[1] == []


def test_deep_supervision_adds_layers_for_training_only():
    """The answer of the finest stage is what it would be without: early answers are heard in the loss alone."""
    plain, deep = build().eval(), build(deep_supervision=1.0).eval()
    own = {name: value for name, value in deep.state_dict().items() if not name.startswith("early")}
    plain.load_state_dict(own)
    x = torch.randn(1, 4, 64, 64)
    assert torch.equal(plain(x)["trap"], deep(x)["trap"])


@pytest.mark.parametrize(("arch", "encoder"), [("unet", "resnet18"), ("unetplusplus", "tu-hrnet_w18_small")])
def test_stages_are_one_per_size_coarse_to_fine_and_end_with_the_decoders_answer(arch, encoder):
    net = build(arch, encoder).eval()
    features = net.encoder(torch.randn(1, 4, 64, 96))
    stages = run_decoder_stages(net.decoder, features)
    sizes = [tuple(stage.shape[-2:]) for stage in stages]
    assert sizes == sorted(set(sizes)) and sizes[-1] == (64, 96)
    assert torch.equal(stages[-1], net.decoder(features))


def test_stages_of_unetplusplus_have_heard_all_others():
    net = build().eval()
    features = net.encoder(torch.randn(1, 4, 64, 64))
    stages = run_decoder_stages(net.decoder, features)
    assert [stage.shape[1] for stage in stages] == SMALL  # x_0_0 .. x_0_4: the last node of each row of the triangle
    assert not any(block._forward_hooks for block in net.decoder.blocks.values())  # nothing stays behind


def test_a_hypercolumn_is_every_stage_at_one_size():
    coarse, fine = torch.full((1, 2, 2, 2), 3.0), torch.zeros(1, 1, 8, 8)
    column = stack_hypercolumn([coarse, fine])
    assert column.shape == (1, 3, 8, 8) and (column[:, :2] == 3).all() and (column[:, 2] == 0).all()


def test_heads_read_all_stages_of_a_hypercolumn():
    assert build(hypercolumn=True).heads["trap"].in_channels == sum(SMALL)


def test_a_bottleneck_adds_its_detour_to_its_first_convolution():
    block = Bottleneck(6, 4, 0.0).eval()
    assert [block.first[0][0].out_channels, block.narrow[0][0].out_channels, block.wide.out_channels] == [4, 2, 4]
    torch.nn.init.zeros_(block.wide.weight)
    x = torch.randn(2, 6, 8, 8)
    assert torch.allclose(block(x), block.end(block.first(x)))


def test_bottlenecks_stand_in_every_block_and_drop_only_in_training():
    net, x = build(block="bottleneck", dropout=0.5), torch.randn(2, 4, 64, 64)
    assert sum(isinstance(m, Bottleneck) for m in net.modules()) == len(net.decoder.blocks)
    net.eval()
    assert torch.equal(net(x)["trap"], net(x)["trap"])
    net.train()
    assert not torch.equal(net(x)["trap"], net(x)["trap"])


def test_networks_of_every_kind_can_be_copied():
    """As the moving average of weights does, and as one is sent to another process."""
    net = build(**KINDS["all"]).eval()
    x = torch.randn(1, 4, 64, 64)
    assert torch.equal(copy.deepcopy(net)(x)["trap"], net(x)["trap"])


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"arch": "fpn", "channels": None, "block": "bottleneck"}, "net.block"),
        ({"arch": "linknet", "channels": None, "block": "bottleneck"}, "unetplusplus"),
        ({"arch": "deeplabv3plus", "channels": [32], "hypercolumn": True}, "net.hypercolumn"),
        ({"arch": "fpn", "channels": None, "deep_supervision": 0.5}, "net.deep_supervision"),
        ({"arch": "deeplabv3plus", "channels": [32], "attention": "scse"}, "attention"),
        ({"channels": [16, 16, 16, 16, 8], "attention": "scse"}, "16 features"),
    ],
)
def test_what_an_architecture_cannot_have_is_named(config, word):
    with pytest.raises(UserError, match=word):
        build(**config)
