"""Dialects of grid formats: each puts the same values at the same places, and says what had to be assumed."""

from pathlib import Path

import numpy as np
import pytest

from targets.io.grids.registry import detect_format, load_surface
from targets.io.read_options import ReadOptions
from tests.targets.io.grids.dialects import DEPTH, DIALECTS, Dialect
from tests.targets.io.grids.samples import assert_places


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: f"{dialect.format}: {dialect.name}")
def test_every_dialect_puts_the_same_values_at_the_same_places(
    tmp_path: Path, dialect: Dialect, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"grid{dialect.suffix}"
    dialect.write(path)
    capfd.readouterr()
    fmt = detect_format(path)
    assert fmt is not None and fmt.name == dialect.format
    surface = load_surface(path, ReadOptions(elevation=False))
    np.testing.assert_allclose(surface.values, DEPTH.astype(np.float32), rtol=0, atol=dialect.atol)
    assert_places(surface.geo, dialect.geo, DEPTH.shape, atol=1e-3)
    if dialect.note:
        assert any(dialect.note in note for note in surface.notes), surface.notes
    else:
        assert surface.notes == ()
    assert "".join(capfd.readouterr()) == ""  # no warning of a library
