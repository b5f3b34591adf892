"""Traps that a person saved are the traps that the map then has."""

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.images import write_picture
from targets.io.interpreted_traps import interpreted_traps_file, save_interpreted_traps
from targets.io.map_folder.flat_set import name_sibling
from targets.io.map_folder.layout import Layout
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.conftest import dome_scene
from tests.targets.io.map_folder.flat_sets import Dialect, write_set

HOW = ReadOptions()


def mask(*box, shape=(64, 64)):
    drawn = np.zeros(shape, bool)
    drawn[box] = True
    return drawn


def only(folder):
    (source,) = list_maps([folder])
    return source


@pytest.mark.parametrize("margin", [0, 7])
def test_a_map_folder_reads_back_what_was_saved(tmp_path, margin):
    write_map_folder(dome_scene(), tmp_path / "dome", margin=margin)
    first, second = mask(slice(20, 31), slice(5, 50)), mask(slice(40, 44), slice(8, 9))
    path = save_interpreted_traps(only(tmp_path), first, HOW)
    assert path == tmp_path / "dome" / "traps.png"
    np.testing.assert_array_equal(read_map(only(tmp_path)).traps, first)
    save_interpreted_traps(only(tmp_path), second, HOW)
    np.testing.assert_array_equal(read_map(only(tmp_path)).traps, second)
    save_interpreted_traps(only(tmp_path), np.zeros((64, 64), bool), HOW)  # a map without traps is an answer too
    assert not read_map(only(tmp_path)).traps.any() and read_map(only(tmp_path)).traps is not None


def test_the_first_traps_are_kept(tmp_path):
    write_map_folder(dome_scene().replace(traps=mask(slice(9, 20), slice(9, 20))), tmp_path / "dome")
    original = (tmp_path / "dome" / "traps.png").read_bytes()
    for row in (30, 40):
        save_interpreted_traps(only(tmp_path), mask(slice(row, row + 5), slice(9, 20)), HOW)
    assert (tmp_path / "dome" / "traps.png.bak").read_bytes() == original
    assert len(list_maps([tmp_path])) == 1 and not list((tmp_path / "dome").glob(".*"))


def test_flat_files_get_a_flat_file(tmp_path):
    scene = dome_scene()
    write_picture(scene.rgb, tmp_path / "07_x_rgb_north.png")
    for _ in range(2):
        path = save_interpreted_traps(only(tmp_path), mask(slice(9, 20), slice(9, 20)), HOW)
    assert path.name == "07_y_traps_north.png" and (tmp_path / "07_y_traps_north.png.bak").exists()
    assert read_map(only(tmp_path)).traps.sum() == 121
    layout = Layout(flat="{name}-{kind}", traps="drawn")
    assert name_sibling(tmp_path / "a-rgb.png", tmp_path, "traps", layout).name == "a-drawn.png"


@pytest.mark.parametrize("black_marks", [True, False])
def test_traps_of_a_flat_set_are_marked_as_its_others_are(tmp_path, black_marks):
    pieces = write_set(tmp_path, Dialect(lambda n, s, w: f"{s}/{w}/{n}_reek", black_marks=black_marks))
    (tmp_path / "y" / "traps" / "03_reek.png").unlink()
    path = save_interpreted_traps(list_maps([tmp_path])[2], pieces[2].trap, HOW)
    assert path == tmp_path / "y" / "traps" / "03_reek.png"
    scenes = [read_map(source) for source in list_maps([tmp_path])]
    assert all((scene.traps == piece.trap).all() for scene, piece in zip(scenes, pieces, strict=True))


def test_traps_that_would_make_the_map_unreadable_are_refused(tmp_path):
    write_map_folder(dome_scene().replace(traps=mask(slice(9, 20), slice(9, 20))), tmp_path / "dome")
    before = (tmp_path / "dome" / "traps.png").read_bytes()
    for wrong, found in ((np.ones((64, 64), bool), "inverted"), (mask(shape=(60, 64)), "sizes differ")):
        with pytest.raises(UserError, match=found):
            save_interpreted_traps(only(tmp_path), wrong, HOW)
    assert (tmp_path / "dome" / "traps.png").read_bytes() == before
    assert not (tmp_path / "dome" / "traps.png.bak").exists()


def test_a_picture_alone_keeps_no_traps(tmp_path):
    write_picture(dome_scene().rgb, tmp_path / "map.png")
    with pytest.raises(UserError, match="a picture keeps no interpreted traps"):
        interpreted_traps_file(only(tmp_path), HOW)
