"""The moving average is what its formula says."""

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from mtl.training.callbacks.ema import WarmupEMA


def test_the_average_of_a_hand_made_case():
    net = torch.nn.Linear(1, 1, bias=False)
    average = AveragedModel(net, multi_avg_fn=WarmupEMA(0.15).update_averages)
    seen = []
    for value in (1.0, 2.0, 3.0):
        torch.nn.init.constant_(net.weight, value)
        average.update_parameters(net)
        seen.append(average.module.weight.item())
    # The first weights as they are; 2/11 and 3/12 of the second and third are more than a decay of 0.15.
    assert seen == pytest.approx([1.0, 0.15 * 1 + 0.85 * 2, 0.15 * 1.85 + 0.85 * 3])
    slow = AveragedModel(net, multi_avg_fn=WarmupEMA(0.999).update_averages)
    for value in (1.0, 2.0):
        torch.nn.init.constant_(net.weight, value)
        slow.update_parameters(net)
    assert slow.module.weight.item() == pytest.approx(2 / 11 * 1 + 9 / 11 * 2)
