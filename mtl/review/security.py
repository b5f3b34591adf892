"""Access rules of the review page: one person, one machine, one page.

The server listens on the loopback address only. Every request must carry the key of the address that the tool prints
(in a cookie, so that other users of the machine and other sites have none), must name this server as its host (a site
that rebinds its name to 127.0.0.1 does not) and, if it writes, must come from this page.
"""

import hmac
from dataclasses import dataclass
from http import HTTPStatus

import flask
from werkzeug.wrappers import Response

LOOPBACK = "127.0.0.1"
RESPONSE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class AccessRules:
    """Who may ask a server on the loopback address.

    Attributes
    ----------
    port : int
        Port of the server, which every request must name.
    key : str
        Secret part of the page's address.
    """

    port: int
    key: str

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the key; several servers of one machine share their cookies."""
        return f"trapmtl_{self.port}"

    def has_key(self, given: str | None) -> bool:
        """Whether the key is right; the time of the comparison does not depend on how much of it is."""
        return hmac.compare_digest((given or "").encode(), self.key.encode())

    def check_request(self) -> Response | None:
        """Refuse the current request unless it follows the rules; the address with the key sets the cookie."""
        request = flask.request
        if request.host not in (f"{LOOPBACK}:{self.port}", f"localhost:{self.port}"):
            flask.abort(HTTPStatus.FORBIDDEN, f"this page is http://{LOOPBACK}:{self.port}")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            flask.abort(HTTPStatus.FORBIDDEN, "asked for by another site")
        if request.path == "/" and self.has_key(request.args.get("key")):
            response = flask.redirect("/")
            response.set_cookie(self.cookie, self.key, httponly=True, samesite="Strict")
            return response
        if not self.has_key(request.cookies.get(self.cookie)):
            flask.abort(HTTPStatus.FORBIDDEN, "open the address that tools/review.py printed, with its key")
        if request.method not in ("GET", "HEAD"):
            if request.headers.get("Origin") != f"http://{request.host}":
                flask.abort(HTTPStatus.FORBIDDEN, "asked for by another site")
            if request.mimetype != "application/octet-stream":
                flask.abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected one byte a cell")
        return None


def set_response_headers(response: flask.Response) -> flask.Response:
    """Forbid the browser to load anything else, to be framed, and to keep what it got."""
    for name, value in RESPONSE_HEADERS.items():
        response.headers[name] = value
    return response
