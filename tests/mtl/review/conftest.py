"""A review session of two maps, and a browser that opened its page."""

import numpy as np
import pytest

from mtl.prediction.writers import apply_colour_map
from mtl.review.predictions import MapPrediction, OutputLayer
from mtl.review.session import ReviewSession
from mtl.tasks.heads import HEADS
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.conftest import dome_scene

PORT, KEY = 4321, "the-key"
OWN = f"http://127.0.0.1:{PORT}"


def half_trap(scene):
    """A prediction with a trap in the left half of every map."""
    probability = np.zeros(scene.shape, np.uint8)
    probability[8:-8, 8 : scene.shape[1] // 2] = 200
    head = HEADS["trap"]
    layers = {"trap": OutputLayer(head, apply_colour_map(head.drawing, probability / np.float32(255)), 1.0)}
    return MapPrediction(layers, probability)


@pytest.fixture
def session(tmp_path):
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
def client(session):
    """A browser that opened the address which the tool printed."""
    from mtl.review.app import create_app

    browser = create_app(session, PORT, KEY).test_client()
    assert browser.get(f"/?key={KEY}", base_url=OWN).status_code == 302
    return browser


def post(client, name="a", body=None, base_url=OWN, **headers):
    """Save traps that correct those of now; headers as keywords, None leaves one out."""
    own = {"Origin": OWN, "Content-Type": "application/octet-stream"}
    if "If_Match" not in headers:
        own["If-Match"] = client.get(f"/maps/{name}/traps", base_url=OWN).headers.get("ETag", "")
    sent = own | {k.replace("_", "-"): v for k, v in headers.items()}
    content = bytes(64 * 64) if body is None else body
    return client.post(f"/maps/{name}/traps", base_url=base_url, data=content,
                       headers={name: value for name, value in sent.items() if value})  # fmt: skip


def raster(client, path):
    """A map's cells as the page gets them."""
    answer = client.get(path, base_url=OWN)
    assert answer.status_code == 200
    return np.frombuffer(answer.data, np.uint8).reshape(64, 64)
