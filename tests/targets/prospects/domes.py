"""Domes whose area and rock volume above any contact are known in closed form."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from targets.scene import GeoReference, Scene

CREST, HEIGHT, RADIUS, RATIO = 1500.0, 60.0, 900.0, 0.6  # metres; RATIO of the axes of the ellipsoid
CENTRE = (1307.3, 1291.7)  # metres, on no node of any grid


class Dome(NamedTuple):
    """Depth below the crest as a function of x and y, and area and volume as functions of the column."""

    depth: Callable
    area: Callable
    volume: Callable


def _ellipsoid(x, y):
    inside = 1 - (x / RADIUS) ** 2 - (y / (RADIUS * RATIO)) ** 2
    return HEIGHT * (1 - np.sqrt(np.maximum(inside, 0)))


DOMES = {
    "cone": Dome(
        lambda x, y: HEIGHT * np.hypot(x, y) / RADIUS,
        lambda h: np.pi * (h * RADIUS / HEIGHT) ** 2,
        lambda h: np.pi * h**3 / 3 * (RADIUS / HEIGHT) ** 2,
    ),
    "paraboloid": Dome(
        lambda x, y: HEIGHT * (x**2 + y**2) / RADIUS**2,
        lambda h: np.pi * h * RADIUS**2 / HEIGHT,
        lambda h: np.pi * h**2 / 2 * RADIUS**2 / HEIGHT,
    ),
    "ellipsoid": Dome(
        _ellipsoid,
        lambda h: np.pi * RADIUS**2 * RATIO * (1 - (1 - h / HEIGHT) ** 2),
        lambda h: np.pi * RADIUS**2 * RATIO * HEIGHT * ((h / HEIGHT) ** 2 - (h / HEIGHT) ** 3 / 3),
    ),
}


def dome_map(dome: str = "cone", spacing: float = 20.0, depth_unit: str = "m", **more: object) -> Scene:
    """A dome on a slightly tilted plain, in cells of any size, so that it spills near its foot."""
    cells = int(2600 / spacing)
    y, x = np.mgrid[:cells, :cells] * spacing
    below = DOMES[dome].depth(x - CENTRE[0], y - CENTRE[1])
    depth = CREST + np.minimum(below, HEIGHT + 1e-4 * x).astype(np.float64)
    inside = np.ones(depth.shape, bool)
    geo = GeoReference(4e5, 6.5e6, spacing, -spacing, xy_unit="m", depth_unit=depth_unit)
    fields = {"name": dome, "geo": geo} | more
    return Scene(depth=depth.astype(np.float32), depth_valid=inside, map_valid=inside, fault=~inside, **fields)
