"""Laws of every loss and every head's: nothing outside validity counts, wrong costs more, false alarms are punished."""

import numpy as np
import pytest
import torch
from monai.losses import DiceLoss, FocalLoss, MaskedDiceLoss, TverskyLoss
from scipy import ndimage

from mtl.config import OptimConfig
from mtl.losses import masked as losses
from mtl.losses.masked import LOSSES, find_loss
from mtl.tasks.heads import HEADS, with_losses
from targets.errors import UserError

CLASSES = 3


def cases():
    """Every loss and some sums: (loss, task). Losses that read traps have tests of their own."""
    for record in LOSSES.values():
        for task in () if record.reads_traps else record.tasks:
            yield pytest.param(record, task, id=f"{record.name}-{task}")
    for name, task in (
        ("bce+lovasz", "binary"),
        ("bce+dice+boundary", "binary"),
        ("cross_entropy+class_dice", "multiclass"),
    ):
        yield pytest.param(find_loss(name, task, ""), task, id=name)


ALL = list(cases())
MASKS = [case for case in ALL if case.values[1] == "binary"]
HEAD = [pytest.param(head, id=head.name) for head in HEADS.values()]


def right_answer(loss, task, batch=2, size=8):
    """Logits that are right everywhere, the target, and validity: the left five columns."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(batch, CLASSES if task == "multiclass" else 1, size, size, generator=generator)
    if task == "regression":
        target = noise
        logits = torch.cat([noise] + [-40 * torch.ones_like(noise)] * (loss.logits_per_channel - 1), 1)
    elif task == "multiclass":
        target = torch.nn.functional.one_hot(noise.argmax(1), CLASSES).movedim(-1, 1).float()
        logits = 20 * target
    else:
        target = (noise > 0.7).float()
        logits = 40 * target - 20
    valid = torch.zeros(batch, 1, size, size)
    valid[..., :5] = 1
    return logits, target, valid


def example(loss, task):
    """Random logits that want a gradient, a target and validity."""
    right, target, valid = right_answer(loss, task)
    logits = torch.randn(right.shape, generator=torch.Generator().manual_seed(1))
    return logits.requires_grad_(), target, valid


@pytest.mark.parametrize(("loss", "task"), ALL)
def test_gradient_is_zero_outside_validity_and_not_inside(loss, task):
    logits, target, valid = example(loss, task)
    loss(logits, target, valid).backward()
    inside = valid.expand_as(logits) == 1
    assert (logits.grad[~inside] == 0).all()
    share = (logits.grad[inside] != 0).float().mean()
    assert share == 1 or (loss.name == "lovasz" and share > 0.5)  # a hinge that is met has no gradient


@pytest.mark.parametrize(("loss", "task"), ALL)
def test_targets_outside_validity_do_not_matter_even_if_nan(loss, task):
    logits, target, valid = example(loss, task)
    other = torch.where(valid > 0, target, 1 - target)
    assert loss(logits, target, valid) == loss(logits, other, valid)
    unknown = torch.where(valid > 0, target, torch.nan)
    value = loss(logits, unknown, valid)
    assert value == loss(logits, target, valid)
    value.backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(("loss", "task"), ALL)
def test_cells_outside_validity_may_as_well_be_cut_off(loss, task):
    logits, target, valid = example(loss, task)
    cut = loss(logits[..., :5], target[..., :5], valid[..., :5])
    assert loss(logits, target, valid).item() == pytest.approx(cut.item(), rel=1e-5)


@pytest.mark.parametrize(("loss", "task"), ALL)
def test_a_batch_without_valid_cells_gives_zero_and_finite_gradients(loss, task):
    logits, target, valid = example(loss, task)
    nothing = loss(logits, target, valid * 0)
    nothing.backward()
    assert nothing == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize(("loss", "task"), ALL)
def test_a_right_answer_costs_least(loss, task):
    right, target, valid = right_answer(loss, task)
    wrong = torch.cat([1 - right[:, :1], right[:, 1:]], 1) if task == "regression" else -right
    assert 0 <= loss(right, target, valid) < 0.3 * loss(wrong, target, valid)
    a_little = torch.where(torch.rand(right.shape, generator=torch.Generator().manual_seed(2)) > 0.9, wrong, right)
    assert loss(right, target, valid) < loss(a_little, target, valid) < loss(wrong, target, valid)


@pytest.mark.parametrize(("loss", "task"), MASKS)
def test_false_alarms_on_a_batch_without_traps_are_punished(loss, task):
    nothing, valid = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    logits = torch.full_like(nothing, 5.0).requires_grad_()
    alarm = loss(logits, nothing, valid)
    quiet = loss(torch.full_like(nothing, -9.0), nothing, valid)
    assert alarm > quiet + 0.4
    alarm.backward()
    assert logits.grad.max() > 0 and logits.grad.min() >= 0  # downhill is down


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("loss", "task"), ALL)
def test_half_precision_and_extreme_logits_stay_finite(loss, task, dtype):
    logits, target, _ = right_answer(loss, task, batch=1, size=320)  # 100 000 cells: more than float16 can count
    valid = torch.ones(1, 1, 320, 320)
    for extreme in (50.0, -50.0):
        raw = torch.full_like(logits, extreme, dtype=dtype).requires_grad_()
        value = loss(raw, target.to(dtype), valid)
        value.backward()
        assert value.isfinite() and raw.grad.isfinite().all()


@pytest.mark.parametrize("head", HEAD)
def test_the_loss_of_every_head_keeps_the_laws_too(head):
    logits, target, valid = example(head.loss, head.task)
    target = target * head.scale
    head.compute_loss(logits, target, valid).backward()
    inside = valid.expand_as(logits) == 1
    assert (logits.grad[~inside] == 0).all() and (logits.grad[inside] != 0).all()
    assert head.compute_loss(logits, target, valid * 0) == 0


def test_the_mean_divides_by_the_number_of_valid_cells():
    # One valid cell out of four: its loss is -log(sigmoid(0)) = log 2, not a quarter of it.
    logits, target = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    valid = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert losses.bce(logits, target, valid) == pytest.approx(0.6931, abs=1e-4)


def test_on_valid_cells_the_losses_are_those_of_monai():
    """MONAI's know no validity in a mean, no NaN and no global batch; where that does not matter, they agree."""
    logits, target, valid = example(LOSSES["dice"], "binary")
    everywhere, half = torch.ones_like(valid), {"batch": True, "smooth_nr": 0.5, "smooth_dr": 0.5}
    whole = {"batch": True, "smooth_nr": 1.0, "smooth_dr": 1.0}  # twice ours: its Dice has hits twice
    pairs = [
        (losses.dice(logits, target, everywhere), DiceLoss(sigmoid=True, **whole)(logits, target)),
        (losses.dice(logits, target, valid), MaskedDiceLoss(sigmoid=True, **whole)(logits, target, valid)),
        (
            losses.tversky(logits, target, everywhere),
            TverskyLoss(sigmoid=True, alpha=0.3, beta=0.7, **half)(logits, target),
        ),
        (losses.focal(logits, target, everywhere), FocalLoss(gamma=2)(logits, target)),
    ]
    for own, other in pairs:
        assert own.item() == pytest.approx(other.item(), rel=1e-5)


def row(*values):
    return torch.tensor([[[values]]], dtype=torch.float32)


def test_dice_of_a_hand_made_case():
    # Probabilities 1, 1, 0, 0 against truth 1, 0, 0, 0: Dice = (2*1 + 1) / (2 + 1 + 1) = 0.75.
    logits, target = row(50, 50, -50, -50), row(1, 0, 0, 0)
    assert losses.dice(logits, target, torch.ones_like(target)) == pytest.approx(0.25, abs=1e-6)


def test_tversky_weighs_false_alarms_and_misses():
    # One hit, one false alarm, two misses: 1 - (1 + .5) / (1 + 0.3*1 + 0.7*2 + .5) = 1 - 1.5 / 3.2.
    logits, target = row(50, 50, -50, -50, -50), row(1, 0, 1, 1, 0)
    valid = torch.ones_like(target)
    assert losses.tversky(logits, target, valid, 0.3, 0.7) == pytest.approx(1 - 1.5 / 3.2, abs=1e-6)
    assert losses.tversky(logits, target, valid, 0.5, 0.5) == losses.dice(logits, target, valid)
    tuned = find_loss("tversky", "binary", "", fp_weight=1.0, fn_weight=0.0)
    assert tuned(logits, target, valid) == pytest.approx(1 - 1.5 / 2.5, abs=1e-6)


def test_focal_of_a_hand_made_case():
    # An undecided cell: 0.5² · log 2. A sure and right one: nothing.
    assert losses.focal(row(0), row(1), row(1)) == pytest.approx(0.25 * 0.6931, abs=1e-4)
    assert losses.focal(row(0, 9), row(1, 1), row(1, 1)) == pytest.approx(0.125 * 0.6931, abs=1e-4)


def test_lovasz_is_one_minus_iou_where_the_hinge_is_0_or_1():
    # Right with margin 1, missed and falsely alarmed at margin 0: 1 - IoU = 1 - 1/3.
    logits, target = row(1, 0, 0, -1), row(1, 1, 0, 0)
    assert losses.lovasz(logits, target, torch.ones_like(target)) == pytest.approx(2 / 3, abs=1e-6)
    masked = row(1, 1, 0, 1)  # without the false alarm: 1 - 1/2
    assert losses.lovasz(logits, target, masked) == pytest.approx(1 / 2, abs=1e-6)


def test_distances_are_euclidean_up_to_the_maximum():
    there = torch.rand(2, 1, 20, 27, generator=torch.Generator().manual_seed(0)) > 0.98
    assert there.any((1, 2, 3)).all()
    exact = np.stack([ndimage.distance_transform_edt(~plane[0].numpy())[None] for plane in there])
    np.testing.assert_allclose(losses.distance_to(there, 6), np.minimum(exact, 6), rtol=1e-6)
    assert (losses.distance_to(torch.zeros(1, 1, 4, 4, dtype=torch.bool), 6) == 6).all()


def test_the_boundary_loss_of_a_hand_made_case():
    # Truth 0 0 0 1: a sure alarm three cells from the trap, one at its side. (3 + 1) / 16 / 4 cells.
    target, valid = row(0, 0, 0, 1), row(1, 1, 1, 1)
    logits = row(50, -50, 50, 50)
    assert losses.boundary(logits, target, valid) == pytest.approx(4 / 16 / 4, abs=1e-6)
    # A miss costs the distance to the nearest cell outside the trap.
    assert losses.boundary(-50 * torch.ones(1, 1, 1, 4), target, valid) == pytest.approx(1 / 16 / 4, abs=1e-6)
    # Where no outline is known, it is as far as can be.
    assert losses.boundary(logits, target, row(1, 1, 1, 0)) == pytest.approx(2 / 3, abs=1e-6)
    assert losses.boundary(-logits, 1 - target, row(1, 1, 1, 0)) == pytest.approx(2 / 3, abs=1e-6)


def test_a_head_that_admits_it_cannot_know_pays_less_where_it_is_wrong():
    def loss(guess, log_variance):
        return losses.heteroscedastic(torch.cat([row(guess), row(log_variance)], 1), row(0), row(1))

    assert loss(2.0, 1.4) < loss(2.0, 0.0) and loss(0.1, 1.4) > loss(0.1, 0.0)
    # The best log-variance is that of the squared error: log 4 of an error of 2.
    assert loss(2.0, 1.4) < min(loss(2.0, 1.0), loss(2.0, 1.8))
    assert loss(0.5, -1.4) < min(loss(0.5, -1.0), loss(0.5, -1.8))


def test_the_error_of_distances_is_squared_below_a_tenth_and_counts_as_it_is_above():
    costs = [losses.smooth_l1(row(error), row(0), row(1)) for error in (0.05, 1.0)]
    assert costs == [pytest.approx(0.05**2 / 0.2), pytest.approx(1 - 0.05)]


def test_peak_focal_of_a_perfect_answer_is_nearly_zero():
    target = torch.zeros(1, 1, 9, 9)
    target[0, 0, 4, 4] = 1
    logits = torch.where(target > 0, 10.0, -10.0)
    assert losses.peak_focal(logits, target, torch.ones_like(target)) < 1e-6
    assert losses.peak_focal(-logits, target, torch.ones_like(target)) > 10
    # Undecided: 0.5² · log 2 of the peak, and (1 - 0.5)⁴ of that half-way down its side.
    undecided = losses.peak_focal(row(0, 0), row(1, 0.5), row(1, 1))
    assert undecided == pytest.approx(0.25 * np.log(2) * (1 + 1 / 16))


def test_gradients_are_blind_to_a_shift_and_see_roughness():
    target, valid = torch.rand(1, 1, 20, 20), torch.ones(1, 1, 20, 20)
    assert losses.gradient_error(target + 3, target, valid) == pytest.approx(0, abs=1e-6)
    step = torch.zeros(1, 1, 1, 2)
    step[..., 1] = 0.5  # the only pair is wrong by half
    assert losses.gradient_error(step, torch.zeros_like(step), torch.ones_like(step)) == pytest.approx(0.5)
    assert losses.gradient_error(step, torch.zeros_like(step), torch.tensor([[[[1.0, 0.0]]]])) == 0
    for shape in ((1, 1, 17, 1), (1, 1, 1, 17)):  # an error that grows by 1 a cell: by 1, 2, 4, 8 and 16 over these
        slope = torch.arange(17.0).reshape(shape)
        assert losses.gradient_error(slope, 0 * slope, torch.ones(shape)) == pytest.approx(31 / 5)


def test_a_sum_of_losses_is_their_sum():
    logits, target, valid = example(LOSSES["bce"], "binary")
    both = find_loss("bce+lovasz", "binary", "")
    assert both(logits, target, valid) == losses.bce(logits, target, valid) + losses.lovasz(logits, target, valid)


def test_settings_choose_the_loss_of_a_head():
    optim = OptimConfig(losses={"trap": "tversky", "dist": "heteroscedastic"}, fp_weight=0.1)
    trap, dist, crest = with_losses([HEADS["trap"], HEADS["dist"], HEADS["crest"]], optim)
    assert (trap.loss.name, dist.loss.name, crest) == ("tversky", "heteroscedastic", HEADS["crest"])
    assert (dist.channels, dist.out_channels) == (1, 2)
    assert dist.values(torch.zeros(1, 2, 8, 8)).shape == (1, 1, 8, 8)


@pytest.mark.parametrize(
    ("head", "name", "words"),
    [
        ("trap", "tverski", "tverski.*bce, dice, tversky"),
        ("trap", "smooth_l1", "smooth_l1 is for regression, the task of this head is binary.*tversky"),
        ("crest", "bce+dice", "dice is for binary"),
        ("dist", "smooth_l1+heteroscedastic", "different planes"),
    ],
)
def test_a_loss_that_is_unknown_or_does_not_fit_is_an_error_that_lists_those_that_do(head, name, words):
    with pytest.raises(UserError, match=f"optim.losses.{head}: .*{words}"):
        with_losses([HEADS[head]], OptimConfig(losses={head: name}))
