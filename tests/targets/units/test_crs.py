"""Coordinate systems in every valid form, and texts that are none: no file is opened, no network asked."""

import json
import os
from pathlib import Path

import pyproj
import pytest
from pyproj.database import query_crs_info

from targets.errors import UserError
from targets.scene import GeoReference
from targets.units.crs import NAME, crs_for_library, map_plane_scale, same_crs, understand_crs

UTM = pyproj.CRS("EPSG:23031")
NULL_GRIDS = "+proj=merc +a=6378137 +b=6378137 +nadgrids=@null +wktext +units=m"
FORMS = {
    "code": "EPSG:23031",
    "small letters": "epsg:23031",
    "number": "23031",
    "name": "ED50 / UTM zone 31N",
    "name of Esri": "ED_1950_UTM_Zone_31N",
    "WKT 1": UTM.to_wkt("WKT1_GDAL"),
    "WKT 1 of Esri": UTM.to_wkt("WKT1_ESRI"),
    "WKT 2": UTM.to_wkt("WKT2_2019", pretty=True),
    "PROJJSON": UTM.to_json(pretty=True),
    "URN": "urn:ogc:def:crs:EPSG::23031",
    "URL": "http://www.opengis.net/def/crs/EPSG/0/23031",
    "URL with s": "https://opengis.net/def/crs/EPSG/9.8/23031",
    "URL of GML": "http://www.opengis.net/gml/srs/epsg.xml#23031",
    "compound": "EPSG:23031+5715",
    "URL of a compound": "http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/23031"
                         "&2=http://www.opengis.net/def/crs/EPSG/0/5715",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_understood(form: str) -> None:
    system = understand_crs(FORMS[form])
    assert system is not None and system.xy_unit == "m" and system.ellipsoid is None
    horizontal = pyproj.CRS(crs_for_library(FORMS[form]))
    horizontal = horizontal.sub_crs_list[0] if horizontal.is_compound else horizontal
    assert horizontal.to_epsg(min_confidence=20) == 23031
    assert GeoReference(crs=FORMS[form]).xy_unit == "m"


@pytest.mark.parametrize(
    ("crs", "xy_unit", "depth_unit"),
    [
        ("EPSG:4326", "degrees", None),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "degrees", None),
        ("EPSG:4807", "grad", None),
        ("EPSG:2278", "ftUS", None),
        ("EPSG:2222", "ft", None),
        ("NAD83(HARN) / Texas South Central (ftUS)", "ftUS", None),
        ("EPSG:2314", "Clarke's foot", None),
        ("EPSG:4326+5773", "degrees", "m"),
        ("EPSG:2278+6360", "ftUS", "ftUS"),
        ("+proj=utm +zone=31 +ellps=intl +units=km", "km", None),
        (NULL_GRIDS, "m", None),
        (pyproj.CRS("EPSG:3857").to_wkt("WKT1_GDAL"), "m", None),  # holds +nadgrids=@null
        ('LOCAL_CS["l\'Aquila",UNIT["foot",0.3048]]', "ft", None),
        (UTM.to_wkt().replace("ED50 / UTM zone 31N", "Côte d'Ivoire"), "m", None),
        ("MGI / M-28", "m", None),
    ],
)
def test_units_come_from_the_axes(crs: str, xy_unit: str, depth_unit: str | None) -> None:
    system = understand_crs(crs)
    assert system is not None and (system.xy_unit, system.depth_unit) == (xy_unit, depth_unit)
    assert (system.ellipsoid is not None) == (xy_unit in ("degrees", "grad"))
    pyproj.CRS(system.text)


@pytest.mark.parametrize(
    "crs",
    ["Mars", "Local grid 5", "EPSG:99999", "EPSG:5773", "EPSG:4978", "l'Aquila", '{"type": "GeographicCRS"}', "{}", "{",
     '{"init": "/etc/x:1"}', '{"a":' * 5000 + "1" + "}" * 5000, 'PROJCS["a/b",\nGEOGCS["c"]]', "top", "12"],
    ids=lambda crs: crs[:20],
)  # fmt: skip
def test_what_is_no_horizontal_system_is_not_understood(crs: str) -> None:
    assert understand_crs(crs) is None and GeoReference(crs=crs).xy_unit is None
    with pytest.raises(UserError, match="is unknown"):
        crs_for_library(crs)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs fifos")
@pytest.mark.parametrize(
    "text",
    ["{}", "{}:x", "+init={}:x", "init={}:x", "+proj=utm +zone=31 +nadgrids={}", "+proj=utm +zone=31 +nadgrids=@{}",
     "+proj=utm +zone=31 +nadgrids=@null,{}", "+proj=longlat +geoidgrids={}", "+proj=utm +zone=31 +catalog={}",
     "file://{}", "http://{}", "http://www.opengis.net/def/crs/../../{}", "urn:{}", "EPSG:1\n{}", "\\\\{}",
     'BOUNDCRS[SOURCECRS[{{}}],PARAMETERFILE["x","{}"]]', 'PROJCS["x",EXTENSION["PROJ4","+proj=utm +nadgrids={}"]]',
     "+proj=pipeline +step +init={}:x"],
)  # fmt: skip
def test_a_text_that_names_a_file_is_never_opened(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the fifo would wait for ever."""
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    for name in ("fifo", str(tmp_path / "fifo")):
        try:
            assert understand_crs(text.replace("{{}}", UTM.to_wkt()).replace("{}", name)) is None
        except UserError as error:
            assert "never looked up" in str(error)


@pytest.mark.parametrize(
    "crs", ["EPSG:" + "9" * 55, "A" * 60_000, "+proj=" + "x" * 60_000, '{"x":"' + "y" * 60_000 + '"}']
)
def test_endless_texts_are_one_error(crs: str) -> None:
    with pytest.raises(UserError, match="never looked up") as raised:
        GeoReference(crs=crs)
    assert len(str(raised.value)) < 400


def test_a_grid_file_in_projjson_is_not_understood() -> None:
    bound = json.loads(pyproj.CRS(NULL_GRIDS).to_json())
    assert understand_crs(json.dumps(bound)) is not None
    bound["transformation"]["parameters"][0]["value"] = "/etc/passwd"
    assert understand_crs(json.dumps(bound)) is None


def test_every_name_of_the_register_passes() -> None:
    names = [info.name for info in query_crs_info()]
    assert len(names) > 5000 and [name for name in names if not NAME.match(name)] == []


def test_one_system_in_two_forms() -> None:
    assert all(same_crs(FORMS["code"], FORMS[form]) for form in FORMS if "compound" not in form)
    assert not same_crs("EPSG:23031", "EPSG:23032") and not same_crs("EPSG:23031", "Mars")


def test_areas_of_the_map_plane() -> None:
    assert map_plane_scale("EPSG:3857", 0.0, 8_400_000.0) == pytest.approx(4.0, rel=0.001)  # 1 / cos² of 60 degrees
    assert map_plane_scale("EPSG:23031", 460_000.0, 5_930_000.0) == pytest.approx(1, abs=0.001)
    assert map_plane_scale("EPSG:4326", 5.0, 60.0) is None
    assert map_plane_scale("EPSG:3857", 1e11, 1e11) is None


@pytest.mark.parametrize("xy_unit", ["km", "ft", "degrees"])
def test_a_unit_that_contradicts_the_system_is_refused(xy_unit: str) -> None:
    with pytest.raises(UserError, match=f"xy_unit is {xy_unit}, but EPSG:23031 counts in m"):
        GeoReference(crs="EPSG:23031", xy_unit=xy_unit)
    assert GeoReference(crs="EPSG:2278", xy_unit="ft").xy_unit == "ftUS"  # as loosely as files say it


def test_metres_that_are_called_degrees_are_refused() -> None:
    with pytest.raises(UserError, match="a longitude and a latitude"):
        GeoReference(462_000.0, 5_932_000.0, 25.0, -25.0, crs="EPSG:4326")
    assert GeoReference(359.5, 89.75, 0.5, -0.5, crs="EPSG:4326").is_geographic
