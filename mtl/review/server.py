"""Server of the review page on the loopback address."""

import logging
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from mtl.review.session import ReviewSession
from targets.common.optional_import import import_optional
from targets.errors import UserError

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer


def serve(session: ReviewSession, port: int, announce: Callable[[str], None]) -> None:
    """Serve the page on the loopback address until it is interrupted.

    Parameters
    ----------
    session : ReviewSession
        The maps.
    port : int
        Port; 0 takes a free one.
    announce : Callable[[str], None]
        Is given the page's address, with its key.

    Raises
    ------
    UserError
        The port is taken, or Flask is not installed.
    """
    key = secrets.token_urlsafe(24)
    server = bind_server(session, port, key)
    announce(f"http://{server.host}:{server.port}/?key={key}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        session.close()


def bind_server(session: ReviewSession, port: int, key: str) -> "BaseWSGIServer":
    """Bind a server to the loopback address, ready to serve.

    Parameters
    ----------
    session : ReviewSession
        The maps.
    port : int
        Port; 0 takes a free one.
    key : str
        Secret part of the page's address.

    Raises
    ------
    UserError
        The port is taken, or Flask is not installed.
    """
    import_optional("flask", "review", "review")
    from werkzeug.serving import make_server  # the server that Flask brings is enough for one person

    from mtl.review.app import create_app
    from mtl.review.security import LOOPBACK

    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((LOOPBACK, port))
            own.listen()
        except OSError as error:
            raise UserError("--port", f"{port} is taken ({error})", "a free port", "choose another, or 0") from error
        port = own.getsockname()[1]
        app = create_app(session, port, key)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request would hide the tool's own output
        return make_server(LOOPBACK, port, app, threaded=True, fd=own.fileno())
