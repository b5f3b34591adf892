"""Last layers of the heads: a 3x3 convolution, averaged over the map or added to an input channel where asked."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl.data.channel_stack import channel_slices
from mtl.data.channels import InputChannel
from mtl.tasks.base import Head


def make_head_layers(width: int, heads: Sequence[Head], inputs: Sequence[InputChannel] = ()) -> nn.ModuleDict:
    """Make the last layer of every head.

    Parameters
    ----------
    width : int
        Channels of the features that they read.
    heads : Sequence[Head]
        The heads.
    inputs : Sequence[InputChannel], default ()
        Input channels that are the last planes of the features.

    Returns
    -------
    {head: (B, width, H, W) -> (B, out_channels, H, W)}.
    """
    return nn.ModuleDict({head.name: make_head_layer(width, head, inputs) for head in heads})


class GlobalMean(nn.Module):
    """Global mean: every cell of a plane gets the plane's mean."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x.mean((-2, -1), keepdim=True).expand_as(x)


class ResidualHead(nn.Conv2d):
    """Last layer of a head that is the residual of an input channel: where the channel is given, the logits are its
    values and a learned change, which is 0 before training.

    Parameters
    ----------
    width : int
        Channels of the features, the input channel among them.
    head : Head
        The head.
    plane : int
        Place of the input channel among the features.
    missing_value : float
        Value of the channel where it is not given.
    """

    def __init__(self, width: int, head: Head, plane: int, missing_value: float) -> None:
        super().__init__(width, head.out_channels, 3, padding=1)
        self.plane, self.missing_value = plane, missing_value
        self.change = nn.Conv2d(width, head.channels, 3, padding=1)
        for start in self.change.parameters():
            nn.init.zeros_(start)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, width, H, W) -> logits (B, out_channels, H, W)."""
        plain, given, change = super().forward(x), x[:, self.plane, None], self.change(x)
        corrected = torch.cat([given + change, plain[:, change.shape[1] :]], 1)
        return torch.where(given == self.missing_value, plain, corrected)


def make_head_layer(width: int, head: Head, inputs: Sequence[InputChannel]) -> nn.Module:
    """The last layer of one head; it starts near the head's own bias, planes for the loss alone near 0."""
    features = width - sum(record.channels for record in inputs)
    given = [
        (features + planes.start, float(record.value_if_missing))
        for record, planes in channel_slices(inputs)
        if record.name == head.residual_of
    ]
    layer = ResidualHead(width, head, *given[0]) if given else nn.Conv2d(width, head.out_channels, 3, padding=1)
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    nn.init.constant_(layer.bias[: head.channels], head.bias)
    return nn.Sequential(layer, GlobalMean()) if head.global_pool else layer
