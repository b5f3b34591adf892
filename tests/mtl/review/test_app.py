"""The review page: what it tells of a map, what it saves, and whom it refuses."""

import json
import socket
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from mtl.inference.predictor import Predictor
from mtl.prediction.writers import apply_colour_map, write_prediction
from mtl.review.app import (
    LOOPBACK,
    STATIC,
    OutputLayer,
    ReviewSession,
    bind_server,
    create_app,
    predictions_in_folder,
    predictions_of_network,
)
from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.io.catalogue import ReadOptions, list_maps, read_map
from targets.io.images import write_picture
from targets.io.map_folder import write_map_folder
from tests.conftest import dome_scene
from tests.mtl.inference.test_predictor import predictor

flask = pytest.importorskip("flask")
PORT, KEY = 4321, "the-key"
OWN = f"http://{LOOPBACK}:{PORT}"


def half_trap(scene):
    """A network that finds a trap in the left half of every map."""
    share = np.zeros(scene.shape, np.uint8)
    share[8:-8, 8 : scene.shape[1] // 2] = 200
    head = HEADS["trap"]
    return {"trap": OutputLayer(head, apply_colour_map(head.drawing, share / np.float32(255)), 1.0)}, share


@pytest.fixture
def desk(tmp_path):
    """Two maps, of which one has drawn traps, and a map outside the data folder."""
    traps = np.zeros((64, 64), bool)
    traps[20:30, 20:30] = True
    inside = np.ones((64, 64), bool)
    inside[:, :10] = False
    cut = {"map_valid": inside, "depth_valid": inside}
    for folder, scene in (
        ("data/a", dome_scene("a").replace(traps=traps)),
        ("data/b", dome_scene("b").replace(**cut)),
        ("other/c", dome_scene("c")),
    ):
        write_map_folder(scene, tmp_path / folder)
    return ReviewSession(tmp_path / "data", half_trap, ReadOptions())


@pytest.fixture
def client(desk):
    """A browser that opened the address which the tool printed."""
    browser = create_app(desk, PORT, KEY).test_client()
    assert browser.get(f"/?key={KEY}", base_url=OWN).status_code == 302
    return browser


def post(client, name="a", body=None, base_url=OWN, **headers):
    """Save traps; headers as keywords, None leaves one out."""
    sent = {"Origin": OWN, "Content-Type": "application/octet-stream"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    content = bytes(64 * 64) if body is None else body
    return client.post(f"/maps/{name}/traps", base_url=base_url, data=content,
                       headers={name: value for name, value in sent.items() if value})  # fmt: skip


def raster(client, path):
    """A map's cells as the page gets them."""
    answer = client.get(path, base_url=OWN)
    assert answer.status_code == 200
    return np.frombuffer(answer.data, np.uint8).reshape(64, 64)


def test_the_page_is_told_of_a_map_what_it_holds(client, desk):
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


def test_what_is_saved_is_what_the_map_then_holds(client, desk):
    corrected = np.zeros((64, 64), np.uint8)
    corrected[40:50, 5:60] = 1
    answer = post(client, "b", corrected.tobytes())
    assert answer.status_code == 200 and answer.json == {"saved": "traps.png"}
    expected = (corrected > 0) & read_map(list_maps([desk.data])[1]).map_valid  # outside the map there are no traps
    assert expected.sum() == 500
    np.testing.assert_array_equal(read_map(list_maps([desk.data])[1]).traps, expected)
    np.testing.assert_array_equal(raster(client, "/maps/b/traps"), expected)
    pixels = np.asarray(Image.open(desk.data / "b" / "traps.png"))
    np.testing.assert_array_equal(pixels, np.where(expected, 0, 255))  # black on white
    assert client.get("/maps", base_url=OWN).json["maps"][1]["drawn"]


def test_a_refused_mask_is_said_and_nothing_changes(client, desk):
    before = (desk.data / "a" / "traps.png").read_bytes()
    answer = post(client, "a", b"\1" * 64 * 64)
    assert answer.status_code == 422 and "inverted" in answer.json["error"]
    for wrong in (b"", b"\1" * 64, bytes(64 * 64 - 1) + b"\2", bytes(64) + b"\7" + bytes(64 * 63 - 1)):
        assert post(client, "a", wrong).status_code == 400
    assert (desk.data / "a" / "traps.png").read_bytes() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": f"http://{LOOPBACK}:9999"},  # another program on this machine
        {"Origin": "null"},
        {"Origin": None},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Content_Type": "text/plain"},  # what a form of another site may send without asking
        {"Content_Type": "multipart/form-data"},
        {"base_url": "http://evil.example"},  # its name was rebound to this machine
        {"base_url": f"http://evil.example:{PORT}"},
    ],
)
def test_writing_from_elsewhere_is_refused(client, desk, headers):
    before = (desk.data / "a" / "traps.png").read_bytes()
    answer = post(client, **headers)
    assert answer.status_code in (403, 415)
    assert (desk.data / "a" / "traps.png").read_bytes() == before


def test_without_the_key_nothing_is_told(desk):
    stranger = create_app(desk, PORT, KEY).test_client()
    for path in ("/", "/?key=wrong", "/?key=", "/maps", "/maps/a", "/maps/a/traps", "/page.js"):
        assert stranger.get(path, base_url=OWN).status_code == 403
    assert post(stranger).status_code == 403


@pytest.mark.parametrize("host", [f"evil.example:{PORT}", "evil.example", f"{LOOPBACK}:9999"])
def test_a_name_that_was_rebound_to_this_machine_is_refused_even_with_the_key(client, host):
    with_key = {"Cookie": f"trapmtl_{PORT}={KEY}"}
    assert client.get("/maps", base_url=OWN, headers=with_key).status_code == 200
    assert client.get("/maps", base_url=f"http://{host}", headers=with_key).status_code == 403
    assert client.get(f"/?key={KEY}", base_url=f"http://{host}").status_code == 403
    assert post(client, base_url=f"http://{host}", Origin=f"http://{host}", **with_key).status_code == 403


def test_reading_from_elsewhere_is_refused(client):
    assert client.get("/maps", base_url=OWN, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/maps", base_url=OWN, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_cookie_stays_with_this_page_and_nothing_is_loaded_from_elsewhere(desk):
    answer = create_app(desk, PORT, KEY).test_client().get(f"/?key={KEY}", base_url=OWN)
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Strict" in answer.headers["Set-Cookie"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "http" not in policy
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "name", ["..", "../other/c", "%2e%2e%2fother%2fc", "..%2f..%2fother%2fc", "/etc", "c", "a/../../other/c"]
)
def test_a_path_is_no_name_of_a_map(client, desk, name):
    for path in (f"/maps/{name}", f"/maps/{name}/traps", f"/maps/a/layers/{name}"):
        assert client.get(path, base_url=OWN).status_code in (404, 405)
    assert post(client, name).status_code in (404, 405)
    assert not (desk.data.parent / "other" / "c" / "traps.png").exists()


def test_links_out_of_the_data_folder_are_not_written_through(desk):
    other = desk.data.parent / "other" / "c"
    (desk.data / "c").symlink_to(other)
    write_picture(np.ones((64, 64), bool), other / "kept.png")
    (desk.data / "b" / "traps.png").symlink_to(other / "kept.png")
    before = (other / "kept.png").read_bytes()
    linked = ReviewSession(desk.data, half_trap, ReadOptions())
    assert [bool(entry["refused"]) for entry in linked.list_maps()] == [False, True, True]
    for name in ("b", "c"):
        with pytest.raises(UserError, match="outside the data folder"):
            linked.save(name, np.zeros((64, 64), bool))
    assert (other / "kept.png").read_bytes() == before and not (other / "traps.png").exists()


def test_the_server_listens_on_the_loopback_address_alone(desk):
    server = bind_server(desk, 0, KEY)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert server.socket.getsockname()[0] == LOOPBACK
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", server.port), timeout=2):
            pass  # what listens on all addresses answers here too
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"http://{LOOPBACK}:{server.port}/maps")
        request = urllib.request.Request(f"http://{LOOPBACK}:{server.port}/maps",
                                         headers={"Cookie": f"trapmtl_{server.port}={KEY}"})  # fmt: skip
        assert len(json.load(urllib.request.urlopen(request))["maps"]) == 2
        with pytest.raises(UserError, match="taken"):
            bind_server(desk, server.port, KEY)
    finally:
        server.shutdown()
        server.server_close()


def test_a_checkpoint_and_its_prediction_on_disk_show_the_same(tmp_path):
    trained: Predictor = predictor(0)
    inside = np.ones((64, 64), bool)
    inside[:, :9] = False
    scene = dome_scene("a").replace(map_valid=inside, depth_valid=inside)
    answers = trained(scene)
    write_prediction(scene, answers, trained.outputs, tmp_path / "a", None)
    layers, trap = predictions_of_network(trained)(scene)
    on_disk, trap_on_disk = predictions_in_folder(tmp_path)(scene)
    assert list(layers) == list(on_disk) == ["trap", "dist"]
    for name in layers:
        np.testing.assert_array_equal(layers[name].colours, on_disk[name].colours)
    np.testing.assert_array_equal(trap > 127, np.nan_to_num(answers["trap"][0]) > 0.5)
    np.testing.assert_allclose(trap_on_disk / 256, trap / 255, atol=1 / 128)


def test_a_prediction_of_another_map_or_none_is_said(tmp_path):
    with pytest.raises(UserError, match="holds no prediction of this map"):
        predictions_in_folder(tmp_path)(dome_scene("a"))
    (tmp_path / "a").mkdir()
    Image.fromarray(np.zeros((9, 9, 4), np.uint8)).save(tmp_path / "a" / "trap.png")
    with pytest.raises(UserError, match="shape"):
        predictions_in_folder(tmp_path)(dome_scene("a"))
    Image.fromarray(np.full((64, 64, 4), 255, np.uint8)).save(tmp_path / "a" / "trap.png")
    with pytest.raises(UserError, match="colours that this program did not draw"):
        predictions_in_folder(tmp_path)(dome_scene("a"))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_ways_of_asking_are_refused_and_no_site_is_let_in(client, desk, method):
    before = (desk.data / "a" / "traps.png").read_bytes()
    for path in ("/", "/maps", "/maps/a/traps"):
        answer = client.open(path, method=method, base_url=OWN, headers={"Origin": "http://evil.example"})
        assert answer.status_code in (403, 405)
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert (desk.data / "a" / "traps.png").read_bytes() == before


def test_a_body_beyond_every_map_is_refused_before_it_is_read(client, monkeypatch):
    client.application.config["MAX_CONTENT_LENGTH"] = 64 * 64
    assert post(client, "a", bytes(64 * 64 + 1)).status_code == 413


def test_the_page_makes_no_html_of_what_it_is_told():
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
