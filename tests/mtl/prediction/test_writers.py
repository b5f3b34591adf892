"""Files of a prediction with a known answer."""

import csv
import io
import json

import numpy as np
import pytest
from matplotlib_scalebar.scalebar import ScaleBar

from mtl.prediction.traps import extract_traps, trap_polygons
from mtl.prediction.writers import draw_overlay, write_plane_png, write_prediction
from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.images import write_picture
from targets.io.map_folder.results import RESULT_FILE
from targets.rendering.overlays import CREST_MARKER
from targets.scene import GeoReference
from targets.truth.criteria import TrapCriteria
from targets.truth.traps import find_trap_closures
from tests.conftest import full_disk
from tests.mtl.prediction.test_traps import disc

CRITERIA = TrapCriteria()


def write_planes(scene, folder, depth=True, names=None, **planes):
    """Write the prediction of some heads' planes (H, W)."""
    maps = {name: plane[None] for name, plane in planes.items()}
    exact = find_trap_closures(scene, CRITERIA) if depth else None
    return write_prediction(scene, maps, [HEADS[name] for name in planes], folder, exact, names=names)


def test_a_located_map_becomes_gis_files(dome, tmp_path):
    geopandas, rasterio = pytest.importorskip("geopandas"), pytest.importorskip("rasterio")
    located = dome.replace(geo=GeoReference(1000.0, 2000.0, 50.0, -50.0, crs="EPSG:23032", depth_unit="m"))
    wells = tmp_path.with_suffix(".csv")
    wells.write_text("name,x,y\nA 1,2600,400\nB,1000,2000\n", "utf-8")
    prediction = write_planes(located, tmp_path, names=wells, trap=disc((32, 32), 15))
    assert prediction.naming.startswith("1 of 2 points") and prediction.names == ("A 1",)
    assert {path.name for path in tmp_path.iterdir()} == {
        "trap.png", "trap.tif", "overlay.png", "traps.gpkg", "closures.csv", "exact.csv", "disagreement.png",
        "disagreement.tif", "disagreement.qml", RESULT_FILE}  # fmt: skip
    layers = {name: geopandas.read_file(tmp_path / "traps.gpkg", layer=name)
              for name in ("traps", "crests", "exact_traps", "disagreement")}  # fmt: skip
    assert all(layer.crs.to_epsg() == 23032 and layer.is_valid.all() for layer in layers.values())
    assert [len(layer) for layer in layers.values()] == [1, 1, 1, 2]  # the true dome is larger: a ring around the disc
    assert layers["traps"]["name"].tolist() == layers["crests"]["name"].tolist() == ["A 1"]
    trap, exact, kinds = layers["traps"].iloc[0], layers["exact_traps"].iloc[0], layers["disagreement"]
    assert trap.geometry.area == pytest.approx(np.pi * 15**2 * 2500, rel=0.02)
    assert exact.volume_m3 > trap.volume_m3 > 0 and trap.exact_iou == exact.learned_iou == pytest.approx(0.46, abs=0.02)
    areas = dict(zip(kinds["kind"], kinds.area, strict=True))
    assert areas["both"] == trap.area_m2 and areas["both"] + areas["exact only"] == exact.area_m2
    with rasterio.open(tmp_path / "disagreement.tif") as source:
        shares = np.bincount(source.read(1).ravel(), minlength=4)
    assert shares[3] * 2500 == areas["both"] and shares[2] * 2500 == areas["exact only"] and shares[1] == 0


@pytest.mark.parametrize(("size", "file"), [(500, "trap.png"), (1500, "trap.tif"), (40_000, "traps.gpkg")])
def test_a_full_disk_is_an_error_and_leaves_nothing_half_written(dome, tmp_path, size, file):
    pytest.importorskip("geopandas")
    located = dome.replace(geo=GeoReference(1000.0, 2000.0, 50.0, -50.0, crs="EPSG:23032", depth_unit="m"))
    write_planes(located, tmp_path / "whole", trap=disc((32, 32), 15))
    with pytest.raises(UserError, match=f"{file}: cannot be written"), full_disk(size):
        write_planes(located, tmp_path / "full", trap=disc((32, 32), 15))
    for path in (tmp_path / "full").iterdir():
        assert path.stat().st_size == (tmp_path / "whole" / path.name).stat().st_size


def test_a_plain_picture_becomes_geojson_in_columns_and_rows(dome, tmp_path):
    picture = dome.replace(geo=GeoReference(), depth_valid=np.zeros((64, 64), bool))
    write_planes(picture, tmp_path, depth=False, trap=disc((30, 20), 10), crest=disc((31, 22), 1))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"trap.png", "crest.png", "overlay.png", "traps.geojson", "closures.csv", RESULT_FILE}
    trap, crest = json.loads((tmp_path / "traps.geojson").read_text())["features"]
    x, y = np.array(trap["geometry"]["coordinates"][0][0]).T
    assert (x[:-1].mean(), y[:-1].mean()) == pytest.approx((20, 30), abs=0.1)
    assert crest["geometry"]["coordinates"] == [22, 31]
    with (tmp_path / "closures.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["cells"] == str(int(trap["properties"]["area"])) and row["exact_height"] == row["crest_depth"] == ""


@pytest.mark.parametrize("margin", [(0, 0, 0, 0), (40, 55, 12, 13)])
@pytest.mark.parametrize("located", [True, False])
def test_results_lie_where_the_picture_on_disk_does(dome, tmp_path, margin, located):
    """Adding a margin moves no map coordinate, and pixel coordinates by exactly the margin."""
    cv2 = pytest.importorskip("cv2")
    geopandas = pytest.importorskip("geopandas")
    place = f"x0: {1000 - 50 * margin[2]}\ny0: {2000 + 50 * margin[0]}\ndx: 50\ndy: -50\n"
    page = np.pad(dome.rgb, ((margin[0], margin[1]), (margin[2], margin[3]), (0, 0)), constant_values=255)
    (tmp_path / "map").mkdir()
    write_picture(page, tmp_path / "map" / "rgb.png")
    (tmp_path / "map" / "map.yaml").write_text(place if located else "")
    scene = read_map(list_maps([tmp_path / "map"])[0])
    write_planes(scene, tmp_path / "out", depth=False, trap=disc((30, 20), 10), crest=disc((31, 22), 1))
    crest = np.array([1000 + 50 * 22, 2000 - 50 * 31] if located else [22 + margin[2], 31 + margin[0]])
    with (tmp_path / "out" / "closures.csv").open() as file:
        (row,) = csv.DictReader(line for line in file if not line.startswith("#"))
    assert [float(value) for name, value in row.items() if name.startswith(("crest_x", "crest_y"))] == crest.tolist()
    if located:
        (point,) = geopandas.read_file(tmp_path / "out" / "traps.gpkg", layer="crests").geometry
        assert [point.x, point.y] == crest.tolist()
    else:
        layers = json.loads((tmp_path / "out" / "traps.geojson").read_text())["features"]
        assert layers[-1]["geometry"]["coordinates"] == crest.tolist()
    drawn = cv2.imread(str(tmp_path / "out" / "trap.png"), cv2.IMREAD_UNCHANGED)
    assert drawn.shape[:2] == page.shape[:2]
    assert (drawn[margin[0] : margin[0] + 64, margin[2] : margin[2] + 64, 3] == 255).all()
    assert (drawn[..., 3] == 255).sum() == 64 * 64


def test_a_map_without_traps_has_its_files_too(dome, tmp_path):
    pytest.importorskip("geopandas")
    found = write_planes(dome, tmp_path, trap=np.zeros((64, 64), np.float32))
    assert found.traps == [] and len((tmp_path / "closures.csv").read_text().splitlines()) == 1
    assert "exact only" in (tmp_path / "traps.gpkg").read_bytes().decode("latin-1")


def test_heads_without_traps_are_written_alone(dome, tmp_path):
    assert write_planes(dome, tmp_path, crest=disc((32, 32), 3)) is None
    assert {path.name for path in tmp_path.iterdir()} == {"crest.png", "crest.tif", "overlay.png", RESULT_FILE}


def test_distances_are_drawn_inside_predicted_traps_only(dome, tmp_path):
    import cv2

    picture = dome.replace(geo=GeoReference())
    found = write_planes(picture, tmp_path, trap=disc((30, 20), 10), dist=np.ones((64, 64), np.float32))
    shown = {
        name: cv2.imread(str(tmp_path / f"{name}.png"), cv2.IMREAD_UNCHANGED)[..., 3] > 0 for name in ("trap", "dist")
    }
    np.testing.assert_array_equal(shown["dist"], found.labels > 0)
    assert shown["trap"].all() and shown["dist"].any()


def test_cells_outside_the_map_are_transparent(tmp_path):
    import cv2

    values = np.full((8, 8), np.nan, np.float32)
    values[:, :4] = 1
    write_plane_png(HEADS["trap"].drawing, values, tmp_path / "trap.png")
    picture = cv2.imread(str(tmp_path / "trap.png"), cv2.IMREAD_UNCHANGED)
    assert (picture[:, :4, 3] == 255).all() and (picture[:, 4:, 3] == 0).all()


def test_the_legend_of_the_overlay_names_what_is_drawn(dome):
    trap, crest = disc((32, 32), 15), disc((32, 32), 3) + disc((8, 56), 3)  # the second peak lies in no trap
    exact = find_trap_closures(dome, CRITERIA)
    found = extract_traps(dome, {"trap": trap[None], "crest": crest[None]}, [HEADS["trap"], HEADS["crest"]], exact)
    for scene, known in ((dome, "exact closures"), (dome.replace(traps=dome.depth < 2050), "drawn traps")):
        figure = draw_overlay(scene, found, [[rings] for rings in trap_polygons(found)], crest, exact, {})
        words = [text.get_text() for text in figure.legends[0].get_texts()]
        assert words == [known, "predicted traps (1)", "predicted crests (1)"]
        (drawn,) = (line for line in figure.axes[0].lines if line.get_marker() == CREST_MARKER["marker"])
        np.testing.assert_array_equal(np.transpose(drawn.get_data())[:, ::-1], found.crests)  # those of the table
        figure.savefig(io.BytesIO())  # draws the bar
        (bar,) = (artist for artist in figure.axes[0].artists if isinstance(artist, ScaleBar))
        assert bar.info.scale_text == "500 map units"  # 3200 m wide: a fifth, rounded down


def test_the_overlay_of_salt_shows_predicted_and_interpreted_masks(dome):
    salt = dome.depth < 2050
    seismic = dome.replace(depth_valid=np.zeros(dome.shape, bool), salt=salt, image_depth=500.0)
    figure = draw_overlay(seismic, None, [], None, None, {"salt": np.roll(salt, 5, axis=0)})
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["drawn salt", "predicted salt"]
    assert len(figure.axes[0].collections) == 2
