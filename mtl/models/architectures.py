"""Architectures of segmentation-models-pytorch that a network may have, and the settings that each of them takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mtl.config import NetConfig
from mtl.registry import select_records
from targets.errors import UserError

Widths = Callable[[list[int]], dict[str, Any]]


def per_stage(widths: list[int]) -> dict[str, Any]:
    """Features of each decoder stage, whose number is the depth of the encoder."""
    return {"decoder_channels": tuple(widths), "encoder_depth": len(widths)}


def one_width(option: str) -> Widths:
    """One width for the whole decoder, the first of several, under the library's own name for it."""
    return lambda widths: {option: widths[0]}


def pyramid(widths: list[int]) -> dict[str, Any]:
    """The first width for the pyramid, and half of it behind: in groups of 32 features that are normalised together."""
    return {"decoder_pyramid_channels": widths[0], "decoder_segmentation_channels": max(32, widths[0] // 64 * 32)}


@dataclass(frozen=True)
class Architecture:
    """What an architecture takes.

    Attributes
    ----------
    widths : Widths | None
        `net.decoder_channels` -> options of the library; None: its widths are its own.
    stages : bool, default False
        Its decoder is made of blocks, from coarse to fine: `net.hypercolumn`, `net.deep_supervision`.
    two_convolutions : bool, default False
        These blocks have two convolutions and may have attention: `net.block`, `net.attention`.
    """

    widths: Widths | None
    stages: bool = False
    two_convolutions: bool = False


ARCHITECTURES = {
    "unetplusplus": Architecture(per_stage, stages=True, two_convolutions=True),
    "unet": Architecture(per_stage, stages=True, two_convolutions=True),
    "manet": Architecture(per_stage, stages=True),
    "linknet": Architecture(None, stages=True),
    "deeplabv3plus": Architecture(one_width("decoder_channels")),
    "deeplabv3": Architecture(one_width("decoder_channels")),
    "fpn": Architecture(pyramid),
    "pan": Architecture(one_width("decoder_channels")),
    "pspnet": Architecture(one_width("psp_out_channels")),
    "upernet": Architecture(one_width("decoder_channels")),
    "segformer": Architecture(one_width("decoder_segmentation_channels")),
}


def decoder_options(config: NetConfig) -> dict[str, Any]:
    """Options of the library's decoder that follow from settings.

    Raises
    ------
    UserError
        An unknown architecture, or a setting that it does not take; the message says which ones do.

    Examples
    --------
    >>> decoder_options(NetConfig(arch="unet", decoder_channels=[32, 16, 8]))
    {'decoder_channels': (32, 16, 8), 'encoder_depth': 3}
    >>> decoder_options(NetConfig(arch="pspnet", decoder_channels=[32, 16, 8]))
    {'psp_out_channels': 32}
    """
    (own,) = select_records(ARCHITECTURES, [config.arch.lower()], "net.arch")
    asked = {
        "net.attention": (config.attention != "none", "two_convolutions"),
        "net.block": (config.block != "plain", "two_convolutions"),
        "net.hypercolumn": (config.hypercolumn, "stages"),
        "net.deep_supervision": (config.deep_supervision > 0, "stages"),
    }
    for setting, (is_set, ability) in asked.items():
        if is_set and not getattr(own, ability):
            able = [name for name, other in ARCHITECTURES.items() if getattr(other, ability)]
            raise UserError(setting, f"{config.arch} cannot have it", f"net.arch {' or '.join(able)}")
    options: dict[str, Any] = {} if config.attention == "none" else {"decoder_attention_type": config.attention}
    if config.decoder_channels is None:
        return options
    if own.widths is None:
        found = f"{config.decoder_channels} with {config.arch}, whose widths are its own"
        raise UserError("net.decoder_channels", found, "null", "add --net.decoder_channels null")
    return options | own.widths(config.decoder_channels)
