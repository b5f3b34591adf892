"""Flask application of the review page: its routes, and the facts and rasters of a map that they send.

Maps are asked for by their names in the list, never by a path; `security` says who may ask.
"""

import io
from http import HTTPStatus
from pathlib import Path

import flask
import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray
from PIL import Image

from mtl.config import THRESHOLD
from mtl.prediction.instances import MIN_AREA
from mtl.review.migration import describe_charge_points, describe_migration
from mtl.review.predictions import Pixels
from mtl.review.security import AccessRules, set_response_headers
from mtl.review.session import MAX_CELLS, NO_TRAPS, ReviewedMap, ReviewSession, TrapsChangedError
from targets.analysis.layers import flatten_rings
from targets.closure import contour_closures
from targets.errors import UserError
from targets.rendering.overlays import map_title

STATIC = Path(__file__).parent / "static"
LEGEND_STOPS = 9  # colours of a legend's bar
SESSION = "review_session"  # its key in the application's extensions

blueprint = flask.Blueprint("review", __name__)


def create_app(session: ReviewSession, port: int, key: str) -> flask.Flask:
    """Create the application.

    Parameters
    ----------
    session : ReviewSession
        The maps.
    port : int
        Port on which it will listen, which every request must name.
    key : str
        Secret part of the page's address.
    """
    app = flask.Flask("review", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_CELLS
    app.url_map.merge_slashes = False  # no redirects: what is no name of a map does not exist
    app.extensions[SESSION] = session
    app.before_request(AccessRules(port, key).check_request)
    app.after_request(set_response_headers)
    app.register_blueprint(blueprint)
    return app


@blueprint.app_errorhandler(UserError)
def report_error(error: UserError) -> tuple[dict[str, object], HTTPStatus]:
    """Send a user's mistake as JSON."""
    return {"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY


@blueprint.app_errorhandler(TrapsChangedError)
def report_conflict(error: TrapsChangedError) -> flask.Response:
    """Send that other traps were saved meanwhile, and their version."""
    response = flask.jsonify(error=str(error))
    response.status_code = HTTPStatus.CONFLICT
    response.set_etag(error.version)
    return response


@blueprint.get("/")
def send_page() -> flask.Response:
    """Send the page."""
    return flask.send_file(STATIC / "page.html")


@blueprint.get("/page.js")
def send_script() -> flask.Response:
    """Send the page's script."""
    return flask.send_file(STATIC / "page.js")


@blueprint.get("/picture.js")
def send_picture_script() -> flask.Response:
    """Send the script of the step for pictures."""
    return flask.send_file(STATIC / "picture.js")


@blueprint.get("/page.css")
def send_style() -> flask.Response:
    """Send the page's style sheet."""
    return flask.send_file(STATIC / "page.css")


@blueprint.get("/maps")
def send_map_list() -> dict[str, object]:
    """Send the list of maps."""
    return {"maps": current_session().describe_maps()}


@blueprint.get("/maps/<name>")
def send_map_facts(name: str) -> dict[str, object]:
    """Send what the page shows of a map beside its rasters."""
    return map_facts(open_map(name))


@blueprint.get("/maps/<name>/picture")
def send_picture(name: str) -> flask.Response:
    """Send the picture of a map."""
    rgb = open_map(name).scene.rgb
    assert rgb is not None  # drawn where the map came without one
    return png_response(rgb)


@blueprint.get("/maps/<name>/page")
def send_page_facts(name: str) -> dict[str, object]:
    """Send what is understood of a map that is a picture alone."""
    return session_with(name).describe_page(name)


@blueprint.get("/maps/<name>/page/picture")
def send_whole_picture(name: str) -> flask.Response:
    """Send the picture of a map as it is on disk."""
    return png_response(session_with(name).open_picture(name))


@blueprint.post("/maps/<name>/page")
def save_page(name: str) -> dict[str, object]:
    """Keep what a person says of a picture, sent as JSON in bytes."""
    session = session_with(name)
    return {"saved": session.save_page(name, flask.request.get_data())}


@blueprint.get("/maps/<name>/layers/<output>")
def send_layer(name: str, output: str) -> flask.Response:
    """Send one output of a map in its colours."""
    layers = open_map(name).prediction.layers
    if output not in layers:
        flask.abort(HTTPStatus.NOT_FOUND, "no such output")
    return png_response(layers[output].colours)


@blueprint.get("/maps/<name>/trap")
def send_probability(name: str) -> flask.Response:
    """Send the probability of trap, 0 to 255 a cell."""
    opened = open_map(name)
    probability = opened.prediction.probability
    return cells_response(probability if probability is not None else np.zeros(opened.scene.shape))


@blueprint.get("/maps/<name>/inside")
def send_inside(name: str) -> flask.Response:
    """Send which cells lie inside the map, 0 or 1 a cell."""
    return cells_response(open_map(name).scene.map_valid)


@blueprint.get("/maps/<name>/traps")
def send_traps(name: str) -> flask.Response:
    """Send the interpreted traps, 0 or 1 a cell, with their version as ETag."""
    opened = open_map(name)
    traps = opened.scene.traps
    response = cells_response(traps if traps is not None else np.zeros(opened.scene.shape, bool))
    response.set_etag(opened.version)
    return response


@blueprint.get("/maps/<name>/closures")
def send_closures(name: str) -> dict[str, object]:
    """Send the outlines of a map's outermost closures, rings of (row, column) by id."""
    analysis = session_with(name).analyse_map(name)
    polygons = contour_closures(analysis.closures, nested=False)
    rings = {key: [ring.round(2).tolist() for ring in flatten_rings([shape])] for key, shape in polygons.items()}
    return {"outlines": rings}


@blueprint.get("/maps/<name>/migration/<int:row>/<int:col>")
def send_migration(name: str, row: int, col: int) -> dict[str, object]:
    """Send the way of what rises from a cell."""
    return describe_migration(session_with(name).analyse_map(name), row, col)


@blueprint.get("/maps/<name>/charge/<int:count>")
def send_charge_points(name: str, count: int) -> dict[str, object]:
    """Send the best points to charge."""
    return describe_charge_points(session_with(name).analyse_map(name), count)


@blueprint.post("/maps/<name>/traps")
def save_traps(name: str) -> dict[str, object]:
    """Save the corrected traps of a map, sent as one byte, 0 or 1, a cell.

    The header If-Match holds the version of the traps that were corrected; without it the map had none.
    """
    scene, content = open_map(name).scene, flask.request.get_data()
    if len(content) != scene.map_valid.size or content.strip(b"\0\1"):
        flask.abort(HTTPStatus.BAD_REQUEST, f"expected {scene.map_valid.size} bytes of 0 and 1")
    seen = flask.request.headers.get("If-Match", NO_TRAPS).strip('"')
    saved = current_session().save(name, np.frombuffer(content, np.uint8).reshape(scene.shape) > 0, seen)
    return {"saved": saved.path.name, "version": saved.version}


def current_session() -> ReviewSession:
    """The session of the application that handles the current request."""
    session: ReviewSession = flask.current_app.extensions[SESSION]
    return session


def session_with(name: str) -> ReviewSession:
    """The session, which has a map of this name; an unknown name is answered with "not found"."""
    session = current_session()
    if name not in session.sources:
        flask.abort(HTTPStatus.NOT_FOUND, "no such map")
    return session


def open_map(name: str) -> ReviewedMap:
    """Open a map by its name."""
    return session_with(name).open_map(name)


def png_response(pixels: Pixels) -> flask.Response:
    """A picture (H, W, 3 or 4) as PNG."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", compress_level=1)
    return flask.Response(content.getvalue(), mimetype="image/png")


def cells_response(plane: NDArray) -> flask.Response:
    """A plane (H, W) as one byte a cell, row by row."""
    return flask.Response(plane.astype(np.uint8).tobytes(), mimetype="application/octet-stream")


def map_facts(opened: ReviewedMap) -> dict[str, object]:
    """Title, shape, layers with their legends, and thresholds of a map, in plain types."""
    scene = opened.scene
    layers = []
    for name, layer in opened.prediction.layers.items():
        drawing = layer.output.drawing
        stops = [to_hex(matplotlib.colormaps[drawing.colour_map](i / (LEGEND_STOPS - 1))) for i in range(LEGEND_STOPS)]
        vmax = None if np.isnan(layer.vmax) else layer.vmax
        layers.append({"name": name, "unit": layer.output.unit, "low": drawing.vmin, "high": vmax, "colours": stops})
    return {
        "title": map_title(scene),
        "rows": scene.shape[0],
        "columns": scene.shape[1],
        "layers": layers,
        "predicts": opened.prediction.probability is not None,
        "threshold": THRESHOLD,
        "smallest": MIN_AREA,
    }
