"""Routes of the review page: what it shows of a map, and what it saves."""

import numpy as np
import pytest
from PIL import Image

from mtl.review.app import STATIC, create_app
from mtl.review.session import ReviewSession
from targets.io.catalogue import list_maps, read_map
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.conftest import dome_scene
from tests.mtl.review.conftest import KEY, OWN, PORT, half_trap, post, raster


def test_the_page_gets_what_a_map_holds(client, session):
    maps = client.get("/maps", base_url=OWN).json["maps"]
    assert [(m["name"], m["drawn"], m["refused"]) for m in maps] == [("a", True, ""), ("b", False, "")]
    facts = client.get("/maps/a", base_url=OWN).json
    assert (facts["rows"], facts["columns"], facts["threshold"]) == (64, 64, 0.5)
    assert facts["layers"][0]["name"] == "trap" and facts["layers"][0]["unit"] == "probability of trap"
    assert raster(client, "/maps/a/traps").sum() == 100 and raster(client, "/maps/b/traps").sum() == 0
    assert raster(client, "/maps/a/trap")[30, 20] == 200 and raster(client, "/maps/b/inside")[30, 9:11].tolist() == [
        0,
        1,
    ]
    for path in ("/maps/a/picture", "/maps/a/layers/trap", "/page.js", "/page.css", "/"):
        assert client.get(path, base_url=OWN).status_code == 200


def test_what_is_saved_is_what_the_map_then_holds(client, session):
    corrected = np.zeros((64, 64), np.uint8)
    corrected[40:50, 5:60] = 1
    answer = post(client, "b", corrected.tobytes())
    version = client.get("/maps/b/traps", base_url=OWN).headers["ETag"].strip('"')
    assert answer.status_code == 200 and answer.json == {"saved": "traps.png", "version": version}
    expected = (corrected > 0) & read_map(list_maps([session.data])[1]).map_valid  # outside the map there are no traps
    assert expected.sum() == 500
    np.testing.assert_array_equal(read_map(list_maps([session.data])[1]).traps, expected)
    np.testing.assert_array_equal(raster(client, "/maps/b/traps"), expected)
    pixels = np.asarray(Image.open(session.data / "b" / "traps.png"))
    np.testing.assert_array_equal(pixels, np.where(expected, 0, 255))  # black on white
    assert client.get("/maps", base_url=OWN).json["maps"][1]["drawn"]


def test_a_refused_mask_is_reported_and_nothing_changes(client, session):
    before = (session.data / "a" / "traps.png").read_bytes()
    answer = post(client, "a", b"\1" * 64 * 64)
    assert answer.status_code == 422 and "inverted" in answer.json["error"]
    for wrong in (b"", b"\1" * 64, bytes(64 * 64 - 1) + b"\2", bytes(64) + b"\7" + bytes(64 * 63 - 1)):
        assert post(client, "a", wrong).status_code == 400
    assert (session.data / "a" / "traps.png").read_bytes() == before


def test_a_save_that_starts_from_an_older_version_is_told_and_makes_nothing(client, session):
    first, second = np.zeros((2, 64, 64), np.uint8)
    first[5:15, 20:30], second[40:50, 20:30] = 1, 1
    version = client.get("/maps/a/traps", base_url=OWN).headers["ETag"]
    assert post(client, "a", first.tobytes(), If_Match=version).status_code == 200
    for seen in (version, None, "*", '"none"', '"', "\u00e9" * 5000):  # None: a program that looked at nothing
        answer = post(client, "a", second.tobytes(), If_Match=seen)
        assert answer.status_code == 409 and "saved elsewhere" in answer.json["error"]
    np.testing.assert_array_equal(raster(client, "/maps/a/traps"), first)
    assert post(client, "a", second.tobytes(), If_Match=answer.headers["ETag"]).status_code == 200
    np.testing.assert_array_equal(raster(client, "/maps/a/traps"), second)


@pytest.mark.parametrize(
    "name", ["..", "../other/c", "%2e%2e%2fother%2fc", "..%2f..%2fother%2fc", "/etc", "c", "a/../../other/c"]
)
def test_a_path_is_no_name_of_a_map(client, session, name):
    for path in (f"/maps/{name}", f"/maps/{name}/traps", f"/maps/a/layers/{name}"):
        assert client.get(path, base_url=OWN).status_code in (404, 405)
    assert post(client, name).status_code in (404, 405)
    assert not (session.data.parent / "other" / "c" / "traps.png").exists()


def test_a_cell_has_a_way_and_a_map_its_best_points(client):
    found = client.get("/maps/a/migration/32/40", base_url=OWN).json
    closures = client.get("/maps/a/closures", base_url=OWN).json["outlines"]
    (key,) = found["chain"]
    assert found["paths"][0][0] == [32, 40] and [str(key)] == list(closures)
    assert found["lines"][0].startswith(f"Fills closure {key} (") and found["lines"][-1].endswith("out of the map.")
    best = client.get("/maps/a/charge/3", base_url=OWN).json
    assert best["chain"] == [key] and best["points"] == [found["paths"][0][-1]]
    assert best["lines"][-1] == "More points fill nothing more."
    for path in (
        "migration/64/0",
        "migration/-1/0",
        "migration/1.5/0",
        "migration/0/99999999999999999999",
        "charge/-1",
    ):
        assert client.get(f"/maps/a/{path}", base_url=OWN).status_code in (404, 422), path
    assert client.get("/maps/c/migration/0/0", base_url=OWN).status_code == 404


def test_a_picture_without_a_depth_has_no_way(tmp_path):
    write_map_folder(dome_scene("a"), tmp_path / "all" / "a")
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "all" / "a" / "rgb.png").rename(tmp_path / "data" / "a" / "rgb.png")
    browser = create_app(ReviewSession(tmp_path / "data", half_trap, ReadOptions(high="red")), PORT, KEY).test_client()
    browser.get(f"/?key={KEY}", base_url=OWN)
    answer = browser.get("/maps/a/migration/3/3", base_url=OWN)
    assert answer.status_code == 422 and "without a depth" in answer.json["error"]


def test_a_body_beyond_every_map_is_refused_before_it_is_read(client, monkeypatch):
    client.application.config["MAX_CONTENT_LENGTH"] = 64 * 64
    assert post(client, "a", bytes(64 * 64 + 1)).status_code == 413


def test_the_page_makes_no_html_of_what_it_gets():
    script = (STATIC / "page.js").read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in script


def test_names_of_strangers_reach_the_page_as_plain_values(tmp_path):
    write_map_folder(dome_scene("a"), tmp_path / "data" / "<img src=x onerror=alert(1)>")
    browser = create_app(ReviewSession(tmp_path / "data", half_trap, ReadOptions()), PORT, KEY).test_client()
    browser.get(f"/?key={KEY}", base_url=OWN)
    answer = browser.get("/maps", base_url=OWN)
    assert answer.mimetype == "application/json" and answer.json["maps"][0]["name"] == "img_src_x_onerror_alert_1"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
