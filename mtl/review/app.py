"""A local web page on which a person corrects predicted traps: who may ask for what, and what the page is told.

The page is for one person on one machine. It listens on the loopback address only; every request must carry the key of
the address that the tool prints (in a cookie, so that other users of the machine and other sites have none), must name
this server as its host (a site that rebinds its name to 127.0.0.1 does not) and, if it writes, must come from this
page. Maps are asked for by their names in the list, never by a path.
"""

import hmac
import io
import logging
import secrets
import socket
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray
from PIL import Image

from mtl.inference.predictor import Predictor
from mtl.metrics.base import THRESHOLD
from mtl.prediction.instances import MIN_AREA, find_instances, instance_outputs
from mtl.prediction.writers import apply_colour_map, output_valid
from mtl.tasks.base import Output, mask_invalid
from mtl.tasks.heads import HEADS, collect_outputs, trap_outputs
from targets.errors import UserError
from targets.io.catalogue import MapSource, ReadOptions, list_maps, read_map
from targets.io.images import read_rgba
from targets.io.interpreted_traps import interpreted_traps_file, save_interpreted_traps
from targets.rendering.figures import map_title
from targets.rendering.map import ensure_picture
from targets.scene import Scene

STATIC = Path(__file__).parent / "static"
LOOPBACK = "127.0.0.1"
MAX_CELLS = 25_000_000  # of a map that a browser still draws with ease
MAX_CACHED_MAPS = 4  # maps whose predictions are kept, so that going back to one is quick
LEGEND_STOPS = 9  # colours of a legend's bar

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class OutputLayer:
    """One output of a map as the page shows it.

    Attributes
    ----------
    colours : (H, W, 4)
        Red, green, blue, opacity.
    high : float
        Value of the last colour.
    """

    output: Output
    colours: Pixels
    high: float


@dataclass(frozen=True)
class ReviewedMap:
    """What is known about one map.

    Attributes
    ----------
    layers : dict[str, Layer]
        Its outputs by name.
    trap : (H, W) uint8
        Probability of trap times 255; over 127 is over one half. None where nothing tells of traps.
    """

    scene: Scene
    layers: dict[str, OutputLayer]
    trap: Pixels | None


PredictionSource = Callable[[Scene], tuple[dict[str, OutputLayer], Pixels | None]]


def predictions_of_network(predictor: Predictor) -> PredictionSource:
    """Outputs of a map as a network gives them."""

    def look(scene: Scene) -> tuple[dict[str, OutputLayer], Pixels | None]:
        answers, outputs, layers = predictor(scene), predictor.outputs, {}
        found = find_instances(answers, outputs) if instance_outputs(outputs) else None
        for output in outputs:
            told = output_valid(output, scene, None if found is None else found[0])
            plane = output.drawing.plane(mask_invalid(answers[output.name], told))
            high = output.drawing.vmax
            high = float(np.nanmax(plane, initial=1e-6)) if high is None else high
            layers[output.name] = OutputLayer(output, apply_colour_map(output.drawing, plane), high)
        return layers, None if found is None else np.ceil(found[1] * 255 - 0.5).clip(0, 255).astype(np.uint8)

    return look


def predictions_in_folder(folder: Path) -> PredictionSource:
    """Outputs of a map from the pictures that tools/predict.py wrote of it."""

    def look(scene: Scene) -> tuple[dict[str, OutputLayer], Pixels | None]:
        layers = {}
        for output in collect_outputs(tuple(HEADS.values())):
            path = folder / scene.name / f"{output.name}.png"
            if not path.exists():
                continue
            colours = read_rgba(path)
            if colours.shape != (*scene.shape, 4):
                raise UserError(path, f"a picture of shape {colours.shape}", f"{(*scene.shape, 4)}",
                                "predict this map again")  # fmt: skip
            high = output.drawing.vmax
            layers[output.name] = OutputLayer(output, colours, float("nan") if high is None else high)
        if not layers:
            raise UserError(folder / scene.name, "holds no prediction of this map", "pictures such as trap.png",
                            "predict it with tools/predict.py, or give --checkpoint")  # fmt: skip
        traps = trap_outputs([layer.output for layer in layers.values()])
        return layers, colour_codes(layers[traps[-1].name]) if traps else None

    return look


def colour_codes(layer: OutputLayer) -> Pixels:
    """(H, W) uint8, which of the 256 colours of its map each cell of a picture has; 0 where it is transparent."""
    table = matplotlib.colormaps[layer.output.drawing.colour_map](np.arange(256), bytes=True)
    codes = np.ascontiguousarray(table).view(np.uint32)[:, 0]
    order = codes.argsort()
    cells = np.ascontiguousarray(layer.colours).view(np.uint32)[..., 0]
    places = order[np.searchsorted(codes[order], cells).clip(0, 255)]
    seen = layer.colours[..., 3] > 0
    if (codes[places] != cells)[seen].any():
        raise UserError(f"{layer.output.name}.png", "has colours that this program did not draw", "",
                        "predict the map again")  # fmt: skip
    return np.where(seen, places, 0).astype(np.uint8)


class ReviewSession:
    """The maps of one data set, and what was predicted about the last few of them.

    Raises
    ------
    UserError
        The folder is missing or holds no map.
    """

    def __init__(self, data: Path, look: PredictionSource, how: ReadOptions) -> None:
        self.data, self.how, self._look = data.resolve(), how, look
        if not data.is_dir():
            raise UserError(data, "not a folder", "a folder of maps")
        self.sources = {source.name: source for source in list_maps([data], how.layout)}
        self._kept: OrderedDict[str, ReviewedMap] = OrderedDict()
        self._lock = Lock()  # one prediction at a time; a second request for a map waits for the first

    def list_maps(self) -> list[dict[str, object]]:
        """Name, whether traps are drawn, and why traps cannot be saved ("": they can), of every map."""
        return [
            {"name": name, "drawn": "traps" in source.files, "refused": self._refused(source)}
            for name, source in self.sources.items()
        ]

    def _refused(self, source: MapSource) -> str:
        try:
            self._own(interpreted_traps_file(source, self.how))
        except UserError as error:
            return str(error)
        return ""

    def _own(self, path: Path) -> None:
        """Refuse a file outside the data folder, also behind a link."""
        for place in (path.parent, path):
            if not place.resolve().is_relative_to(self.data):
                raise UserError(path, "lies outside the data folder", str(self.data), "review that folder instead")

    def open_map(self, name: str) -> ReviewedMap:
        """A map with its outputs."""
        with self._lock:
            if name not in self._kept:
                scene = ensure_picture(read_map(self.sources[name], self.how.fill, self.how.elevation))
                if scene.map_valid.size > MAX_CELLS:
                    raise UserError(name, f"has {scene.map_valid.size:,} cells", f"at most {MAX_CELLS:,}",
                                    "cut it into smaller maps")  # fmt: skip
                self._kept[name] = ReviewedMap(scene, *self._look(scene))
                if len(self._kept) > MAX_CACHED_MAPS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            return self._kept[name]

    def save(self, name: str, traps: NDArray[np.bool_]) -> Path:
        """Save the traps (H, W) of a map; cells outside it hold none."""
        looked = self.open_map(name)
        source = self.sources[name]
        path = interpreted_traps_file(source, self.how)
        self._own(path)
        traps = traps & looked.scene.map_valid
        save_interpreted_traps(source, traps, self.how)
        with self._lock:
            (self.sources[name],) = [s for s in list_maps([self.data], self.how.layout) if s.name == name]
            self._kept[name] = ReviewedMap(looked.scene.replace(traps=traps), looked.layers, looked.trap)
        return path


def create_app(session: ReviewSession, port: int, key: str) -> Any:
    """The page as a WSGI application of Flask.

    Parameters
    ----------
    port : int
        Where it will listen, which every request must name.
    key : str
        The secret part of the page's address.

    Raises
    ------
    UserError
        Flask is not installed.
    """
    try:
        import flask
    except ImportError as error:
        raise UserError("review", "the library flask is not installed", "", "pip install 'trapmtl[review]'") from error

    app = flask.Flask("review", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_CELLS
    app.url_map.merge_slashes = False  # no redirects: what is no name of a map is not there
    hosts = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
    cookie = f"trapmtl_{port}"

    def known(given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode(), key.encode())

    @app.before_request
    def guard() -> Any:
        request = flask.request
        if request.host not in hosts:
            flask.abort(HTTPStatus.FORBIDDEN, f"this page is http://{LOOPBACK}:{port}")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            flask.abort(HTTPStatus.FORBIDDEN, "asked for by another site")
        if request.path == "/" and known(request.args.get("key")):
            answer = flask.redirect("/")
            answer.set_cookie(cookie, key, httponly=True, samesite="Strict")
            return answer
        if not known(request.cookies.get(cookie)):
            flask.abort(HTTPStatus.FORBIDDEN, "open the address that tools/review.py printed, with its key")
        if request.method not in ("GET", "HEAD"):
            if request.headers.get("Origin") != f"http://{request.host}":
                flask.abort(HTTPStatus.FORBIDDEN, "asked for by another site")
            if request.mimetype != "application/octet-stream":
                flask.abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected one byte a cell")
        return None

    @app.after_request
    def sealed(answer: Any) -> Any:
        answer.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @app.errorhandler(UserError)
    def mistake(error: UserError) -> Any:
        return {"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY

    @app.get("/")
    def front() -> Any:
        return flask.send_file(STATIC / "page.html")

    @app.get("/page.js")
    def script() -> Any:
        return flask.send_file(STATIC / "page.js")

    @app.get("/page.css")
    def style() -> Any:
        return flask.send_file(STATIC / "page.css")

    @app.get("/maps")
    def maps() -> Any:
        return {"maps": session.list_maps()}

    def looked(name: str) -> ReviewedMap:
        if name not in session.sources:
            flask.abort(HTTPStatus.NOT_FOUND, "no such map")
        return session.open_map(name)

    @app.get("/maps/<name>")
    def one(name: str) -> Any:
        return map_facts(looked(name))

    @app.get("/maps/<name>/picture")
    def picture(name: str) -> Any:
        rgb = looked(name).scene.rgb
        assert rgb is not None  # drawn where the map came without one
        return png(rgb)

    @app.get("/maps/<name>/layers/<output>")
    def layer(name: str, output: str) -> Any:
        layers = looked(name).layers
        if output not in layers:
            flask.abort(HTTPStatus.NOT_FOUND, "no such output")
        return png(layers[output].colours)

    @app.get("/maps/<name>/trap")
    def trap(name: str) -> Any:
        here = looked(name)
        return cells(here.trap if here.trap is not None else np.zeros(here.scene.shape))

    @app.get("/maps/<name>/inside")
    def inside(name: str) -> Any:
        return cells(looked(name).scene.map_valid)

    @app.get("/maps/<name>/traps")
    def drawn(name: str) -> Any:
        scene = looked(name).scene
        return cells(scene.traps if scene.traps is not None else np.zeros(scene.shape, bool))

    @app.post("/maps/<name>/traps")
    def save(name: str) -> Any:
        scene, content = looked(name).scene, flask.request.get_data()
        if len(content) != scene.map_valid.size or content.strip(b"\0\1"):
            flask.abort(HTTPStatus.BAD_REQUEST, f"expected {scene.map_valid.size} bytes of 0 and 1")
        path = session.save(name, np.frombuffer(content, np.uint8).reshape(scene.shape) > 0)
        return {"saved": path.name}

    def png(pixels: Pixels) -> Any:
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "PNG", compress_level=1)
        return flask.Response(content.getvalue(), mimetype="image/png")

    def cells(plane: NDArray) -> Any:
        return flask.Response(plane.astype(np.uint8).tobytes(), mimetype="application/octet-stream")

    return app


def map_facts(looked: ReviewedMap) -> dict[str, object]:
    """What the page is told about a map beside its rasters: plain types."""
    scene = looked.scene
    layers = []
    for name, layer in looked.layers.items():
        drawing = layer.output.drawing
        stops = [to_hex(matplotlib.colormaps[drawing.colour_map](i / (LEGEND_STOPS - 1))) for i in range(LEGEND_STOPS)]
        high = None if np.isnan(layer.high) else layer.high
        layers.append({"name": name, "unit": layer.output.unit, "low": drawing.vmin, "high": high, "colours": stops})
    return {
        "title": map_title(scene),
        "rows": scene.shape[0],
        "columns": scene.shape[1],
        "drawn": scene.traps is not None,
        "layers": layers,
        "predicts": looked.trap is not None,
        "threshold": THRESHOLD,
        "smallest": MIN_AREA,
    }


def serve(session: ReviewSession, port: int, announce: Callable[[str], None]) -> None:
    """Serve the page on the loopback address until it is interrupted.

    Parameters
    ----------
    port : int
        0 takes a free one.
    announce : Callable[[str], None]
        Is told the page's address, with its key.

    Raises
    ------
    UserError
        The port is taken, or Flask is not installed.
    """
    key = secrets.token_urlsafe(24)
    server = bind_server(session, port, key)
    announce(f"http://{LOOPBACK}:{server.port}/?key={key}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def bind_server(session: ReviewSession, port: int, key: str) -> Any:
    """A server that is bound to the loopback address, ready to serve."""
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((LOOPBACK, port))
            own.listen()
        except OSError as error:
            raise UserError("--port", f"{port} is taken ({error})", "a free port", "choose another, or 0") from error
        port = own.getsockname()[1]
        app = create_app(session, port, key)
        from werkzeug.serving import make_server  # the server that Flask brings: enough for one person

        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request would hide what the tool says
        return make_server(LOOPBACK, port, app, threaded=True, fd=own.fileno())
