"""Reading of a picture on the review page: what is understood of it, and what a person says of it, kept as map.yaml."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from targets.common.atomic_write import atomic_write
from targets.errors import UserError
from targets.io.catalogue import MapSource, read_map
from targets.io.images import read_rgb
from targets.io.map_folder.flat_set import SET_SIDECAR
from targets.io.map_folder.sidecar import change_sidecar, read_sidecar
from targets.io.read_options import ReadOptions
from targets.pages.page import Page, PageError
from targets.rendering.palettes import RGB
from targets.scene import Scene

KEYS = ("map_box", "colour_bar", "high", "panel", "depth_unit")  # of map.yaml, that the page sets
ALONE = {"rgb", "map", SET_SIDECAR, "traps"}  # files of a map that is a picture and nothing else
MAX_SAID = 10_000  # bytes


def is_picture_alone(source: MapSource) -> bool:
    """Whether a map is a picture and nothing else, which is read as a page."""
    return "rgb" in source.files and set(source.files) <= ALONE


def picture_of(source: MapSource) -> RGB:
    """The picture (H, W, 3) of a map as it is on disk."""
    return read_rgb(source.files["rgb"])


def sidecar_of_picture(source: MapSource, options: ReadOptions) -> Path:
    """The file that says what a person says of a picture, whether it is there or not.

    Raises
    ------
    UserError
        The map is no picture alone, or lies in a flat set, whose files share one.
    """
    if not is_picture_alone(source):
        raise UserError(source.path, "is no picture alone", "a picture whose depth no other file gives")
    if "map" in source.files:
        return source.files["map"]
    if source.kind == "folder":
        return source.path / f"{options.layout.map}.yaml"
    if source.kind == "picture":
        return source.files["rgb"].with_suffix(".yaml")
    raise UserError(source.path, "a picture of a flat set has no file of its own for this", "a picture in a folder",
                    "put it into a folder of its own as rgb.png")  # fmt: skip


def describe_page(source: MapSource, options: ReadOptions) -> dict[str, Any]:
    """Describe what is understood of a picture, in plain types; boxes in its pixels: left, top, right, bottom.

    Parameters
    ----------
    source : MapSource
        A picture alone.
    options : ReadOptions
        How it is read.

    Returns
    -------
    dict[str, Any]
        said, the values of `KEYS` in its file; width and height; panels with title and box; frame, the map's box; bar,
        the box of its colour bar; lines, what was understood; problem, why it cannot be read, or "".

    Raises
    ------
    UserError
        The picture itself cannot be read.
    """
    height, width = picture_of(source).shape[:2]
    found: dict[str, Any] = {"width": width, "height": height, "panels": [], "frame": None, "bar": None, "lines": [],
                             "problem": "", "said": _said(source)}  # fmt: skip
    try:
        page = _page_of(read_map(source, options))
        problem = None if page is None else page.question
    except PageError as error:
        page, problem = error.page, error
    except UserError as error:
        page, problem = None, error
    found["problem"] = "" if problem is None else str(problem)
    if page is not None:
        found["panels"] = [{"title": panel.title, "box": _in_pixels(panel.frame, page)} for panel in page.panels]
        found["frame"] = None if page.panel is None else _in_pixels(page.panel.frame, page)
        found["bar"] = None if page.bar is None else _in_pixels(page.bar.box, page)
        found["lines"] = [stage.sentence for stage in page.stages if stage.sentence]
    return found


def save_said(source: MapSource, content: bytes, options: ReadOptions, check: Callable[[Path], None]) -> MapSource:
    """Keep what a person says of a picture; the file is replaced only if the picture can be read with it.

    Parameters
    ----------
    source : MapSource
        A picture alone.
    content : bytes
        JSON: the values of `KEYS`, null where nothing is said.
    options : ReadOptions
        How it is read.
    check : Callable[[Path], None]
        Is given the file before it is written.

    Returns
    -------
    MapSource
        The map with the file.

    Raises
    ------
    UserError
        The content is something else, or the picture cannot be read so.
    """
    path = sidecar_of_picture(source, options)
    check(path)
    with atomic_write(path) as temporary:
        try:
            change_sidecar(path, _parse(content), temporary)
            page = _page_of(read_map(_with_sidecar(source, temporary), options))
            if page is not None and page.question is not None:
                raise page.question
        except UserError as error:
            where = path.name if temporary.name in error.where or path.stem in error.where else error.where
            raise UserError(where, *error.args[1:]) from error
    return _with_sidecar(source, path)


def _with_sidecar(source: MapSource, path: Path) -> MapSource:
    return replace(source, files=source.files | {"map": path})


def _parse(content: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(content.decode("utf-8")) if len(content) <= MAX_SAID else None
    except (UnicodeDecodeError, ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or set(said) != set(KEYS):
        raise UserError("map.yaml", "what was sent", f"the keys {', '.join(KEYS)}", "load the page again")
    return said


def _said(source: MapSource) -> dict[str, Any]:
    """What the file of a picture says by now; nothing where it cannot be read."""
    try:
        sidecar = read_sidecar(*(source.files[kind] for kind in (SET_SIDECAR, "map") if kind in source.files))
    except UserError:
        return dict.fromkeys(KEYS)
    return {"map_box": sidecar.map_box, "colour_bar": sidecar.colour_bar, "high": sidecar.high, "panel": sidecar.panel,
            "depth_unit": sidecar.geo.depth_unit}  # fmt: skip


def _page_of(scene: Scene) -> Page | None:
    """The page that a map was read from."""
    page = None if scene.provenance is None else scene.provenance.page
    return page if isinstance(page, Page) else None


def _in_pixels(box: tuple[int, int, int, int], page: Page) -> list[int]:
    """Left, top, right and bottom in pixels of the picture of rows and columns of a page."""
    top, left, bottom, right = (round(side * page.reduction) for side in box)
    return [left, top, right, bottom]
