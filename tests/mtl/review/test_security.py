"""Access rules of the review page: whom it refuses."""

import pytest

from mtl.review.app import create_app
from mtl.review.security import LOOPBACK
from tests.mtl.review.conftest import KEY, OWN, PORT, post


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
def test_writing_from_elsewhere_is_refused(client, session, headers):
    before = (session.data / "a" / "traps.png").read_bytes()
    answer = post(client, **headers)
    assert answer.status_code in (403, 415)
    assert (session.data / "a" / "traps.png").read_bytes() == before


def test_without_the_key_nothing_is_sent(session):
    stranger = create_app(session, PORT, KEY).test_client()
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


def test_the_cookie_stays_with_this_page_and_nothing_is_loaded_from_elsewhere(session):
    answer = create_app(session, PORT, KEY).test_client().get(f"/?key={KEY}", base_url=OWN)
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=Strict" in answer.headers["Set-Cookie"]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "http" not in policy
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_ways_of_asking_are_refused_and_no_site_is_let_in(client, session, method):
    before = (session.data / "a" / "traps.png").read_bytes()
    for path in ("/", "/maps", "/maps/a/traps"):
        answer = client.open(path, method=method, base_url=OWN, headers={"Origin": "http://evil.example"})
        assert answer.status_code in (403, 405)
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert (session.data / "a" / "traps.png").read_bytes() == before
