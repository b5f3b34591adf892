"""Faults of a map by name: what the files say, what is connected, and which rule each one gets."""

import numpy as np
import pytest

from targets.analysis.analyse import analyse
from targets.analysis.options import ClosureOptions
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.faults.names import name_faults
from targets.scene import GeoReference, Scene

GEO = GeoReference(0.0, 0.0, 1.0, -1.0)  # column c and row r lie at x = c, y = -r


def box(geo: GeoReference = GEO, fault_columns: tuple[int, ...] = (8, 9, 30, 31)) -> Scene:
    """A dome of 40 columns that leaks over its border; faults run down it on both sides of its crest at column 20."""
    row, col = np.indices((31, 41))
    depth = (1000 + np.hypot(row - 15, col - 20)).astype(np.float32)
    fault = np.isin(col, fault_columns) & (np.abs(row - 15) < 14)
    inside = np.ones(depth.shape, bool)
    return Scene("box", depth, inside, inside, fault, geo=geo)


def test_connected_fault_cells_are_one_fault_and_numbered_from_the_top() -> None:
    scene = box()
    fault = np.zeros(scene.shape, bool)
    fault[5, 30] = fault[6, 31] = fault[6, 3] = fault[20, 10] = True  # the first two touch at a corner
    named = name_faults(scene.replace(fault=fault))
    assert named.names == ("1", "2", "3")
    assert [named.labels[cell] for cell in [(5, 30), (6, 31), (6, 3), (20, 10)]] == [1, 1, 2, 3]
    assert named.label_positions(2) == [("1", 5, 30), ("2", 6, 3)]


def test_names_come_from_the_files(tmp_path) -> None:
    (tmp_path / "west.csv").write_text("fault,x,y\nA,8.5,-2\nA,8.5,-10\nB,8.5,-20\nB,8.5,-28\nA,12,-2\nA,12,-4\n")
    (tmp_path / "east.csv").write_text("fault,x,y\nB,30.5,-2\nB,30.5,-28\n")
    named = name_faults(box(), [tmp_path / "west.csv", tmp_path / "east.csv"])
    assert named.names == ("A", "west:B", "east:B")
    assert [named.labels[cell] for cell in [(5, 8), (25, 8), (3, 12), (15, 31)]] == [1, 2, 1, 3]


def test_each_fault_follows_its_own_rule() -> None:
    # 15 cells from the crest to the border, 10 to the cells beside fault 1, 12 to those beside fault 2
    scene = box(fault_columns=(8, 9, 33, 34))
    rules = {"1=leaking": 1010.0, "1=leaking,2=sealing": 1010.0, "2=leaking": 1012.0, "1=sealing": 1015.0}
    for words, spill in rules.items():
        closures = analyse(scene, ClosureOptions(fault_rules=Names(words))).closures
        assert closures.table["spill_depth"][closures.table["crest_depth"] == 1000] == spill, words
    assert closures.labels[15, 7] > 0 == closures.labels[15, 8] and closures.labels[15, 33] > 0, "a wall is no closure"
    analysis = analyse(scene, ClosureOptions(fault_rules=Names("2=leaking")))
    assert analysis.rules_text.endswith("faults transparent, fault 2 leaking")
    both = analyse(box(), ClosureOptions(faults="leaking")).closures
    each = analyse(box(), ClosureOptions(fault_rules=Names("1=leaking,2=leaking"))).closures
    assert (both.labels == each.labels).all() and (both.table == each.table).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [("1", "name=rule"), ("3=sealing", "faults: 1, 2"), ("1=open", "transparent, sealing, leaking")],
)
def test_mistakes_are_told(words: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        analyse(box(), ClosureOptions(fault_rules=Names(words)))
