"""Summary of one map of a data set: its channels, ranges, shares, palette and thumbnail."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage
from skimage.segmentation import find_boundaries

from targets.common.html_report import jpeg_of_pixels
from targets.io.catalogue import MapSource
from targets.picture_reading.known_palettes import PaletteMatch, match_palette
from targets.rendering.map import ensure_picture
from targets.rendering.palettes import RGB
from targets.scene import Bool, Scene

MAX_CORNERS = 24  # of an outline of rectangles: six have at most as many
THUMBNAIL_SIDE = 280  # pixels


@dataclass(frozen=True, eq=False)
class MapSummary:
    """What one map holds.

    Attributes
    ----------
    source : MapSource
        Where the map was read.
    group : str
        As in `Scene`.
    shape : tuple[int, int]
        Rows and columns.
    channels : tuple[str, ...]
        Those the map has of picture, depth, faults, drawn traps, salt and location.
    relief : tuple[float, float] | None
        Shallowest and deepest depth, in `unit`; None without a depth.
    unit : str
        Of depths, "" when unknown.
    xy_unit : str
        Of map coordinates, "" when unknown.
    contour_interval : float | None
        In `unit`, None when unknown.
    inside_share : float
        Share of the array that is map.
    outline : str
        Full frame, rectangles or irregular.
    fault_share : float
        Share of the map that is fault.
    colours : PaletteMatch | None
        The palette of the picture, None without colours.
    trap_count : int
        Connected traps, interpreted or computed.
    trap_share : float
        Share of the map that is trap.
    iou : float | None
        Of interpreted traps with the exact closures, None where one of them is missing.
    salt_share : float | None
        Share of a seismic image that is salt, None where nobody drew any.
    notes : tuple[str, ...]
        What had to be assumed to read the map, one sentence each.
    thumbnail : bytes
        JPEG, with interpreted traps or salt outlined in white and exact closures in magenta.
    """

    source: MapSource
    group: str
    shape: tuple[int, int]
    channels: tuple[str, ...]
    relief: tuple[float, float] | None
    unit: str
    xy_unit: str
    contour_interval: float | None
    inside_share: float
    outline: str
    fault_share: float
    colours: PaletteMatch | None
    trap_count: int
    trap_share: float
    iou: float | None
    salt_share: float | None
    notes: tuple[str, ...]
    thumbnail: bytes

    @property
    def name(self) -> str:
        """The map's name."""
        return self.source.name


def summarise_map(source: MapSource, scene: Scene, exact: Bool | None) -> MapSummary:
    """Summarise a map.

    Parameters
    ----------
    source : MapSource
        Where it was read.
    scene : Scene
        The map.
    exact : (H, W) bool
        Its exact closures, None without a depth.

    Returns
    -------
    MapSummary
    """
    traps = scene.traps if scene.traps is not None else exact
    cells = scene.map_valid.sum()
    has = {
        "picture": scene.rgb is not None,
        "depth": scene.has_depth,
        "faults": bool(scene.fault.any()),
        "drawn traps": scene.traps is not None,
        "salt": scene.salt is not None,
        "location": scene.geo.located,
    }
    return MapSummary(
        source=source,
        group=scene.group,
        shape=scene.shape,
        channels=tuple(name for name, present in has.items() if present),
        relief=scene.relief if scene.has_depth else None,
        unit=scene.geo.depth_unit or "",
        xy_unit=scene.geo.xy_unit or "",
        contour_interval=scene.geo.contour_interval,
        inside_share=float(scene.map_valid.mean()),
        outline=outline_kind(scene.map_valid),
        fault_share=float(scene.fault[scene.map_valid].sum() / cells),
        colours=match_palette(scene),
        trap_count=0 if traps is None else int(ndimage.label(traps & scene.map_valid, np.ones((3, 3)))[1]),
        trap_share=0.0 if traps is None else float((traps & scene.map_valid).sum() / cells),
        iou=intersection_over_union(scene.traps & scene.map_valid, exact)
        if scene.traps is not None and exact is not None
        else None,
        salt_share=None if scene.salt is None else float(scene.salt.mean()),
        notes=scene.provenance.notes if scene.provenance is not None else (),
        thumbnail=jpeg_of_pixels(draw_thumbnail(scene, exact)),
    )


def outline_kind(inside: Bool) -> str:
    """Classify the outline of a map.

    Parameters
    ----------
    inside : (H, W) bool
        Cells of the map, at least one.

    Returns
    -------
    str
        "full frame" (the map fills its bounding box), "rectangles" (a union of a few of them) or "irregular" (slanting
        or curved lines).

    Examples
    --------
    >>> outline_kind(np.ones((3, 4), bool))
    'full frame'
    """
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if inside[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].all():
        return "full frame"
    padded = np.pad(inside, 1).astype(np.int8)
    blocks = padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]
    return "rectangles" if (blocks % 2 == 1).sum() <= MAX_CORNERS else "irregular"


def draw_thumbnail(scene: Scene, exact: Bool | None, side: int = THUMBNAIL_SIDE) -> RGB:
    """Draw a map small, with the outlines of its traps.

    Parameters
    ----------
    scene : Scene
        A map with a depth or a picture.
    exact : (H, W) bool
        Exact closures, outlined in magenta; None for none.
    side : int, default THUMBNAIL_SIDE
        Pixels of the longer side.

    Returns
    -------
    RGB
        The picture; interpreted traps or salt are outlined in white, over the closures.
    """
    rgb = ensure_picture(scene).rgb if scene.has_depth else scene.rgb
    assert rgb is not None
    scale = side / max(scene.shape)
    size = (max(1, round(scene.shape[1] * scale)), max(1, round(scene.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    for mask, colour, width in ((exact, (255, 0, 255), 2), (scene.interpreted_mask, (255, 255, 255), 1)):
        if mask is not None:
            at_size = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            edge = find_boundaries(np.pad(at_size, 1), mode="thick")[1:-1, 1:-1]
            small[ndimage.binary_dilation(edge, iterations=width - 1) if width > 1 else edge] = colour
    return np.asarray(small, np.uint8)


def intersection_over_union(one: Bool, other: Bool) -> float | None:
    """Intersection over union of two (H, W) masks; None when both are empty."""
    union = int((one | other).sum())
    return (one & other).sum() / union if union else None
