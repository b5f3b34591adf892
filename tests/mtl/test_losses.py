"""Laws of every head's loss: nothing outside validity counts, and false alarms are punished."""

import pytest
import torch

from mtl import losses
from mtl.heads import HEADS

ALL = [pytest.param(head, id=head.name) for head in HEADS.values()]


def example(channels=1, batch=2, size=8):
    torch.manual_seed(0)
    logits = torch.randn(batch, channels, size, size, requires_grad=True)
    target = (torch.rand(batch, channels, size, size) > 0.7).float()
    if channels > 1:  # classes: one of them is 1
        target = torch.nn.functional.one_hot(target.argmax(1), channels).movedim(-1, 1).float()
    valid = torch.zeros(batch, 1, size, size)
    valid[..., :5] = 1
    return logits, target, valid


@pytest.mark.parametrize("head", ALL)
def test_gradient_is_zero_outside_validity_and_not_inside(head):
    logits, target, valid = example(head.channels)
    head.loss(logits, target, valid).backward()
    inside = valid.expand_as(logits) == 1
    assert (logits.grad[~inside] == 0).all()
    assert (logits.grad[inside] != 0).all()


@pytest.mark.parametrize("head", ALL)
def test_targets_outside_validity_do_not_matter(head):
    logits, target, valid = example(head.channels)
    other = torch.where(valid > 0, target, 1 - target)
    assert head.loss(logits, target, valid) == head.loss(logits, other, valid)


@pytest.mark.parametrize("head", ALL)
def test_a_batch_without_valid_cells_gives_zero_and_finite_gradients(head):
    logits, target, valid = example(head.channels)
    loss = head.loss(logits, target, valid * 0)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("loss", [losses.bce_dice, losses.dice, losses.peak_focal])
def test_false_alarms_on_a_batch_without_traps_are_punished(loss):
    nothing, valid = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    alarm = loss(torch.full_like(nothing, 5.0), nothing, valid)
    quiet = loss(torch.full_like(nothing, -9.0), nothing, valid)
    assert alarm > quiet + 0.4


def test_the_mean_divides_by_the_number_of_valid_cells():
    # One valid cell out of four: its loss is -log(sigmoid(0)) = log 2, not a quarter of it.
    logits, target = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    valid = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert losses.bce(logits, target, valid) == pytest.approx(0.6931, abs=1e-4)


def test_dice_of_a_hand_made_case():
    # Probabilities 1, 1, 0, 0 against truth 1, 0, 0, 0: Dice = (2*1 + 1) / (2 + 1 + 1) = 0.75.
    logits = torch.tensor([[[[50.0, 50.0], [-50.0, -50.0]]]])
    target = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert losses.dice(logits, target, torch.ones_like(target)) == pytest.approx(0.25, abs=1e-6)


def test_peak_focal_of_a_perfect_answer_is_nearly_zero():
    target = torch.zeros(1, 1, 9, 9)
    target[0, 0, 4, 4] = 1
    logits = torch.where(target > 0, 10.0, -10.0)
    assert losses.peak_focal(logits, target, torch.ones_like(target)) < 1e-6
    assert losses.peak_focal(-logits, target, torch.ones_like(target)) > 10


def test_slopes_are_blind_to_a_shift_and_see_roughness():
    target, valid = torch.rand(1, 1, 20, 20), torch.ones(1, 1, 20, 20)
    assert losses.slope_error(target + 3, target, valid) == pytest.approx(0, abs=1e-6)
    step = torch.zeros(1, 1, 1, 2)
    step[..., 1] = 0.5  # the only pair is wrong by half
    assert losses.slope_error(step, torch.zeros_like(step), torch.ones_like(step)) == pytest.approx(0.5)
    assert losses.slope_error(step, torch.zeros_like(step), torch.tensor([[[[1.0, 0.0]]]])) == 0
