"""Contacts and ranges as they are typed, and tables of contacts as people keep them."""

import pickle

import numpy as np
import pytest

from targets.analysis.analyse import analyse
from targets.errors import UserError
from targets.prospects.contact_table import assign_contacts, read_contact_table
from targets.prospects.contacts import Contact
from targets.prospects.options import ProspectOptions
from targets.prospects.ranges import Range
from tests.targets.analysis.maps import ridge

CRESTS = {1: (22, 30), 2: (65, 28)}  # column and row of the two domes of `ridge`, by id


@pytest.mark.parametrize(
    "text", ["", "a", "1..", "..2", "3..2", "1..2..1", "1..2..3..4", "nan", "inf", "1-2", "0,2", "1..2%%"]
)
def test_a_range_that_is_none(text):
    with pytest.raises(ValueError, match="expected"):
        Range(text)


def test_quantiles_of_ranges():
    shares = np.linspace(0, 1, 10_001)
    assert Range("5").quantile(shares).tolist() == [5] * 10_001
    assert Range("2..6").quantile([0, 0.1, 0.5, 1]).tolist() == pytest.approx([2, 2.4, 4, 6])
    assert Range("1..2..6").quantile(shares).mean() == pytest.approx(3, abs=1e-3)  # (1 + 2 + 6) / 3
    assert Range("2..2..6").quantile([0, 1]).tolist() == [2, 6] and Range("2..2").is_certain
    assert pickle.loads(pickle.dumps(Range("1..3"))).numbers == (1, 3)


@pytest.mark.parametrize(
    ("text", "depth"),
    [("1650", 1650), ("crest+30", 1530), ("CREST + 20..40", 1530), ("spill-10", 1590), ("spill", 1600), ("60%", 1560),
     ("40..80%", 1560), ("100%", 1600), ("-20", -20)],
)  # fmt: skip
def test_contacts_in_all_ways(text, depth):
    contact = Contact(text)
    assert float(contact.depth(1500, 1600)) == depth
    assert Contact(str(contact)) == contact == pickle.loads(pickle.dumps(contact))
    assert (contact.kind, contact.range) == (Contact(str(contact)).kind, Contact(str(contact)).range)


@pytest.mark.parametrize(
    "text", ["", "crest", "crest-30", "spill+10", "120%", "crest+-3", "spill-10%", "deep", "1,650.5"]
)
def test_a_contact_that_is_none(text):
    with pytest.raises(ValueError, match="expected"):
        Contact(text)


def test_the_high_case_of_a_contact_is_the_deep_one():
    for text in ("1510..1590", "crest+10..90", "spill-10..90", "10..90%"):
        assert Contact(text).depth(1500, 1600, [0, 0.5, 1]).tolist() == pytest.approx([1510, 1550, 1590])


GOOD = {
    "comma": "id,contact\n1,1650\n2,60%\n",
    "semicolon and decimal comma": "ID;OWC (m)\n1;1650,0\n2;60%\n",
    "tab, comment, other columns": "# from the log\nremark\tClosure\tFWL\n\t1\t1650\nold\t2\t60%\n",
    "UTF-16": "id,contact\r\n1,1650\r\n2,60%\r\n",
    "places": "Well,Easting,Northing,GWC_m\nA,{0[0]},{0[1]},1650\nB,{1[0]},{1[1]},60%\n",
}


@pytest.mark.parametrize("case", GOOD)
def test_tables_of_contacts(case, tmp_path):
    analysis = analyse(ridge())
    places = [[float(v) for v in analysis.scene.geo.xy(row, col)] for col, row in CRESTS.values()]
    found = {int(analysis.closures.labels[row, col]) for col, row in CRESTS.values()}
    assert found == {1, 2}
    file = tmp_path / "contacts.csv"
    first = int(analysis.closures.labels[CRESTS[1][1], CRESTS[1][0]])
    file.write_bytes(GOOD[case].format(*places).encode("utf-16" if "16" in case else "utf-8"))
    said = assign_contacts(file, read_contact_table(file), analysis)
    wanted = {1: "1650", 2: "60%"} if case != "places" else {first: "1650", 3 - first: "60%"}
    assert {key: str(contacts.water) for key, contacts in said.contacts.items()} == wanted and said.notes == ()
    assert said.names == ({first: "A", 3 - first: "B"} if case == "places" else {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contact\n1650\n", "headings"),
        ("id,contact\n", "0 rows"),
        ("id,contact\n9,1650\n", "closure 9"),
        ("id,contact\n1.5,1650\n", "id is '1.5'"),
        ("id,contact\n1,deep\n", "line 2: contact is 'deep'"),
        ("id,contact\n1,1650,5\n", "3 columns"),
        ("id,contact\n1,1650\n1,1660\n", "1650 (line 2) and 1660 (line 3)"),
        ("id,contact_ft\n1,5400\n", "contacts in ft"),
        ("name,contact\nA,1650\n", "without a place"),
        ("id,contact\n,1650\n", "names no closure"),
        ("x,y,contact\n1,north,1650\n", "y is 'north'"),
    ],
)
def test_a_table_that_is_wrong(text, said, tmp_path):
    file = tmp_path / "contacts.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(UserError) as error:
        assign_contacts(file, read_contact_table(file), analyse(ridge()))
    assert said in str(error.value)


def test_places_in_no_closure_are_named_and_rows_of_other_maps_left_out(tmp_path):
    file = tmp_path / "contacts.csv"
    file.write_text("x,y,name,map,contact\n0,0,far,,1650\n0,0,other,elsewhere,1650\n", "utf-8")
    said = assign_contacts(file, read_contact_table(file), analyse(ridge()))
    assert said.contacts == {} and said.notes == ("1 of 1 rows of contacts.csv about ridge lie in no closure: far",)


SHARES = {"net_to_gross": Range(0.7), "porosity": Range(0.2), "water_saturation": Range(0.3)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"porosity": Range(0.2)}, "--net_to_gross, --water_saturation"),
        (SHARES, "--oil_factor"),
        ({"oil_factor": Range(1.2)}, "--porosity"),
        (SHARES | {"oil_factor": Range(1.2), "gas_factor": Range(0.004)}, "--gas_oil"),
        (SHARES | {"oil_factor": Range(1.2), "co2_density": Range(600)}, "given together"),
        (SHARES | {"oil_factor": Range(1.2), "gas_oil": Contact("50%")}, "--gas_oil"),
        (SHARES | {"gas_factor": Range(250)}, "0.004"),
        (SHARES | {"porosity": Range(20), "oil_factor": Range(1.2)}, "20%"),
        ({"thickness": Range(0)}, "above 0"),
        ({"draws": 0}, "--draws"),
    ],
)
def test_reservoirs_that_say_too_little_or_too_much(options, said):
    with pytest.raises(UserError) as error:
        ProspectOptions(**options)
    assert said in str(error.value)
