"""Files that are none, and files that claim more than they hold, are refused before they are opened."""

import os
import time
from pathlib import Path

import pytest

from targets.common.files.input_files import LARGE, MAX_FOLDERS, require_file, visible_entries, walk_folders
from targets.errors import UserError


def make(folder: Path, kind: str) -> Path:
    path = folder / "top.tif"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "links to each other":
        (folder / "other").symlink_to(path)
        path.symlink_to(folder / "other")
    elif kind == "dead link":
        path.symlink_to(folder / "gone")
    elif kind == "link to a pipe":
        os.mkfifo(folder / "pipe")
        path.symlink_to(folder / "pipe")
    elif kind == "device":
        return Path("/dev/zero")
    elif kind == "sparse":
        with path.open("wb") as file:
            file.write(b"II*\x00")
            file.truncate(100 * LARGE)
    return path


KINDS = {
    "missing": "no such file",
    "pipe": "is a pipe",
    "folder": "is a folder",
    "link to itself": "cannot be read",
    "links to each other": "cannot be read",
    "dead link": "a link to nothing",
    "link to a pipe": "is a pipe",
    "device": "is a device",
    "sparse": r"claims 6\.2 GB, but holds 4 kB",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path, started = make(tmp_path, kind), time.monotonic()
    with pytest.raises(UserError, match=KINDS[kind]) as caught:
        require_file(path, "a grid")
    assert caught.value.where == str(path) and time.monotonic() - started < 1


def test_files_pass_also_behind_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert require_file(tmp_path / "b") == tmp_path / "b"


def test_a_large_file_with_holes_but_enough_data_passes(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(LARGE)
        file.seek(LARGE // 2)
        file.write(os.urandom(LARGE // 16))
    require_file(tmp_path / "a")


def test_entries_are_files_and_folders_that_can_be_opened(tmp_path: Path) -> None:
    for kind in ("pipe", "links to each other"):
        make(tmp_path, kind).rename(tmp_path / kind)
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    assert [path.name for path in visible_entries(tmp_path)] == ["file", "folder"]


def test_folders_are_walked_once_and_not_for_ever(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(100):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (tmp_path / "d" / "back").symlink_to(tmp_path)
    found = list(walk_folders(tmp_path))
    assert len(found) == len({path.resolve() for path in found}) == MAX_FOLDERS + 1
