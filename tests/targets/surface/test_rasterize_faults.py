"""Fault lines as cells: polygons are filled, traces have their width, sticks cut the horizon."""

import numpy as np
import pytest
from scipy import ndimage

from targets.scene import GeoReference
from targets.surface.rasterize_faults import FaultLine, is_fault_sticks, rasterize_faults, trace_of_sticks

PIXELS = GeoReference(0.0, 0.0, 1.0, -1.0)  # x = column, y = -row
SQUARE = np.array([[2.0, -2.0], [6.0, -2.0], [6.0, -5.0], [2.0, -5.0], [2.0, -2.0]])


def test_a_polygon_is_filled_to_its_outline() -> None:
    labels = rasterize_faults([FaultLine("a", SQUARE)], PIXELS, (9, 10))
    expected = np.zeros((9, 10), int)
    expected[2:6, 2:7] = 1
    np.testing.assert_array_equal(labels, expected)
    assert FaultLine("a", SQUARE).is_polygon and not FaultLine("a", SQUARE[:-1]).is_polygon


def test_a_trace_covers_its_width_and_the_later_line_counts() -> None:
    across = FaultLine("a", np.array([[0.0, -4.0], [9.0, -4.0]]))
    down = FaultLine("b", np.array([[5.0, 0.0], [5.0, -8.0]]))
    labels = rasterize_faults([across, down], PIXELS, (9, 10), width=3)
    expected = np.zeros((9, 10), int)
    expected[3:6] = 1
    expected[:, 4:7] = 2  # half a width either side: 1.5 cells, so one cell
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("angle", [0, 10, 30, 45, 77])
def test_no_path_slips_diagonally_through_a_line(angle: float) -> None:
    t = np.radians(angle)
    ends = 25 + 60 * np.array([[-np.cos(t), -np.sin(t)], [np.cos(t), np.sin(t)]])
    labels = rasterize_faults([FaultLine("a", ends * [1, -1])], PIXELS, (51, 51), width=0.1)
    _, parts = ndimage.label(labels == 0, np.ones((3, 3)))
    assert parts == 2


def test_cells_turn_with_the_map() -> None:
    geo = GeoReference(5000.0, 7000.0, 20.0, -20.0, 35.0)
    x, y = geo.xy(-SQUARE[:, 1], SQUARE[:, 0])
    labels = rasterize_faults([FaultLine("a", np.column_stack([x, y]))], geo, (9, 10))
    np.testing.assert_array_equal(labels, rasterize_faults([FaultLine("a", SQUARE)], PIXELS, (9, 10)))


def test_sticks_cut_a_flat_horizon_where_their_plane_does() -> None:
    """A plane that dips 45 degrees to the East and is at 100 m at x = 10 cuts a horizon at 105 m at x = 15."""
    sticks = [FaultLine(str(i), np.array([[10.0, -i, 100.0], [20.0, -i, 110.0]])) for i in range(2, 7)]
    assert is_fault_sticks(sticks)
    trace = trace_of_sticks(sticks, np.full((10, 30), 105.0), PIXELS, "F")
    assert trace is not None and trace.name == "F"
    np.testing.assert_allclose(trace.points, [[15, -i, 105] for i in range(2, 7)])
    assert trace_of_sticks(sticks, np.full((10, 30), 200.0), PIXELS) is None
    flat = [FaultLine("0", np.array([[0.0, 0, 100], [10, 0, 101]]))] * 3
    assert (
        not is_fault_sticks(flat)
        and not is_fault_sticks(sticks[:1])
        and not is_fault_sticks([FaultLine("0", SQUARE)] * 2)
    )
