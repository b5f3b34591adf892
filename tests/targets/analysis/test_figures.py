"""Figures of an analysis: a fault of any name is drawn."""

import numpy as np
import pytest
from PIL import Image

from targets.analysis.analyse import analyse
from targets.analysis.figures import write_closure_figure
from targets.analysis.layers import make_vector_layers
from targets.io.faults.names import NamedFaults
from tests.targets.analysis.maps import ridge


@pytest.mark.parametrize("name", ["$x^{$", "a$\\frac{$", "\x1b[2J", "x" * 20_000, "a\nb", "{0}%s"])
def test_a_fault_of_any_name_is_drawn(name, tmp_path) -> None:
    scene = ridge()
    cells = np.zeros(scene.shape, np.int32)
    cells[3:6, 4] = 1
    analysis = analyse(scene.replace(fault=cells > 0), faults=NamedFaults(cells, (name,)))
    write_closure_figure(analysis, make_vector_layers(analysis), tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size[0] < 2000
