"""Contour labels: their step, and the depths that they give a surface."""

import numpy as np
import pytest

from targets.pages.labels import read_labels, scale_by_labels, values_around_labels
from targets.pages.text import TextBox


def labels_on(slope: np.ndarray, numbers: list[str], more: tuple[TextBox, ...] = ()):
    texts = [TextBox(text, (10 + 20 * n, 40, 18 + 20 * n, 66), 0.9) for n, text in enumerate(numbers)]
    return read_labels((0, 0, *slope.shape), (*texts, *more))


SLOPE = np.repeat(np.linspace(1, -1, 141)[:, None], 100, axis=1)  # positive up, highest in row 0


@pytest.mark.parametrize(
    ("numbers", "interval", "depth_of_row_0"),
    [
        (["1520", "1540", "1560", "1580", "1600"], 20, 1506.5),
        (["1520", "1540", "7560", "1580", "1600"], 20, 1506.5),  # one misread
        (["-1520", "-1540", "-1560", "-1580"], 20, 1506.5),
        (["1.25", "1.50", "1.75", "2.00"], 0.25, 1.081),
    ],
)
def test_labels_give_a_step_and_depths(numbers, interval, depth_of_row_0):
    labels = labels_on(SLOPE, numbers)
    assert labels.interval == interval
    scale = scale_by_labels(SLOPE, labels)
    depth = scale.slope * SLOPE + scale.offset
    assert abs(depth[0, 0]) == pytest.approx(depth_of_row_0, rel=1e-3)


def test_names_of_wells_are_no_labels():
    wells = [TextBox(name, (20, 10 + 20 * n, 28, 22 + 20 * n), 0.9) for n, name in enumerate(("A1", "7", "9", "34/10"))]
    assert read_labels((0, 0, 100, 100), wells) is None
    assert read_labels((0, 0, 100, 100), [TextBox("1500", (5, 5, 9, 9)), TextBox("1600", (25, 5, 29, 9))]) is None


def test_numbers_lie_round_their_labels_and_in_the_map_only():
    labels = labels_on(SLOPE, ["1520", "1540", "1560", "1580"])
    inside = np.zeros(SLOPE.shape, bool)
    inside[:, :50] = True
    plane = values_around_labels(labels, inside)
    assert set(np.unique(plane[np.isfinite(plane)])) == {1520, 1540, 1560, 1580}
    assert np.isnan(plane[10:18, 40:66]).all() and np.isnan(plane[~inside]).all()


def test_a_surface_that_does_not_follow_its_labels_has_no_scale():
    labels = labels_on(SLOPE, ["1520", "1600", "1540", "1560", "1500"])
    assert scale_by_labels(SLOPE, labels) is None
