"""Output files are whole or not there, whoever else writes beside them."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from targets.common.atomic_write import atomic_write, remove_half_written, safe_file_name
from targets.errors import UserError


def names_in(folder: Path) -> list[str]:
    """Names of all files of a folder, in order."""
    return sorted(path.name for path in folder.iterdir())


def test_threads_that_write_one_file_leave_one_of_their_texts(tmp_path: Path) -> None:
    texts = [str(k) * 10_000 for k in range(8)]

    def write(text: str) -> None:
        for _ in range(5):
            with atomic_write(tmp_path / "map.csv") as temporary:
                temporary.write_text(text)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, texts))
    assert (tmp_path / "map.csv").read_text() in texts
    assert names_in(tmp_path) == ["map.csv"]


def test_nobody_can_guess_a_temporary_name(tmp_path: Path) -> None:
    seen = set()
    for _ in range(3):
        with atomic_write(tmp_path / "map.tif") as temporary:
            seen.add(temporary.name)
            temporary.write_text("x")
    assert len(seen) == 3 and all(name.endswith(".part.tif") and len(name) > 24 for name in seen)


def test_content_reaches_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    rename = Path.replace
    is_folder = stat.S_ISDIR
    monkeypatch.setattr(
        "os.fsync", lambda file: steps.append("folder" if is_folder(os.fstat(file).st_mode) else "file")
    )
    monkeypatch.setattr(Path, "replace", lambda own, new: (steps.append("rename"), rename(own, new)))
    with atomic_write(tmp_path / "map.csv") as temporary:
        temporary.write_text("x")
    assert steps == ["file", "rename", "folder"]


def test_an_error_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "map.csv") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert names_in(tmp_path) == ["map.csv"] and (tmp_path / "map.csv").read_text() == "old"


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="cannot be written"), atomic_write(tmp_path / "map.csv") as temporary:
        temporary.write_text("x")
    assert names_in(tmp_path) == []


def test_what_killed_programs_left_is_removed(tmp_path: Path) -> None:
    names = [".map.1234.part.csv", ".map.0f3a9c01d2e4b5a6.part.tif", ".a.12.part", ".map.12.part.gpkg-journal"]
    kept = [".hidden", "map.12.part.csv", ".map.part.csv"]
    for name in (*names, *kept):
        (tmp_path / name).write_text("")
    remove_half_written(tmp_path)
    assert names_in(tmp_path) == sorted(kept)


def test_safe_file_names() -> None:
    assert safe_file_name("../Top A?/b") == "top_a_b"


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept")
    with pytest.raises(UserError, match="cannot be written"), atomic_write(tmp_path / "out" / "table.csv"):
        pass
    assert (tmp_path / "out").read_text() == "kept"
