"""The cache of compiled kernels: it changes with every source, lies where it can be written, and is never needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from targets.closure.kernels import compiled as compilation
from targets.closure.kernels.compiled import cache_folder, compiled, hash_of_sources


def test_the_hash_changes_with_any_source(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "b.py").write_text("x = 1")
    (tmp_path / "a.py").write_text("y = 1")
    before = hash_of_sources(tmp_path)
    (tmp_path / "notes.txt").write_text("no source")
    assert hash_of_sources(tmp_path) == before
    (tmp_path / "part" / "b.py").write_text("x = 2")
    changed = hash_of_sources(tmp_path)
    (tmp_path / "part" / "b.py").rename(tmp_path / "part" / "c.py")
    assert len({before, changed, hash_of_sources(tmp_path)}) == 3


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own, and no cache folder set by the user."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("x = 1")
    monkeypatch.setattr(compilation, "SOURCES", package)
    monkeypatch.setattr(compilation.numba_config, "CACHE_DIR", "")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return package


def test_the_cache_lies_beside_the_sources_and_replaces_that_of_others(sources: Path) -> None:
    first = cache_folder.__wrapped__()
    assert first is not None and first.parent == sources / "__pycache__" and first.is_dir()
    (first / "kernel").touch()
    (first.parent / "other.pyc").touch()
    assert cache_folder.__wrapped__() == first and (first / "kernel").exists()
    (sources / "a.py").write_text("x = 2")
    second = cache_folder.__wrapped__()
    assert second != first and not first.exists() and (first.parent / "other.pyc").exists()


def test_a_read_only_installation_uses_the_cache_of_the_user(sources: Path, tmp_path: Path) -> None:
    (sources / "__pycache__").touch()  # no folder can be made there, whoever asks
    folder = cache_folder.__wrapped__()
    assert folder is not None and folder.parent == tmp_path / "user" / "trapmtl"


def test_a_folder_named_by_the_user_comes_first(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation.numba_config, "CACHE_DIR", str(tmp_path / "asked"))
    folder = cache_folder.__wrapped__()
    assert folder is not None and folder.parent == tmp_path / "asked"


def double(x: int) -> int:
    return 2 * x


def test_kernels_are_compiled_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "cache_folder", lambda: None)
    assert compiled(double)(21) == 42 and compiled(nogil=True)(double)(4) == 8


OUTER = """
from b import inner
from targets.closure.kernels.compiled import compiled

@compiled
def outer():
    return inner() + 1
"""
INNER = """
from targets.closure.kernels.compiled import compiled

@compiled
def inner():
    return {}
"""
RUN = """
import sys
from pathlib import Path
from targets.closure.kernels import compiled
compiled.SOURCES = Path(sys.argv[1])
compiled.cache_folder.cache_clear()
sys.path.insert(0, sys.argv[1])
from a import outer
print(outer(), sum(outer.stats.cache_hits.values()))
"""


@pytest.mark.long
def test_a_change_in_a_file_that_a_kernel_calls_is_noticed(tmp_path: Path) -> None:
    """numba alone would return the old answer: the file of the outer kernel has not changed."""

    def answer(value: int) -> list[str]:
        (tmp_path / "b.py").write_text(INNER.format(value))
        command = [sys.executable, "-c", RUN, str(tmp_path)]
        root = Path(__file__).parents[4]
        return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split()

    (tmp_path / "a.py").write_text(OUTER)
    assert [answer(1), answer(1), answer(5)] == [["2", "0"], ["2", "1"], ["6", "0"]]
