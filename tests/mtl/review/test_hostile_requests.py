"""Hundred hostile requests and fifty at once: each is answered, nothing is written, and the page works as before."""

import http.client
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import product

import numpy as np
import pytest

from mtl.review.security import LOOPBACK
from mtl.review.server import bind_server
from tests.mtl.review.conftest import KEY

SECONDS = 20
NAMES = (
    "..", "../a", "..%2fa", "%2e%2e/other/c", "a%00", "a%00.png", "a%0d%0aSet-Cookie:%20x=1", "%ff%fe", "a" * 9000,
    "a;b", "a?x=/../../etc/passwd", "a#traps", "A", "a.", "a%20", "..\\a", "C:%5Cwindows", "%252e%252e%252fc",
    "{{7*7}}", "<svg onload=alert(1)>", "\u202ea", "con", "~", "$HOME", "*",
)  # fmt: skip
PATHS = ("/maps/{}", "/maps/{}/traps", "/maps/a/layers/{}")
VERSIONS = ("", "*", '"', "W/", "none,", "0" * 60_000, "\xff" * 20)
HEADS = {
    "no line end": b"GET / HTTP/1.1",
    "no method": b"\r\n\r\n",
    "bytes of no text": bytes(range(256)) + b"\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "an address of a proxy": b"GET http://evil.example/maps HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "two hosts": b"GET /maps HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET /maps HTTP/1.0\r\n\r\n",
    "a thousand heads": b"GET /maps HTTP/1.1\r\nHost: {host}\r\n" + b"X-A: b\r\n" * 1000 + b"\r\n",
    "a head of 100 kB": b"GET /maps HTTP/1.1\r\nHost: {host}\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
    "a path of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a body of another length": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Content-Length: 12\r\n\r\n\1",
    "a negative length": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Content-Length: -1\r\n\r\n\1",
    "a length of words": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Content-Length: many\r\n\r\n\1",
    "two lengths": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Content-Length: 1\r\nContent-Length: 4096\r\n"
    b"\r\n\1",
    "terabytes": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Content-Length: 9999999999999\r\n\r\n\1",
    "chunks": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Transfer-Encoding: chunked\r\n\r\nffffffff\r\n\1",
    "a second request inside": b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n{own}Content-Length: 0\r\n\r\n"
    b"POST /maps/a/traps HTTP/1.1\r\nHost: {host}\r\n\r\n",
}  # fmt: skip


@pytest.fixture
def served(session):
    """A running server of the session."""
    server = bind_server(session, 0, KEY)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def own_heads(server):
    """The headers with which the page saves."""
    return {"Cookie": f"trapmtl_{server.port}={KEY}", "Origin": f"http://{LOOPBACK}:{server.port}",
            "Content-Type": "application/octet-stream"}  # fmt: skip


def ask(server, method, path, body=None, **heads):
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection(LOOPBACK, server.port, timeout=SECONDS)
    try:
        connection.putrequest(method, path.encode("latin-1", "replace").decode("latin-1"))
        for name, value in (own_heads(server) | heads | {"Content-Length": str(len(body or b""))}).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def raw(server, request):
    """What the server answers to bytes before it closes; the sender sends no more."""
    own = "".join(f"{name}: {value}\r\n" for name, value in own_heads(server).items())
    request = request.replace(b"{host}", f"{LOOPBACK}:{server.port}".encode()).replace(b"{own}", own.encode())
    with socket.create_connection((LOOPBACK, server.port), timeout=SECONDS) as line:
        answer = b""
        try:
            line.sendall(request)
            with suppress(OSError):  # refused already: nobody reads any more
                line.shutdown(socket.SHUT_WR)
            while part := line.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # refused before it was read to its end
    return answer


def files(folder):
    """Every file under a folder."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_hundred_hostile_requests_write_nothing_and_are_answered(served, session, capfd):
    before = files(session.data.parent)
    asked = 0
    for name, path in product(NAMES, PATHS):
        address = re.sub(r"[^!-~]", lambda one: "".join(f"%{byte:02x}" for byte in one[0].encode()), path.format(name))
        status, heads, content = ask(served, "GET", address)
        assert status in ((200, 404) if "?" in name or "#" in name else (400, 404, 414)), (address[:80], status)
        assert heads["Set-Cookie"] is None and b"root:" not in content and content != b"49"
        asked += 1
    for version in VERSIONS:
        status, _, _ = ask(served, "POST", "/maps/a/traps", bytes(64 * 64), If_Match=version)
        assert status in (400, 409, 431), (version[:20], status)
        asked += 1
    for what, request in HEADS.items():
        answer = raw(served, request)
        assert not answer or answer.startswith((b"HTTP/1.", b"<!DOCTYPE HTML>")), what  # the latter to what is no HTTP
        assert b" 200 " not in answer.split(b"\r\n")[0] or b"GET /maps" in request, what
        asked += 1
    assert asked >= 100
    assert files(session.data.parent) == before
    assert ask(served, "GET", "/maps")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_fifty_requests_at_once_are_all_answered(served, session):
    paths = ("/maps", "/maps/a", "/maps/b", "/maps/a/traps", "/maps/b/trap", "/maps/b/picture", "/maps/a/inside")
    seen = ask(served, "GET", "/maps/a/traps")[1]["ETag"]
    masks = np.zeros((2, 64, 64), np.uint8)
    masks[0, 5:15, 20:30] = masks[1, 40:50, 20:30] = 1

    def send(number):
        if number in (10, 30):
            return ask(served, "POST", "/maps/a/traps", masks[number // 30].tobytes(), If_Match=seen)[0]
        return ask(served, "GET", paths[number % len(paths)])[0]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    saves = [answers.pop(30), answers.pop(10)]
    assert answers == [200] * 48 and sorted(saves) == [200, 409]
    kept = np.frombuffer(ask(served, "GET", "/maps/a/traps")[2], np.uint8).reshape(64, 64)
    np.testing.assert_array_equal(kept, masks[int(saves[0] == 200)])
