"""Arrays on disk are read by one function, as several threads read at once."""

import re
from pathlib import Path

import pytest

import targets

ROOT = Path(targets.__file__).parents[1]


@pytest.mark.parametrize("folder", ["targets/closure", "targets/surface", "targets/common", "mtl/inference"])
def test_what_runs_in_threads_reads_npy_files_one_head_at_a_time(folder: str) -> None:
    files = [file for file in (ROOT / folder).rglob("*.py") if file.name != "npy_files.py"]
    assert files and not [file for file in files if re.search(r"\bnp\.load\(", file.read_text("utf-8"))]
