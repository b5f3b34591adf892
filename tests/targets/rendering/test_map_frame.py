"""Frame of a map's figure: every tick and every line lies at the coordinate that it names."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from targets.rendering.map_frame import add_coordinates, add_depth_bar
from targets.scene import GeoReference, Scene


def ramp(geo: GeoReference, rgb: np.ndarray | None = None) -> Scene:
    depth = np.tile(np.linspace(1000, 1100, 60, dtype=np.float32), (40, 1))
    inside = np.ones(depth.shape, bool)
    return Scene("ramp", depth, inside, inside, ~inside, rgb=rgb, geo=geo)


@pytest.mark.parametrize("rotation", [0.0, 30.0, 90.0, 117.0, -45.0, 180.0])
def test_ticks_and_lines_lie_at_their_coordinates(rotation: float) -> None:
    scene = ramp(GeoReference(460_000.0, 5_930_000.0, 25.0, -25.0, rotation=rotation, xy_unit="m"))
    axis = Figure().subplots()
    axis.set(xlim=(-0.5, 59.5), ylim=(39.5, -0.5))
    add_coordinates(axis, scene)
    is_turned = rotation % 90 != 0
    named = {}
    for texts, ticks, at in (
        (axis.get_xticklabels(), axis.get_xticks(), lambda t: (39.5, t)),
        (axis.get_yticklabels(), axis.get_yticks(), lambda t: (t, -0.5)),
    ):
        assert len(ticks) >= 1
        for text, tick in zip(texts, ticks, strict=True):
            place = dict(zip("xy", map(float, scene.geo.xy(*at(tick))), strict=True))
            name = text.get_text().split()[0] if is_turned else min(
                place, key=lambda k: abs(place[k] - float(text.get_text().replace(",", ""))))  # fmt: skip
            assert place[name] == pytest.approx(float(text.get_text().split()[-1].replace(",", "")))
            named[name] = named.get(name, 0) + 1
    assert set(named) == {"x", "y"} and len(axis.lines) == (sum(named.values()) if is_turned else 0)
    for line in axis.lines:
        x, y = scene.geo.xy(*np.asarray(line.get_data())[::-1])
        assert min(np.ptp(x), np.ptp(y)) < 1e-3 * max(np.ptp(x), np.ptp(y)), "one coordinate does not change along it"
    assert axis.get_xlim() == (-0.5, 59.5) and axis.get_ylim() == (39.5, -0.5)


def test_a_bar_has_the_colours_of_the_picture() -> None:
    """Red where it is shallow, green where it is deep, as the picture has it; without a location no ticks."""
    grey = np.linspace(0, 255, 60).astype(np.uint8)
    rgb = np.tile(np.stack([255 - grey, grey, 0 * grey], axis=1), (40, 1, 1))
    figure = Figure()
    axis = figure.subplots()
    axis.set(xticks=[], yticks=[])
    scene = ramp(GeoReference(depth_unit="ft"), rgb)
    add_coordinates(axis, scene)
    add_depth_bar(axis, scene)
    (bar,) = (one for one in figure.axes if one is not axis)
    colours = bar.collections[-1].cmap.colors
    assert bar.get_ylim()[0] > bar.get_ylim()[1] and "ft" in bar.get_ylabel() and not len(axis.get_xticks())
    np.testing.assert_allclose(colours[[0, -1], :2], [[1, 0], [0, 1]], atol=0.03)
