"""The server of the review page listens on the loopback address alone."""

import json
import socket
import threading
import urllib.error
import urllib.request

import pytest

from mtl.review.security import LOOPBACK
from mtl.review.server import bind_server
from targets.errors import UserError
from tests.mtl.review.conftest import KEY


def test_the_server_listens_on_the_loopback_address_alone(session):
    server = bind_server(session, 0, KEY)
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
            bind_server(session, server.port, KEY)
    finally:
        server.shutdown()
        server.server_close()
