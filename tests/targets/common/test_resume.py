"""Resumed work: a run that was stopped does not repeat finished maps, and its results are those of a whole run."""

from functools import partial

import pytest

from targets.common.resume import JOURNAL, map_resumable
from targets.errors import UserError
from targets.io.catalogue import list_maps
from targets.io.map_folder.writer import write_map_folder
from tests.conftest import dome_scene


class Stopped(Exception):
    pass


def area(worked, stop, source):
    """What a work gives, and which maps it was asked for."""
    if len(worked) == stop:
        raise Stopped
    worked.append(source.name)
    if source.name == "b":
        raise UserError(source.path, "is corrupt")
    return {"name": source.name, "share": 0.1 + 0.2, "nothing": float("nan")}


@pytest.fixture
def sources(tmp_path):
    """Three maps."""
    for name in "abc":
        write_map_folder(dome_scene(name, size=32), tmp_path / "maps" / name)
    return list_maps([tmp_path / "maps"])


def run(sources, out, stop=99, resume=True, settings=1, is_complete=lambda source, result: True):
    worked = []
    try:
        done = map_resumable(partial(area, worked, stop), sources, out, settings, resume, is_complete=is_complete)
        outcomes = {number: str(outcome) for number, outcome in done}
    except Stopped:
        outcomes = None
    return worked, outcomes


def test_what_is_finished_is_not_repeated_and_what_failed_is(sources, tmp_path):
    whole, out = run(sources, tmp_path / "whole")[1], tmp_path / "out"
    assert run(sources, out, stop=1) == (["a"], None)
    assert run(sources, out, stop=2) == (["b", "c"], whole)
    assert run(sources, out) == (["b"], whole)


def test_a_line_that_was_cut_off_counts_for_nothing(sources, tmp_path):
    _, whole = run(sources, tmp_path)
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[:-9])
    assert run(sources, tmp_path) == (["b", "c"], whole)
    assert run(sources, tmp_path) == (["b"], whole)


def test_other_settings_another_file_or_lost_results_are_work_again(sources, tmp_path):
    run(sources, tmp_path)
    assert run(sources, tmp_path, settings=2)[0] == ["a", "b", "c"]
    write_map_folder(dome_scene("a", size=32), tmp_path / "maps" / "a")
    assert run(sources, tmp_path)[0] == ["a", "b"]
    assert run(sources, tmp_path, is_complete=lambda source, result: result["name"] != "c")[0] == ["b", "c"]


def test_without_resume_everything_is_done_again(sources, tmp_path):
    run(sources, tmp_path)
    assert run(sources, tmp_path, resume=False)[0] == ["a", "b", "c"]
    assert (tmp_path / JOURNAL).read_text().count('"key"') == 2


@pytest.mark.parametrize("resume", [True, False])
def test_a_journal_that_is_no_file_or_nests_without_end_is_no_traceback(sources, tmp_path, resume):
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(UserError, match="is a folder"):
        run(sources, tmp_path, resume=resume)
    (tmp_path / JOURNAL).rmdir()
    (tmp_path / JOURNAL).write_text("[" * 100_000)
    assert run(sources, tmp_path, resume=resume)[0] == ["a", "b", "c"]
