"""The command review: mistakes of its options are one line."""

import socket

import pytest

from mtl.commands.review import main  # noqa: F401 (the fixture `call`)
from mtl.review.security import LOOPBACK


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["DATA", "--checkpoint", "a.ckpt", "--predictions", "b"], "given together with --checkpoint"),
        (["nowhere", "--predictions", "b"], "nowhere: not a folder"),
        (["DATA", "--predictions", "b", "--port", "PORT"], "is taken"),
    ],
)
def test_mistakes_are_one_line(call, dome_maps, words, error):
    pytest.importorskip("flask")
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _, said = call(*(word.replace("DATA", str(dome_maps)).replace("PORT", port) for word in words))
    assert code == 2 and error in said and said.count("\n") == 1
