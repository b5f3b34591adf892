"""Coordinate systems of maps, understood by PROJ from their text alone: no file and no network is ever asked."""

import json
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from targets.errors import UserError
from targets.units.names import UNITS, metres_per_unit, parse_unit

MAX_LENGTH = 50_000  # letters; a compound system in PROJJSON has 10,000
CODE = re.compile(r"[A-Za-z]\w{1,15}:\w{1,12}(\+([A-Za-z]\w{1,15}:)?\w{1,12})*\Z", re.ASCII)
URN = re.compile(r"urn:(x-)?ogc:def:crs[:,][\w:.,+()-]{1,200}\Z", re.ASCII | re.IGNORECASE)
# Addresses that OGC gives to systems; they are names, nothing is fetched.
URL = re.compile(r"https?://(www\.)?opengis\.net/(def/crs|gml/srs/epsg\.xml#)", re.IGNORECASE)
URL_PARTS = re.compile(
    r"/def/crs/([A-Za-z]\w{1,15})/[\w.]{1,12}/(\w{1,12})(?![^&])|/epsg\.xml#(\d{1,7})\Z", re.IGNORECASE
)
WKT = re.compile(r"[A-Za-z]{2,}(?:_?CS|CRS)\s*\[|(?:GEODCRS|GEOGCRS|PROJCRS|PROJCS|GEOGCS|LOCAL_CS|ENGCRS)\s*\(")
PROJ_STRING = re.compile(r"\+?proj=\w+(\s+\+?\w+(=[\w.,:+°'\"@-]+)?)*\s*\Z", re.ASCII)
NAME = re.compile(r"[\w(][\w &'’(),.+\[\]=-]*(/ ?[\w &'’(),.+\[\]=-]+)*\Z")
FILE_KEYS = re.compile(r"(?:init|catalog|file|pipeline)\b|grids?=(?!@null(?:\s|\"|\Z))", re.IGNORECASE)
GRID_FILE = re.compile(r"PARAMETERFILE\[\s*\"[^\"]*\"\s*,\s*\"(?!@?null\")", re.IGNORECASE)
PROJ_EXTENSION = re.compile(r"EXTENSION\[\s*\"PROJ4(?:_GRIDS)?\"\s*,\s*\"([^\"]*)\"", re.IGNORECASE)
EXPECTED = "a code such as EPSG:23031, a name, WKT, PROJJSON, or a PROJ string"


@dataclass(frozen=True)
class CoordinateSystem:
    """What is used of a coordinate system.

    Attributes
    ----------
    text : str
        A code such as EPSG:23031, or WKT 2: a form in which no library looks for a file.
    name : str
        Its name.
    xy_unit : str | None
        Unit of x and y; None where it cannot be known.
    depth_unit : str | None
        Unit of a compound system's vertical axis; None without one.
    ellipsoid : tuple[float, float] | None
        Semi-axes in metres of a geographic system, whose x is a longitude and y a latitude; None of others.
    """

    text: str
    name: str
    xy_unit: str | None
    depth_unit: str | None
    ellipsoid: tuple[float, float] | None


def check_crs_is_text(crs: str) -> None:
    """Refuse a text that is no form of a coordinate system, and whatever makes a library open a file or an address.

    Raises
    ------
    UserError
        It may be a path, an address, or names a file.
    """
    crs = crs.strip()
    if not crs:
        return
    form = "json" if crs.startswith("{") else next((key for key, form in _FORMS.items() if form.match(crs)), None)
    is_safe = len(crs) <= MAX_LENGTH and form is not None and not ("\n" in crs and form not in ("json", "wkt"))
    if is_safe and form == "wkt":
        is_safe = not GRID_FILE.search(crs) and not any(map(FILE_KEYS.search, PROJ_EXTENSION.findall(crs)))
    elif is_safe and form == "proj":
        is_safe = not FILE_KEYS.search(crs)
    if not is_safe:
        raise UserError("crs", repr(crs[:80]), EXPECTED, "a file or an address is never looked up")


# In this order: a code would pass for a name.
_FORMS = {"url": URL, "urn": URN, "code": CODE, "wkt": WKT, "proj": PROJ_STRING, "name": NAME}


@lru_cache(maxsize=256)
def understand_crs(crs: str) -> CoordinateSystem | None:
    """Understand a coordinate system of two horizontal axes.

    Parameters
    ----------
    crs : str
        A code, a name, WKT 1 or 2, PROJJSON, a URN or URL of OGC, or a PROJ string.

    Returns
    -------
    CoordinateSystem | None
        None if PROJ knows no such system, or it has no horizontal axes.

    Raises
    ------
    UserError
        As `check_crs_is_text`.

    Examples
    --------
    >>> understand_crs("http://www.opengis.net/def/crs/EPSG/0/2278").xy_unit, understand_crs("Mars")
    ('ftUS', None)
    """
    check_crs_is_text(crs)
    import pyproj

    text = crs.strip()
    if URL.match(text):
        text = "+".join(f"{name or 'EPSG'}:{code or old}" for name, code, old in URL_PARTS.findall(text))
    elif text.isdecimal():
        text = f"EPSG:{text}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if text.startswith("{"):
                text = _plain_projjson(text)
            system = pyproj.CRS.from_user_input(text)
            return _describe(system, text)
        except Exception:  # whatever PROJ makes of a text
            return None


def _plain_projjson(text: str) -> str:
    """PROJJSON without a name of a file; pyproj would take a dictionary with `init` or `proj` for something else."""
    content = json.loads(text)
    if not isinstance(content, dict) or not str(content.get("type", "")).endswith("CRS"):
        raise ValueError("no coordinate system")
    if "init" in content or "proj" in content:
        raise ValueError("parameters of PROJ")
    return json.dumps(content)


def _describe(system: Any, text: str) -> CoordinateSystem | None:
    """The record of a system that pyproj understood."""
    with_horizontal = system.is_geographic or system.is_projected or system.is_engineering
    if system.is_geocentric or not with_horizontal or len(system.axis_info) < 2:
        return None
    wkt = system.to_wkt()
    if GRID_FILE.search(wkt):
        raise UserError("crs", repr(text[:80]), EXPECTED, "a file or an address is never looked up")
    first, last = system.axis_info[0], system.axis_info[-1]
    is_vertical = last.direction in ("up", "down") and len(system.axis_info) > 2
    code = system.to_authority(min_confidence=100) if not WKT.match(text) else None
    if CODE.match(text):
        plain = text
    elif code is not None:
        plain = ":".join(code)
    else:
        plain = text if WKT.match(text) else wkt
    ellipsoid = None
    if system.is_geographic and system.ellipsoid is not None:
        ellipsoid = (system.ellipsoid.semi_major_metre, system.ellipsoid.semi_minor_metre)
    return CoordinateSystem(
        text=plain,
        name=system.name,
        xy_unit=_unit_of_axis(first.unit_name, first.unit_conversion_factor, is_angle=system.is_geographic),
        depth_unit=_unit_of_axis(last.unit_name, last.unit_conversion_factor) if is_vertical else None,
        ellipsoid=ellipsoid,
    )


def _unit_of_axis(name: str, factor: float, is_angle: bool = False) -> str | None:
    """The unit of an axis: one of ours where the factor is the same, else the name that PROJ gives it."""
    kind, own = ("angle", factor * 180 / 3.141592653589793) if is_angle else ("length", factor)
    for unit in UNITS.values():
        if unit.kind == kind and abs(unit.factor - own) <= 1e-9 * unit.factor:
            return unit.name
    if is_angle:
        return None
    return name if metres_per_unit(name) is not None else parse_unit(name)


def crs_for_library(crs: str) -> str:
    """The form of a coordinate system that GDAL and geopandas understand without looking for a file.

    Parameters
    ----------
    crs : str
        As of `understand_crs`.

    Returns
    -------
    str
        A code, or WKT.

    Raises
    ------
    UserError
        The system is unknown.

    Examples
    --------
    >>> crs_for_library("ED50 / UTM zone 31N")
    'EPSG:23031'
    """
    system = understand_crs(crs)
    if system is None:
        raise UserError("crs", f"crs {crs[:80]!r} is unknown", "such as EPSG:23031", "correct it in map.yaml")
    return system.text


def same_crs(first: str, second: str) -> bool:
    """Whether two texts mean one coordinate system.

    Examples
    --------
    >>> same_crs("EPSG:23031", "ED50 / UTM zone 31N"), same_crs("EPSG:23031", "EPSG:23032")
    (True, False)
    """
    if first == second:
        return True
    one, other = understand_crs(first), understand_crs(second)
    if one is None or other is None:
        return False
    import pyproj

    return one.text == other.text or pyproj.CRS(one.text).equals(pyproj.CRS(other.text), ignore_axis_order=True)


def map_plane_scale(crs: str, x: float, y: float) -> float | None:
    """How many times larger areas are on the map plane of a projected system than on the ground; None of others.

    Examples
    --------
    >>> round(map_plane_scale("EPSG:3857", 0.0, 8400000.0), 2), map_plane_scale("EPSG:4326", 0.0, 60.0)
    (4.01, None)
    """
    system = understand_crs(crs)
    if system is None or system.ellipsoid is not None:
        return None
    import pyproj

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            horizontal = pyproj.CRS(system.text)
            projection = pyproj.Proj(horizontal.sub_crs_list[0] if horizontal.is_compound else horizontal)
            longitude, latitude = projection(x, y, inverse=True)
            scale = projection.get_factors(longitude, latitude).areal_scale
        except Exception:  # a point outside the projection
            return None
    return float(scale) if 0 < scale < 1e6 else None
