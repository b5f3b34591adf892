"""What a decoder of segmentation-models-pytorch may have beyond the library's: bottleneck blocks, stages to read."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from targets.errors import UserError


class Bottleneck(nn.Module):
    """Three convolutions, to f, f/2 and f features; the last is added to the first; batch norm, PReLU, dropout.

    Parameters
    ----------
    given, features
        How many come in (skip connections concatenated), and f.
    dropout
        Share of the features left out at a time in training.
    """

    def __init__(self, given: int, features: int, dropout: float) -> None:
        super().__init__()
        half = max(1, features // 2)
        self.first = nn.Sequential(_convolution(given, features), nn.PReLU(features))
        self.narrow = nn.Sequential(_convolution(features, half), nn.PReLU(half))
        self.wide = nn.Conv2d(half, features, 3, padding=1, bias=False)
        self.end = nn.Sequential(nn.BatchNorm2d(features), nn.PReLU(features), nn.Dropout2d(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """(B, given, h, w) -> (B, features, h, w)."""
        first = self.first(x)
        return self.end(first + self.wide(self.narrow(first)))


def _convolution(given: int, features: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, features, 3, padding=1, bias=False), nn.BatchNorm2d(features))


def replace_with_bottlenecks(decoder: nn.Module, dropout: float) -> None:
    """Put a bottleneck in the place of the two convolutions of every block of a decoder.

    Upsampling, concatenation and attention stay the block's own.

    Raises
    ------
    UserError
        The decoder has no blocks of two convolutions.
    """
    for block in list_decoder_blocks(decoder, "net.block"):
        if not hasattr(block, "conv1") or not hasattr(block, "conv2"):
            raise UserError("net.block", "bottleneck needs blocks of two convolutions", "arch unet or unetplusplus")
        if block.conv1 is None:  # UNet++ at a size at which the encoder has no features
            continue
        first, second = (
            next(m for m in part.modules() if isinstance(m, nn.Conv2d))
            for part in (cast(nn.Module, block.conv1), cast(nn.Module, block.conv2))
        )
        block.conv1, block.conv2 = Bottleneck(first.in_channels, second.out_channels, dropout), nn.Identity()


def list_decoder_blocks(decoder: nn.Module, option: str) -> list[nn.Module]:
    """The blocks of a decoder, in the order in which the library made them.

    Raises
    ------
    UserError
        The decoder is not made of blocks; `option` is the setting that asks for them.
    """
    blocks = getattr(decoder, "blocks", None)
    if not isinstance(blocks, nn.ModuleList | nn.ModuleDict):
        expected = "a decoder made of blocks: arch unet, unetplusplus, manet or linknet"
        raise UserError(option, f"{type(decoder).__name__} has no stages", expected)
    return list(blocks.values()) if isinstance(blocks, nn.ModuleDict) else list(blocks)


def run_decoder_stages(decoder: nn.Module, features: Sequence[Tensor]) -> list[Tensor]:
    """What a decoder knows at every size, coarse to fine: (B, C_i, h_i, w_i), the last one its own answer.

    Where several blocks answer at one size, as in UNet++, the last one does, which has heard all others.
    """
    seen: dict[torch.Size, Tensor] = {}

    def keep(block: nn.Module, given: object, answer: Tensor) -> None:
        if answer.shape[1]:
            seen[answer.shape[-2:]] = answer

    handles = [block.register_forward_hook(keep) for block in list_decoder_blocks(decoder, "net")]
    try:
        last = decoder(features)
    finally:
        for handle in handles:
            handle.remove()
    seen[last.shape[-2:]] = last
    return sorted(seen.values(), key=lambda stage: stage.shape[-2:].numel())


def measure_stage_widths(encoder: nn.Module, decoder: nn.Module) -> list[int]:
    """Number of features of every stage, coarse to fine, seen on an empty picture."""
    trains = encoder.training
    encoder.eval(), decoder.eval()
    with torch.no_grad():
        widths = [stage.shape[1] for stage in run_decoder_stages(decoder, encoder(torch.zeros(1, 3, 64, 64)))]
    encoder.train(trains), decoder.train(trains)
    return widths


def stack_hypercolumn(stages: Sequence[Tensor]) -> Tensor:
    """All stages at the size of the last one, one above the other (Hariharan et al. 2015): (B, sum of C_i, h, w)."""
    size = stages[-1].shape[-2:]
    grown = [F.interpolate(stage, size, mode="bilinear", align_corners=False) for stage in stages[:-1]]
    return torch.cat([*grown, stages[-1]], 1)
