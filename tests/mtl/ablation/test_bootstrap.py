"""The bootstrap of an ablation on states made by hand, and its report."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtl.ablation.bootstrap import StackedStates, bootstrap_difference, compare_rows, draw_resamples, stack_states
from mtl.ablation.grid import AblationRun
from mtl.ablation.options import Ablation
from mtl.ablation.report import draw_comparison, table_as_markdown, write_report
from mtl.ablation.results import METRICS_FILE, SUMS_FILE, RunResult, read_results, write_results
from mtl.config import TrainConfig
from mtl.evaluation.evaluate import MapScore
from targets.common.cli import Names
from targets.errors import UserError

METRICS_SHOWN = ("iou", "boundary_f1")
OUTLINE = {"outline_seen": 10.0, "outline_seen_right": 5.0, "outline_true": 10.0, "outline_true_found": 5.0}


def result(row, seed, hits, condition="all", group=None, fingerprint="s", step_seconds=1.0):
    """A run whose maps have 10 cells of trap each, of which `hits` are found."""
    maps = tuple(
        MapScore(f"m{i}", group or f"m{i}", {"trap": {"tp": float(h), "fp": 0.0, "fn": 10.0 - h} | OUTLINE})
        for i, h in enumerate(hits)
    )
    return RunResult(row, condition, seed, "real", fingerprint, step_seconds, maps)


def stack(row_hits, **more):
    return stack_states([result("x", seed, hits, **more) for seed, hits in enumerate(row_hits)], "trap")


NOISY = [[1, 9, 4, 6, 2, 8], [3, 7, 5, 5, 1, 9], [2, 8, 6, 4, 3, 7]]


def test_a_metric_is_pooled_over_all_maps():
    one = stack([[0, 10], [5, 5]])
    np.testing.assert_allclose(one.metrics(one.states.sum(1), METRICS_SHOWN)["iou"], [0.5, 0.5])


def test_a_row_differs_from_itself_by_exactly_nothing():
    interval = bootstrap_difference(stack(NOISY), stack(NOISY), METRICS_SHOWN)["iou"]
    assert (interval.difference, interval.low, interval.high, interval.excludes_zero) == (0, 0, 0, False)


def test_a_constant_shift_is_certain_however_much_maps_and_seeds_vary():
    better = [[h + 1 for h in hits] for hits in NOISY]
    interval = bootstrap_difference(stack(better), stack(NOISY), METRICS_SHOWN)["iou"]
    assert interval.difference == pytest.approx(0.1) and interval.low == pytest.approx(0.1) and interval.excludes_zero
    assert bootstrap_difference(stack(NOISY), stack(better), METRICS_SHOWN)["iou"].high == pytest.approx(-0.1)


def test_one_lucky_map_and_one_lucky_seed_are_not_certain():
    one_map = bootstrap_difference(stack([[9, 5, 5, 5]] * 3), stack([[5, 5, 5, 5]] * 3), METRICS_SHOWN)["iou"]
    one_seed = bootstrap_difference(stack([[9] * 4, [5] * 4, [5] * 4]), stack([[5] * 4] * 3), METRICS_SHOWN)["iou"]
    for interval in (one_map, one_seed):
        assert interval.difference > 0 and interval.low == 0 and not interval.excludes_zero


def test_the_interval_is_as_wide_as_the_standard_error_of_the_mean_difference():
    """One seed, many maps: the percentiles must lie 1.96 standard errors away (Efron & Tibshirani 1993, ch. 13)."""
    hits = np.random.default_rng(3).integers(0, 11, 400)
    interval = bootstrap_difference(stack([hits]), stack([[5] * 400]), METRICS_SHOWN)["iou"]
    error = hits.std() / 10 / 20
    assert interval.high - interval.difference == pytest.approx(1.96 * error, rel=0.1)
    assert interval.difference - interval.low == pytest.approx(1.96 * error, rel=0.1)


def test_maps_of_one_group_are_drawn_together():
    times, _ = draw_resamples(["a", "a", "b", "c", "c"], seeds=2)
    np.testing.assert_array_equal(times[:, 0], times[:, 1])
    np.testing.assert_array_equal(times[:, [0, 2, 3]].sum(1), 3)
    assert (times[:, 0] != times[:, 2]).any()
    assert bootstrap_difference(
        stack([[9, 5, 7]] * 2, group="field"), stack([[5] * 3] * 2, group="field"), METRICS_SHOWN
    )["iou"].excludes_zero


def test_a_resample_without_a_trap_is_left_out():
    empty = [[{"tp": 0.0, "fp": 0.0, "fn": 0.0} | OUTLINE, {"tp": 6.0, "fp": 0.0, "fn": 4.0} | OUTLINE]]
    one = stack([[5, 5]])
    states = np.array([[[own[name] for name in one.metric.state] for own in run] for run in empty])
    interval = bootstrap_difference(replace(one, states=states), one, METRICS_SHOWN)["iou"]
    assert interval.difference == pytest.approx(0.1) and np.isfinite([interval.low, interval.high]).all()


def test_seeds_that_both_rows_have_are_paired_and_a_baseline_stands_beside_all():
    later = replace(stack(NOISY[1:]), seeds=[1, 2])
    assert bootstrap_difference(later, stack(NOISY), METRICS_SHOWN)["iou"].high == 0
    perfect = bootstrap_difference(stack([[10] * 6]), stack(NOISY), METRICS_SHOWN, single_run=True)["iou"]
    assert perfect.difference == pytest.approx(0.5) and perfect.excludes_zero


def run_of(row, seed, baseline=None):
    return AblationRun(row, "all", seed, TrainConfig(), baseline, "s", ("trap",), {}, Path("no run was made"))


@pytest.fixture
def finished():
    """Two rows of three seeds and a baseline."""
    better = [[h + 1 for h in hits] for hits in NOISY]
    runs = [result("a", s, hits, step_seconds=2.0) for s, hits in enumerate(NOISY)]
    runs += [result("b", s, hits, step_seconds=2.2) for s, hits in enumerate(better)]
    runs.append(result("exact", 0, [10] * 6, step_seconds=float("nan")))
    grid = [run_of(row, seed) for row in "ab" for seed in range(3)] + [run_of("exact", 0, baseline="exact")]
    return grid, {run.key: run for run in runs}


def test_the_table_shows_mean_deviation_difference_and_time(finished):
    grid, results = finished
    (table,) = compare_rows(grid, results, METRICS_SHOWN)
    text = table_as_markdown(table, ("iou",))
    assert "## real · all (6 maps)" in text
    assert "| a | 0.500 ± 0.000 |  | 1.00× |" in text
    assert "| b | 0.600 ± 0.000 | **+0.100 [+0.100, +0.100]** | 1.10× |" in text
    assert "| exact | 1.000 | **+0.500 [+0.300, +0.700]** | – |" in text


def test_out_of_date_runs_are_not_counted_and_other_maps_are_refused(finished):
    grid, results = finished
    old = results["b", "all", 0, "real"]
    (table,) = compare_rows(grid, results | {old.key: replace(old, fingerprint="old")}, METRICS_SHOWN)
    assert len(table.rows[1].values["iou"]) == 2
    with pytest.raises(UserError, match="other maps"):
        compare_rows(grid, results | {old.key: replace(old, maps=old.maps[:3])}, METRICS_SHOWN)


def test_the_tables_on_disk_hold_the_results(finished, tmp_path):
    _, results = finished
    write_results(tmp_path, results.values(), METRICS_SHOWN)
    again = read_results(tmp_path)
    assert {k: v for k, v in again.items() if k[0] != "exact"} == {k: v for k, v in results.items() if k[0] != "exact"}
    assert again["exact", "all", 0, "real"].maps == results["exact", "all", 0, "real"].maps
    assert read_results(tmp_path / "nothing") == {}
    cut = (tmp_path / SUMS_FILE).read_text().splitlines(keepends=True)[:-1]
    (tmp_path / SUMS_FILE).write_text("".join(cut))
    with pytest.raises(UserError, match="5 of the 6 maps"):
        read_results(tmp_path)
    (tmp_path / METRICS_FILE).write_text("something else\n1\n")
    with pytest.raises(UserError, match="cannot be read"):
        read_results(tmp_path)


def test_the_report_is_one_file_that_needs_no_other(finished, tmp_path):
    grid, results = finished
    rows = {"a": {}, "b": {"heads": "trap,<b>"}, "exact": {"baseline": "exact"}}
    ablation = Ablation("x", rows, {"real": "data"}, metrics=Names("iou,boundary_f1"))
    text = write_report(ablation, grid, results, tmp_path)
    assert "7 of 7 runs are finished" in text and (tmp_path / "comparison.md").read_text() == text
    page = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64," in page and "&lt;b&gt;" in page and 'src="http' not in page
    assert (tmp_path / "comparison_real.png").stat().st_size > 5000
    with pytest.raises(UserError, match="no run is finished"):
        write_report(ablation, grid, {}, tmp_path)


def test_a_row_keeps_its_line_in_the_picture_though_conditions_lack_some(finished):
    grid, results = finished
    (whole,) = compare_rows(grid, results, METRICS_SHOWN)
    names = [line.name for line in whole.rows]
    lacking = replace(whole, rows=[whole.rows[0], whole.rows[-1]])
    for tables in ([whole, lacking], [lacking, whole]):
        axes = draw_comparison(tables, ["iou"]).axes
        assert [label.get_text() for label in axes[0].get_yticklabels()] == names
        heights = [{float(y) for line in axis.lines[1:] for y in line.get_ydata()} for axis in axes]
        assert sorted(map(len, heights)) == [2, len(names)] and heights[0] ^ heights[1] == {1.0}


def test_stacked_states_keep_the_order_of_maps_and_seeds():
    one = stack([[1, 2], [3, 4]])
    assert isinstance(one, StackedStates) and one.states[:, :, 0].tolist() == [[1, 2], [3, 4]] and one.seeds == [0, 1]
