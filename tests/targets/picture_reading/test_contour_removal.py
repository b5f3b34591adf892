"""Contour removal: what is left is the map as it would have been drawn without contours."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from targets.picture_reading.contour_removal import (
    detect_dark_lines,
    find_blurred_rim,
    picture_without_contours,
    remove_contours,
)
from targets.rendering.map import contour_spacing, render, with_rendered_picture
from targets.rendering.scan_effects import ScanEffects
from targets.rendering.style import Style
from targets.synthetic.structure_maps import make_structure_map


@pytest.mark.parametrize(
    "style",
    [Style(), Style("jet", contour_width=1.0, fault_width=1), Style("dusk", banded=True)],
    ids=["default", "jet", "banded"],
)
def test_a_picture_is_nearly_the_one_drawn_without_contours(style):
    scene = make_structure_map(3, 320)
    style = replace(style, contour_interval=contour_spacing(scene)[0])
    with_lines, bare = render(scene, style), render(scene, replace(style, contour_width=0))
    plain = picture_without_contours(scene.replace(rgb=with_lines))

    def wrong(picture):
        return np.abs(picture.astype(int) - bare)[scene.map_valid].mean()

    assert wrong(plain) < 0.2 * wrong(with_lines)
    assert (plain[scene.fault] == with_lines[scene.fault]).all()


def test_a_map_without_a_picture_is_drawn_without_contours():
    scene = make_structure_map(3, 96).replace(rgb=None)
    assert np.array_equal(picture_without_contours(scene), render(scene, Style(contour_width=0)))
    assert not np.array_equal(picture_without_contours(scene), with_rendered_picture(scene).rgb)


def test_a_thin_line_is_removed_and_a_wide_one_stays():
    page = np.full((40, 40, 3), (0, 200, 255), np.uint8)
    page[:, 10:12] = 0
    page[:, 20:30] = 0
    lines = detect_dark_lines(page)
    assert lines[:, 10:12].all() and not lines[:, 20:30].any()
    plain = remove_contours(page, np.zeros((40, 40), bool))
    assert np.abs(plain[:, :20].astype(int) - (0, 200, 255)).max() <= 3 and (plain[:, 20:30] == 0).all()


def test_the_rim_is_mixed_with_paper_where_a_scan_is_blurred_and_nowhere_else():
    scene = make_structure_map(3, 192)
    off = distance_transform_edt(scene.map_valid)
    blurred = find_blurred_rim(render(scene, Style("dusk", scan=ScanEffects(blur=0.9))), scene.map_valid)
    assert blurred[(off > 0) & (off < 2)].all() and not blurred[(off == 0) | (off >= 5)].any()
    assert not find_blurred_rim(render(scene, Style("dusk")), scene.map_valid).any()


def test_a_map_without_paper_or_of_nothing_but_rim_has_no_mixed_rim():
    page = np.full((40, 40, 3), 100, np.uint8)
    strip = np.zeros((40, 40), bool)
    strip[10:14] = True
    for inside in (np.ones((40, 40), bool), np.zeros((40, 40), bool), strip):
        assert not find_blurred_rim(page, inside).any()
