"""Soak of networks: every encoder of the library with every architecture is built, or refused in one line."""

from random import Random

import segmentation_models_pytorch as smp

from mtl.config import NetConfig, TrainConfig
from mtl.models.architectures import ARCHITECTURES
from mtl.models.checkpoint import build_net, without_memory
from mtl.training.check_settings import check_network
from targets.errors import UserError
from tests.soak.attack import Budget, Kind, Tally

OF_TIMM = (  # of families that the library does not list: with and without a pyramid, of channels last
    "tu-convnext_atto", "tu-mambaout_femto", "tu-maxvit_tiny_rw_224", "tu-vit_tiny_patch16_224", "tu-swin_s3_tiny_224",
    "tu-hrnet_w18_small", "tu-test_efficientnet", "tu-edgenext_xx_small", "tu-coat_tiny", "tu-no_such_encoder",
)  # fmt: skip
MOST_WEIGHTS = 10**8  # of a network that is built with its numbers, 400 MB; larger ones are only planned


def try_network(arch: str, encoder: str) -> str:
    """Check a network as a run does, and build it if it passes; gives what is wrong, or nothing."""
    config = TrainConfig(net=NetConfig(arch, encoder, "none", None))
    try:
        check_network(config)
    except UserError as error:
        if "\n" in str(error):
            return f"not one line: {error}"
        return "" if error.where != "net" or not can_be_built(config) else f"refused, and can be built: {error}"
    except Exception as error:  # whatever the libraries raise
        return f"{type(error).__name__}: {error}"
    with without_memory():
        planned, _, _ = build_net(config, pretrained=False)
    shapes = {name: value.shape for name, value in planned.state_dict().items()}
    if sum(shape.numel() for shape in shapes.values()) > MOST_WEIGHTS:
        return ""
    built, _, _ = build_net(config, pretrained=False)
    return "" if {name: value.shape for name, value in built.state_dict().items()} == shapes else "planned otherwise"


def can_be_built(config: TrainConfig) -> bool:
    """Whether a network can be built with its numbers."""
    try:
        build_net(config, pretrained=False)
    except UserError:
        return False
    return True


def networks(budget: Budget) -> Tally:
    """Pairs of an architecture and an encoder in a random order."""
    encoders = (*smp.encoders.encoders, *OF_TIMM)
    pairs = [(arch, encoder) for arch in ARCHITECTURES for encoder in encoders]
    Random(budget.seed).shuffle(pairs)
    tally = Tally()
    for arch, encoder in budget.within(pairs):
        tally.add(f"{arch} with {encoder}", try_network(arch, encoder))
    return tally


KIND = Kind("networks", "built, or refused in one line before maps are read", networks, 10**4)
