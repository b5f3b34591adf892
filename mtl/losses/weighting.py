"""How much each head's loss weighs: fixed weights, weights that are learned, and weights that the gradients give."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mtl.distributed.collectives import number, over_all
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
    """The weights a user gives; the base of the others, which multiply them.

    Parameters
    ----------
    given : Tensor
        (heads,) weights by `optim.weights`.
    """

    given: Tensor

    def __init__(self, given: Tensor) -> None:
        super().__init__()
        self.register_buffer("given", given, persistent=False)

    def forward(self, losses: Sequence[Tensor], shared: Tensor) -> tuple[Tensor, Tensor]:
        """What to descend on, and the weights in it: (heads,), without gradient.

        Parameters
        ----------
        costs : Sequence[Tensor]
            Every head's loss on a batch.
        shared : Tensor
            (B, width, h, w) features that all of them were computed from.
        """
        weights = self.weights(losses, shared)
        return (weights * torch.stack(list(losses))).sum(), weights

    def weights(self, losses: Sequence[Tensor], shared: Tensor) -> Tensor:
        """(heads,) weights on a batch."""
        return self.given

    def end_epoch(self) -> None:
        """Called once all batches of an epoch were seen."""


class LearnedUncertainty(FixedWeights):
    """A log-variance per head, learned with the network: cost / variance + log(variance) / 2 (Kendall et al. 2018).

    Heads that stay wrong weigh less: at rest, a head's weight is 1 over twice its cost.
    """

    LARGEST = 4.0  # log-variances stay within ± this, weights within e^±4: none grows without bounds or is lost

    def __init__(self, given: Tensor) -> None:
        super().__init__(given)
        self.log_variance = nn.Parameter(torch.zeros_like(given))

    def forward(self, losses: Sequence[Tensor], shared: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():  # clamped where it lies, so that it can come back
            self.log_variance.clamp_(-self.LARGEST, self.LARGEST)
        precision = torch.exp(-self.log_variance)
        total = (self.given * (precision * torch.stack(list(losses)) + self.log_variance / 2)).sum()
        return total, (self.given * precision).detach()


class DynamicAverage(FixedWeights):
    """Dynamic weight average (Liu et al. 2019, eq. 7): heads whose loss fell least over the last two epochs weigh more.

    The first two epochs have the given weights. The last two epochs' mean costs are kept in checkpoints.
    """

    TEMPERATURE = 2.0  # as in the paper; the larger, the more alike the weights

    history: Tensor
    seen: Tensor

    def __init__(self, given: Tensor) -> None:
        super().__init__(given)
        self.register_buffer("history", torch.full((2, len(given)), torch.nan))  # the last epoch, the one before
        self.register_buffer("seen", torch.zeros(len(given) + 1))  # sums of this epoch, and batches

    def weights(self, losses: Sequence[Tensor], shared: Tensor) -> Tensor:
        self.seen += torch.stack([*losses, losses[0].new_ones(())]).detach()
        if self.history.isnan().any():
            return self.given
        pace = self.history[0] / self.history[1].clamp(min=1e-8)
        return self.given * len(self.given) * torch.softmax(pace / self.TEMPERATURE, 0)

    def end_epoch(self) -> None:
        self.history.copy_(torch.stack([self.seen[:-1] / self.seen[-1].clamp(min=1), self.history[0]]))
        self.seen.zero_()


class GradientSurgery(FixedWeights):
    """Weights by which the heads' gradients at the shared features fight least, by a method of the library torchjd.

    Methods of Jacobian descent ask for gradients at all shared weights, one backward pass through the network per head.
    At the shared features they cost a pass through one convolution per head, and bound the others (Sener & Koltun
    2018, MGDA-UB). The methods' weights multiply the given ones and have a mean of 1; some methods give sums, others
    means. Heads without a gradient, as on a batch without valid cells, keep out and keep their given weight.
    """

    def __init__(self, given: Tensor, method: str) -> None:
        super().__init__(given)
        self.method = torchjd_method(method)

    def weights(self, losses: Sequence[Tensor], shared: Tensor) -> Tensor:
        gramian = gradient_gramian(losses, shared) * self.given * self.given[:, None]
        awake = gramian.diagonal() > 0
        if awake.sum() < 2:
            return self.given
        gramian = gramian[awake][:, awake]
        factors = self.method(gramian / gramian.diagonal().mean())  # torchjd takes very small gradients for none
        weights = self.given.clone()
        weights[awake] *= factors / factors.mean()
        return weights


def torchjd_method(name: str) -> nn.Module:
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
        mend = "pip install 'trapmtl[balance]'"
        raise UserError("optim.balance", f"torchjd:{name} cannot be loaded ({error})", "", mend) from error


def gradient_gramian(losses: Sequence[Tensor], shared: Tensor) -> Tensor:
    """(heads, heads) dot products of the gradients that the heads' costs have at the shared features (their Gramian).

    The graph is kept for the step's own pass. A power of two lifts small gradients to where float16 can hold them.
    """
    lift = losses[0].new_tensor(2.0**10)
    rows = [torch.autograd.grad(cost, shared, lift, retain_graph=True)[0].float().flatten() / lift for cost in losses]
    gradients = torch.stack(rows)
    return over_all(gradients @ gradients.T) / number() ** 2


def cosine_similarities(gramian: Tensor) -> Tensor:
    """(heads, heads) cosines between gradients, from their products; NaN where there is no gradient."""
    length = gramian.diagonal().sqrt()
    return gramian / length / length[:, None]


WEIGHTINGS: dict[str, Callable[[Tensor], FixedWeights]] = {
    "fixed": FixedWeights,
    "uncertainty": LearnedUncertainty,
    "dwa": DynamicAverage,
}


def find_weighting(name: str, given: Sequence[float]) -> FixedWeights:
    """The way of balancing heads that `optim.balance` names, starting from given weights.

    Raises
    ------
    UserError
        An unknown name, or a library that is not installed.
    """
    weights = torch.tensor(given, dtype=torch.float32)
    library, _, method = name.partition(":")
    if library == "torchjd" and method:
        return GradientSurgery(weights, method)
    if name not in WEIGHTINGS:
        known = ", ".join([*WEIGHTINGS, *(f"torchjd:{method}" for method in SURGERY)])
        raise UserError("optim.balance", f"unknown way of balancing {name!r}", f"one of {known}", "check the spelling")
    return WEIGHTINGS[name](weights)
