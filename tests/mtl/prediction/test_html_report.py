"""The HTML report of a batch: its content, escaping, and that it needs no other file."""

import json
import re
import shutil
from base64 import b64encode
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

import mtl.prediction.html_report
from mtl.prediction.html_report import (
    MAX_PREVIEWS,
    PREVIEW_FILE,
    PREVIEW_SIDE,
    summarise_prediction,
    summary_from_json,
    write_preview,
    write_report,
)
from mtl.prediction.traps import extract_traps
from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.scene import GeoReference
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import find_trap_closures
from tests.browser import look_at_report, open_page
from tests.conftest import dome_scene
from tests.mtl.prediction.test_traps import disc


@pytest.fixture
def summary_of(tmp_path):
    """Summary of a map with these probabilities; its preview is written."""

    def summarise(name, probability, scene=None):
        scene = (scene or dome_scene()).replace(name=name)
        exact = find_trap_closures(scene, TrapCriteria()) if scene.has_depth else None
        prediction = extract_traps(scene, {"trap": probability[None]}, [HEADS["trap"]], exact)
        write_preview(scene, prediction, tmp_path / name)
        return summarise_prediction(scene, prediction)

    return summarise


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_the_most_uncertain_map_and_trap_come_first_and_failures_above_all(summary_of, tmp_path):
    maps = [
        summary_of("sure", disc((32, 32), 20)),
        summary_of("vague", np.where(disc((32, 32), 20) > 0.5, np.float32(0.6), np.float32(0.2))),
        summary_of("calm", 0 * disc((0, 0), 1)),
    ]
    failed = [("bad<map", UserError("/far/away/bad.gri", "cut off", "a whole grid", "copy it again"))]
    write_report(maps, failed, tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()
    text = text_of(html)
    assert "Predicted traps of 3 maps" in text and "1 of 4 maps could not be predicted" in text
    assert "bad&lt;map bad.gri cut off a whole grid copy it again" in text and "/far/away" not in text
    places = [text.index(word) for word in ("cut off", "vague uncertainty", "sure uncertainty", "calm uncertainty")]
    assert places == sorted(places)
    assert "all 2 " in text and text.index("vague 1 0.60") < text.index("sure 1 0.99")
    assert 'href="vague/overlay.png"' in html
    own = re.sub(r"base64,[^\"]*", "", html)
    assert "//" not in own and "<script" not in own and 'src="data:image' in own


def test_little_trap_alone_does_not_make_a_map_certain(summary_of):
    small, large = (summary_of("x", np.where(disc((32, 32), r) > 0.5, np.float32(0.6), np.float32(0))) for r in (8, 24))
    assert small.uncertainty == pytest.approx(large.uncertainty)
    assert small.trap_fraction < large.trap_fraction / 4


def test_summary_of_a_map(summary_of, tmp_path):
    dome = dome_scene()
    exact = find_trap_closures(dome, TrapCriteria())
    same = summary_of("same", (exact.labels > 0).astype(np.float32))
    assert same.iou == 1 and same.exact_count == 1 and same.uncertainty < 1e-6
    assert same.trap_fraction == (exact.labels > 0).mean()
    assert Image.open(tmp_path / "same" / PREVIEW_FILE).size == (2 * PREVIEW_SIDE, PREVIEW_SIDE)
    bare = dome.replace(geo=GeoReference(), depth_valid=np.zeros((64, 64), bool))
    alone = summary_of("bare", np.full((64, 64), 0.5, np.float32), bare)
    assert alone.exact_count is None and alone.iou is None and alone.uncertainty == 2 and alone.traps == []


def test_a_batch_of_failures_alone_has_a_report(tmp_path):
    write_report([], [("x", UserError("x.gri", "cut off"))], tmp_path / "report.html")
    assert "1 of 1 maps could not be predicted" in (tmp_path / "report.html").read_text()


def test_hostile_names_and_messages_are_escaped(summary_of, tmp_path):
    hostile = "\"><script>alert(1)</script>&'"
    failed = [(hostile, UserError(hostile, hostile, hostile, hostile))]
    write_report([summary_of(hostile, disc((32, 32), 20))], failed, tmp_path / "a.html")
    assert "<script" not in (tmp_path / "a.html").read_text()


def test_a_summary_survives_the_journal_of_a_resumed_batch(summary_of):
    for map in (summary_of("some", disc((32, 32), 20)), summary_of("none", 0 * disc((0, 0), 1))):
        assert vars(summary_from_json(json.loads(json.dumps(asdict(map), default=np.generic.item)))) == vars(map)


def test_of_very_many_maps_the_most_uncertain_have_previews(summary_of, tmp_path, monkeypatch):
    monkeypatch.setattr(mtl.prediction.html_report, "MAX_PREVIEWS", 2)
    inside = disc((32, 32), 20) > 0.5
    maps = [
        summary_of(f"m{uncertainty}", np.where(inside, np.float32(1 - uncertainty / 4), np.float32(0)))
        for uncertainty in (0.1, 0.4, 0.9, 0.6)
    ]
    write_report(maps, [], tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()
    pictures = [b64encode((tmp_path / map.name / PREVIEW_FILE).read_bytes()).decode() for map in maps]
    assert [picture in html for picture in pictures] == [False, False, True, True]
    assert "2 more certain maps are in the table only" in html and all(map.name in html for map in maps)


@pytest.mark.slow
def test_a_browser_shows_the_report(summary_of, tmp_path, browser):
    maps = [summary_of("sure", disc((32, 32), 20)), summary_of("a" * 120, disc((20, 20), 9))]
    hint = f"copy {'x' * 200} again"
    write_report(maps, [("bad", UserError("bad.gri", "cut off", "a whole grid", hint))], tmp_path / "report.html")
    look_at_report(browser, tmp_path / "report.html", pictures=3)  # two maps and a scale


@pytest.mark.slow
def test_a_report_of_5000_maps_opens(summary_of, tmp_path, browser):
    """Measured: 5 MB, open within a second of processor time."""
    one = summary_of("m0", disc((32, 32), 20))
    maps = [replace(one, name=f"m{i}") for i in range(5000)]
    for summary in maps[1:MAX_PREVIEWS]:
        shutil.copytree(tmp_path / "m0", tmp_path / summary.name)
    path = tmp_path / "report.html"
    write_report(maps, [], path)
    assert path.stat().st_size < 10e6
    with open_page(browser, path.as_uri(), "phone") as page:
        assert page.locator("tr").count() == 5000 + 40 + 2  # all maps, the most uncertain traps, two headers
        assert page.locator("img").count() == MAX_PREVIEWS + 1
        page.get_by_text("m4999", exact=True).scroll_into_view_if_needed()
