"""Depths in units of a map on a picture without a colour bar: the prediction, scaled to its range or its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mtl.prediction.pages import page_of
from mtl.tasks.base import Output
from targets.pages.labels import ContourLabels, LabelScale, read_labels, scale_by_labels
from targets.pages.numbers import name_quantity
from targets.pages.page import Page
from targets.scene import Bool, Float, Scene
from targets.surface.fill import fill_holes

# Percent of the map's cells beyond the ends of its range: single cells on lines and letters do not count.
TAIL = 0.05


def with_depth_in_units(scene: Scene, values: Mapping[str, Float], outputs: Sequence[Output]) -> Scene:
    """Give the map on a picture the depth that was predicted of it, where its range or its contour labels are known.

    Parameters
    ----------
    scene : Scene
        The predicted map.
    values : Mapping[str, Float]
        {output: (C, H, W) float32}, NaN outside the map.
    outputs : Sequence[Output]
        Outputs of the run.

    Returns
    -------
    Scene
        With a depth, positive down, in the unit of `geo.depth_unit`; the scene itself where it is no picture, has a
        depth, or nothing gives depths. A note says where they come from, or why labels give none.
    """
    page, name = page_of(scene), next((output.name for output in outputs if output.role == "elevation"), None)
    if page is None or scene.has_depth or name is None:
        return scene
    height = values[name][0]
    inside = scene.map_valid & np.isfinite(height)
    if scene.geo.depth_range is not None:
        low, high = scene.geo.depth_range
        return _with_depth(scene, _stretched(height, inside, low, high), inside, "depth_range")
    labels = _labels_of(page)
    scale = None if labels is None else scale_by_labels(np.where(inside, height, np.nan), labels)
    if labels is None or scale is None:
        return scene
    sign = -1.0 if max(labels.values) <= 0 else 1.0
    if sign * scale.slope > 0:
        return _with_note(scene, f"doubtful: {labels.sentence}, but they say that the other end of the colours is high")
    unit = scene.geo.depth_unit or (None if page.panel is None else name_quantity(page.panel.title).unit)
    named = scene.replace(geo=replace(scene.geo, depth_unit=unit))
    return _with_depth(named, _by_labels(height, scale, sign), inside, labels.sentence)


def _stretched(height: Float, inside: Bool, low: float, high: float) -> Float:
    """Depth (H, W) from `low` at the highest cells to `high` at the lowest."""
    deepest, shallowest = np.percentile(height[inside], (TAIL, 100 - TAIL))
    share = np.clip((shallowest - height) / max(shallowest - deepest, 1e-9), 0, 1)
    return np.asarray(low + share * (high - low), np.float32)


def _by_labels(height: Float, scale: LabelScale, sign: float) -> Float:
    return np.asarray(sign * (scale.slope * height + scale.offset), np.float32)


def _with_depth(scene: Scene, depth: Float, inside: Bool, source: str) -> Scene:
    """The scene with a depth known inside, and a note on its source."""
    filled = fill_holes(depth, inside, scene.map_valid)
    low, high = float(filled[inside].min()), float(filled[inside].max())
    said = scene.geo.units.format_depth
    note = f"depths of the colours from {said(low)} to {said(high)}, by {source}"
    return _with_note(scene.replace(depth=filled, depth_valid=inside), note)


def _with_note(scene: Scene, note: str) -> Scene:
    assert scene.provenance is not None
    return scene.replace(provenance=replace(scene.provenance, notes=(*scene.provenance.notes, note)))


def _labels_of(page: Page) -> ContourLabels | None:
    """The contour labels of a page's map, their boxes in cells of the map."""
    rows, cols = np.flatnonzero(page.inside.any(axis=1)), np.flatnonzero(page.inside.any(axis=0))
    top, left = int(rows[0]), int(cols[0])
    found = read_labels((top, left, int(rows[-1]) + 1, int(cols[-1]) + 1), page.texts)
    if found is None:
        return None
    boxes = tuple((a - top, b - left, c - top, d - left) for a, b, c, d in found.boxes)
    return replace(found, boxes=boxes)
