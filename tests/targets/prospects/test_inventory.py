"""Prospects of maps: what domes hold, draws and their percentiles, units, notes."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from targets.analysis.analyse import analyse
from targets.analysis.options import DEFAULT_OPTIONS, NO_DEPTH_ERROR, DepthError
from targets.closure.monte_carlo import Realisation
from targets.errors import UserError
from targets.prospects.area_depth import find_area_depth_curves
from targets.prospects.contacts import Contact
from targets.prospects.display_units import DisplayUnits
from targets.prospects.in_place import Contacts
from targets.prospects.inventory import find_prospects
from targets.prospects.options import DEFAULT_PROSPECTS, ProspectOptions
from targets.prospects.ranges import Range
from targets.prospects.report.layers import outline_prospects
from targets.prospects.report.tables import inventory_row, write_area_depth_table
from targets.prospects.report.writers import write_map_files
from targets.prospects.simulation import Subject, Volumes, cases, simulate
from tests.targets.analysis.maps import ridge, twins
from tests.targets.prospects.domes import CREST, DOMES, HEIGHT, dome_map

SHARES = {"net_to_gross": Range(0.7), "porosity": Range(0.2), "water_saturation": Range(0.3)}
OIL = SHARES | {"oil_factor": Range(1.25)}
PORES = 0.7 * 0.2 * 0.7


def prospects_of(scene, options=DEFAULT_PROSPECTS, error=NO_DEPTH_ERROR):
    return find_prospects(analyse(scene), options, DEFAULT_OPTIONS, error)


@pytest.mark.parametrize("dome", DOMES)
def test_what_a_dome_holds(dome):
    """Oil, gas and CO2 above contacts, within 1 % of closed forms."""
    true = DOMES[dome].volume
    oil = ProspectOptions(contact=Contact(CREST + 40), **OIL)
    (prospect,) = prospects_of(dome_map(dome, 20.0), oil).prospects
    assert prospect.held["oil"] == pytest.approx(true(40) * PORES / 1.25, rel=0.01)
    both = replace(oil, gas_oil=Contact(CREST + 25), gas_factor=Range(0.004))
    (prospect,) = prospects_of(dome_map(dome, 20.0), both).prospects
    assert prospect.held["gas"] == pytest.approx(true(25) * PORES / 0.004, rel=0.01)
    assert prospect.held["oil"] == pytest.approx((true(40) - true(25)) * PORES / 1.25, rel=0.01)
    rock = ProspectOptions(contact=Contact(CREST + 40), gas_oil=Contact(CREST + 25))
    (prospect,) = prospects_of(dome_map(dome, 20.0), rock).prospects
    assert prospect.held["gas_rock"] == pytest.approx(true(25), rel=0.01)
    co2 = ProspectOptions(contact=Contact(CREST + 40), thickness=Range(10), co2_density=Range(650), **SHARES)
    (prospect,) = prospects_of(dome_map(dome, 20.0), co2).prospects
    assert prospect.held["co2"] == pytest.approx((true(40) - true(30)) * PORES * 650, rel=0.01)


def test_the_same_dome_in_feet_in_kilometres_and_in_field_units():
    options = ProspectOptions(contact=Contact("50%"), **OIL)
    metres = dome_map("cone", 40.0)
    feet = metres.replace(depth=metres.depth / np.float32(0.3048), geo=replace(metres.geo, depth_unit="ft"))
    geo = replace(metres.geo, x0=400.0, y0=6500.0, dx=0.04, dy=-0.04, xy_unit="km")
    rows = []
    for scene, system in ((metres, "metric"), (feet, "metric"), (metres.replace(geo=geo), "metric"), (feet, "field")):
        found = prospects_of(scene, replace(options, units=system))
        rows.append(inventory_row(found.prospects[0], found.units, options))
    for row in rows[1:3]:
        for name in ("contact_m", "area_km2", "rock_1e6m3", "oil_1e6Sm3", "height_left_m"):
            assert row[name] == pytest.approx(rows[0][name], rel=1e-3), name
    assert rows[3]["contact_ft"] == pytest.approx(rows[0]["contact_m"] / 0.3048, rel=1e-6)
    assert rows[3]["area_acres"] == pytest.approx(rows[0]["area_km2"] * 247.105, rel=1e-3)
    assert rows[3]["rock_acre_ft"] == pytest.approx(rows[0]["rock_1e6m3"] * 810.714, rel=1e-3)
    assert rows[3]["oil_MMbbl"] == pytest.approx(rows[0]["oil_1e6Sm3"] * 6.28981, rel=1e-3)
    assert DisplayUnits("field", "m").convert("gas", 1e9) == pytest.approx(35.3147, rel=1e-5)


def test_degrees_have_the_areas_of_the_ellipsoid():
    metres = dome_map("cone", 40.0)
    geo = replace(metres.geo, x0=2.0, y0=60.0, dx=0.0005, dy=-0.0005, xy_unit=None, crs="EPSG:4326")
    scene = metres.replace(geo=geo)
    (prospect,) = prospects_of(scene).prospects
    own = scene.geo.cell_areas(scene.shape) * (analyse(scene).closures.labels == prospect.id)
    assert prospect.held["area"] == pytest.approx(own.sum())


def test_travel_times_have_areas_and_no_volumes():
    found = prospects_of(dome_map("cone", 40.0, "ms"), ProspectOptions(contact=Contact("50%")))
    row = inventory_row(found.prospects[0], found.units, DEFAULT_PROSPECTS)
    assert row["area_km2"] > 0 and "contact_ms" in row and not any("rock" in name for name in row)
    assert "no volumes" in " ".join(found.notes) and found.main == "area"
    with pytest.raises(UserError, match="travel times"):
        prospects_of(dome_map("cone", 40.0, "ms"), ProspectOptions(thickness=Range(20)))


@pytest.mark.parametrize(
    ("lost", "said"), [({"depth_unit": None}, "depths"), ({"xy_unit": None}, "coordinates"), ({"dx": None}, "spacing")]
)
def test_unknown_units_are_asked_for(lost, said):
    scene = dome_map("cone", 40.0)
    with pytest.raises(UserError, match=said):
        prospects_of(scene.replace(geo=replace(scene.geo, **lost)))


@pytest.mark.parametrize(
    ("contact", "word", "column"),
    [("crest+200", "full", None), ("1490", "", None), ("crest+30", "", 30.0), ("spill", "", None)],
)
def test_contacts_outside_of_a_closure_are_said(contact, word, column):
    options = ProspectOptions(contact=Contact(contact))
    if contact == "1490":
        with pytest.raises(UserError, match="above every crest"):
            prospects_of(dome_map("cone", 40.0), options)
        return
    found = prospects_of(dome_map("cone", 40.0), options)
    (prospect,) = found.prospects
    assert [note.split(":")[0] for note in prospect.notes] == ([word] if word else [])
    assert bool(found.notes) == bool(word)
    expected = column if column is not None else prospect.curve.spill - prospect.curve.crest
    assert prospect.held["column"] == pytest.approx(expected, rel=1e-6)


def test_one_contact_may_leave_a_closure_dry_and_another_full():
    scene = ridge()
    crests = np.sort(analyse(scene).table["crest_depth"])
    found = prospects_of(scene, ProspectOptions(contact=Contact(float(crests.mean()))))
    notes = [prospect.notes for prospect in sorted(found.prospects, key=lambda p: p.curve.crest)]
    assert notes[0] == () and notes[1][0].startswith("dry")
    assert found.prospects[-1].held["rock"] == 0 and "in 1 of 2 closures" in " ".join(found.notes)


def test_parts_above_a_contact_that_do_not_touch():
    scene = twins().replace(geo=dome_map().geo)
    pools = [
        prospects_of(scene, ProspectOptions(contact=Contact(text))).prospects[0].pools for text in ("10%", "spill")
    ]
    assert pools == [2, 1]


def test_the_chain_and_the_ranks():
    found = prospects_of(ridge())
    chains = {prospect.id: prospect.chain for prospect in found.prospects}
    table = analyse(ridge()).table
    assert {key: chain[0] if chain else 0 for key, chain in chains.items()} == dict(
        zip(table["id"].tolist(), table["spills_into"].tolist(), strict=True)
    )
    rocks = [prospect.held["rock"] for prospect in found.prospects]
    assert rocks == sorted(rocks, reverse=True) and [p.rank for p in found.prospects] == [1, 2]


def test_draws_of_the_reservoir():
    """Means and percentiles of products of uniform and triangular numbers, beside plain random numbers."""
    ranges = {"net_to_gross": Range("0.5..0.9"), "porosity": Range("0.1..0.2..0.3"), "water_saturation": Range(0.3),
              "oil_factor": Range("1.1..1.4")}  # fmt: skip
    options = ProspectOptions(contact=Contact("crest+20..40"), draws=20_000, **ranges)
    (prospect,) = prospects_of(dome_map("paraboloid", 40.0), options).prospects
    rng = np.random.default_rng(7)
    column, net, bo = rng.uniform(20, 40, 10**6), rng.uniform(0.5, 0.9, 10**6), rng.uniform(1.1, 1.4, 10**6)
    oil = DOMES["paraboloid"].volume(column) * net * rng.triangular(0.1, 0.2, 0.3, 10**6) * 0.7 / bo
    assert prospect.cases["oil"] == pytest.approx([*np.quantile(oil, [0.1, 0.5, 0.9]), oil.mean()], rel=0.02)
    assert prospect.cases["column"] == pytest.approx([22, 30, 38, 30], rel=1e-3)
    low, middle, high = (swing for swing in (prospect.swings[0].low, prospect.held["oil"], prospect.swings[0].high))
    assert prospect.swings[0].parameter == "contact" and low < middle < high
    assert {swing.parameter for swing in prospect.swings} == {"contact", "net_to_gross", "porosity", "oil_factor"}
    assert np.isnan(prospect.probability) and np.ptp(prospect.spread) > 0


def test_the_same_seed_gives_the_same_draws_and_another_parameter_changes_none():
    options = ProspectOptions(thickness=Range("10..30"), draws=500)
    one, again = (prospects_of(dome_map("cone", 40.0), options).prospects[0] for _ in range(2))
    assert one.cases == again.cases
    other = prospects_of(dome_map("cone", 40.0), options, DepthError(seed=1)).prospects[0]
    assert one.cases != other.cases
    more = replace(options, **OIL | {"porosity": Range("0.1..0.3")})
    assert prospects_of(dome_map("cone", 40.0), more).prospects[0].cases["rock"] == one.cases["rock"]


def test_an_error_of_the_depth_of_nothing_changes_nothing():
    options = ProspectOptions(contact=Contact("60%"), **OIL)
    plain = prospects_of(dome_map("cone", 40.0), options).prospects[0]
    sure = prospects_of(dome_map("cone", 40.0), options, DepthError(0.0, 200.0, 3)).prospects[0]
    assert plain.cases == {} and sure.probability == 1 and sure.swings == []
    assert sure.cases["oil"] == pytest.approx([plain.held["oil"]] * 4)


def test_an_error_of_the_depth_spreads_volumes():
    error = DepthError(8.0, 300.0, 12, 3)
    (prospect,) = prospects_of(dome_map("cone", 40.0), ProspectOptions(**OIL), error).prospects
    low, middle, high, mean = prospect.cases["oil"]
    assert 0 < low < middle < high and low < mean < high and prospect.probability == 1
    assert [swing.parameter for swing in prospect.swings] == ["depth of the map"]
    assert (prospect.swings[0].low, prospect.swings[0].high) == pytest.approx((low, high))


def test_a_closure_that_exists_in_half_of_the_realisations():
    """Its probability is a half, its percentiles are those of the other half, and its rank knows both."""
    closures = analyse(ridge()).closures
    contacts = Contacts(Contact("spill"))
    curves = find_area_depth_curves(closures, np.ones((1, 1)))
    subjects = [Subject(key, curve, contacts) for key, curve in curves.items()]
    drawn = [Realisation(closures, np.array(match, np.int32)) for match in ([1, 2], [1, 0])]
    volumes = Volumes(DEFAULT_PROSPECTS, np.ones((1, 1)), 1.0, "rock")
    found = simulate(subjects, volumes, 0, closures, drawn, 2)
    full = float(curves[2].volume(curves[2].limit))
    assert found.exists.tolist() == [1, 0.5]
    assert found.draws["rock"][1] == pytest.approx([full, np.nan], nan_ok=True)
    prospect = prospects_of(ridge()).prospects[0]
    unsure = replace(prospect, probability=0.5, cases={"rock": (1.0, 2.0, 3.0, 2.0)})
    assert unsure.expected("rock") == 1.0 and prospect.expected("rock") == prospect.held["rock"]


def test_draws_without_a_closure_are_left_out():
    assert cases(np.array([np.nan, 1, 2, 3])) == pytest.approx((1.2, 2, 2.8, 2))
    assert np.isnan(cases(np.array([np.nan]))).all()


@pytest.mark.parametrize("thickness", [np.inf, 12.0])
def test_area_depth_tables_for_other_programs(thickness, tmp_path):
    """The trapezoids of HCWC-Builder over the table give the exact volume within 1 %."""
    (prospect,) = prospects_of(dome_map("cone", 20.0)).prospects
    file = tmp_path / "1.csv"
    write_area_depth_table(prospect.curve, DisplayUnits("metric", "m"), thickness, file)
    with Path(file).open(encoding="utf-8") as lines:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(lines)]
    depth, top, base = (np.array([row[key] for row in rows]) for key in ("depth_m", "top_area_km2", "base_area_km2"))
    assert list(rows[0])[:3] == ["depth_m", "top_area_km2", "base_area_km2"]
    assert (np.diff(depth) > 0).all() and (base <= top).all() and top[0] == 0
    net = top - base
    total = float((np.diff(depth) * (net[:-1] + net[1:]) / 2).sum())
    assert total == pytest.approx(rows[-1]["grv_1e6m3"], rel=0.01)
    assert rows[-1]["height_m"] == pytest.approx(HEIGHT, abs=1)


def test_contact_outlines_lie_at_their_contacts(tmp_path):
    """Read back by geopandas: the area of the table within 1 %, the depth of the contact as third coordinate."""
    geopandas = pytest.importorskip("geopandas")
    options = ProspectOptions(contact=Contact("60%"), gas_oil=Contact("20%"))
    found = prospects_of(ridge(), options)
    write_map_files(found, tmp_path, options, outline_prospects(found))
    for layer, share in (("contacts", 0.6), ("gas_oil_contacts", 0.2)):
        frame = geopandas.read_file(tmp_path / "contacts.gpkg", layer=layer)
        assert frame.id.tolist() == [1, 2] and frame.crs.to_epsg() == 23031 and frame.is_valid.all()
        for row in frame.itertuples():
            curve = next(prospect.curve for prospect in found.prospects if prospect.id == row.id)
            contact = curve.crest + share * (curve.spill - curve.crest)
            assert row.contact_m == pytest.approx(contact) and row.area_km2 == pytest.approx(curve.area(contact) / 1e6)
            assert row.geometry.area / 1e6 == pytest.approx(row.area_km2, rel=0.01)
            depths = [point[2] for point in row.geometry.geoms[0].exterior.coords]
            assert depths == pytest.approx([contact] * len(depths))
