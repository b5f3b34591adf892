"""The YAML file beside a map's pictures: location, units, group and polarity of the depth."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from targets.common.atomic_write import atomic_write
from targets.common.settings_files import read_yaml
from targets.errors import UserError
from targets.scene import GeoReference
from targets.units.crs import crs_for_library

TEXT_FIELDS = {entry.name for entry in fields(GeoReference) if "str" in str(entry.type)}


@dataclass(frozen=True)
class Sidecar:
    """What ``map.yaml`` says.

    Attributes
    ----------
    geo : GeoReference
        Location and units.
    group : str, default ''
        The larger map that this one is a crop of, or "".
    inverted : bool, default False
        Depth pictures: white = deepest; depth grids: positive up.
    """

    geo: GeoReference = field(default_factory=GeoReference)
    group: str = ""
    inverted: bool = False

    def given_fields(self) -> dict[str, Any]:
        """{field of `GeoReference`: value} of all that differ from "unknown"."""
        return {entry.name: value for entry in fields(GeoReference)
                if (value := getattr(self.geo, entry.name)) != entry.default}  # fmt: skip


def read_sidecar(path: Path) -> Sidecar:
    """Read ``map.yaml``.

    Parameters
    ----------
    path : Path
        A YAML file of lines ``key: value``: the fields of `GeoReference`, ``group`` and ``polarity``.

    Returns
    -------
    sidecar : Sidecar

    Raises
    ------
    UserError
        The file cannot be read, has an unknown key or a wrong value, or the map is mirrored.
    """
    content = read_yaml(path) or {}
    known = [entry.name for entry in fields(GeoReference)] + ["group", "polarity"]
    if not isinstance(content, dict):
        raise UserError(
            path, f"holds a {type(content).__name__}", "lines 'key: value'", f"known keys: {', '.join(known)}"
        )
    if unknown := [str(key) for key in content if key not in known]:
        raise UserError(path, f"unknown key {', '.join(unknown)}", "", f"known keys: {', '.join(known)}")
    polarity = content.pop("polarity", "normal")
    if polarity not in ("normal", "inverted"):
        raise UserError(path, f"polarity is {polarity!r}", "'normal' (black = deepest) or 'inverted'")
    group = str(content.pop("group", None) or "")
    given = {key: _parse_value(path, key, value) for key, value in content.items() if value is not None}
    try:
        geo = GeoReference(**given)
        if geo.crs:
            crs_for_library(geo.crs)  # a slip of the pen is found before hours of work
    except UserError as error:
        raise UserError(path, *error.args[1:]) from error
    check_not_mirrored(path, geo)
    return Sidecar(geo, group, polarity == "inverted")


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
    with atomic_write(path) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")


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
