"""A dome with a fault, a void and a cut-off corner, and how the tests change its files."""

from pathlib import Path

import numpy as np
from PIL import Image

from targets.scene import GeoReference, Scene

SHAPE = (40, 60)


def picture(depth: np.ndarray, inside: np.ndarray, fault: np.ndarray) -> np.ndarray:
    """Red = high, blue = deep, brown faults, white outside."""
    t = (depth - depth.min()) / np.ptp(depth)
    rgb = np.stack([255 * (1 - t), 60 + 0 * t, 255 * t], axis=2)
    rgb[fault] = (120, 70, 20)
    rgb[~inside] = 255
    return rgb.astype(np.uint8)


def make_scene(**changes: object) -> Scene:
    """A dome in metres with a fault, a void in it, and a cut-off corner."""
    r, c = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = (2000 + np.hypot(r - 20, (c - 25) * 0.7) * 3 + c).astype(np.float32)
    inside = ~((r < 12) & (c > 40))
    fault = inside & (abs(c - 45) < 2)
    fields = {
        "name": "dome",
        "depth": depth,
        "depth_valid": inside & ~fault,
        "map_valid": inside,
        "fault": fault,
        "rgb": picture(depth, inside, fault),
        "traps": np.hypot(r - 20, c - 22) < 8,
        "geo": GeoReference(5000.0, 9000.0, 25.0, -25.0, 12.5, "EPSG:23031", "m", contour_interval=20.0),
        "group": "field",
    }
    return Scene(**fields | changes)


def save(folder: Path, name: str, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(folder / name)


def load(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / name))
