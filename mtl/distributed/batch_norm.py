"""Batch norm over the global batch: timm's conversion on GPUs, and a layer for CPUs, where torch has none."""

import torch
from lightning.pytorch.plugins import LayerSync
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from mtl.distributed.collectives import all_reduce


class SynchronizedBatchNorm(LayerSync):
    """Lightning plugin that makes every batch norm of a network see the batches of all processes in training.

    Lightning's own (`sync_batchnorm=True`) uses torch's conversion, which drops the activation that timm's layers end
    with.

    Parameters
    ----------
    on_gpu : bool
        Whether the network trains on GPUs.
    """

    def __init__(self, on_gpu: bool) -> None:
        self.on_gpu = on_gpu

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace the layers in place; names and values of weights and statistics stay."""
        return convert_sync_batchnorm(model) if self.on_gpu else convert_for_cpu(model)

    def revert(self, model: nn.Module) -> nn.Module:
        """Leave the layers as they are: outside training they are plain batch norm."""
        return model


class CPUSyncBatchNorm(nn.BatchNorm2d):
    """Batch norm over the global batch with gloo; inside `global_batch` only.

    Parameters
    ----------
    layer : BatchNorm
        The layer whose weights, statistics and activation it takes over; of torch, or `BatchNormAct2d` of timm.
    """

    def __init__(self, layer: BatchNorm) -> None:
        super().__init__(layer.num_features, layer.eps, layer.momentum)
        self.weight, self.bias = layer.weight, layer.bias
        self.running_mean, self.running_var = layer.running_mean, layer.running_var
        self.num_batches_tracked, self.training = layer.num_batches_tracked, layer.training
        self.drop, self.act = getattr(layer, "drop", nn.Identity()), getattr(layer, "act", nn.Identity())

    def forward(self, input: Tensor) -> Tensor:
        return self.act(self.drop(self.normalise(input) if self.training else super().forward(input)))

    def normalise(self, input: Tensor) -> Tensor:
        """Normalise (B, C, ...) by mean and variance of the global batch, and update the running statistics."""
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        x = input.float()
        others, shape = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
        counted = torch.cat([x.sum(others), x.new_tensor([x.numel() / x.shape[1]])])
        total, cells = all_reduce(counted).split([x.shape[1], 1])
        mean = total / cells
        centred = x - mean.view(shape)
        variance = all_reduce(centred.square().sum(others)) / cells
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * cells / (cells - 1), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(shape) + self.bias.view(shape)).to(input.dtype)


def convert_for_cpu(module: nn.Module) -> nn.Module:
    """A network with `CPUSyncBatchNorm` in place of every batch norm, converted in place but for a lone layer."""
    if isinstance(module, BatchNorm):
        return CPUSyncBatchNorm(module)
    for name, child in module.named_children():
        module.add_module(name, convert_for_cpu(child))
    return module
