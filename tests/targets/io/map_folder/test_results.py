"""Results of the tools: marked by a file of their own, never read as maps, never written into a map's folder."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from targets.analysis.writers import analyse_map
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.map_folder.results import RESULT_FILE, check_results_lie_apart, write_mark
from targets.io.map_folder.writer import write_map_folder
from tests.targets.io.map_folder.flat_sets import Dialect, classic, write_set
from tests.targets.io.map_folder.samples import make_scene


def test_results_beside_maps_are_not_read_as_maps(tmp_path: Path) -> None:
    """A tool's own height.tif was a map of the next command's."""
    write_map_folder(make_scene(), tmp_path / "dome")
    (source,) = list_maps([tmp_path])
    with pytest.raises(UserError, match="is the folder of the map itself"):
        analyse_map(source, tmp_path)
    assert not (tmp_path / "dome" / RESULT_FILE).exists()
    analyse_map(source, tmp_path / "results")
    (tmp_path / "results" / "dome" / "rgb.png").write_bytes((tmp_path / "dome" / "rgb.png").read_bytes())
    assert [found.name for found in list_maps([tmp_path])] == ["dome"]
    with pytest.raises(UserError, match="holds results of a tool"):
        list_maps([tmp_path / "results" / "dome"])
    assert read_map(list_maps([tmp_path / "results" / "dome" / "height.tif"])[0]).shape == make_scene().shape


def test_results_of_a_flat_set_may_lie_in_it(tmp_path: Path) -> None:
    write_set(tmp_path, Dialect(classic))
    before = [(source.name, source.files) for source in list_maps([tmp_path])]
    for source in list_maps([tmp_path])[:2]:
        analyse_map(source, tmp_path)
    assert [(source.name, source.files) for source in list_maps([tmp_path])] == before


def test_the_file_says_where_the_first_cell_lies(tmp_path: Path) -> None:
    pieces = write_set(tmp_path / "set", Dialect(classic))
    for path in (tmp_path / "set").glob("01_*"):
        array = np.asarray(Image.open(path))
        widths = [(11, 3), (4, 8)] + [(0, 0)] * (array.ndim - 2)
        Image.fromarray(np.pad(array, widths, constant_values=255)).save(path)
    source = list_maps([tmp_path / "set"])[0]
    analyse_map(source, tmp_path / "out")
    content = yaml.safe_load((tmp_path / "out" / "01_reek" / RESULT_FILE).read_text("utf-8"))
    assert content["made_by"] == "closures" and content["map"] == "01_reek"
    assert (content["first_row"], content["first_column"]) == (11, 4)
    assert (content["rows"], content["columns"]) == pieces[0].depth.shape
    with np.load(tmp_path / "out" / "01_reek" / "closures.npz") as grids:
        assert (grids["first_row"], grids["first_col"]) == (11, 4)


@pytest.mark.parametrize("pair", ["closures, predict", "predict, closures", "predict, closures --tile"])
def test_results_of_another_tool_are_not_replaced(pair: str, tmp_path: Path) -> None:
    before, tool = pair.split(", ")
    write_mark({"made_by": before, "map": "top"}, tmp_path / "top")
    with pytest.raises(UserError, match=f"--out: .*top holds results of the tool {before}; .*choose another --out"):
        check_results_lie_apart(tmp_path / "a.tif", (), tmp_path / "top", tool)
    check_results_lie_apart(tmp_path / "a.tif", (), tmp_path / "top", before)  # its own may be made again
    check_results_lie_apart(tmp_path / "a.tif", (), tmp_path / "other", tool)


def test_results_of_another_map_of_the_same_name_are_not_replaced(tmp_path: Path) -> None:
    """`closures north --out o` and `closures south --out o`: the second would have taken the place of the first."""
    for place in ("north", "south"):
        write_map_folder(make_scene(), tmp_path / place / "dome")
    north, south = (list_maps([tmp_path / place])[0] for place in ("north", "south"))
    analyse_map(north, tmp_path / "out")
    before = (tmp_path / "out" / "dome" / "closures.csv").read_bytes()
    with pytest.raises(UserError, match=r"results of another map of this name, .*north.dome; .*choose another --out"):
        analyse_map(south, tmp_path / "out")
    assert (tmp_path / "out" / "dome" / "closures.csv").read_bytes() == before
    analyse_map(north, tmp_path / "out")  # its own may be made again
