"""The map folder that the tests change."""

from pathlib import Path

import pytest

from targets.io.map_folder.writer import write_map_folder
from tests.targets.io.map_folder.samples import make_scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_map_folder(make_scene(), tmp_path / "dome")
    return tmp_path / "dome"
