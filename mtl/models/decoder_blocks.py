"""Decoder extensions beyond segmentation-models-pytorch: bottleneck blocks, stages, hypercolumns."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """Three convolutions, to f, f/2 and f features; the last is added to the first; batch norm, PReLU, dropout.

    Parameters
    ----------
    in_channels : int
        Features that come in, those of skip connections included.
    features : int
        f, the features that go out.
    dropout : float
        Fraction of the features that are dropped in training.
    """

    def __init__(self, in_channels: int, features: int, dropout: float) -> None:
        super().__init__()
        half = max(1, features // 2)
        self.first = nn.Sequential(_convolution(in_channels, features), nn.PReLU(features))
        self.narrow = nn.Sequential(_convolution(features, half), nn.PReLU(half))
        self.wide = nn.Conv2d(half, features, 3, padding=1, bias=False)
        self.end = nn.Sequential(nn.BatchNorm2d(features), nn.PReLU(features), nn.Dropout2d(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, features, h, w)."""
        first = self.first(x)
        return self.end(first + self.wide(self.narrow(first)))


def _convolution(in_channels: int, features: int) -> nn.Sequential:
    """A 3x3 convolution and its batch norm."""
    return nn.Sequential(nn.Conv2d(in_channels, features, 3, padding=1, bias=False), nn.BatchNorm2d(features))


def replace_with_bottlenecks(decoder: nn.Module, dropout: float) -> None:
    """Replace the two convolutions of every block of a decoder by a bottleneck, in place.

    Upsampling, concatenation and attention stay the block's own.

    Parameters
    ----------
    decoder : nn.Module
        Of segmentation-models-pytorch, with blocks of two convolutions.
    dropout : float
        Fraction of the features that are dropped in training.
    """
    for block in list_decoder_blocks(decoder):
        if block.conv1 is None:  # UNet++ at a size at which the encoder has no features
            continue
        first, second = (
            next(m for m in part.modules() if isinstance(m, nn.Conv2d))
            for part in (cast(nn.Module, block.conv1), cast(nn.Module, block.conv2))
        )
        block.conv1, block.conv2 = Bottleneck(first.in_channels, second.out_channels, dropout), nn.Identity()


def list_decoder_blocks(decoder: nn.Module) -> list[nn.Module]:
    """The blocks of a decoder that is made of some, in the order in which the library made them."""
    blocks = cast(nn.ModuleList | nn.ModuleDict, decoder.blocks)
    return list(blocks.values()) if isinstance(blocks, nn.ModuleDict) else list(blocks)


def run_decoder_stages(decoder: nn.Module, features: Sequence[Tensor]) -> list[Tensor]:
    """Run a decoder and keep its features at every size.

    Where several blocks give features of one size, as in UNet++, the last one counts: it has read all others.

    Parameters
    ----------
    decoder : nn.Module
        Of segmentation-models-pytorch.
    features : Sequence[Tensor]
        Of the encoder.

    Returns
    -------
    Stages, coarse to fine: (B, C_i, h_i, w_i), the last one the decoder's output.
    """
    stages: dict[tuple[int, ...], Tensor] = {}

    def size_of(stage: Tensor) -> tuple[int, ...]:
        return tuple(
            int(length) for length in stage.shape[-2:]
        )  # a traced length equals no other, as the key of a dict

    def keep(block: nn.Module, inputs: object, output: Tensor) -> None:
        if output.shape[1]:
            stages[size_of(output)] = output

    handles = [block.register_forward_hook(keep) for block in list_decoder_blocks(decoder)]
    try:
        last = decoder(features)
    finally:
        for handle in handles:
            handle.remove()
    stages[size_of(last)] = last
    return [stages[size] for size in sorted(stages)]


def measure_stage_widths(encoder: nn.Module, decoder: nn.Module) -> list[int]:
    """Features of every decoder stage, coarse to fine, measured on an empty picture."""
    training = encoder.training
    encoder.eval(), decoder.eval()
    with torch.no_grad():
        widths = [stage.shape[1] for stage in run_decoder_stages(decoder, encoder(torch.zeros(1, 3, 64, 64)))]
    encoder.train(training), decoder.train(training)
    return widths


def stack_hypercolumn(stages: Sequence[Tensor]) -> Tensor:
    """Stack all stages at the size of the last one (Hariharan et al. 2015).

    Parameters
    ----------
    stages : Sequence[Tensor]
        (B, C_i, h_i, w_i), coarse to fine.

    Returns
    -------
    (B, sum of C_i, h, w).

    Examples
    --------
    >>> stack_hypercolumn([torch.ones(1, 4, 2, 2), torch.ones(1, 3, 8, 8)]).shape
    torch.Size([1, 7, 8, 8])
    """
    size = stages[-1].shape[-2:]
    resized = [F.interpolate(stage, size, mode="bilinear", align_corners=False) for stage in stages[:-1]]
    return torch.cat([*resized, stages[-1]], 1)
