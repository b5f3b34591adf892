"""Rules of the drawn traps of a data set: the maps that tell them, and what fits these best."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from targets.common.parallel import THIS_PROCESS, Workers, map_unordered
from targets.errors import UserError
from targets.io.catalogue import MapSource, read_map
from targets.io.read_options import ReadOptions
from targets.rules import FittedRules, fit_rules
from targets.rules.drawn_maps import has_drawn_traps
from targets.scene import Scene


class DrawnMaps(NamedTuple):
    """The maps of a data set from which rules can be learned.

    Attributes
    ----------
    scenes : dict[int, Scene]
        {place in the list of sources: map without its picture}.
    failed : dict[int, UserError]
        {place: why it cannot be read}.
    """

    scenes: dict[int, Scene]
    failed: dict[int, UserError]


def read_drawn_maps(
    sources: Sequence[MapSource], reading: ReadOptions, workers: Workers = THIS_PROCESS, most: int | None = None
) -> DrawnMaps:
    """Read the maps with drawn traps and a depth.

    Parameters
    ----------
    sources : Sequence[MapSource]
        Any maps; those without a file of traps are not read.
    reading : ReadOptions
        How maps are read.
    workers : Workers, default THIS_PROCESS
        Who reads them.
    most : int | None, default None
        Read so many at most, from all over the list.

    Returns
    -------
    DrawnMaps
    """
    places = [place for place, source in enumerate(sources) if "traps" in source.files]
    if most is not None and len(places) > most:
        places = [places[i] for i in np.linspace(0, len(places) - 1, most).astype(int)]
    found = DrawnMaps({}, {})
    work = partial(_read_drawn_map, reading=reading)
    for number, outcome in map_unordered(work, [sources[place] for place in places], workers, "maps with traps"):
        if isinstance(outcome, UserError):
            found.failed[places[number]] = outcome
        elif outcome is not None:
            found.scenes[places[number]] = outcome
    return DrawnMaps(dict(sorted(found.scenes.items())), found.failed)


def _read_drawn_map(source: MapSource, reading: ReadOptions) -> Scene | None:
    """A map without its picture; None if no rules can be learned from it."""
    scene = read_map(source, reading)
    return scene.replace(rgb=None) if has_drawn_traps(scene) else None


def fit_drawn_rules(scenes: Sequence[Scene]) -> FittedRules | None:
    """The rules of maps; None where they hold nothing to learn from: no map, or no trap on any.

    Parameters
    ----------
    scenes : Sequence[Scene]
        Of `read_drawn_maps`.

    Returns
    -------
    FittedRules | None
    """
    return fit_rules(scenes) if any(scene.traps is not None and scene.traps.any() for scene in scenes) else None


def fit_by_interpreter(scenes: Sequence[Scene]) -> dict[str, FittedRules]:
    """The rules of every interpreter, where several drew the maps.

    Parameters
    ----------
    scenes : Sequence[Scene]
        Of `read_drawn_maps`.

    Returns
    -------
    dict[str, FittedRules]
        By the names in their map.yaml, of those who drew a trap; {} where fewer than two did.
    """
    maps: dict[str, list[Scene]] = {}
    for scene in scenes:
        if scene.provenance is not None and scene.provenance.interpreter:
            maps.setdefault(scene.provenance.interpreter, []).append(scene)
    fitted = {name: fit_drawn_rules(theirs) for name, theirs in maps.items()} if len(maps) > 1 else {}
    found = {name: rules for name, rules in fitted.items() if rules is not None}
    return found if len(found) > 1 else {}
