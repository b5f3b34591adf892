"""The shared network: any architecture and encoder, one output per head, a stem that means what its channels mean."""

import pytest
import torch

from mtl.config import NetConfig
from mtl.data.channels import INPUTS, WHITE, InputChannel
from mtl.models.architectures import ARCHITECTURES, per_stage
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.pretrained import load_imagenet_weights
from mtl.registry import select_records
from mtl.tasks.heads import HEADS
from targets.errors import UserError

SMALL = [16, 16, 8, 8, 8]
LITE = "timm-tf_efficientnet_lite0"


def build(inputs="rgb,fault,depth", heads="trap,dist", **config):
    config = {"encoder_weights": "none", "decoder_channels": SMALL} | config
    records = select_records(INPUTS, inputs.split(","), "--inputs"), select_records(HEADS, heads.split(","), "--heads")
    return MultiHeadNet(NetConfig(**config), *records)


@pytest.mark.parametrize(
    ("arch", "encoder", "channels"),
    [
        ("unetplusplus", LITE, SMALL),
        ("unetplusplus", "resnet18", SMALL[:4]),
        ("unetplusplus", "tu-hrnet_w18_small", SMALL),
        ("deeplabv3plus", "resnet18", [32]),
        ("unet", "tu-mobilenetv3_small_100", None),
        ("unet", "resnet50", SMALL),
        ("unet", "vgg16", SMALL),
    ],
)
def test_every_head_answers_at_the_size_of_the_input(arch, encoder, channels):
    out = build(arch=arch, encoder=encoder, decoder_channels=channels).eval()(torch.zeros(1, 5, 64, 96))
    assert {name: tuple(v.shape) for name, v in out.items()} == {"trap": (1, 1, 64, 96), "dist": (1, 1, 64, 96)}


@pytest.mark.parametrize("channels", [[64, 48, 32, 16, 16], [40], None])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_takes_the_widths_it_says_and_the_stages_it_has(arch, channels):
    """Without memory, as settings are checked before a map is read."""
    own = ARCHITECTURES[arch]
    if channels is not None and (own.widths is None or (own.widths is per_stage and len(channels) == 1)):
        return
    more = {"hypercolumn": True, "deep_supervision": 0.3} if own.stages else {}
    with torch.device("meta"):
        net = build(arch=arch, encoder="resnet18", decoder_channels=channels, **more)
        answer = net(torch.zeros(2, 5, 128, 128))
    assert {name: tuple(v.shape) for name, v in answer.items()} == {"trap": (2, 1, 128, 128), "dist": (2, 1, 128, 128)}
    assert len(net.early) == (len(channels or range(5)) - 1 if own.stages else 0)


@pytest.mark.parametrize("inputs", ["rgb", "depth", "fault,depth", "depth,map,rgb"])
def test_any_subset_of_inputs(inputs):
    channels = sum(INPUTS[name].channels for name in inputs.split(","))
    assert build(inputs).eval()(torch.zeros(1, channels, 32, 32))["trap"].shape == (1, 1, 32, 32)


def test_rgb_weights_are_copied_and_other_channels_get_their_mean():
    pretrained = build("rgb", encoder_weights="imagenet").encoder.conv_stem.weight
    stem = build("depth,rgb,fault", encoder_weights="imagenet").encoder.conv_stem.weight
    assert torch.equal(stem[:, 1:4], pretrained)
    for plane in (0, 4):
        assert torch.allclose(stem[:, plane], WHITE * pretrained.mean(1))  # pictures are as much wider


def test_kaiming_stem_differs_from_the_mean():
    mean = build(encoder_weights="imagenet").encoder.conv_stem.weight
    kaiming = build(encoder_weights="imagenet", stem="kaiming").encoder.conv_stem.weight
    assert torch.equal(mean[:, :3], kaiming[:, :3])
    assert not torch.allclose(mean[:, 3:], kaiming[:, 3:])


def test_packaged_weights_see_what_imagenet_has_taught():
    """Batch statistics of real weights are far from those of an untrained network."""
    encoder = build("rgb", encoder_weights="imagenet").encoder
    assert encoder.bn1.running_var.std() > 0.1


def test_an_untrained_mask_head_starts_near_its_bias():
    out = build(heads="trap,crest").eval()(torch.randn(1, 5, 64, 64))
    assert float(out["trap"].detach().mean()) == pytest.approx(HEADS["trap"].bias, abs=0.5)
    assert float(out["crest"].detach().mean()) == pytest.approx(HEADS["crest"].bias, abs=0.5)


def test_heads_share_everything_but_their_last_layer():
    one, four = build(heads="trap"), build(heads="trap,boundary,crest,dist")
    sizes = [sum(p.numel() for p in net.parameters()) for net in (one, four)]
    read = SMALL[-1] + 5  # the shared features, and the inputs beside them
    assert sizes[1] - sizes[0] == 3 * (read * 9 + 1)


def test_the_depth_head_hands_a_depth_on_until_it_learns_a_change_and_guesses_where_it_is_not_shown():
    net = build(heads="depth").eval()
    x = torch.randn(2, 5, 64, 64).clamp(-1, 1)
    x[1, 4] = float(INPUTS["depth"].value_if_missing)
    answer = net(x)["depth"]
    assert torch.equal(answer[0, 0], x[0, 4]) and not torch.equal(answer[1, 0], x[1, 4])
    torch.nn.init.constant_(net.heads["depth"].change.bias, 0.5)
    changed = net(x)["depth"]
    torch.testing.assert_close(changed[0], answer[0] + 0.5)
    assert torch.equal(changed[1], answer[1])
    assert not hasattr(build("rgb", heads="depth").heads["depth"], "change")  # there is nothing to hand on


def test_a_pooled_head_says_one_thing_in_all_cells_and_it_is_the_mean():
    net = build(heads="trap,empty").eval()
    shared = net.shared_features(torch.randn(2, 5, 64, 64))
    answer = net.head_logits(shared, (64, 64))["empty"]
    assert answer.shape == (2, 1, 64, 64) and torch.equal(answer, answer[..., :1, :1].expand_as(answer))
    cells = net.heads["empty"][0](shared)
    assert cells.std() > 0 and torch.allclose(answer.mean((1, 2, 3)), cells.mean((1, 2, 3)), atol=1e-6)


@pytest.mark.parametrize(("arch", "channels"), [("unetplusplus", SMALL), ("deeplabv3plus", [32])])
def test_what_heads_are_given_of_the_inputs_reaches_them_whole(arch, channels):
    net = build(arch=arch, encoder="resnet18", decoder_channels=channels[:4]).eval()
    for layer in net.heads.values():
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    net.heads["dist"].weight.data[0, -1, 1, 1] = 1  # of the last plane, the depth, as it is
    x = torch.randn(1, 5, 1, 1) + torch.zeros(1, 5, 64, 96)
    out = net(x)
    torch.testing.assert_close(out["dist"], x[:, -1:])
    assert not out["trap"].any()


def test_an_unknown_encoder_is_named():
    with pytest.raises(UserError, match="no-such-encoder"):
        build(encoder="no-such-encoder")


def test_a_hub_that_cannot_be_reached_names_the_mend(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr("segmentation_models_pytorch.encoders.get_encoder", offline)
    with pytest.raises(UserError, match=r"--net\.encoder_weights none") as error:
        load_imagenet_weights(torch.nn.Identity(), "resnet34")
    assert "Name or service not known" in str(error.value) and LITE in str(error.value)


@pytest.mark.parametrize("names", [["trap", "traps"], ["trap", "trap"], []])
def test_names_are_known_and_given_once(names):
    with pytest.raises(UserError, match=r"trap, boundary, crest, dist|once"):
        select_records(HEADS, names, "--heads")


def test_a_new_input_channel_is_one_record():
    twice = InputChannel("twice", 2, "-", lambda scene: scene.depth[None].repeat(2, 0))
    net = MultiHeadNet(
        NetConfig(encoder_weights="none", decoder_channels=SMALL), [twice], select_records(HEADS, ["trap"], "")
    )
    assert net.encoder.conv_stem.weight.shape[1] == 2


def test_every_picture_of_three_planes_keeps_the_pretrained_stem():
    """By the record, not by the name of a channel."""
    pretrained = build("rgb", encoder_weights="imagenet").encoder.conv_stem.weight
    stem = build("rgb_plain,salt_depth_abs", encoder_weights="imagenet").encoder.conv_stem.weight
    assert torch.equal(stem[:, :3], pretrained)
    assert torch.allclose(stem[:, 3:], WHITE * pretrained.mean(1, keepdim=True))  # three planes that are no picture
