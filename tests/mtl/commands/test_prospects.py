"""tools/prospects.py as it is typed: files, hostile names, mistakes in one line."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtl.commands.prospects import main as main
from targets.io.map_folder.writer import write_map_folder
from tests.browser import WIDTHS, open_page
from tests.targets.analysis.maps import ridge
from tests.targets.prospects.domes import dome_map

RESERVOIR = ["--net_to_gross", "0.7", "--porosity", "0.2", "--water_saturation", "30%", "--oil_factor", "1.2..1.3",
             "--draws", "200"]  # fmt: skip


@pytest.fixture
def maps(tmp_path) -> Path:
    write_map_folder(ridge(), tmp_path / "maps" / "ridge")
    write_map_folder(dome_map("cone", 40.0), tmp_path / "maps" / "cone")
    return tmp_path / "maps"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_inventory_of_two_maps(call, maps, tmp_path):
    out = tmp_path / "out"
    code, said, error = call(maps, "--out", out, "--contact", "60%", *RESERVOIR, "--pages", 1)
    assert code == 0 and "3 prospects; look at" in said, error
    rows = table(out / "inventory.csv")
    assert [row["rank"] for row in rows] == ["1", "2", "3"] and {row["map"] for row in rows} == {"ridge", "cone"}
    means = [float(row["oil_mean_1e6Sm3"]) for row in rows]
    assert means == sorted(means, reverse=True)
    page = (out / "inventory.html").read_text("utf-8")
    assert page.count('<section class="prospect">') == 1 and "P90 is the low case" in page
    assert (out / "ridge" / "contacts.gpkg").exists()
    tables = out / "ridge" / "area_depth"
    assert (
        sorted(path.name for path in tables.glob("*.csv")) == ["1.csv", "2.csv"] and len([*tables.glob("*.png")]) == 1
    )
    assert page.count('alt="map with all prospects"') == 2


def test_names_that_would_run(call, tmp_path):
    """A name of a well that is HTML, a formula or mathematics is text everywhere."""
    openpyxl = pytest.importorskip("openpyxl")
    name = "=1+1<script>alert(1)</script>$x^{$"
    scene = dome_map("cone", 40.0)
    write_map_folder(scene, tmp_path / "cone")
    x, y = (float(value) for value in scene.geo.xy(32, 32))
    (tmp_path / "contacts.csv").write_text(f'x,y,name,contact\n{x},{y},"{name}",60%\n', "utf-8")
    out = tmp_path / "out"
    code, _, error = call(tmp_path / "cone", "--out", out, "--contacts", tmp_path / "contacts.csv")
    assert code == 0, error
    assert "<script>" not in (out / "inventory.html").read_text("utf-8")
    assert table(out / "inventory.csv")[0]["name"] == f"'{name}"
    sheet = openpyxl.load_workbook(out / "inventory.xlsx")["prospects"]
    cells = {cell.value: below for cell, below in zip(sheet[1], sheet[2], strict=True)}
    assert (cells["name"].value, cells["name"].data_type) == (name, "s")
    assert cells["contact_m"].value == pytest.approx(1536, abs=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--contact", "deep"], "crest+30"),
        (["--contact", "-1530"], "positive down"),
        (["--porosity", "0.2"], "--net_to_gross"),
        (["--porosity", "20..10"], "does not grow"),
        (["--contacts", "none.csv"], "no such file"),
        (["--names", "none.csv"], "no such file"),
        (["--thickness", "0"], "above 0"),
    ],
)
def test_mistakes_in_one_line(call, tmp_path, words, said):
    write_map_folder(dome_map("cone", 40.0), tmp_path / "cone")
    code, _, error = call(tmp_path / "cone", "--out", tmp_path / "out", *words)
    assert code == 2 and error.count("\n") == 1 and said in error, error


def test_a_map_without_units_is_refused_with_the_option_that_says_them(call, tmp_path):
    scene = dome_map("cone", 40.0)
    write_map_folder(scene.replace(geo=replace(scene.geo, depth_unit=None)), tmp_path / "cone")
    code, _, error = call(tmp_path / "cone", "--out", tmp_path / "out")
    assert code == 2 and "--depth_unit m" in error
    assert call(tmp_path / "cone", "--out", tmp_path / "out", "--depth_unit", "ft", "--units", "field")[0] == 0
    assert "crest_depth_ft" in table(tmp_path / "out" / "inventory.csv")[0]


def test_a_map_without_closures_has_an_empty_inventory(call, tmp_path):
    depth = 1000 + np.add.outer(np.arange(30.0), np.arange(40.0)).astype(np.float32)
    scene = dome_map("cone", 40.0)
    inside = np.ones(depth.shape, bool)
    flat = replace(scene, name="flat", depth=depth, depth_valid=inside, map_valid=inside, fault=~inside)
    write_map_folder(flat, tmp_path / "flat")
    code, said, error = call(tmp_path / "flat", "--out", tmp_path / "out", "--contact", "60%")
    assert code == 0 and "0 prospects" in said, error
    assert "No closure" in (tmp_path / "out" / "inventory.html").read_text("utf-8")


@pytest.mark.slow
def test_each_prospect_prints_on_a_page_of_its_own(browser, call, maps, tmp_path):
    assert call(maps, "--out", tmp_path / "out", "--contact", "60%", *RESERVOIR, "--pages", 2)[0] == 0
    for screen in ("desktop", "phone"):
        with open_page(browser, (tmp_path / "out" / "inventory.html").as_uri(), screen) as page:
            assert all(complete and natural for _, complete, natural, *_ in page.evaluate(WIDTHS))
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), screen
            if screen == "desktop":
                paper = page.pdf(format="A4", prefer_css_page_size=True)
                # The table and the maps on a page or two, and one for each of two prospects.
                assert len(re.findall(rb"/Type\s*/Page\b", paper)) in (3, 4)
