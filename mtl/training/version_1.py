"""Training state and metric names of version 1, in the words of this version: a run begun with it can be resumed."""

import re
from typing import Any

CALLBACKS = {"KeptCheckpoint": "RelocatableModelCheckpoint", "MovingAverage": "WarmupEMA"}
TAGS = (
    (r"loss", "total_loss"),
    (r"rate/(.+)", r"lr/\1"),
    (r"cosine/(.+)", r"grad_cosine/\1"),
    (r"(.+)/weight", r"\1/loss_weight"),
    (r"(.+)/gradient", r"\1/grad_norm"),
)


def current_tag(tag: str) -> str:
    """The name that a logged value has today, in TensorBoard and metrics.csv.

    Examples
    --------
    >>> current_tag("cosine/trap-dist"), current_tag("trap/iou")
    ('grad_cosine/trap-dist', 'trap/iou')
    """
    for old, new in TAGS:
        if found := re.fullmatch(old, tag):
            return found.expand(new)
    return tag


def upgrade_training_state(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint with the state of today's callbacks; one of this version comes back as it is.

    In version 1 the means of an epoch, the gradients and the plateau were state of the module, and two callbacks had
    other names.

    Parameters
    ----------
    checkpoint : dict[str, Any]
        As `torch.load` gives it.
    """
    states = {}
    for key, state in checkpoint.get("callbacks", {}).items():
        name, brace, arguments = key.partition("{")  # Lightning's key: class, and arguments where several may exist
        states[CALLBACKS.get(name, name) + brace + arguments] = state
    if (so_far := checkpoint.get("so_far")) is not None:
        states["EpochMeans"] = {"means": {current_tag(tag): mean for tag, mean in so_far["means"].items()}}
        states["GradientStatistics"] = {"gramians": so_far["gradients"]}
    if "plateau" in checkpoint:
        states["PlateauSchedule"] = checkpoint["plateau"]
    return {**checkpoint, "callbacks": states}
