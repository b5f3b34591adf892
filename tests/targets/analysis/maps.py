"""Small maps whose closures are known: two domes on a slope, a dome with two summits, and a slope without any."""

import numpy as np

from targets.scene import GeoReference, Scene

GEO = GeoReference(1000.0, 9000.0, 50.0, -25.0, 20.0, "EPSG:23031", "m")


def ridge(geo: GeoReference = GEO) -> Scene:
    """Two conical domes on a slope that rises to the right: the left one spills into the right one."""
    rows, cols = np.mgrid[:60, :90].astype(np.float32)
    depth = 2100 - cols * 0.1
    for row, col in [(30, 22), (28, 65)]:
        depth = np.minimum(depth, 2030 - 0.1 * col + 4 * np.hypot(rows - row, cols - col))
    inside = np.ones(depth.shape, bool)
    return Scene("ridge", depth.astype(np.float32), inside, inside, ~inside, geo=geo)


def twins() -> Scene:
    """A wide dome with two summits: one closure with two inside it."""
    rows, cols = np.mgrid[:40, :60].astype(np.float32)
    summits = [np.hypot(rows - 20, cols - col) for col in (22, 36)]
    depth = np.minimum(2060, 2000 + 4 * np.minimum(*summits)).astype(np.float32)
    inside = np.ones(depth.shape, bool)
    return Scene("twins", depth, inside, inside, ~inside)


def plain(geo: GeoReference = GEO) -> Scene:
    """A slope: no closure."""
    depth = np.add.outer(np.arange(30.0), np.arange(40.0)).astype(np.float32) + 1000
    inside = np.ones(depth.shape, bool)
    return Scene("plain", depth, inside, inside, ~inside, geo=geo)
