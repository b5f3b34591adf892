"""A data set's check: every fault put into a set is found, named with a hint, and nothing else is."""

from pathlib import Path

import numpy as np
import pytest

from targets.check.dataset import check_data, compare_interpreted_with_exact
from targets.check.issues import share_in_lows
from targets.check.report import write_check_report
from targets.check.summary_text import dataset_summary
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference, Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import compute_traps

HOW, RULES = ReadOptions(), TrapCriteria()
SIZE = 96


def write(folder: Path, scene: Scene, name: str, **changes: object) -> Path:
    write_map_folder(scene.replace(name=name, group=name, **changes), folder / name)
    return folder / name


def traps_of(scene: Scene) -> np.ndarray:
    return compute_traps(scene, RULES)[0] > 0


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Three sound maps with the traps of an interpreter who draws exactly."""
    for seed in (3, 5, 6):
        scene = make_structure_map(seed, SIZE)
        write(tmp_path, scene, f"good{seed}", traps=traps_of(scene))
    return tmp_path


def findings(folder: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.kind, finding.maps) for finding in check_data([folder], HOW, RULES).findings]


def test_a_sound_set_has_no_findings_and_a_fingerprint(good):
    check = check_data([good], HOW, RULES)
    assert check.findings == []
    lines = dict(dataset_summary(check))
    assert lines["maps"] == "3" and lines["groups"].startswith("3,") and lines["sizes"] == f"{SIZE} × {SIZE} (3)"
    assert lines["channels"] == "picture (3), depth (3), faults (3), drawn traps (3), location (3)"
    assert lines["drawn × exact"] == "IoU 1.00 to 1.00, median 1.00"
    assert {fact.outline for fact in check.maps} <= {"full frame", "rectangles"}
    assert sum(fact.trap_count for fact in check.maps) > 3 and all(fact.iou > 0.99 for fact in check.maps)


def test_a_corrupt_map_is_a_finding_and_the_others_are_checked(good):
    picture = good / "good3" / "depth_norm.png"
    picture.write_bytes(picture.read_bytes()[:2000])
    check = check_data([good], HOW, RULES)
    (finding,) = check.findings
    assert finding.kind == "unreadable" and finding.maps == ("good3",)
    assert str(picture) in str(finding.error) and "copy it again" in str(finding.error)
    assert len(check.maps) == 2 and dict(dataset_summary(check))["maps"] == "2, and 1 that cannot be read"


def test_masks_that_cover_too_much(good):
    scene = make_structure_map(20, SIZE)
    fault = scene.map_valid & (np.indices(scene.shape)[1] % 10 < 4)
    write(good, scene, "faults", fault=fault, depth_valid=scene.map_valid & ~fault, traps=traps_of(scene))
    inner = np.zeros_like(scene.map_valid)
    inner[8:-8, 8:-8] = True
    write(
        good,
        scene.replace(geo=GeoReference()),
        "traps",
        traps=inner & scene.map_valid,
        depth=make_structure_map(21, SIZE).depth,
        rgb=None,
    )
    assert ("mask", ("faults",)) in findings(good) and ("mask", ("traps",)) in findings(good)


def test_a_map_lost_in_its_array(good):
    scene = make_structure_map(20, SIZE)
    corner = np.zeros_like(scene.map_valid)
    corner[:20, :20] = True
    fields = {"map_valid": corner, "depth_valid": corner & ~scene.fault, "fault": scene.fault & corner}
    write(good, scene, "corner", **fields, rgb=None, traps=corner & False)
    assert ("mask", ("corner",)) in findings(good)


def test_traps_in_lows(good):
    scene = make_structure_map(3, SIZE)
    low, high = scene.relief
    upside_down = (low + high - scene.depth).astype(np.float32)
    write(good, scene, "lows", depth=upside_down, rgb=None, traps=traps_of(scene), geo=GeoReference(depth_unit="m"))
    check = check_data([good / "lows"], HOW, RULES)
    assert [f.error.found for f in check.findings if f.kind == "traps"] == [
        "the drawn traps lie deeper than what surrounds them"
    ]


def test_traps_against_a_fault_are_no_lows():
    """A trap of the downthrown block leans on a fault; the surface beyond it is higher."""
    rows, cols = np.indices((60, 80))
    depth = np.where(cols < 40, 2000 + np.hypot(rows - 30, 40 - cols), 1800).astype(np.float32)
    inside, fault = np.ones((60, 80), bool), cols == 40
    scene = Scene("sealed", depth, inside & ~fault, inside, fault)
    drawn = (depth < 2012) & (cols < 42) & (abs(rows - 30) < 12)
    assert share_in_lows(scene, drawn) == 0
    assert share_in_lows(scene.replace(depth=4000 - depth), drawn & (cols < 39)) == 1


def test_drawn_traps_that_contradict_the_depth(good):
    scene = make_structure_map(22, SIZE)
    drawn = np.ascontiguousarray(traps_of(scene)[::-1]) & scene.map_valid
    write(good, scene, "mirrored", traps=drawn)
    (finding,) = check_data([good], HOW, RULES).findings
    assert finding.kind == "traps" and finding.maps == ("mirrored",) and "traps.png" in str(finding.error)
    parts, iou = compare_interpreted_with_exact(scene.replace(traps=drawn), RULES)
    exact = traps_of(scene)
    assert iou == (drawn & exact).sum() / (drawn | exact).sum()
    assert [(parts == k).sum() for k in (1, 2, 3)] == [
        (drawn & ~exact).sum(), (exact & ~drawn).sum(), (drawn & exact).sum()
    ]  # fmt: skip


def test_a_depth_that_does_not_belong_to_its_picture(good):
    scene = make_structure_map(24, SIZE)
    write(good, scene, "strange", rgb=make_structure_map(25, SIZE).rgb, traps=traps_of(scene))
    assert findings(good) == [("polarity", ("strange",))]


def test_a_flat_depth(good):
    scene = make_structure_map(24, SIZE)
    write(good, scene, "flat", rgb=None, depth=np.full_like(scene.depth, 1500), traps=scene.fault)
    assert ("polarity", ("flat",)) in findings(good)


def test_copies_and_leaks_are_reported_once_for_all_maps_of_one_ground(good):
    scene = make_structure_map(26, 160)
    for name, row, col in (("west", 0, 0), ("middle", 20, 20), ("east", 30, 50)):
        window = np.s_[row : row + SIZE, col : col + SIZE]
        fields = {key: getattr(scene, key)[window] for key in ("depth", "depth_valid", "map_valid", "fault")}
        write(good, scene, name, **fields, rgb=None, geo=GeoReference(), traps=traps_of(scene)[window])
    copied = make_structure_map(3, SIZE)
    write(good, copied, "again", rgb=None, geo=GeoReference(), traps=traps_of(copied))
    found = dict(findings(good))
    assert set(found["same ground"]) == {"west", "middle", "east"} and set(found["copy"]) == {"good3", "again"}


def test_sets_that_mix_what_must_not_be_mixed(good):
    (good / "good3" / "traps.png").unlink()
    for name in ("fault_mask.png", "depth_norm.png", "depth_mask.png", "traps.png"):
        (good / "good5" / name).unlink()
    reports = [str(finding.error) for finding in check_data([good], HOW, RULES).findings]
    assert any("1 of 3 maps have no depth: good5" in text for text in reports)
    assert any("2 of 3 maps have no drawn traps: good3, good5" in text for text in reports)
    lone = [str(finding.error) for finding in check_data([good / "good6"], HOW, RULES).findings]
    assert len(lone) == 1 and "one group" in lone[0]


def test_flat_files_are_checked_too(tmp_path, good):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, name in enumerate(("good3", "good5")):
        for kind in ("rgb", "fault_mask", "depth_norm", "map_mask", "traps"):
            (good / name / f"{kind}.png").rename(flat / f"{number}_x_{kind}_{name}.png")
    check = check_data([flat], HOW, RULES)
    assert [fact.name for fact in check.maps] == ["0_good3", "1_good5"] and check.findings == []


def test_the_page_stands_alone_with_problems_first_and_names_escaped(good):
    scene = make_structure_map(22, SIZE)
    write(good, scene, "<b>z&", traps=np.ascontiguousarray(traps_of(scene)[::-1]) & scene.map_valid)
    check = check_data([good], HOW, RULES)
    write_check_report(check, good / "check.html", "a <set>", HOW, RULES)
    page = (good / "check.html").read_text("utf-8")
    assert "a &lt;set&gt;" in page and "&lt;b&gt;z&amp;" in page and "<b>z" not in page
    assert "http" not in page and 'src="data:image' in page and page.count("<figure>") == 4
    gallery = page[page.index("<figure>") :]
    assert gallery.index("<b>b_z</b>") < gallery.index("<b>good3</b>")
    table = page[page.index("All maps") :]
    assert table.index("b_z") < table.index("good3")
