"""A run of CI lists what it skipped, and fails if that was for want of anything but a GPU or the shared data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import STRICT, SkipReason

TESTS = """
import pytest

def test_passes():
    pass

@pytest.mark.skipif(True, reason="{reason} on this machine")
def test_of_{name}():
    pass
"""
MODULE = 'import pytest\nlibrary = pytest.importorskip("no_such_library")\n'
ALLOWED = {reason.name.lower(): reason.value for reason in SkipReason}


def run(folder: Path, reasons: dict[str, str], *options: str, strict: str = "1") -> tuple[int, str]:
    """Exit code and output of pytest on a test for each {name: reason of its skip}."""
    (folder / "conftest.py").write_text("from tests.skips import pytest_sessionfinish, pytest_terminal_summary\n")
    for name, reason in reasons.items():
        (folder / f"test_{name}.py").write_text(TESTS.format(reason=reason, name=name))
    own = {name: value for name, value in os.environ.items() if name != STRICT and not name.startswith("PYTEST_")}
    environment = own | {"PYTHONPATH": str(Path(__file__).parents[1])} | ({STRICT: strict} if strict else {})
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", *options, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


@pytest.mark.long
def test_a_strict_run_fails_for_another_reason_alone(tmp_path):
    code, said = run(tmp_path, ALLOWED)
    assert code == 0 and "fails this run" not in said and "::test_passes" not in said
    for name, reason in ALLOWED.items():
        assert f"skipped, {reason} on this machine:" in said and said.count(f"::test_of_{name}") == 1
    code, said = run(tmp_path, {"page": "no Chromium"}, "-n", "2")
    assert code == 1 and said.count("fails this run") == 1 and said.count("::test_of_") == len(ALLOWED) + 1
    assert "skipped, no Chromium on this machine, which fails this run:" in said
    assert run(tmp_path, {}, strict="")[0] == 0  # on a desk nothing is asked for
    assert run(tmp_path, {}, strict="no Chromium")[0] == 0 and run(tmp_path, {}, strict="no GDAL")[0] == 1


def test_a_module_that_is_skipped_whole_counts(tmp_path):
    (tmp_path / "test_module.py").write_text(MODULE)
    code, said = run(tmp_path, ALLOWED)
    assert code == 1 and "no_such_library" in said and "test_module.py" in said
