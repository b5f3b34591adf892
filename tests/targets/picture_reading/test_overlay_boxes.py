"""Boxes of paper: legends over the map are found, and no white land is taken for one."""

import cv2
import numpy as np
import pytest

from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.picture_reading.overlay_boxes import FRAME_WIDTH, find_paper_boxes
from targets.rendering.palettes import colour_table

ROWS, COLS = np.indices((200, 240))
INSIDE = (COLS < 225) & (ROWS > 12)
TRUE = (0.1 + 0.7 * COLS / 239 + 0.1 * np.sin(ROWS / 30)).astype(np.float32)


def picture(name: str = "rainbow") -> np.ndarray:
    rgb = colour_table(name)[np.rint(255 * TRUE).astype(int)]
    rgb[~INSIDE] = 255
    return rgb


def legend(rgb: np.ndarray, left: int, top: int, width: int = 60, height: int = 80) -> np.ndarray:
    """A frame, a colour bar and numbers on white; the cells of all of it."""
    cv2.rectangle(rgb, (left, top), (left + width - 1, top + height - 1), (255, 255, 255), -1)
    cv2.rectangle(rgb, (left, top), (left + width - 1, top + height - 1), (0, 0, 0), 1)
    bar = colour_table("rainbow")[np.linspace(255, 0, height - 16).astype(int)]
    rgb[top + 8 : top + height - 8, left + 4 : left + 16] = bar[:, None]
    for row in (top + 14, top + height - 10):
        cv2.putText(rgb, "1800", (left + 20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
    return (left <= COLS) & (left + width > COLS) & (top <= ROWS) & (top + height > ROWS)


@pytest.mark.parametrize(("left", "top"), [(20, 40), (100, 110), (190, 60), (120, 2)])
@pytest.mark.parametrize("scan", [False, True])
def test_a_legend_is_found_whole_also_where_it_leaves_the_map(left, top, scan):
    rgb = picture()
    there = legend(rgb, left, top)
    if scan:
        noise = np.random.default_rng(0).normal(0, 4, rgb.shape)
        rgb = np.clip(0.85 * cv2.GaussianBlur(rgb, (0, 0), 0.6) + 20 + noise, 0, 255).astype(np.uint8)
    found = find_paper_boxes(rgb, INSIDE)
    assert not (there & INSIDE & ~found).any()
    around = cv2.dilate(there.astype(np.uint8), np.ones((2 * FRAME_WIDTH + 1, 2 * FRAME_WIDTH + 1), np.uint8)) > 0
    assert not (found & ~around).any()


def test_white_land_and_the_outside_are_no_boxes():
    rgb = picture()
    assert not find_paper_boxes(rgb, INSIDE).any()
    cv2.circle(rgb, (100, 100), 30, (255, 255, 255), -1)  # a white top
    rgb[:, 40:46] = 255  # a white line
    rgb[60:66, 150:156] = 255  # a well
    assert not find_paper_boxes(rgb, INSIDE).any()
    half = colour_table("rainbow")[np.rint(255 * TRUE).astype(int)]
    half[:, :120] = 255  # half of a map is not a legend
    assert not find_paper_boxes(half, np.ones_like(INSIDE)).any()
    assert not find_paper_boxes(picture(), np.zeros_like(INSIDE)).any()


def test_the_surface_continues_under_a_legend_whatever_the_prior_says_there():
    """Its white was read as a high or a low, with closures between its letters."""
    rgb = picture("soft")
    there = legend(rgb, 60, 50)
    found = depth_from_colours(rgb, np.where(there, np.float32(1), TRUE), INSIDE).depth
    assert abs(found - TRUE)[there].max() < 0.2
    assert abs(found - TRUE)[INSIDE & ~there].mean() < 0.02
