"""Last layers of the heads."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl.data.channel_stack import channel_slices
from mtl.data.channels import InputChannel
from mtl.tasks.base import Head


def make_head_layers(width: int, heads: Sequence[Head], inputs: Sequence[InputChannel] = ()) -> nn.ModuleDict:
    """The last layer of every head; `inputs` are the last planes of the features that it reads."""
    return nn.ModuleDict({head.name: make_head_layer(width, head, inputs) for head in heads})


class GlobalMean(nn.Module):
    """The mean of every plane in all its cells."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x.mean((-2, -1), keepdim=True).expand_as(x)


class ResidualHead(nn.Conv2d):
    """The last layer of a head that corrects one of the inputs: where it is shown, the answer is what it says and a
    change, at first none."""

    def __init__(self, width: int, head: Head, place: int, blank: float) -> None:
        super().__init__(width, head.out_channels, 3, padding=1)
        self.place, self.blank = place, blank
        self.change = nn.Conv2d(width, head.channels, 3, padding=1)
        for start in self.change.parameters():
            nn.init.zeros_(start)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, width, H, W), that input at a place among them -> (B, planes, H, W)."""
        plain, given, change = super().forward(x), x[:, self.place, None], self.change(x)
        corrected = torch.cat([given + change, plain[:, change.shape[1] :]], 1)
        return torch.where(given == self.blank, plain, corrected)


def make_head_layer(width: int, head: Head, inputs: Sequence[InputChannel]) -> nn.Module:
    """The 3x3 convolution of one head; it starts near the head's own bias, planes for the loss alone near 0."""
    features = width - sum(record.channels for record in inputs)
    corrected = [
        (features + own.start, float(record.value_if_missing)) for record, own in channel_slices(inputs) if record.name == head.residual_of
    ]
    layer = ResidualHead(width, head, *corrected[0]) if corrected else nn.Conv2d(width, head.out_channels, 3, padding=1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    nn.init.constant_(layer.bias[: head.channels], head.bias)
    return nn.Sequential(layer, GlobalMean()) if head.global_pool else layer
