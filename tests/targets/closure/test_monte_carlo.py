"""Probability of closure: certainty without an error, and noise as it was asked for."""

import numpy as np
import pytest

from targets.closure import closure_probability, correlated_noise
from targets.closure.monte_carlo import _cases
from targets.errors import UserError


def test_noise_has_the_spread_and_the_correlation_asked_for() -> None:
    noise = np.stack([correlated_noise((64, 64), 5.0, np.random.default_rng(k)) for k in range(150)])
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert (noise[:, :, :-5] * noise[:, :, 5:]).mean() == pytest.approx(np.exp(-0.5), abs=0.05)
    assert correlated_noise((40, 50), 0, np.random.default_rng(0)).std() == pytest.approx(1, abs=0.1)


def test_noise_is_alike_over_the_same_distance_in_both_directions_of_oblong_cells() -> None:
    """Cells twice as wide as high; in metres, and in square cells as large, the noise is the same."""
    noise = np.stack([correlated_noise((64, 32), 5.0, np.random.default_rng(k), (1.0, 2.0)) for k in range(150)])
    assert noise.std() == pytest.approx(1, abs=0.05)
    for along, across in ((noise[:, 6:], noise[:, :-6]), (noise[:, :, 3:], noise[:, :, :-3])):  # 6 both ways
        assert (along * across).mean() == pytest.approx(np.exp(-0.5 * (6 / 5) ** 2), abs=0.05)
    metres = correlated_noise((64, 32), 62.5, np.random.default_rng(0), (12.5, 25.0))
    np.testing.assert_allclose(metres, noise[0], atol=1e-9)


def test_probability_on_oblong_cells_is_that_of_the_ground() -> None:
    """The same ground on cells of 1 x 1 and of 1 x 2: the chance that a low dome exists is the same."""
    row, col = np.indices((48, 96))
    depth = 2 * np.hypot(row - 24, col - 48) / 24
    square = closure_probability(depth, 1.0, 12, realisations=60)
    oblong = closure_probability(depth[:, ::2], 1.0, 12, realisations=60, seed=1, cell_sides=(1, 2))
    assert oblong.probability.mean() == pytest.approx(square.probability.mean(), abs=0.05)
    assert 2 * oblong.area[0, 1] == pytest.approx(square.area[0, 1], rel=0.3)
    with pytest.raises(UserError, match="cell_sides"):
        closure_probability(depth, 1.0, 12, cell_sides=(1, 0))


def test_probability_without_error_is_certainty_and_a_small_closure_is_unsure() -> None:
    row, col = np.indices((41, 61))
    depth = 100 + np.minimum(np.hypot(row - 20, col - 15), 3 + np.hypot(row - 20, col - 48) / 4)
    sure = closure_probability(depth, 0.0, 3, realisations=2)
    assert ((sure.probability == 1) == (sure.closures.labels > 0)).all() and (sure.exists == 1).all()
    assert (sure.area == sure.closures.table["area"][sure.closures.table["parent"] == 0][:, None]).all()
    unsure = closure_probability(depth, 1.5, 8, realisations=40, seed=3)
    assert unsure.probability[20, 15] > 0.9
    assert ((unsure.probability >= 0) & (unsure.probability <= 1)).all() and 0 < unsure.probability[20, 25] < 1
    for p90, p50, p10 in [*unsure.area, *unsure.height, *unsure.volume]:
        assert p90 <= p50 <= p10
    again = closure_probability(depth, 1.5, 8, realisations=40, seed=3)
    assert (again.probability == unsure.probability).all()
    with pytest.raises(UserError, match="at least 1"):
        closure_probability(depth, 1.0, 3, realisations=0)


def test_cases_are_percentiles_of_what_exists() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random((9, 40)) < 0.4, np.nan, rng.random((9, 40)))
    values[:, 7], values[1:, 8], values[0, 8] = np.nan, np.nan, 2.5
    some = np.isfinite(values).any(axis=0)
    found = _cases(values)
    np.testing.assert_allclose(found[some], np.nanpercentile(values[:, some], [10, 50, 90], axis=0).T)
    assert found[8].tolist() == [2.5] * 3 and np.isnan(found[7]).all() and not some[7]
