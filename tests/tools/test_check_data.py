"""The command line of tools/check_data.py."""

import pytest

from targets.cli import run
from tools.check_data import main


def test_it_prints_a_fingerprint_and_writes_the_page(two_maps, tmp_path, capsys):
    run(main, [str(two_maps), "--out", str(tmp_path), "--rules.min_area", "10"])
    said = capsys.readouterr().out
    assert "maps           2" in said and "0 finding(s)" in said and f"look at {tmp_path / 'check.html'}" in said
    assert (tmp_path / "check.html").stat().st_size > 10_000


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(main, [str(tmp_path / "nowhere")])
    assert "nowhere" in capsys.readouterr().err
