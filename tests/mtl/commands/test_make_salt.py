"""The tool that makes seismic images, run as a user runs it."""

import numpy as np
import pytest
from PIL import Image

from mtl.commands.make_salt import SEEDS, main
from targets.common.cli import run
from targets.io.catalogue import list_maps, read_map
from targets.synthetic.seismic_salt import make_salt_image


def test_a_set_of_images_end_to_end(tmp_path, capsys):
    run(main, ["--out", str(tmp_path), "--count", "5", "--test", "2", "--seed", "1"])
    assert "contact_sheet.png" in capsys.readouterr().out
    assert Image.open(tmp_path / "contact_sheet.png").size[0] > 800
    scenes = [read_map(source) for source in list_maps([tmp_path])]
    made = [make_salt_image(2 * SEEDS + i) for i in range(5)]
    for read, own in zip(scenes, made, strict=True):
        assert (read.name, read.image_depth) == (own.name, own.image_depth)
        np.testing.assert_array_equal(read.rgb, own.rgb)
        np.testing.assert_array_equal(read.salt, own.salt)
    asked = [read_map(source) for source in list_maps([tmp_path / "test"])]
    assert [scene.salt for scene in asked] == [None, None] and asked[0].name == make_salt_image(3 * SEEDS).name


@pytest.mark.parametrize("words", [["--count", "0"], ["--seed", "-1"], ["--seismic.empty_share", "2"]])
def test_what_cannot_be_made_is_one_line(tmp_path, words, capsys):
    with pytest.raises(SystemExit) as stop:
        run(main, ["--out", str(tmp_path), *words])
    assert stop.value.code == 2 and words[0].strip("-") in capsys.readouterr().err


def test_other_images_and_maps_are_neither_replaced_nor_hidden(tmp_path, capsys):
    def make(out, seed):
        run(main, ["--out", str(out), "--count", "1", "--test", "0", "--seed", seed])

    make(tmp_path / "salt", "1")
    table = (tmp_path / "salt" / "train.csv").read_bytes()
    np.savez(tmp_path / "top.npz", depth=np.ones((4, 4)))
    for out, found in ((tmp_path / "salt", "other seismic images"), (tmp_path, "other maps (top)")):
        with pytest.raises(SystemExit) as stop:
            make(out, "2")
        assert stop.value.code == 2 and found in capsys.readouterr().err
    assert (tmp_path / "salt" / "train.csv").read_bytes() == table and not (tmp_path / "train").exists()
    make(tmp_path / "salt", "1")  # the same command again
    (tmp_path / "salt" / "train.csv").unlink()  # as of one that was stopped
    make(tmp_path / "salt", "1")
    assert (tmp_path / "salt" / "train.csv").read_bytes() == table
