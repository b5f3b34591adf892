"""Weighting of the heads' losses: fixed, learned uncertainty, dynamic average, gradient surgery."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mtl.distributed.collectives import all_reduce, world_size
from targets.errors import UserError

SURGERY = {  # torchjd's weightings of a Gramian that keep nothing between steps, which a resumed run would lack
    "upgrad": "UPGradWeighting",
    "mgda": "MGDAWeighting",
    "pcgrad": "PCGradWeighting",
    "dualproj": "DualProjWeighting",
    "imtlg": "IMTLGWeighting",
    "alignedmtl": "AlignedMTLWeighting",
}


class FixedWeights(nn.Module):
    """The weights that a user gives; the base of the others, which multiply them.

    Parameters
    ----------
    base_weights : (heads,) Tensor
        Weights by `optim.loss_weights`.
    """

    base_weights: Tensor

    def __init__(self, base_weights: Tensor) -> None:
        super().__init__()
        self.register_buffer("base_weights", base_weights, persistent=False)

    def forward(self, losses: Sequence[Tensor], shared: Tensor) -> tuple[Tensor, Tensor]:
        """The weighted sum to descend on, and the weights in it.

        Parameters
        ----------
        losses : Sequence[Tensor]
            Every head's loss on a batch.
        shared : (B, width, h, w) Tensor
            Features that all of them were computed from.

        Returns
        -------
        scalar Tensor, (heads,) Tensor without gradient
        """
        weights = self.weights(losses, shared)
        return (weights * torch.stack(list(losses))).sum(), weights

    def weights(self, losses: Sequence[Tensor], shared: Tensor) -> Tensor:
        """(heads,) weights on a batch."""
        return self.base_weights

    def end_epoch(self) -> None:
        """Called once all batches of an epoch were seen."""


class LearnedUncertainty(FixedWeights):
    """A log-variance per head, learned with the network: loss / variance + log(variance) / 2 (Kendall et al. 2018).

    Heads that stay wrong weigh less: at rest, a head's weight is 1 over twice its loss.
    """

    MAX_LOG_VARIANCE = 4.0  # within ± this, weights within e^±4: none grows without bounds or is lost

    def __init__(self, base_weights: Tensor) -> None:
        super().__init__(base_weights)
        self.log_variance = nn.Parameter(torch.zeros_like(base_weights))

    def forward(self, losses: Sequence[Tensor], shared: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():  # the parameter itself is clamped, so that it can come back
            self.log_variance.clamp_(-self.MAX_LOG_VARIANCE, self.MAX_LOG_VARIANCE)
        precision = torch.exp(-self.log_variance)
        total = (self.base_weights * (precision * torch.stack(list(losses)) + self.log_variance / 2)).sum()
        return total, (self.base_weights * precision).detach()


class DynamicAverage(FixedWeights):
    """Dynamic weight average (Liu et al. 2019, eq. 7): heads whose loss fell least over the last two epochs weigh more.

    The first two epochs have the given weights. The last two epochs' mean losses are kept in checkpoints.
    """

    TEMPERATURE = 2.0  # as in the paper; the larger, the more alike the weights

    history: Tensor
    seen: Tensor

    def __init__(self, base_weights: Tensor) -> None:
        super().__init__(base_weights)
        self.register_buffer("history", torch.full((2, len(base_weights)), torch.nan))  # last epoch, the one before
        self.register_buffer("seen", torch.zeros(len(base_weights) + 1))  # sums of this epoch, and batches

    def weights(self, losses: Sequence[Tensor], shared: Tensor) -> Tensor:
        self.seen += torch.stack([*losses, losses[0].new_ones(())]).detach()
        if self.history.isnan().any():
            return self.base_weights
        pace = self.history[0] / self.history[1].clamp(min=1e-8)
        return self.base_weights * len(self.base_weights) * torch.softmax(pace / self.TEMPERATURE, 0)

    def end_epoch(self) -> None:
        self.history.copy_(torch.stack([self.seen[:-1] / self.seen[-1].clamp(min=1), self.history[0]]))
        self.seen.zero_()


class GradientSurgery(FixedWeights):
    """Weights by which the heads' gradients at the shared features conflict least, by a method of the library torchjd.

    Methods of Jacobian descent ask for gradients at all shared weights, one backward pass through the network per head.
    At the shared features they cost a pass through one convolution per head, and bound the others (Sener & Koltun
    2018, MGDA-UB). The methods' weights multiply the given ones and have a mean of 1; some methods give sums, others
    means. Heads without a gradient, as on a batch without valid cells, keep their given weight.

    Parameters
    ----------
    base_weights : (heads,) Tensor
        Weights by `optim.loss_weights`.
    method : str
        A name of `SURGERY`.
    """

    def __init__(self, base_weights: Tensor, method: str) -> None:
        super().__init__(base_weights)
        self.method = load_surgery(method)

    def weights(self, losses: Sequence[Tensor], shared: Tensor) -> Tensor:
        gramian = gradient_gramian(losses, shared) * self.base_weights * self.base_weights[:, None]
        active = gramian.diagonal() > 0
        if active.sum() < 2:
            return self.base_weights
        gramian = gramian[active][:, active]
        factors = self.method(gramian / gramian.diagonal().mean())  # torchjd takes very small gradients for none
        weights = self.base_weights.clone()
        weights[active] *= factors / factors.mean()
        return weights


def load_surgery(name: str) -> nn.Module:
    """A method of torchjd: (heads, heads) Gramian of gradients -> (heads,) weights.

    Raises
    ------
    UserError
        Unknown method, or torchjd is not installed.
    """
    if name not in SURGERY:
        raise UserError("optim.balance", f"unknown method {name!r} of torchjd", f"one of {', '.join(SURGERY)}")
    try:
        from torchjd import aggregation

        return getattr(aggregation, SURGERY[name])()
    except ImportError as error:  # also of the solver that some of its methods need
        hint = "pip install 'trapmtl[balance]'"
        raise UserError("optim.balance", f"torchjd:{name} cannot be loaded ({error})", "", hint) from error


def gradient_gramian(losses: Sequence[Tensor], shared: Tensor) -> Tensor:
    """(heads, heads) dot products of the gradients of the heads' losses at the shared features.

    The graph is kept for the step's own pass. A power of two lifts small gradients to where float16 can hold them.

    Examples
    --------
    >>> shared = torch.zeros(1, 2, 1, 1, requires_grad=True)
    >>> gradient_gramian([shared[0, 0].sum(), 3 * shared.sum()], shared)
    tensor([[ 1.,  3.],
            [ 3., 18.]])
    """
    lift = losses[0].new_tensor(2.0**10)
    rows = [torch.autograd.grad(loss, shared, lift, retain_graph=True)[0].float().flatten() / lift for loss in losses]
    gradients = torch.stack(rows)
    return all_reduce(gradients @ gradients.T) / world_size() ** 2


def cosine_similarities(gramian: Tensor) -> Tensor:
    """(heads, heads) cosines between gradients, from their dot products; NaN where there is no gradient.

    Parameters
    ----------
    gramian : (heads, heads) Tensor
        Dot products of `gradient_gramian`.
    """
    length = gramian.diagonal().sqrt()
    return gramian / length / length[:, None]


WEIGHTINGS: dict[str, Callable[[Tensor], FixedWeights]] = {
    "fixed": FixedWeights,
    "uncertainty": LearnedUncertainty,
    "dwa": DynamicAverage,
}


def find_weighting(name: str, base_weights: Sequence[float]) -> FixedWeights:
    """The weighting of heads that `optim.balance` names, starting from given weights.

    Raises
    ------
    UserError
        An unknown name, or a library that is not installed.

    Examples
    --------
    >>> total, weights = find_weighting("fixed", [1.0, 0.5])([torch.tensor(2.0), torch.tensor(4.0)], torch.zeros(1))
    >>> total.item(), weights.tolist()
    (4.0, [1.0, 0.5])
    """
    weights = torch.tensor(base_weights, dtype=torch.float32)
    library, _, method = name.partition(":")
    if library == "torchjd" and method:
        return GradientSurgery(weights, method)
    if name not in WEIGHTINGS:
        known = ", ".join([*WEIGHTINGS, *(f"torchjd:{method}" for method in SURGERY)])
        raise UserError("optim.balance", f"unknown weighting {name!r}", f"one of {known}", "check the spelling")
    return WEIGHTINGS[name](weights)
