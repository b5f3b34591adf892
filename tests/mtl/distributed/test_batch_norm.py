"""Layers that are exchanged for synchronized batch norm keep their weights, statistics, names and activation."""

import copy

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn

from mtl.distributed.batch_norm import SynchronizedBatchNorm


@pytest.mark.parametrize("training", [True, False])
def test_one_process_computes_what_the_plain_layers_do(training):
    torch.manual_seed(0)
    plain = nn.Sequential(BatchNormAct2d(4, act_layer=nn.PReLU), nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3))
    for weights in plain.parameters():
        nn.init.uniform_(weights)
    changed = SynchronizedBatchNorm(on_gpu=False).apply(copy.deepcopy(plain))
    assert list(changed.state_dict()) == list(plain.state_dict())
    plain.train(training), changed.train(training)
    batch = torch.rand(2, 4, 5, 5)
    for _ in range(2):
        torch.testing.assert_close(changed(batch), plain(batch), rtol=1e-5, atol=1e-6)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(changed.state_dict()[name], value, rtol=1e-5, atol=1e-6)
