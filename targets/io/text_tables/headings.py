"""Headings of columns in the dialects of the programs that write them: what a column holds, its unit, its sign."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from targets.units.names import parse_unit

Role = Literal["x", "y", "z", "line", "index", "name", "path", "other"]


@dataclass(frozen=True)
class Heading:
    """What the heading of a column says.

    Attributes
    ----------
    text : str
        As the file has it.
    role : Literal['x', 'y', 'z', 'line', 'index', 'name', 'path', 'other']
        Easting or longitude, northing or latitude, depth, a line or trace number, a number of the row, the name of an
        object such as a fault or a well, a depth along a well, or none of these.
    rank : int, default 0
        Among headings of one role the lowest is meant: of x and y one rank is one pair.
    unit : str | None, default None
        Key of `targets.units.names.UNITS`.
    is_up : bool, default False
        The heading says that the values are positive up.
    """

    text: str
    role: Role
    rank: int = 0
    unit: str | None = None
    is_up: bool = False


# {role: words by rank}; a heading has the role if it has one of the words and beside it only filler words
WORDS: dict[Role, tuple[str, ...]] = {
    "x": (
        "x xcoord xcoordinate coordx xutm utmx mapx cdpx pointx xpos posx xmap xloc koordx",
        "easting eastings east e utme eastingm rechtswert ost восток",
        "longitude long lon lng lond долгота",
    ),
    "y": (
        "y ycoord ycoordinate coordy yutm utmy mapy cdpy pointy ypos posy ymap yloc koordy",
        "northing northings north utmn northingm hochwert nord север",
        "latitude lat latd широта",
    ),
    "z": (
        "z zvalue zcoord",
        "depth depths tvdss tvd sstvd tvdmsl глубина глубины tiefe teufe profondeur profundidad",
        "elevation elevations elev height altitude alt высота отметка отметки hoehe höhe",
        "twt time owt t twtt время laufzeit",
        "value values val top base surface horizon gridcode grid band кровля подошва значение",
    ),
    "line": (
        "inline crossline xline iline il xl in ln line lines trace traces tr cdp row rows col cols column columns i j "
        "k ix iy jx jy sp shotpoint bin inl crl iln xln профиль пикет трасса инлайн кросслайн строка столбец",
    ),
    "index": (
        "id ids fid oid objectid index idx no nr num number n nn № point points pointid unnamed номер пп node nodes "
        "count rownum",
    ),
    "name": (
        "poly polyid polygon polygonid fault faults faultid name names segment segmentid segm stick well wellname uwi "
        "borehole скважина скважины разлом разломы название имя object feature part",
    ),
    "path": ("md tvdkb inc incl inclination azi azim dls",),
}
RANKS = {
    word: (role, rank) for role, ranks in WORDS.items() for rank, words in enumerate(ranks) for word in words.split()
}
ELEVATION = frozenset(WORDS["z"][2].split())
# Beside the word that decides.
FILLER_WORDS = """
    utm utme utmn coord coords coordinate coordinates koordinate map cdp point pos position loc location world value
    values val real abs absolute true of the in surface structure subsea ss tvdss tvd msl bsl asl bml kb sea level
    below above domain datum координата абс абсолютная по num number no nr id east north easting northing way two
    travel twt depth vertical grid gk wgs ed metres orig top horizon code sub mean п
    integer float double string int column row
"""
FILLERS = frozenset(FILLER_WORDS.split())
LOOKALIKES = str.maketrans("хуз", "xyz")  # Cyrillic letters that are written for Latin ones
BRACKETS = re.compile(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]")
PARTS = re.compile(r"[^\W_]+|№", re.UNICODE)


@lru_cache(maxsize=4096)
def parse_heading(text: str) -> Heading:
    """Say what a column with this heading holds.

    Parameters
    ----------
    text : str
        In English, Russian or German, with or without a unit.

    Returns
    -------
    heading : Heading

    Examples
    --------
    >>> [(h.role, h.unit) for h in map(parse_heading, ("X_UTME", "Глубина, м", "Z (ft)", "Crossline", "Amplitude"))]
    [('x', None), ('z', 'm'), ('z', 'ft'), ('line', None), ('other', None)]
    """
    plain = unicodedata.normalize("NFKC", text).casefold().strip(" \t\"'#!/;:*")
    inside = [part for part in BRACKETS.findall(plain) if part.strip()]
    words = PARTS.findall(BRACKETS.sub(" ", plain))
    unit = next((unit for part in inside if (unit := parse_unit(part))), None)
    if len(words) > 1 and (last := parse_unit(words[-1])) and words[-1] not in RANKS:
        words, unit = words[:-1], unit or last
    words = [word.translate(LOOKALIKES) if len(word) == 1 else word for word in words]
    words = [word for word in words if not word.isdigit()]
    if not words:
        return Heading(text, "index" if not inside else "other")
    known = [word for word in words if word in RANKS]
    deciding = [word for word in known if word not in FILLERS] or known
    if not deciding or any(word not in FILLERS and word not in RANKS for word in words):
        return Heading(text, "other", unit=unit)
    ranks = {role: min(RANKS[word][1] for word in deciding if RANKS[word][0] == role)
             for role in (RANKS[word][0] for word in deciding)}  # fmt: skip
    places = [role for role in ("x", "y", "z") if role in ranks]
    if {"x", "y"} <= set(places):
        return Heading(text, "other", unit=unit)
    role = places[0] if places else next(iter(ranks))
    if role in ("x", "y") and ranks[role] == 2:
        unit = "degrees"
    return Heading(text, role, ranks[role], unit, role == "z" and any(word in ELEVATION for word in words))
