"""Weights of heads: who weighs more, and when; a gradient is what it is said to be."""

import builtins

import pytest
import torch

from mtl.losses.weighting import SURGERY, WEIGHTINGS, cosine_similarities, find_weighting, gradient_gramian
from targets.errors import UserError


def shared_and(*directions):
    """Shared features at 0 (B, width, h, w) = (1, n, 1, 1), and costs with given gradients there, all of value 1."""
    shared = torch.zeros(1, len(directions[0]), 1, 1, requires_grad=True)
    return shared, [1 + (shared.flatten() * torch.tensor(d)).sum() for d in directions]


def test_products_and_cosines_of_gradients_at_the_shared_features():
    shared, costs = shared_and([3.0, 4.0], [-1.0, 0.0], [0.0, 0.0])
    products = gradient_gramian(costs, shared)
    assert products.tolist() == [[25, -3, 0], [-3, 1, 0], [0, 0, 0]]
    assert shared.grad is None  # nothing is left behind that an optimiser would add
    assert cosine_similarities(products)[:2, :2].flatten().tolist() == pytest.approx([1, -0.6, -0.6, 1])
    assert cosine_similarities(products)[2].isnan().all()


@pytest.mark.parametrize("name", ["fixed", "uncertainty", "dwa"])
def test_the_first_step_has_the_given_weights(name):
    shared, costs = shared_and([1.0], [1.0])
    total, weights = find_weighting(name, [1.0, 0.5])(costs, shared)
    assert weights.tolist() == [1.0, 0.5] and total.item() == 1.5 and not weights.requires_grad
    total.backward()
    assert shared.grad.item() == 1.5


def test_learned_weights_settle_at_one_over_twice_the_cost_and_stay_within_bounds():
    balance = find_weighting("uncertainty", [1.0, 1.0, 1.0])
    optimizer = torch.optim.Adam(balance.parameters(), lr=0.05)
    costs = [torch.tensor(c) for c in (0.1, 2.0, 1e-6)]
    for _ in range(500):
        optimizer.zero_grad()
        balance(costs, costs[0])[0].backward()
        optimizer.step()
    weights = balance(costs, costs[0])[1]
    assert weights[:2].tolist() == pytest.approx([5.0, 0.25], rel=0.02)
    assert weights[2] == pytest.approx(torch.e**4, rel=1e-4)  # 5e5 would be its own wish
    costs[2] = torch.tensor(0.5)
    for _ in range(500):
        optimizer.zero_grad()
        balance(costs, costs[0])[0].backward()
        optimizer.step()
    assert balance(costs, costs[0])[1][2] == pytest.approx(1.0, rel=0.05)  # and it comes back from the bound


def test_dwa_of_a_hand_made_case_and_its_memory():
    balance = find_weighting("dwa", [1.0, 1.0])
    nothing = torch.zeros(1)

    def epoch(one, other):
        for factor in (0.5, 1.5):  # the mean over an epoch counts
            weights = balance([torch.tensor(one * factor), torch.tensor(other * factor)], nothing)[1]
        balance.end_epoch()
        return weights

    assert epoch(4.0, 1.0).tolist() == [1, 1]
    assert epoch(2.0, 1.0).tolist() == [1, 1]
    resumed = find_weighting("dwa", [1.0, 1.0])
    resumed.load_state_dict(balance.state_dict())
    # The first fell to a half, the second stood still: 2 · softmax([0.5, 1] / 2).
    expected = (2 * torch.softmax(torch.tensor([0.25, 0.5]), 0)).tolist()
    assert epoch(2.0, 1.0).tolist() == pytest.approx(expected)
    assert resumed([nothing[0], nothing[0]], nothing)[1].tolist() == pytest.approx(expected)


def test_dwa_compares_the_means_of_epochs_whatever_their_length():
    balance, nothing = find_weighting("dwa", [1.0, 1.0]), torch.zeros(1, 1, 1, 1)
    for batches, losses in ((1, [4.0, 1.0]), (3, [2.0, 1.0])):
        for _ in range(batches):
            balance([torch.tensor(loss) for loss in losses], nothing)
        balance.end_epoch()
    pace = torch.tensor([2.0 / 4.0, 1.0 / 1.0])
    weights = balance([torch.tensor(1.0), torch.tensor(1.0)], nothing)[1]
    assert weights.tolist() == pytest.approx((2 * torch.softmax(pace / 2, 0)).tolist())


@pytest.mark.parametrize("method", SURGERY)
def test_surgery_leaves_heads_alone_that_do_not_fight(method):
    pytest.importorskip("torchjd")
    shared, costs = shared_and([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    weights = find_weighting(f"torchjd:{method}", [1.0, 1.0])(costs, shared)[1]
    assert weights.tolist() == pytest.approx([1, 1], abs=1e-3)


@pytest.mark.parametrize("method", SURGERY)
def test_surgery_never_climbs_for_a_head(method):
    """The sum of these gradients would raise the second head's loss; the weighted sum hardly does, or not at all."""
    pytest.importorskip("torchjd")
    directions = torch.tensor([[3.0, 1.0], [-1.0, 0.2]])
    shared, costs = shared_and(*directions.tolist())
    assert directions.sum(0) @ directions[1] < -1.5
    total, weights = find_weighting(f"torchjd:{method}", [1.0, 1.0])(costs, shared)
    total.backward()
    assert (directions @ shared.grad.flatten() > -0.05).all()
    assert weights.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("method", SURGERY)
def test_surgery_does_not_depend_on_the_scale_of_the_gradients(method):
    """The library takes gradients of 1e-4 for none."""
    pytest.importorskip("torchjd")
    chosen = []
    for scale in (1.0, 1e-5):
        shared, costs = shared_and([3.0 * scale, 1.0 * scale], [-1.0 * scale, 0.2 * scale])
        chosen.append(find_weighting(f"torchjd:{method}", [1.0, 1.0])(costs, shared)[1].tolist())
    assert chosen[1] == pytest.approx(chosen[0], abs=1e-3)


def test_surgery_keeps_heads_out_that_have_no_gradient():
    """The shortest combination of gradients, which mgda seeks, would else be that of a head that sees nothing."""
    pytest.importorskip("torchjd")
    shared, costs = shared_and([1.0, 0.0], [0.0, 2.0], [0.0, 0.0])
    weights = find_weighting("torchjd:mgda", [1.0, 1.0, 0.7])(costs, shared)[1]
    assert weights[2] == pytest.approx(0.7) and weights[0] > weights[1] > 0
    shared, costs = shared_and([0.0], [0.0])
    assert find_weighting("torchjd:mgda", [1.0, 0.5])(costs, shared)[1].tolist() == [1.0, 0.5]


@pytest.mark.parametrize("name", ["dwaa", "torchjd", "torchjd:upgrat", "kendall:fixed"])
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(name):
    with pytest.raises(UserError, match=r"optim\.balance.*upgrad"):
        find_weighting(name, [1.0])
    assert "uncertainty" in WEIGHTINGS


def test_a_missing_library_is_named_with_its_mend(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("torchjd"):
            raise ImportError("no torchjd")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"trapmtl\[balance\]"):
        find_weighting("torchjd:upgrad", [1.0])
