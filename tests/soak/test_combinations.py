"""Short version of the walk over combinations of settings: the first rows, which hold the most pairs of values."""

from collections.abc import Iterator
from itertools import combinations, islice
from pathlib import Path

import pytest

from tests.soak.combinations import FACTORS, OK, QUICK, REFUSED, SIZES, Row, covering_rows, try_row, write_maps

ROWS = 8
LEAST = 6  # rows that are not refused, or there is little to see
WHOLE: Row = {"exported": "graph", "predicted": "folders"}  # of the first row


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps of all kinds."""
    folder = tmp_path_factory.mktemp("combinations")
    for kind in SIZES:
        write_maps(folder, kind)
    return folder


def short_rows() -> Iterator[Row]:
    """The first rows over all factors but those that take long."""
    slow = QUICK.keys()
    return islice(covering_rows({name: values for name, values in FACTORS.items() if name not in slow}, 0), ROWS)


@pytest.mark.slow  # as all of `make test`; some seconds a row
def test_what_check_settings_lets_through_trains_resumes_predicts_evaluates_and_exports(maps, tmp_path, monkeypatch):
    monkeypatch.setattr("mtl.training.setup.OVERFIT_STEPS", 3)
    rows = [row | QUICK | ({} if number else WHOLE) for number, row in enumerate(short_rows())]
    outcomes = [try_row(row, maps, tmp_path / str(number)) for number, row in enumerate(rows)]
    assert all(outcome.startswith((OK, REFUSED)) for outcome in outcomes)
    assert outcomes.count(OK) >= LEAST, outcomes


def test_every_pair_of_values_is_in_a_row():
    factors = {"a": (0, 1, 2), "b": ("x", "y"), "c": (True, False), "d": (0, 1, 2, 3)}
    rows = list(covering_rows(factors, seed=3))
    for one, other in combinations(factors, 2):
        found = {(row[one], row[other]) for row in rows}
        assert len(found) == len(factors[one]) * len(factors[other])
    assert rows == list(covering_rows(factors, seed=3)) and len(rows) <= 2 * 12
