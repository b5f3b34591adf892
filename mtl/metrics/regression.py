"""Metrics of regression heads: mean absolute error and bias."""

import numpy as np

from mtl.metrics.base import Metric, State, ratio
from targets.scene import Bool, Float


def count_error(prediction: Float, target: Float, valid: Bool) -> State:
    """Number of valid cells, and the sums of their absolute and signed errors.

    Examples
    --------
    >>> prediction, target = np.array([[[1.0, 5.0, 9.0]]]), np.array([[[2.0, 3.0, 0.0]]])
    >>> regression_metrics(count_error(prediction, target, np.array([[True, True, False]])))
    {'mae': 1.5, 'bias': 0.5}
    """
    error = (prediction[0] - target[0])[valid].astype(float)
    return {"cells": float(error.size), "absolute": float(np.abs(error).sum()), "signed": float(error.sum())}


def regression_metrics(state: State) -> dict[str, float]:
    """Mean absolute error and bias (mean of prediction - target), in the head's unit.

    Returns
    -------
    {name: value}
        NaN where a value is not defined.
    """
    return {"mae": ratio(state["absolute"], state["cells"]), "bias": ratio(state["signed"], state["cells"])}


REGRESSION_METRIC = Metric(
    ("cells", "absolute", "signed"),
    count_error,
    regression_metrics,
    primary="mae",
    higher_is_better={"mae": False, "bias": None},
    charts=(("mae",), ("bias",)),
)
