"""Options complete what files say about location and units, and contradict nothing."""

from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.grids.registry import read_surface
from targets.io.read_options import ReadOptions, complete_location
from targets.scene import GeoReference


def place(**fields: object) -> GeoReference:
    return GeoReference(462_000.0, 5_932_000.0, 25.0, -25.0, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ({}, {}, (None, None, None)),
        ({"crs": "EPSG:23031"}, {}, ("EPSG:23031", "m", None)),
        ({"crs": "EPSG:23031+5715"}, {}, ("EPSG:23031+5715", "m", "m")),  # the vertical axis
        ({"crs": "EPSG:23031+5715", "depth_unit": "ft"}, {}, ("EPSG:23031+5715", "m", "ft")),
        ({}, {"crs": "EPSG:23031"}, ("EPSG:23031", "m", None)),
        ({}, {"xy_unit": "МЕТРЫ", "depth_unit": "feet"}, (None, "m", "ft")),
        ({"depth_unit": "m"}, {"crs": "EPSG:23031", "depth_unit": "metres"}, ("EPSG:23031", "m", "m")),
        ({"crs": "EPSG:23031"}, {"crs": "ED50 / UTM zone 31N", "xy_unit": "m"}, ("EPSG:23031", "m", None)),
        ({"crs": "EPSG:2278"}, {"xy_unit": "ft"}, ("EPSG:2278", "ftUS", None)),
        ({"crs": "Mars"}, {}, (None, None, None)),
        ({"crs": "Mars"}, {"crs": "EPSG:23031"}, ("EPSG:23031", "m", None)),
    ],
    ids=str,
)
def test_options_fill_in_what_files_do_not_say(said: dict, asked: dict, expected: tuple) -> None:
    geo, notes = complete_location(place(**said), ReadOptions(**asked))
    assert (geo.crs, geo.xy_unit, geo.depth_unit) == expected
    assert any("'Mars' is not understood" in note for note in notes) == ("Mars" in said.values())


@pytest.mark.parametrize(
    ("said", "asked", "where"),
    [
        ({"crs": "EPSG:23031"}, {"crs": "EPSG:23032"}, "--crs: EPSG:23032; expected EPSG:23031, as the file says"),
        ({"depth_unit": "m"}, {"depth_unit": "ft"}, "--depth_unit: ft; expected m, as the file says"),
        ({"xy_unit": "m"}, {"xy_unit": "ft"}, "--xy_unit: ft; expected m, as the file says"),
        ({"xy_unit": "m"}, {"crs": "EPSG:2278"}, "--crs: xy_unit is m, but EPSG:2278 counts in ftUS"),
        ({"crs": "EPSG:23031"}, {"xy_unit": "km"}, "--xy_unit: xy_unit is km, but EPSG:23031 counts in m"),
        ({}, {"crs": "EPSG:4326"}, "--crs: x0 is 462000.0 and y0 is 5932000.0, in degrees"),
        ({}, {"crs": "Mars"}, "--crs: 'Mars'"),
        ({}, {"crs": "/etc/passwd"}, "crs: '/etc/passwd'"),
        ({}, {"depth_unit": "degrees"}, "--depth_unit: 'degrees'; expected one of m, km, ft, ftUS, ms, s"),
        ({}, {"xy_unit": "ms"}, "--xy_unit: 'ms'; expected one of m, km, ft, ftUS, degrees"),
    ],
    ids=str,
)
def test_an_option_that_contradicts_the_file_is_refused(said: dict, asked: dict, where: str) -> None:
    with pytest.raises(UserError) as raised:
        complete_location(place(**said), ReadOptions(**asked))
    assert str(raised.value).startswith(where)


def test_a_map_plane_that_is_not_the_ground_is_said() -> None:
    _, notes = complete_location(GeoReference(0.0, 8_400_000.0, 25.0, -25.0, crs="EPSG:3857"))
    assert len(notes) == 1 and "4 times those on the ground" in notes[0]


def test_a_normalised_depth_has_no_unit() -> None:
    geo, _ = complete_location(place(), ReadOptions(depth_unit="m"), has_depth_unit=False)
    assert geo.depth_unit is None


def test_options_reach_the_maps(tmp_path: Path) -> None:
    np.savez(tmp_path / "top.npz", depth=np.full((5, 6), 2000.0), x0=0, y0=0, dx=25, dy=-25, crs="Mars")
    (source,) = list_maps([tmp_path])
    scene = read_map(source, ReadOptions(crs="EPSG:23031", depth_unit="ms"))
    assert (scene.geo.crs, scene.geo.xy_unit, scene.geo.depth_unit) == ("EPSG:23031", "m", "ms")
    assert scene.provenance is not None and any("Mars" in note for note in scene.provenance.notes)
    assert any("Mars" in note and "--crs" in note for note in read_map(source).provenance.notes)


def test_a_contradicted_option_names_the_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "top.npz", depth=np.eye(4), units="ms")
    with pytest.raises(UserError, match=r"--depth_unit and .*top\.npz: ft; expected ms"):
        read_surface(tmp_path / "top.npz", ReadOptions(depth_unit="ft"))
