"""Page layout: what stands beside a map on its paper is no map; small blocks of a map are."""

from pathlib import Path

import cv2
import numpy as np

from targets.io.images import write_picture
from targets.io.map_folder.reader import read_map_picture
from targets.picture_reading.page_layout import remove_marginalia
from targets.rendering.map import render
from targets.synthetic.structure_maps import make_structure_map


def page(size: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) bool: the foreground of a page, and what of it is the map."""
    paper = np.zeros((size, size + 60), np.uint8)
    cv2.rectangle(paper, (30, 40), (150, 170), 1, -1)
    cv2.rectangle(paper, (160, 120), (180, 170), 1, -1)  # a block of the map of its own, 7 % of it
    there = paper.astype(bool)
    cv2.rectangle(paper, (10, 25), (190, 190), 1, 1)  # a frame that does not touch it
    cv2.putText(paper, "Top Sand", (40, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1, 1)
    cv2.rectangle(paper, (215, 40), (225, 170), 1, -1)  # a colour bar
    cv2.putText(paper, "1890", (228, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1, 1)
    return paper.astype(bool), there


def test_letters_numbers_frame_and_colour_bar_are_no_map() -> None:
    foreground, there = page()
    np.testing.assert_array_equal(remove_marginalia(foreground), there)
    np.testing.assert_array_equal(remove_marginalia(foreground.T), there.T)


def test_a_frame_that_touches_the_map_is_removed() -> None:
    """The paper inside it was map, and traps continued there. Found on Topreek in a figure of matplotlib's."""
    foreground, there = page()
    foreground[25:40, 80:82] = foreground[60:62, 10:30] = True  # lines from the frame to the map
    found = remove_marginalia(foreground)
    assert (found >= there).all()
    beyond = found & ~there
    assert beyond.sum() < 40  # the stumps beside the map
    assert not found[:30].any()
    edged = there.copy()
    edged[[0, -1]] = edged[:, [0, -1]] = True  # a screenshot's frame, at the edge of the picture
    edged[40:42, :31] = True  # and a line to the map
    assert (remove_marginalia(edged) & ~there).sum() < 20
    filled = np.ones((60, 80), bool)
    np.testing.assert_array_equal(remove_marginalia(filled), filled)
    speckled = there.copy()
    speckled[::4, ::4] = False  # light colours that JPEG has made white
    np.testing.assert_array_equal(remove_marginalia(speckled), speckled)


def test_a_long_block_is_map_if_it_is_large_or_no_bar() -> None:
    _, there = page()
    for block in (np.s_[180:198, 10:190], np.s_[20:180, 200:222]):  # 4 times as long as wide, over a sixth of the map
        both = there.copy()
        both[block] = True
        np.testing.assert_array_equal(remove_marginalia(both), both)
    square = there.copy()
    square[175:195, 30:60] = True
    np.testing.assert_array_equal(remove_marginalia(square), square)
    ragged = there.copy()
    ragged[175:185, 30:100] = np.arange(70) % 3 > 0  # fills two thirds of its box
    ragged[185, 30:100] = True
    np.testing.assert_array_equal(remove_marginalia(ragged), ragged)


def test_a_map_of_lines_alone_keeps_its_frame() -> None:
    paper = np.zeros((200, 200), np.uint8)
    cv2.rectangle(paper, (10, 10), (190, 190), 1, 1)
    for radius in (20, 40, 60):
        cv2.circle(paper, (100, 100), radius, 1, 1)
    np.testing.assert_array_equal(remove_marginalia(paper.astype(bool)), paper > 0)


def test_a_page_is_read_as_the_map_alone(tmp_path: Path) -> None:
    """Colour bar, title and numbers were read as map, with traps in them. Found on a figure of matplotlib's."""
    scene = make_structure_map(4, 128)
    write_picture(render(scene), tmp_path / "map.png")
    page = np.full((190, 230, 3), 255, np.uint8)
    page[30:158, 20:148] = render(scene)
    page[30:158, 170:180] = np.linspace((200, 30, 30), (30, 30, 200), 128)[:, None].astype(np.uint8)
    cv2.putText(page, "Top Sand", (40, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1)
    cv2.putText(page, "1890", (184, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
    write_picture(page, tmp_path / "sheet.png")
    alone, read = read_map_picture(tmp_path / "map.png"), read_map_picture(tmp_path / "sheet.png")
    np.testing.assert_array_equal(read.rgb, alone.rgb)
    np.testing.assert_array_equal(read.map_valid, alone.map_valid)
