"""Short version of the soak: every reader faces a few dozen damaged files, and the soak itself notices every fault."""

import os
import signal
import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.errors import UserError
from tests.soak.fuzz import REFUSED, Child, damage, draw_damage, fuzz, outcome, samples_and_child
from tests.soak.mutate import CHANGED, CHANGES, Step, mutated
from tests.soak.readers import READERS, Reader

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="measures as Linux does")  # noqa: PTH110
SLOW = {"checkpoint": 8, "config": 12, "ablation": 8}  # files, of readers that take a tenth of a second each


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_in_a_result_or_in_a_users_error(name):
    with samples_and_child(READERS[name]) as (cases, child):
        for case, files in cases.items():
            assert child.read(case, files)[0] == ""

        @settings(
            max_examples=SLOW.get(name, 25), deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(st.integers(0, 2**10), CHANGED)
        def one(which, change):
            case, files = damage(cases, which, *change)
            assert child.read(case, files)[0] in ("", REFUSED)

        one()


def test_the_soak_counts_and_draws_the_same_again():
    first, again = (fuzz(READERS["irap"], 20) for _ in range(2))
    assert first.total == 20 and first.results + first.refused == 20
    assert (first.results, first.refused) == (again.results, again.refused)
    assert draw_damage(Random("0 1")) == draw_damage(Random("0 1")) != draw_damage(Random("1 1"))


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (lambda folder: None, ""),
        (lambda folder: (_ for _ in ()).throw(UserError("a", "b")), "UserError"),
        (lambda folder: 1 / 0, "ZeroDivisionError"),
        (lambda folder: os.kill(os.getpid(), signal.SIGKILL), "ended with code -9"),
        (lambda folder: bytearray(2**40), "MemoryError"),
        (lambda folder: time.sleep(60), "waits for more than"),
        (lambda folder: [None for _ in iter(int, 1)], "over 0.2 s|MemoryError"),
    ],
)
def test_the_soak_notices(read, found, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.soak.fuzz.SECONDS", 0.2)
    monkeypatch.setattr("tests.soak.fuzz.PATIENCE", 1.0 if found.startswith("waits") else 120.0)
    child = Child(Reader(lambda folder: None, read), tmp_path / "read")
    try:
        for _ in range(2):  # the second time in a new process
            ended, _, _ = child.read("case", {"a": b"1"})
            assert any(word in ended for word in found.split("|")) if found else ended == ""
    finally:
        child.close()


def test_an_error_that_cannot_be_read_is_a_fault():
    def fail():
        raise UserError("a", "b") from MemoryError()

    assert outcome(fail).startswith("MemoryError")


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("data", [b"", b"1", b"1 2.5 nan\nab,c\n", bytes(range(256))])
def test_every_step_applies_to_every_file(kind, data):
    for place, size, pick in ((0, 0, 0), (65535, 4096, 1023), (7, 3, 5)):
        assert isinstance(mutated(data, [Step(kind, place, size, pick)], 0), bytes)
