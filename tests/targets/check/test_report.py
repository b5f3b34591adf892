"""The HTML report of a check in a browser, on a phone and a desktop."""

import pytest

import targets.check.report
from targets.check.dataset import check_data
from targets.check.report import write_check_report
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps
from tests.browser import look_at_report
from tests.conftest import dome_scene


@pytest.mark.slow
def test_a_browser_shows_the_report(tmp_path, browser):
    scene = dome_scene("a" * 120)
    write_map_folder(scene.replace(traps=compute_traps(scene, TrapCriteria())[0] > 0), tmp_path / "maps" / scene.name)
    write_map_folder(dome_scene("b", crest=(0.4, 0.6)), tmp_path / "maps" / "b")
    (tmp_path / "maps" / "b" / "map.yaml").write_text("no: [sidecar")
    reading, rules, report = ReadOptions(), TrapCriteria(), tmp_path / "check.html"
    check = check_data([tmp_path / "maps"], reading, rules)
    write_check_report(check, report, "Check of maps", reading, rules)
    look_at_report(browser, report, pictures=report.read_text("utf-8").count("<img"))
    assert report.read_text("utf-8").count("<img") >= 3  # a map, its colours, histograms


def test_of_very_many_faulty_maps_the_worst_have_pictures(dome_maps, tmp_path, monkeypatch):
    monkeypatch.setattr(targets.check.report, "MAX_FAULTY", 2)
    monkeypatch.setattr(targets.check.report, "MAX_GALLERY", 0)
    reading, rules = ReadOptions(), TrapCriteria()
    check = check_data([dome_maps], reading, rules)
    assert len({name for finding in check.findings for name in finding.maps}) > 2  # one dome, six times
    write_check_report(check, tmp_path / "check.html", "Check of maps", reading, rules)
    page = (tmp_path / "check.html").read_text("utf-8")
    assert page.count("<figure>") == 2 and "4 more maps are in the table only" in page
