"""Charge, fault rules and juxtaposition on a dome that a fault of known throw cuts: truths checked by hand."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from targets.analysis.analyse import Analysis, analyse
from targets.analysis.options import ClosureOptions
from targets.errors import UserError
from targets.io.faults.names import name_faults
from targets.prospects.ranges import Range
from targets.prospects.scenarios.charge import charge_map, summarise_charge
from targets.prospects.scenarios.fault_rules import compare_fault_rules, list_changes
from targets.prospects.scenarios.juxtaposition import find_fault_contacts, find_profiles
from targets.prospects.scenarios.options import ScenarioOptions
from targets.prospects.scenarios.report import join_reports, report_charge, report_fault_rules
from targets.prospects.scenarios.units import ScenarioUnits
from targets.prospects.scenarios.writers import FILES, _write, pore_share, write_scenarios
from targets.scene import GeoReference, Scene

THROW = 20.0
RULES = ClosureOptions(faults="sealing", min_area=4, min_relief=0.0)


def faulted_dome(geo: GeoReference | None = None) -> Scene:
    """A cone of 2 m a cell, its top at 1000 m in the middle; what lies right of the fault is 20 m deeper."""
    row, col = np.indices((31, 41))
    depth = (1000 + 2 * np.hypot(row - 15, col - 20) + THROW * (col > 20)).astype(np.float32)
    known = np.ones(depth.shape, bool)
    fault = (col == 20) & (row > 0) & (row < 30)
    geo = geo or GeoReference(1000.0, 5000.0, 50.0, -50.0, xy_unit="m", depth_unit="m")
    return Scene("dome", depth, known, known, fault, geo=geo)


@pytest.fixture(scope="module")
def sealing() -> Analysis:
    scene = faulted_dome()
    return analyse(scene, RULES, faults=name_faults(scene))


def test_what_changes_when_the_fault_seals_leaks_or_does_nothing(sealing: Analysis) -> None:
    found = compare_fault_rules(sealing.scene, sealing.faults, RULES)
    assert list(found.analyses) == ["as given", "all transparent", "all leaking"], "the one fault by itself is the same"
    changes = {(c.scenario, c.id): c for c in found.changes}
    assert sealing.table.size == 2 and [c.change for c in found.changes] == ["joined", "joined", "gone", "gone"]
    west = changes["all transparent", 1]
    before = sealing.table[0]
    whole = found.analyses["all transparent"].table
    assert whole.size == 1 and west.area == whole["area"][0] and west.height == whole["height"][0]
    assert west.area_change == west.area - before["area"] > 0 and west.crest_x == before["crest_x"]
    gone = changes["all leaking", 1]
    assert np.isnan(gone.height) and gone.area_change == -before["area"] and gone.scenario_id == 0


def test_a_closure_that_falls_apart_has_parts(sealing: Analysis) -> None:
    whole = compare_fault_rules(sealing.scene, sealing.faults, RULES).analyses["all transparent"]
    changes = list_changes("sealing", whole, sealing)
    assert sorted(c.change for c in changes) == ["part", "smaller"] and {c.id for c in changes} == {1}
    assert all(np.isnan(c.area_change) == (c.change == "part") for c in changes)
    again = list_changes("again", whole, whole)
    assert [c.change for c in again] == ["unchanged"] and again[0].height_change == 0
    new = list_changes("new", analyse(sealing.scene, ClosureOptions(min_area=9999)), sealing)
    assert [c.change for c in new] == ["new", "new"] and new[0].area_change == new[0].area


def test_profiles_have_the_throw_that_was_put_in(sealing: Analysis) -> None:
    (profile,) = find_profiles(sealing)
    assert profile.name == "1" and profile.distance[-1] == pytest.approx(28 * 50)
    np.testing.assert_allclose(np.abs(profile.throw), THROW, atol=1e-3)
    assert set(profile.sides) == {"east", "west"}
    deeper = profile.sides[int(profile.throw[0] > 0)]
    assert deeper == "east"
    # at the middle of the fault the surface is read three cells beside it
    assert profile.depth.min(axis=1) == pytest.approx(np.sort([1006, 1026])[:: 1 if profile.throw[0] > 0 else -1])


@pytest.mark.parametrize(("thickness", "leak"), [(np.inf, 1026), (30, 1026), (10, np.nan)])
def test_a_closure_leaks_across_where_the_reservoir_meets_itself(
    sealing: Analysis, thickness: float, leak: float
) -> None:
    contacts = find_fault_contacts(find_profiles(sealing), sealing, thickness)
    west = next(c for c in contacts if c.side == "west")
    assert west.throw_min == pytest.approx(THROW, abs=1e-3) and west.spill_depth == sealing.table["spill_depth"][0]
    np.testing.assert_allclose(west.leak_depth, leak)
    if np.isfinite(leak):
        assert west.leaks_into == 2 and west.leak_y == 5000 - 15 * 50
        assert west.sealed_height == pytest.approx(west.spill_depth - leak)
    else:
        assert west.leaks_into == 0 and west.sealed_height == 0 and np.isnan(west.leak_x)


def test_turned_maps_have_turned_sides(sealing: Analysis) -> None:
    scene = faulted_dome(GeoReference(0.0, 0.0, 50.0, -50.0, rotation=90.0))
    (profile,) = find_profiles(analyse(scene, RULES, faults=name_faults(scene)))
    assert set(profile.sides) == {"north", "south"}
    (unplaced,) = find_profiles(analyse(faulted_dome(GeoReference()), RULES, faults=sealing.faults))
    assert set(unplaced.sides) == {"left", "right"}


# Charge ---------------------------------------------------------------------------------------------------------------


def test_a_charge_in_cubic_metres(sealing: Analysis, tmp_path: Path) -> None:
    """Half of the western closure's volume, by its id, at a porosity of 25 %."""
    volume = float(sealing.table["volume"][0])
    (tmp_path / "charge.csv").write_text(f"id;volume\n1;{volume / 8:.6f}\n".replace(".", ","), "utf-8")
    charged = charge_map(sealing, str(tmp_path / "charge.csv"), 0.25)
    row = charged.table[0]
    assert (
        row["id"] == 1 and row["filled"] == pytest.approx(0.5) and row["capacity_volume"] == pytest.approx(volume / 4)
    )
    assert row["stored_volume"] == pytest.approx(volume / 8) and row["full_at_volume"] == pytest.approx(volume / 4)
    assert row["column_height"] == pytest.approx(row["contact_depth"] - row["crest_depth"])
    assert charged.filling.height.sum() * 2500 * 0.25 == pytest.approx(volume / 8)
    assert summarise_charge(charged).endswith("0 of 2 closures full, 1 partly; 100.0% in closures")


def test_charges_from_all_sources(sealing: Analysis, tmp_path: Path) -> None:
    everywhere = charge_map(sealing, "1e6")
    assert everywhere.charge.sum() == pytest.approx(1e6) and everywhere.notes == ()
    (tmp_path / "points.txt").write_text("X,Y,Volume\n1900,4250,5e5\n2200,4250,1e5\n", "utf-8")
    points = charge_map(sealing, str(tmp_path / "points.txt"))
    assert points.charge[15, 18] == 5e5 and points.charge[15, 24] == 1e5 and points.filling.stored.sum() == 6e5
    values = np.full(sealing.scene.shape, 10.0, np.float32)
    values[0, 0] = np.nan
    geo = sealing.scene.geo
    np.savez(tmp_path / "kitchen.npz", depth=values, x0=geo.x0, y0=geo.y0, dx=geo.dx, dy=geo.dy)
    grid = charge_map(sealing, str(tmp_path / "kitchen.npz"))
    assert grid.filling.given == pytest.approx(10 * (values.size - 1))
    assert len(grid.notes) == 2 and "1 cells" in grid.notes[0] and "not placed" in grid.notes[1], (
        "no value; on the fault"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,amount\n1,5\n", "columns id, amount"),
        ("id,volume\n1,much\n", "row 1"),
        ("id,volume\n9,5\n", "ids 1 to 2"),
        ("x,y,volume\n1900,4250,1\n0,0,5\n", "a point at x 0, y 0; expected a cell of the map"),
        ("", "no text"),
    ],
)
def test_charges_that_cannot_be_read_are_refused(sealing: Analysis, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "charge.csv").write_text(text, "utf-8")
    with pytest.raises(UserError, match=words):
        charge_map(sealing, str(tmp_path / "charge.csv"))


@pytest.mark.parametrize(
    ("text", "words"), [("-5", "above 0"), ("nan", "above 0"), ("no such file.tif", "no number and no file")]
)
def test_a_charge_that_is_nothing_is_refused_before_any_work(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        ScenarioOptions(charge=text)


def test_a_charge_needs_depths_and_spill_points() -> None:
    in_time = faulted_dome(GeoReference(0.0, 0.0, 50.0, -50.0, xy_unit="m", depth_unit="ms"))
    with pytest.raises(UserError, match="travel times"):
        charge_map(analyse(in_time, RULES), "5")
    with pytest.raises(UserError, match="--contour-interval"):
        charge_map(analyse(faulted_dome(), ClosureOptions(contour_interval=5.0)), "5")


def test_depths_in_feet_give_cubic_metres(sealing: Analysis) -> None:
    geo = sealing.scene.geo
    scene = sealing.scene.replace(
        depth=(sealing.scene.depth / 0.3048).astype(np.float32), geo=replace(geo, depth_unit="ft")
    )
    (metres, feet) = (
        charge_map(analyse(one, RULES, faults=sealing.faults), "1e6").table for one in (sealing.scene, scene)
    )
    for name in ("capacity_volume", "stored_volume", "filled_area", "full_at_volume"):
        np.testing.assert_allclose(feet[name], metres[name], rtol=1e-4)
    np.testing.assert_allclose(feet["column_height"] * 0.3048, metres["column_height"], rtol=1e-3)


def test_a_map_without_closures_loses_all(sealing: Analysis, tmp_path: Path) -> None:
    ramp = np.broadcast_to(1000 + np.arange(41, dtype=np.float32), (31, 41)).copy()
    analysis = analyse(sealing.scene.replace(depth=ramp), RULES, faults=sealing.faults)
    said = write_scenarios(analysis, RULES, ScenarioOptions("1e6", True), {}, tmp_path).lines
    assert "0 of 0 closures full, 0 partly" in said[0] and "lost out of the map" in said[0]
    assert (tmp_path / "charge.csv").read_text("utf-8").count("\n") == 1


def test_files_of_scenarios(sealing: Analysis, tmp_path: Path) -> None:
    asked = ScenarioOptions(charge="2e6", fault_scenarios=True)
    reservoir = {"porosity": Range("0.1..0.3"), "net_to_gross": Range("0.5"), "thickness": Range("30")}
    said = write_scenarios(sealing, RULES, asked, reservoir, tmp_path).lines
    assert said[0].startswith("charge of 2 million m³") and "0.1 of the rock" in said[1] and "--thickness" in said[2]
    assert said[3].startswith("all transparent: 2 joined") and said[4].startswith("all leaking: 2 gone; 0 m²")
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "charge_height.tif"}
    rows = list(csv.DictReader((tmp_path / "charge.csv").open(encoding="utf-8")))
    assert len(rows) == 2 and float(rows[0]["stored_volume_m3"]) > 0
    header = (tmp_path / "fault_scenarios.csv").read_text("utf-8").split("\n")[0]
    assert "spill_depth_change_m," in header and "volume_change_m3" in header
    assert "leak_depth_m" in (tmp_path / "fault_contacts.csv").read_text("utf-8")
    assert write_scenarios(sealing, RULES, ScenarioOptions(), {}, tmp_path).lines == [] and not list(tmp_path.iterdir())
    without = analyse(sealing.scene.replace(fault=np.zeros(sealing.scene.shape, bool)), RULES)
    assert (
        write_scenarios(without, RULES, ScenarioOptions(fault_scenarios=True), {}, tmp_path)
        .lines[0]
        .startswith("no faults")
    )
    assert pore_share({"net_to_gross": 0.5}) == 1


def test_field_units_and_what_the_page_says(sealing: Analysis, tmp_path: Path) -> None:
    """The same numbers in ft, acres and acre-ft; a fact of each closure that a scenario changes."""
    units = ScenarioUnits(sealing.scene.geo.units, "field")
    charged = charge_map(sealing, "2e6")
    _write(tmp_path / "charge.csv", charged.table.dtype.names or (), charged.table.tolist(), units)
    for row, true in zip(csv.DictReader((tmp_path / "charge.csv").open(encoding="utf-8")), charged.table, strict=True):
        acre, foot = 4046.8564224, 0.3048
        assert float(row["stored_volume_acre_ft"]) * acre * foot == pytest.approx(true["stored_volume"])
        assert float(row["filled_area_acres"]) * acre == pytest.approx(true["filled_area"])
        assert float(row["spill_depth_ft"]) * foot == pytest.approx(true["spill_depth"])
        assert float(row["filled"]) == pytest.approx(true["filled"]) and int(row["id"]) == true["id"]
    rules = report_fault_rules(compare_fault_rules(sealing.scene, sealing.faults, RULES), units)
    found = join_reports([report_charge(charged, ["a note"], units), rules])
    assert found.lines[0].startswith("charge of 1,620 acre-ft") and "acres closed" in found.lines[2]
    assert [section.title for section in found.sections] == ["dome: charge", "dome: rules of faults"]
    assert [name for name, _ in found.facts[1]] == ["the charge fills", "gone with", "one with others with"]
    assert dict(found.facts[1])["gone with"] == "all leaking"
