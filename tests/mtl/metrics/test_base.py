"""Laws of metric records: states add up, every value has a chart and a direction."""

from dataclasses import replace

import numpy as np
import pytest

from mtl.metrics.base import best_mode
from mtl.metrics.instances import INSTANCE_METRIC
from mtl.metrics.keypoints import CREST_METRIC, MASK_AND_CREST_METRIC
from mtl.metrics.masks import BAND_METRIC, TRAP_METRIC
from mtl.metrics.regression import REGRESSION_METRIC
from mtl.tasks.heads import FUSION, HEADS, collect_outputs

OUTPUTS = [*collect_outputs(list(HEADS.values())), FUSION]
METRICS = [*(output.metric for output in OUTPUTS), MASK_AND_CREST_METRIC, INSTANCE_METRIC]


@pytest.mark.parametrize("metric", [TRAP_METRIC, BAND_METRIC, REGRESSION_METRIC])
def test_added_states_are_the_state_of_the_whole(metric):
    # Halves that are far apart, so that no outline of one lies near the other's.
    rng = np.random.default_rng(0)
    prediction, target = rng.random((2, 1, 30, 80)).astype(np.float32)
    target = (target > 0.5).astype(np.float32)
    left, right = np.zeros((2, 30, 80), bool)
    left[:, :30], right[:, 50:] = True, True
    whole = metric.update(prediction, target, left | right)
    parts = [metric.update(prediction, target, side) for side in (left, right)]
    assert whole == pytest.approx({name: parts[0][name] + parts[1][name] for name in whole})


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.primary)
def test_every_value_has_a_direction_and_a_chart(metric):
    values = metric.compute(dict.fromkeys(metric.state, 0.0))
    charted = [name for chart in metric.charts for name in chart]
    assert sorted(charted) == sorted(values) == sorted(metric.higher_is_better) and charted[0] == metric.primary


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_a_perfect_prediction_has_the_best_of_every_ranked_value(output):
    """The direction of every value, found by trial: a perfect prediction and one with errors of every kind."""
    rng = np.random.default_rng(0)
    target = rng.random((output.channels, 48, 48)).round().astype(np.float32)
    if output.name == "crest":
        target[:] = 0
        target[0, 8::16, 8::16] = 1
    good, bad = target, np.roll(target, 3, axis=2) * np.float32(0.9)
    bad[:, :, :24] = 1 - bad[:, :, :24] if output.name != "crest" else bad[:, :, :24]
    valid = np.ones((48, 48), bool)
    best, worse = (output.metric.compute(output.metric.update(p, target, valid)) for p in (good, bad))
    for name, higher in output.metric.higher_is_better.items():
        if higher is not None and np.isfinite([best[name], worse[name]]).all():
            assert best[name] >= worse[name] if higher else best[name] <= worse[name], name


@pytest.mark.parametrize("outside", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_what_stands_outside_validity_counts_for_nothing(output, outside):
    rng = np.random.default_rng(1)
    prediction = rng.random((output.channels, 40, 40)).astype(np.float32)
    target = rng.random((output.channels, 40, 40)).round().astype(np.float32)
    valid = np.zeros((40, 40), bool)
    valid[:, :25] = True
    dirty = [np.where(valid, values, np.float32(outside)) for values in (prediction, target)]
    for counted in (output.metric, *([output.curve] if output.curve else [])):
        expected, found = counted.update(prediction, target, valid), counted.update(*dirty, valid)
        if counted is output.curve:
            np.testing.assert_array_equal(found, expected)
        else:
            assert found == expected


def sampled(sides, x, y, radius=36.0):
    """A disc around a crest at (x, y) on 180 x 180 units of ground, its rim and its heat, on cells of some sides."""
    rows, cols = np.indices([round(180 / side) for side in sides])
    away = np.hypot((rows + 0.5) * sides[0] - y, (cols + 0.5) * sides[1] - x)
    heat = np.exp(-((away / 6) ** 2) / 2)
    heat[np.unravel_index(away.argmin(), away.shape)] = 1
    return {"mask": away < radius, "rim": abs(away - radius) < 2.5, "heat": heat, "crest": heat == 1}


@pytest.mark.parametrize(("along", "across"), [(5.0, 0.0), (0.0, 3.7), (8.5, 0.0), (17.0, 0.0), (0.0, 11.0)])
@pytest.mark.parametrize(
    ("metric", "planes"),
    [
        (TRAP_METRIC, ["mask"]),
        (BAND_METRIC, ["rim"]),
        (CREST_METRIC, ["heat"]),
        (MASK_AND_CREST_METRIC, ["mask", "crest"]),
    ],
    ids=["trap", "band", "crest", "mask and crest"],
)
def test_the_same_ground_on_oblong_cells_has_the_same_values(metric, planes, along, across):
    """A prediction that lies beside the truth is as far from it on cells of 1 x 2 and 2 x 1 as on square ones."""
    values = []
    for sides in (2**0.5, 2**0.5), (1, 2), (2, 1):
        true, seen = sampled(sides, 90, 90), sampled(sides, 90 + along, 90 + across)
        target, prediction = (np.stack([one[plane] for plane in planes]).astype(np.float32) for one in (true, seen))
        valid = np.ones(target.shape[1:], bool)
        state = metric.count(prediction, target, valid, tuple(side / 2**0.5 for side in sides))
        values.append(metric.compute(state))
    for oblong in values[1:]:
        for name, value in values[0].items():
            assert oblong[name] == pytest.approx(value, abs=1.2 if name == "mean_miss" else 0.08, nan_ok=True), name


def test_a_new_value_that_is_better_when_small_keeps_the_smallest():
    """The direction is a field of the record, so no list elsewhere can forget it."""
    rmse = replace(
        REGRESSION_METRIC,
        compute=lambda state: {"rmse": state["absolute"]},
        primary="rmse",
        higher_is_better={"rmse": False},
        charts=(("rmse",),),
    )
    assert rmse.mode == "min" == best_mode(False)
    assert replace(HEADS["dist"], metric=rmse, curve=None).rankable_metrics == {"rmse": "min"}


def test_a_value_without_a_direction_or_a_chart_is_refused():
    metric = replace(CREST_METRIC, higher_is_better={"f1": True, "drift": None}, charts=(("f1", "drift"),))
    with pytest.raises(ValueError, match="charts"):
        replace(metric, charts=(("f1",),))
    with pytest.raises(ValueError, match="charts"):
        replace(metric, higher_is_better={"f1": True, "drift": None, "rmse": False})
    with pytest.raises(ValueError, match="drift has no better direction"):
        replace(metric, primary="drift", charts=(("drift", "f1"),))


def test_values_that_rank_nothing_are_left_out():
    assert HEADS["dist"].rankable_metrics["mae"] == "min" and "bias" not in HEADS["dist"].rankable_metrics
    assert "always_the_same" not in HEADS["empty"].rankable_metrics
    assert HEADS["trap"].rankable_metrics["calibration_error"] == "min"
