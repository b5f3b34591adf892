"""Figures of binned counts: every one can be drawn, also of maps without cells or without a true cell."""

import numpy as np
import pytest

from mtl.tasks.heads import HEADS, collect_outputs
from mtl.visualization.curves import draw_curve

WITH_CURVES = [output for output in collect_outputs(list(HEADS.values())) if output.curve is not None]


@pytest.mark.parametrize("output", WITH_CURVES, ids=lambda output: output.name)
@pytest.mark.parametrize("kind", ["no cell", "no true cell", "all sorts"])
def test_every_picture_can_be_drawn(output, kind):
    shape = (output.channels, 6, 7)
    prediction = np.random.default_rng(0).random(shape, np.float32)
    target = np.zeros(shape, np.float32) if kind == "no true cell" else prediction.round()
    counts = output.curve.update(prediction, target, np.full(shape[1:], kind != "no cell"))
    draw_curve(output.name, output.curve, counts).canvas.draw()
    values = output.curve.compute(counts)
    assert all(np.isfinite(value) == (kind == "all sorts") for name, value in values.items() if "average" in name)
