"""Normal faults: displacement, throw profile, polygons and branches, by hand and by their laws."""

import numpy as np
import pytest

from targets.synthetic.faults import Fault, fault_displacement, heave, throw_profile, trace_points

CELL = 20.0


SHAPE = (200, 240)


def straight(**fields: object) -> Fault:
    """A fault along row 100 (y = 2000 m) from column 60 to 180 that dips down the picture."""
    known = {"x": 2400.0, "y": 2000.0, "strike": 0.0, "length": 2400.0, "throw": 80.0, "dip": 45.0, "dip_side": 1}
    return Fault(**(known | {"displacement_radius": 800.0, "footwall_share": 0.25} | fields))  # type: ignore[arg-type]


def test_throw_dies_out_at_the_tips_and_is_largest_in_the_middle():
    profile = throw_profile(np.linspace(0, 1, 101))
    assert profile[0] == 1 and profile[-1] == 0 and (np.diff(profile) <= 0).all()
    assert throw_profile(np.array([0.5])) == pytest.approx(2 * np.sqrt(0.5625 - 0.25) * 0.5)
    assert throw_profile(np.array([1.7])) == 0


def test_a_fault_offsets_its_walls_by_the_throw():
    down, _ = fault_displacement([straight()], SHAPE, CELL)
    gap = int(heave(80.0, 45.0) / CELL)  # 4 cells between the cutoffs
    footwall, hanging = down[100, 120], down[100 + gap, 120]
    assert footwall == pytest.approx(-20.0, abs=0.1) and hanging == pytest.approx(60.0, abs=0.1)
    assert down[100 + gap // 2, 120] == pytest.approx(20.0, abs=0.1)  # halfway down the fault plane
    for col in (61, 179):  # a cell from the tips
        assert abs(down[100 + gap, col] - down[99, col]) < 0.1 * 80
    assert (down[:, :60] == 0).all() and (down[:, 181:] == 0).all() and (down[:59] == 0).all()


def test_the_gap_follows_the_throw_and_the_dip():
    def widths(dip):
        return fault_displacement([straight(dip=dip, throw=160.0)], SHAPE, CELL)[1].sum(axis=0)

    flat, steep = widths(45.0), widths(63.43)  # heave 160 m and 80 m: 8 and 4 cells, and both cutoffs
    assert flat[120] == 9 and steep[120] == 5
    assert flat[65] == 2 < flat[90] < flat[120] and flat[50] == flat[190] == 0  # 2: drawn wider than 0.4 cells


def test_the_other_side_dips_the_other_way():
    down, gap = fault_displacement([straight()], SHAPE, CELL)
    flipped, other = fault_displacement([straight(dip_side=-1)], SHAPE, CELL)
    rows = slice(20, 181)  # symmetric about row 100
    assert np.allclose(flipped[rows], down[rows][::-1]) and np.array_equal(other[rows], gap[rows][::-1])


def test_drag_takes_up_throw_beside_the_plane_only():
    plain, dragged = (fault_displacement([straight(drag_share=drag)], SHAPE, CELL)[0] for drag in (0.0, 0.3))
    assert dragged[104, 120] == pytest.approx(0.7 * plain[104, 120])
    assert dragged[130, 120] == pytest.approx(plain[130, 120], rel=1e-2)


def test_a_branch_stays_on_its_side_of_the_parent():
    parent = straight()
    branch = straight(strike=np.pi / 2, length=1600.0, parent=parent)  # starts at (2400, 2000), runs down the picture
    down, gap = fault_displacement([branch], SHAPE, CELL)
    assert (down[:100] == 0).all() and not gap[:100].any() and np.abs(down[101:]).max() > 10
    assert trace_points(branch)[0] == pytest.approx([2400.0, 2000.0])
    assert not gap[141:].any()  # the tip: 800 m, 40 cells from the parent
