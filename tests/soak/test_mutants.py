"""Mutants: each changes one place of one function, in a forked process alone, and dead children are told."""

import ast
import os
from pathlib import Path

import pytest

from tests.soak.attack import Ended, refused
from tests.soak.mutants import Watched, become, chosen_tests, in_child, mutate

SOURCE = "tests/soak/attack.py"


def test_every_mutant_is_one_change_of_its_file():
    plain = Path(__file__).with_name("attack.py").read_text("utf-8")
    before, seen = ast.unparse(ast.parse(plain)).splitlines(), set()
    for mutant, _ in mutate(SOURCE):
        tree = next(make for found, make in mutate(SOURCE) if found == mutant)()
        after = ast.unparse(tree).splitlines()
        assert after != before and mutant.number not in seen and mutant.function <= mutant.line
        compile(tree, SOURCE, "exec")
        seen.add(mutant.number)
        if len(seen) == 20:
            break
    assert len(seen) == 20


def test_a_mutant_lives_in_its_child_alone():
    mutant = next(found for found, _ in mutate(SOURCE) if found.change == "ended.code == 2  ->  ended.code != 2")
    ended = Ended(2, "", "error: x")

    def work():
        become(mutant)
        return refused(Path(), ended)

    assert in_child(work, 20.0) != "" and refused(Path(), ended) == ""


def test_a_child_without_an_answer_is_an_error():
    with pytest.raises(ChildProcessError):
        in_child(lambda: os._exit(0), 20.0)


def test_the_quickest_tests_that_call_the_function_come_first():
    mutant = next(mutate(SOURCE))[0]
    called = frozenset({(mutant.file, mutant.function)})
    tests = {"slow": Watched(50.0, called), "quick": Watched(0.1, called), "other": Watched(0.0, frozenset())}
    assert chosen_tests(mutant, tests)[0] == ["quick", "slow"]
    more = tests | {"long": Watched(49.0, called)}
    assert chosen_tests(mutant, more)[0] == ["quick", "long"]  # by then enough has run
