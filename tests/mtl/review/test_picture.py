"""The step for pictures: what is understood is shown, what a person says is kept as map.yaml and read."""

import json

import pytest

from mtl.review.app import create_app
from mtl.review.picture import KEYS
from mtl.review.session import ReviewSession
from targets.io.catalogue import list_maps, read_map
from targets.io.images import write_picture
from targets.io.read_options import ReadOptions
from tests.mtl.review.conftest import KEY, OWN, PORT, half_trap
from tests.targets.pages.test_page import page_with_bar

SAID = dict.fromkeys(KEYS)
BAR = [226, 60, 226, 120, 1600, 1900]


@pytest.fixture
def data(tmp_path):
    """A folder with one picture of a page, whose bar has no numbers."""
    (tmp_path / "data").mkdir()
    write_picture(page_with_bar()[0], tmp_path / "data" / "page.png")
    return tmp_path / "data"


@pytest.fixture
def client(data):
    browser = create_app(ReviewSession(data, half_trap, ReadOptions(quiet=True)), PORT, KEY).test_client()
    browser.get(f"/?key={KEY}", base_url=OWN)
    return browser


def save(client, said, name="page", **headers):
    sent = {"Origin": OWN, "Content-Type": "application/octet-stream"} | headers
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return client.post(f"/maps/{name}/page", base_url=OWN, data=body, headers=sent)


def test_what_is_said_is_kept_and_read(client, data):
    assert client.get("/maps", base_url=OWN).json["maps"][0]["picture"]
    facts = client.get("/maps/page/page", base_url=OWN).json
    assert (facts["width"], facts["height"]) == (260, 230) and facts["said"] == SAID and facts["bar"] is None
    assert "which end of its colours is high" in facts["problem"] and len(facts["panels"]) >= 1
    assert client.get("/maps/page/page/picture", base_url=OWN).mimetype == "image/png"
    answer = save(client, SAID | {"colour_bar": BAR, "depth_unit": "m"})
    assert answer.status_code == 200 and answer.json == {"saved": "page.yaml"}
    facts = client.get("/maps/page/page", base_url=OWN).json
    assert facts["problem"] == "" and facts["said"]["colour_bar"] == BAR and facts["bar"][:2] == [220, 40]
    scene = read_map(list_maps([data])[0])
    assert scene.has_depth and scene.geo.depth_unit == "m"
    assert client.get("/maps/page", base_url=OWN).json["rows"] == scene.shape[0]
    assert client.get("/maps/page/migration/40/50", base_url=OWN).json["chain"]
    assert (
        save(client, SAID | {"map_box": [30, 40, 130, 120], "high": "light"}).status_code == 200
    )  # the bar is dropped
    assert client.get("/maps/page", base_url=OWN).json["rows"] == 80
    assert (data / "page.yaml").read_text() == "map_box: [30, 40, 130, 120]\nhigh: light\n"
    assert [path.name for path in data.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "what was sent"),
        (b"[1]", "what was sent"),
        (b'{"map_box": null}', "what was sent"),
        (b"\xff" * 20, "what was sent"),
        (b"[" * 9000, "what was sent"),
        (SAID | {"panel": "x" * 20_000}, "what was sent"),
        (SAID | {"high": "up"}, "page.yaml: high is 'up'"),
        (SAID | {"high": "light", "map_box": [0, 0, 9999, 10]}, "260 x 230"),
        (SAID | {"colour_bar": [226, 60, 226, 120, 1600, float("nan")]}, "colour_bar"),
        (SAID | {"colour_bar": [10, 60, 10, 120, 1600, 1900]}, "grey levels from the bar's"),
        (SAID, "which end of its colours is high"),
        (SAID | {"depth_unit": "bananas"}, "page.yaml: 'bananas'"),
    ],
)
def test_what_cannot_be_read_is_refused_and_changes_nothing(client, data, said, reason):
    (data / "page.yaml").write_text("high: dark\n")
    answer = save(client, said)
    assert answer.status_code == 422 and reason in answer.json["error"]
    assert (data / "page.yaml").read_text() == "high: dark\n"
    assert sorted(path.name for path in data.iterdir()) == ["page.png", "page.yaml"]


def test_other_sites_links_and_other_maps_are_refused(client, data):
    light = SAID | {"high": "light"}
    assert save(client, light, Origin="http://evil.example").status_code == 403
    assert save(client, light, **{"Content-Type": "application/json"}).status_code == 415
    for name in ("..", "none", "..%2fdata%2fpage"):
        assert save(client, light, name).status_code in (404, 405)
    (data / "page.yaml").symlink_to(data.parent / "elsewhere.yaml")
    answer = save(client, light)
    assert answer.status_code == 422 and "outside the data folder" in answer.json["error"]
    assert not (data.parent / "elsewhere.yaml").exists()


def test_maps_with_a_depth_have_no_such_step(session):
    browser = create_app(session, PORT, KEY).test_client()
    browser.get(f"/?key={KEY}", base_url=OWN)
    assert not any(entry["picture"] for entry in browser.get("/maps", base_url=OWN).json["maps"])
    assert browser.get("/maps/a/page", base_url=OWN).status_code == 422
    assert save(browser, SAID | {"high": "red"}, "a").status_code == 422
