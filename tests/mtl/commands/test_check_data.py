"""The command line of tools/check_data.py."""

import pytest

from mtl.commands.check_data import main
from targets.common.cli import run
from tests.mtl.commands.conftest import contents


def test_it_prints_a_fingerprint_and_writes_the_page(two_maps, tmp_path, capsys):
    run(main, [str(two_maps), "--out", str(tmp_path), "--rules.min_area", "10"])
    said = capsys.readouterr().out
    assert "maps           2" in said and "0 finding(s)" in said and f"look at {tmp_path / 'check.html'}" in said
    assert (tmp_path / "check.html").stat().st_size > 10_000


@pytest.mark.usefixtures("forked_workers")
def test_two_jobs_find_the_same(two_maps, tmp_path, capsys):
    for jobs in ("1", "2"):
        run(main, [str(two_maps), "--out", str(tmp_path / jobs), "--jobs", jobs])
    one, two = capsys.readouterr().out.split("look at")[:2]
    assert two.strip().endswith(one.strip()) and contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(main, [str(tmp_path / "nowhere")])
    assert "nowhere" in capsys.readouterr().err
