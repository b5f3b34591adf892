"""Polygons and tables of a prediction whose answer is known."""

import json

import numpy as np
import pytest

from mtl.heads import HEADS
from mtl.outputs import find_outlines, overlay, write_picture, write_prediction
from targets.scene import Geo
from tests.conftest import dome_scene


def disc(centre, radius, shape=(64, 64)):
    rows, cols = np.indices(shape)
    return np.clip(radius - np.hypot(rows - centre[0], cols - centre[1]) + 0.5, 0, 1).astype(np.float32)


def area_of(ring):
    x, y = ring.T
    return abs(0.5 * float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()))


def test_a_disc_becomes_a_polygon_of_its_area_in_map_units():
    scene = dome_scene()  # cells of 50 m
    outlines = find_outlines(scene, disc((30, 20), 10))
    assert len(outlines) == 1 and len(outlines[0].rings) == 1
    x, y = scene.geo.xy(*outlines[0].rings[0].T)
    assert area_of(np.stack([x, y], axis=1)) == pytest.approx(np.pi * 100 * 2500, rel=0.02)
    assert x[:-1].mean() == pytest.approx(20 * 50, abs=5) and y[:-1].mean() == pytest.approx(-30 * 50, abs=5)
    assert (x[0], y[0]) == (x[-1], y[-1])  # closed


def test_a_hole_is_a_ring_of_its_own():
    ring = np.minimum(disc((32, 32), 20), 1 - disc((32, 32), 8))
    rings = find_outlines(dome_scene().with_(geo=Geo()), ring)[0].rings
    assert [round(area_of(r) / np.pi) for r in rings] == pytest.approx([400, 64], rel=0.05)


def test_a_trap_at_the_edge_of_the_map_is_closed_there():
    trap = find_outlines(dome_scene(), disc((0, 30), 12))[0]
    assert area_of(trap.rings[0]) == pytest.approx(trap.trap.cells, rel=0.1)


def test_specks_are_not_traps_and_each_trap_has_its_crest():
    trap = np.maximum.reduce([disc((15, 15), 8), disc((45, 45), 8), disc((5, 60), 2)])
    crest = np.maximum(disc((16, 14), 2), disc((44, 47), 2))
    traps = [outline.trap for outline in find_outlines(dome_scene().with_(geo=Geo()), trap, crest)]
    assert [trap.id for trap in traps] == [1, 2]
    assert all(t.confidence > 0.8 for t in traps)
    assert abs(traps[0].crest_x - 14) <= 2 and abs(traps[1].crest_y - 44) <= 2


def test_without_a_crest_head_the_crest_is_the_shallowest_cell(dome):
    trap = find_outlines(dome, disc((32, 32), 15))[0].trap
    assert (trap.crest_x, trap.crest_y) == (1600.0, -1600.0)
    assert trap.crest_depth == 2000.0


def test_files_name_the_reference_system(dome, tmp_path):
    located = dome.with_(geo=Geo(1000.0, 2000.0, 50.0, -50.0, crs="EPSG:23032", depth_unit="m"))
    maps = {"trap": disc((32, 32), 15)[None]}
    write_prediction(located, maps, [HEADS["trap"]], tmp_path)
    content = json.loads((tmp_path / "traps.geojson").read_text())
    assert content["crs"]["properties"]["name"] == "EPSG:23032"
    assert len(content["features"]) == 1
    assert len((tmp_path / "closures.csv").read_text().splitlines()) == 2


def test_cells_outside_the_map_are_transparent(tmp_path):
    import cv2

    values = np.full((8, 8), np.nan, np.float32)
    values[:, :4] = 1
    write_picture(HEADS["trap"].drawing, values, tmp_path / "trap.png")
    picture = cv2.imread(str(tmp_path / "trap.png"), cv2.IMREAD_UNCHANGED)
    assert (picture[:, :4, 3] == 255).all() and (picture[:, 4:, 3] == 0).all()


def test_the_overlay_says_what_it_shows(dome):
    trap, crest = disc((32, 32), 15), disc((32, 32), 3)
    figure = overlay(dome, trap, find_outlines(dome, trap, crest), crest, dome.depth < 2100)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert any("predicted traps (1)" in word for word in words) and any("crests (1)" in word for word in words)
    assert any("exact" in word for word in words)
    assert "500 m" in [text.get_text() for text in figure.axes[0].texts]  # 3200 m wide: a fifth, rounded down
