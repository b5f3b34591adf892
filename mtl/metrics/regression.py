"""Metrics of regression heads: mean absolute error, root mean square error, bias."""

import numpy as np

from mtl.metrics.base import Metric, Sums, ratio
from targets.scene import Bool, Float

# -- distances ---------------------------------------------------------------------------------------------------


def count_error(prediction: Float, target: Float, valid: Bool) -> Sums:
    """Cells, and the sums of the absolute and signed error over valid cells."""
    error = (prediction[0] - target[0])[valid].astype(float)
    return {"cells": float(error.size), "absolute": float(np.abs(error).sum()), "signed": float(error.sum())}


def error_ratios(s: Sums) -> dict[str, float]:
    """Mean absolute error and bias."""
    return {"mae": ratio(s["absolute"], s["cells"]), "bias": ratio(s["signed"], s["cells"])}


ERROR_SCORE = Metric(
    ("cells", "absolute", "signed"), count_error, error_ratios, primary="mae", charts=(("mae",), ("bias",))
)
