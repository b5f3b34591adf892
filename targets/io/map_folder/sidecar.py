"""The YAML file beside a map's pictures: location, units, group, polarity of the depth, and who drew the traps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np
import yaml

from targets.common.atomic_write import atomic_write
from targets.common.settings_files import read_yaml
from targets.errors import UserError
from targets.rendering.palettes import HighEnd
from targets.scene import GeoReference
from targets.units.crs import crs_for_library

GEO_FIELDS = [entry for entry in fields(GeoReference) if entry.name not in ("first_row", "first_col", "pixels")]
WORDS = ("group", "polarity", "interpreter", "high", "panel", "map_box", "colour_bar")  # the other keys
TEXT_FIELDS = {entry.name for entry in GEO_FIELDS if "str" in str(entry.type)}


@dataclass(frozen=True)
class Sidecar:
    """What ``map.yaml`` says.

    Attributes
    ----------
    geo : GeoReference
        Location and units.
    group : str, default ''
        The larger map that this one is a crop of, or "".
    inverted : bool | None, default None
        Depth pictures: white = deepest; depth grids: positive up. None: the file does not say.
    interpreter : str, default ''
        Who drew the traps, or "".
    high : HighEnd | None, default None
        Of a picture alone: the end of its colours that is high.
    panel : str | None, default None
        Of a picture alone: number or title of its panel.
    map_box : tuple[int, int, int, int] | None, default None
        Of a picture alone: left, top, right and bottom of its map in pixels.
    colour_bar : tuple[float, float, float, float, float, float] | None, default None
        Of a picture alone: x and y of two places on its colour bar in pixels, and the numbers there.
    """

    geo: GeoReference = field(default_factory=GeoReference)
    group: str = ""
    inverted: bool | None = None
    interpreter: str = ""
    high: HighEnd | None = None
    panel: str | None = None
    map_box: tuple[int, int, int, int] | None = None
    colour_bar: tuple[float, float, float, float, float, float] | None = None

    def given_fields(self) -> dict[str, Any]:
        """{field of `GeoReference`: value} of all that differ from "unknown"."""
        return {entry.name: value for entry in GEO_FIELDS
                if (value := getattr(self.geo, entry.name)) != entry.default}  # fmt: skip


def read_sidecar(*paths: Path) -> Sidecar:
    """Read ``map.yaml``.

    Parameters
    ----------
    *paths : Path
        YAML files of lines ``key: value``: the fields of `GeoReference`, ``group``, ``polarity`` and ``interpreter``.
        Of several the later ones win, key by key: those of a set, then those of a map.

    Returns
    -------
    sidecar : Sidecar

    Raises
    ------
    UserError
        A file cannot be read, has an unknown key or a wrong value, or the map is mirrored.
    """
    values: dict[str, Any] = {}
    for path in paths:
        values |= _read_values(path)
    if not paths:
        return Sidecar()
    polarity = values.pop("polarity", None)
    group, interpreter, panel = (str(values.pop(key, None) or "") for key in ("group", "interpreter", "panel"))
    high, map_box, bar = (values.pop(key, None) for key in ("high", "map_box", "colour_bar"))
    path = paths[-1]
    try:
        geo = GeoReference(**{key: value for key, value in values.items() if value is not None})
        if geo.crs:
            crs_for_library(geo.crs)  # a slip of the pen is found before hours of work
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error
    check_not_mirrored(path, geo)
    inverted = None if polarity is None else polarity == "inverted"
    return Sidecar(geo, group, inverted, interpreter, high, panel or None, map_box and tuple(map_box),
                   bar and tuple(map(float, bar)))  # fmt: skip


def _read_values(path: Path) -> dict[str, Any]:
    """The checked values of one file by key."""
    content = read_yaml(path) or {}
    known = [*(entry.name for entry in GEO_FIELDS), *WORDS]
    if not isinstance(content, dict):
        raise UserError(
            path, f"holds a {type(content).__name__}", "lines 'key: value'", f"known keys: {', '.join(known)}"
        )
    if unknown := [str(key) for key in content if key not in known]:
        raise UserError(path, f"unknown key {', '.join(unknown)}", "", f"known keys: {', '.join(known)}")
    if content.get("polarity") not in (None, "normal", "inverted"):
        raise UserError(path, f"polarity is {content['polarity']!r}", "'normal' (black = deepest) or 'inverted'")
    if content.get("high") not in (None, *get_args(HighEnd)):
        raise UserError(path, f"high is {content['high']!r}", "red, blue, light or dark: the end that is high")
    box = content.get("map_box")
    if box is not None and not (isinstance(box, list) and len(box) == 4 and all(type(side) is int for side in box)):
        raise UserError(path, f"map_box is {box!r}", "[left, top, right, bottom] in pixels of the picture")
    bar = content.get("colour_bar")
    if bar is not None and not (isinstance(bar, list) and len(bar) == 6 and all(type(n) in (int, float) for n in bar)
                                and all(map(math.isfinite, bar))):  # fmt: skip
        expected = "[x, y, x, y, number, number]: two places on the bar in pixels, and the numbers there"
        raise UserError(path, f"colour_bar is {bar!r}", expected)
    return {key: value if key in WORDS or value is None else _parse_value(path, key, value)
            for key, value in content.items()}  # fmt: skip


def write_sidecar(sidecar: Sidecar, path: Path) -> None:
    """Write ``map.yaml``; what is unknown is left out.

    Parameters
    ----------
    sidecar : Sidecar
        Of normal polarity.
    path : Path
        The file.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    content = _plain_values(sidecar.given_fields() | {"group": sidecar.group})
    if sidecar.interpreter:
        content["interpreter"] = sidecar.interpreter
    with atomic_write(path) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")


def change_sidecar(path: Path, changes: Mapping[str, Any], into: Path | None = None) -> None:
    """Write ``map.yaml`` with some keys changed; the others stay as they are, comments do not.

    Parameters
    ----------
    path : Path
        The file; it may be missing.
    changes : Mapping[str, Any]
        {key: its new value, None to leave it out}, in plain types.
    into : Path | None, default None
        File that is written instead.

    Raises
    ------
    UserError
        The file cannot be read or written, or the result is no sidecar.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "map.yaml").write_text("group: north\\nhigh: red\\n")
    ...     change_sidecar(Path(folder, "map.yaml"), {"high": None, "map_box": [1, 2, 30, 40]})
    ...     print(Path(folder, "map.yaml").read_text())
    group: north
    map_box: [1, 2, 30, 40]
    """
    content = (read_yaml(path) or {}) if path.exists() else {}
    content = {key: value for key, value in (content | dict(changes)).items() if value is not None}
    text = "".join(f"{key}: {yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix('...' + chr(10))}"
                   for key, value in content.items())  # fmt: skip
    with atomic_write(into or path) as temporary:
        temporary.write_text(text, "utf-8")
        read_sidecar(temporary)


def check_not_mirrored(path: Path, geo: GeoReference) -> None:
    """Refuse a location with ``dx < 0`` or ``dy > 0``."""
    if (geo.dx is not None and geo.dx <= 0) or (geo.dy is not None and geo.dy >= 0):
        raise UserError(path, f"dx is {geo.dx} and dy is {geo.dy}", "dx > 0 and dy < 0: rows run down the picture",
                        "give x0 and y0 of the top-left cell and a negative dy")  # fmt: skip


def _parse_value(path: Path, key: str, value: Any) -> Any:
    """A field of `GeoReference` from YAML; numbers written 1e3 arrive as text."""
    if key in TEXT_FIELDS:
        return str(value)
    try:
        numbers = tuple(float(v) for v in (value if isinstance(value, list) else [value]))
    except (TypeError, ValueError, OverflowError):
        numbers = ()
    if len(numbers) != (2 if key == "depth_range" else 1) or not all(map(math.isfinite, numbers)):
        raise UserError(path, f"{key} is {value!r}", "[shallowest, deepest]" if key == "depth_range" else "a number")
    if key != "depth_range":
        return numbers[0]
    if numbers[0] > numbers[1]:
        raise UserError(path, f"depth_range is {value!r}", "shallowest before deepest, positive down")
    return numbers


def _plain_values(values: Mapping[str, object]) -> dict[str, object]:
    """Values that plain YAML can hold."""
    return {key: [float(v) for v in value] if isinstance(value, tuple) else
            float(value) if isinstance(value, (float, np.floating)) else value
            for key, value in values.items()}  # fmt: skip
