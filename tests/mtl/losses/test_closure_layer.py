"""Laws of the loss on closures: exact gradient, nothing paid where traps are as drawn, traps that open and close."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from mtl.config import OptimConfig
from mtl.data.symmetries import SYMMETRIES, d4_transform
from mtl.losses.closure_layer import NEEDED_HEIGHT, closure_cost
from mtl.losses.masked import DEFAULT_CRITERIA, LOSSES, MaskedTraps, find_loss
from mtl.tasks.heads import HEADS, with_losses
from targets.closure import find_closures
from targets.errors import UserError
from targets.truth.criteria import TrapCriteria
from targets.truth.rasters import BORDER, FAULT, LEAST_AREA, TRAP

ALL = TrapCriteria(min_area=0, min_relief=0)  # every closure counts
CLOSURE = LOSSES["closure"]


def rough(seed, size=24, smoothing=2.0):
    """A generic surface: no two depths are equal; its relief is about 2."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), smoothing)
    return torch.from_numpy(noise / np.abs(noise).max())


def domes(size, *places, height=0.4, radius=6.0):
    """A plane that falls slowly to the right, with a dome at each place."""
    rows, cols = np.indices((size, size))
    depth = 0.4 * cols / size + 0.01 * rows / size
    for row, col in places:
        depth = depth - height * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * (radius / 2) ** 2))
    return torch.from_numpy(depth)


def map_of(labels, fault=None, border=None, least_area=0):
    """Planes of one map."""
    planes = torch.zeros(1, 4, *labels.shape)
    planes[0, TRAP] = torch.from_numpy(labels.copy())
    planes[0, LEAST_AREA] = least_area
    if fault is not None:
        planes[0, FAULT] = torch.from_numpy(fault.copy()).float()
    if border is not None:
        planes[0, BORDER] = torch.from_numpy(border).float()
    return planes


def disc(size, row, col, radius):
    rows, cols = np.indices((size, size))
    return (np.hypot(rows - row, cols - col) <= radius).astype(np.int64)


def cost(depth, labels, criteria=ALL, known=None, **planes):
    """(H, W) cost of one surface."""
    known = torch.ones(1, 1, *depth.shape) if known is None else torch.from_numpy(known)[None, None].float()
    return closure_cost(depth[None, None], map_of(labels, **planes), known, criteria)[0, 0]


RULES = {
    "open": ALL,
    "closed": TrapCriteria(min_area=0, min_relief=0, edge="closed"),
    "4 neighbours": TrapCriteria(min_area=0, min_relief=0, connectivity=4),
    "sealing": TrapCriteria(min_area=0, min_relief=0, faults="sealing"),
    "leaking": TrapCriteria(min_area=0, min_relief=0, faults="leaking"),
    "thresholds": TrapCriteria(min_area=3, min_relief=0.01),
    "single": TrapCriteria(min_area=0, min_relief=0, culminations="single"),
    "free of faults": TrapCriteria(min_area=0, min_relief=0, fault_contact="free"),
    "contour": TrapCriteria(min_area=0, min_relief=0, reading="contour"),
}


@pytest.mark.parametrize("name", RULES)
def test_the_gradient_is_that_of_finite_differences(name):
    depth = rough(3).requires_grad_()
    labels = disc(24, 9, 8, 4) + 2 * disc(24, 18, 20, 6)  # the second reaches the border
    fault = np.zeros((24, 24), bool)
    fault[4:20, 13:15] = True
    known = disc(24, 12, 12, 14) > 0

    def total(surface):
        return cost(
            surface, labels, RULES[name], known, fault=fault, border=known & ~ndimage.binary_erosion(known)
        ).sum()

    value = total(depth)
    (gradient,) = torch.autograd.grad(value, depth)
    direction = torch.randn(6, 24, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    step = 1e-7
    for along in direction:
        with torch.no_grad():
            slope = (total(depth + step * along) - total(depth - step * along)) / (2 * step)
        assert slope == pytest.approx((gradient * along).sum().item(), rel=1e-4)
    assert value > 0 and (gradient != 0).sum() > 50


@pytest.mark.parametrize("criteria", [ALL, TrapCriteria(min_area=20)])
def test_descent_opens_a_false_trap_and_closes_a_missed_one(criteria):
    labels, surface = disc(40, 28, 26, 5), domes(40, (12, 14)).requires_grad_()  # a dome where none is drawn
    descent = torch.optim.SGD([surface], lr=2e-4)
    for _ in range(200):
        if (total := cost(surface, labels, criteria).sum()) == 0:
            break
        descent.zero_grad()
        total.backward()
        descent.step()
    found = find_closures(surface.detach().numpy(), min_area=criteria.min_area, min_height=2 * criteria.min_relief)
    assert total == 0  # after about 50 steps
    assert ((found.labels > 0) == (labels > 0)).all()
    assert (surface - domes(40, (12, 14))).abs().max() < 0.4  # no more than the dome's own height


def test_nothing_is_paid_where_the_closures_are_those_that_were_drawn():
    depth = domes(40, (12, 14), (26, 28)).requires_grad_()
    labels = find_closures(depth.detach().numpy()).labels
    assert labels.max() == 2
    free = cost(depth, labels)
    assert (free[labels == 0] == 0).all()
    # With heights of a margin at the outline, inside too.
    raised = (depth - torch.from_numpy(np.where(labels > 0, NEEDED_HEIGHT, 0))).detach().requires_grad_()
    total = cost(raised, labels).sum()
    total.backward()
    assert total == 0 and (raised.grad == 0).all()
    # One trap more or less is paid for.
    assert cost(raised, labels * (labels == 1)).sum() > 0
    assert cost(raised, labels + 3 * disc(40, 30, 8, 4)).sum() > 0


def test_a_constant_changes_nothing_and_symmetries_turn_the_cost():
    depth, labels = rough(5).float(), disc(24, 9, 8, 4)
    fault = disc(24, 16, 16, 3) > 0
    rules = TrapCriteria(min_area=4, min_relief=0.01, faults="sealing")
    whole = cost(depth, labels, rules, fault=fault)
    torch.testing.assert_close(cost(depth + 8, labels, rules, fault=fault), whole, atol=1e-4, rtol=0)
    for turns, flip in SYMMETRIES["d4"]:
        turned = cost(
            d4_transform(depth, turns, flip),
            d4_transform(labels, turns, flip),
            rules,
            fault=d4_transform(fault, turns, flip),
        )
        torch.testing.assert_close(turned, d4_transform(whole, turns, flip))


def test_only_what_a_patch_can_tell_is_paid():
    depth = domes(40, (20, 20), radius=12)
    labels = find_closures(depth.numpy()).labels
    higher = depth - torch.from_numpy(np.where(labels > 0, NEEDED_HEIGHT, 0))
    crop = higher[:, 20:], labels[:, 20:]  # the drawn trap goes on beyond the patch
    assert cost(*crop).sum() == 0
    assert cost(crop[0], 0 * crop[1]).sum() == 0  # a high at the edge of the patch may be open beyond it
    assert cost(higher, 0 * labels).sum() > 0
    # Against a closed edge of the map it is a closure, which is drawn or false.
    closed, edge = RULES["closed"], np.zeros_like(crop[1], bool)
    edge[:, 0] = edge[:, -1] = edge[0] = edge[-1] = True
    assert cost(crop[0], 0 * crop[1], closed, border=edge).sum() > 0
    assert cost(crop[0], 0 * crop[1], closed, border=edge & False).sum() == 0


def test_faults_hold_or_let_out_as_the_rules_say():
    depth, wall = domes(40, (20, 20)), np.zeros((40, 40), bool)
    wall[10:30, 20:22] = True
    nothing = np.zeros((40, 40), np.int64)
    assert cost(depth, nothing, fault=wall)[20, 19] > 0
    assert cost(depth, nothing, RULES["leaking"], fault=wall).sum() == 0
    sealing = cost(depth, nothing, RULES["sealing"], fault=wall)
    assert sealing[20, 19] > 0 and (sealing[torch.from_numpy(wall)] == 0).all()


def test_closures_below_the_thresholds_are_not_false():
    depth, nothing = domes(40, (20, 20)), np.zeros((40, 40), np.int64)
    area = int((find_closures(depth.numpy()).labels > 0).sum())
    assert cost(depth, nothing, least_area=area).sum() > 0
    assert cost(depth, nothing, least_area=area + 1).sum() == 0


def test_below_its_outline_a_contoured_trap_may_go_on():
    depth = domes(40, (20, 20))
    smaller = (find_closures(depth.numpy()).height > 0.05).astype(np.int64)
    around = torch.from_numpy(smaller == 0)
    assert (cost(depth, smaller, RULES["contour"])[around] == 0).all()
    assert cost(depth, smaller)[around].sum() > 0
    assert cost(depth, 0 * smaller, RULES["contour"]).sum() > 0


# -- as a loss of a head -------------------------------------------------------------------------------------------


def batch_of(*pairs):
    """Values, as a depth head predicts them, and the traps of a batch; the last column is outside the map."""
    values = -torch.stack([depth for depth, _ in pairs])[:, None].float()
    planes = torch.cat([map_of(labels) for _, labels in pairs])
    known = torch.ones_like(values)
    known[..., -1] = 0
    return values.requires_grad_(), MaskedTraps(planes, known)


def test_the_loss_is_the_mean_over_known_cells_of_all_maps_and_blind_outside():
    pairs = (rough(1), disc(24, 9, 8, 4)), (rough(2), disc(24, 12, 14, 5) + 2 * disc(24, 3, 3, 2))
    loss = find_loss("closure", "regression", "", criteria=ALL)
    values, traps = batch_of(*pairs)
    unknown = torch.full_like(values, torch.nan)
    total = loss(values, unknown, values * 0, traps)
    alone = [loss(each, each * 0, each * 0, own) for each, own in (batch_of(pair) for pair in pairs)]
    assert total.item() == pytest.approx(sum(alone).item() / 2, rel=1e-5)
    outside = MaskedTraps(traps.planes.masked_fill(traps.known == 0, torch.nan), traps.known)
    mixed = values.detach().masked_fill(traps.known == 0, torch.nan).requires_grad_()
    again = loss(mixed, unknown, values * 0, outside)
    again.backward()
    assert again == total and mixed.grad.isfinite().all() and (mixed.grad[..., -1] == 0).all()
    nothing = loss(values, unknown, values * 0, MaskedTraps(traps.planes, traps.known * 0))
    nothing.backward()
    assert nothing == 0 and (values.grad == 0).all()
    diverged = torch.full_like(values, torch.nan)
    assert loss(diverged, unknown, values * 0, traps).isnan()  # so that the check of every step sees it


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_and_flat_surfaces_stay_finite(dtype):
    for surface in (rough(1), torch.zeros(24, 24)):
        values, traps = batch_of((surface, disc(24, 9, 8, 4)))
        raw = (100 * values.detach()).to(dtype).requires_grad_()
        loss = CLOSURE(raw, raw, raw, traps)
        loss.backward()
        assert loss > 0 and raw.grad.isfinite().all()


def test_a_depth_head_learns_from_traps_where_no_depth_is_known():
    (head,) = with_losses([HEADS["depth"]], OptimConfig(losses={"depth": "smooth_l1+slopes+closure"}))
    values, traps = batch_of((rough(1), disc(24, 9, 8, 4)))
    no_depth = torch.zeros_like(traps.known)
    loss = head.compute_loss(values, values.detach() * 0, no_depth, traps)
    assert loss == CLOSURE(values, values, no_depth, traps) > 0
    loss.backward()
    assert values.grad.abs().sum() > 0
    known = head.compute_loss(values, values.detach() * 0, traps.known, traps)
    assert known > loss  # the depth is wrong, too


def test_criteria_of_the_run_reach_the_loss():
    values, traps = batch_of((domes(24, (12, 12)), np.zeros((24, 24), np.int64)))
    optim = OptimConfig(losses={"depth": "closure"})
    by_default, leaking = (
        with_losses([HEADS["depth"]], optim, criteria)[0].compute_loss(values, values, values, traps)
        for criteria in (DEFAULT_CRITERIA, TrapCriteria(min_relief=0.5))
    )
    assert by_default > 0 and leaking == 0


def test_a_head_that_predicts_no_surface_cannot_have_it():
    with pytest.raises(
        UserError, match=r"optim.losses.dist: closure reads closures of a surface.*dist.*expected depth"
    ):
        with_losses([HEADS["dist"]], OptimConfig(losses={"dist": "closure"}))
