"""The layout of the TGS challenge: codes by hand, what is written comes back, and one line for what is wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.tgs_salt import IMAGE_SIDE, decode_rle, encode_rle, read_id_table, write_id_table, write_salt_dataset
from targets.scene import Scene
from targets.truth.traps import build_ground_truth


def image(name: str, salt: float | None, z: float = 300.0) -> Scene:
    """A random grey image whose left columns are salt, as many as this share of its width."""
    grey = np.random.default_rng(list(name.encode())).integers(0, 256, (IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    none = np.zeros((IMAGE_SIDE, IMAGE_SIDE), bool)
    mask = None
    if salt is not None:
        mask = none.copy()
        mask[:, : round(IMAGE_SIDE * salt)] = True
    rgb = np.repeat(grey[..., None], 3, axis=2)
    return Scene(name, np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32), none, ~none, none, rgb, salt=mask, image_depth=z)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three training images and two test images."""
    train = [image("b3", 0.0), image("a1", 0.3, 51), image("c2", 1.0)]
    write_salt_dataset(train, [image("t1", None), image("t2", None, 959)], tmp_path / "set")
    return tmp_path / "set"


def read(folder: Path, number: int = 0) -> Scene:
    return read_map(list_maps([folder])[number])


def test_a_code_by_hand():
    # 0 1 1   columns: 0 1 | 1 1 | 1 0, so the salt is cells 2 to 5
    # 1 1 0
    mask = np.array([[0, 1, 1], [1, 1, 0]], bool)
    assert encode_rle(mask) == "2 4"
    np.testing.assert_array_equal(decode_rle("2 4", (2, 3)), mask)
    assert encode_rle(np.array([[1, 0, 1], [0, 0, 1]], bool)) == "1 1 5 2"
    assert encode_rle(np.zeros((2, 3), bool)) == "" and not decode_rle("", (2, 3)).any()
    assert encode_rle(np.ones((2, 3), bool)) == "1 6" and decode_rle("1 6", (2, 3)).all()


def test_any_mask_comes_back_from_its_code():
    for seed in range(20):
        mask = np.random.default_rng(seed).random((7, 5)) < 0.5
        np.testing.assert_array_equal(decode_rle(encode_rle(mask), mask.shape), mask)


@pytest.mark.parametrize("code", ["1", "1 2 3", "a b", "0 3", "1 0", "5 2 1 2", "1 3 3 1", "-1 2", "6 2"])
def test_a_wrong_code_is_refused(code: str):
    with pytest.raises(UserError, match="here"):
        decode_rle(code, (2, 3), "here")


def test_a_set_comes_back_as_written_in_the_order_of_its_table(folder: Path):
    sources = list_maps([folder])
    assert [source.name for source in sources] == ["b3", "a1", "c2"]
    scene = read_map(sources[1])
    expected = image("a1", 0.3, 51)
    np.testing.assert_array_equal(scene.rgb, expected.rgb)
    np.testing.assert_array_equal(scene.salt, expected.salt)
    assert scene.image_depth == 51 and scene.map_valid.all() and not scene.fault.any() and not scene.has_depth
    assert scene.group == "a1" and scene.traps is None
    assert not read(folder, 0).salt.any() and read(folder, 2).salt.all()


def test_test_images_have_a_depth_and_no_salt(folder: Path, monkeypatch: pytest.MonkeyPatch):
    scenes = [read_map(source) for source in list_maps([folder / "test"])]
    assert [(scene.name, scene.image_depth, scene.salt) for scene in scenes] == [("t1", 300, None), ("t2", 959, None)]
    assert [source.name for source in list_maps([folder / "train"])] == ["b3", "a1", "c2"]
    monkeypatch.chdir(folder / "test")
    assert [source.name for source in list_maps(["."])] == ["t1", "t2"]


def test_16_bit_masks_are_read_and_either_mask_or_code_is_enough(folder: Path):
    path = folder / "train" / "masks" / "a1.png"
    Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16) * 257).save(path)
    by_both = read(folder, 1).salt
    path.unlink()
    np.testing.assert_array_equal(read(folder, 1).salt, by_both)
    np.testing.assert_array_equal(by_both, image("a1", 0.3).salt)


def test_salt_bodies_are_labelled_as_traps_are(folder: Path):
    truth = build_ground_truth(read(folder, 1))
    assert truth.labels.max() == 1 and (truth.labels > 0).sum() == IMAGE_SIDE * round(0.3 * IMAGE_SIDE)


def spoil(folder: Path, how: str) -> None:
    """Damage the image a1 of a set."""
    train, depths = folder / "train.csv", folder / "depths.csv"
    if how == "depth":
        depths.write_text("id,z\n" + "\n".join(line for line in depths.read_text().split()[1:] if "a1" not in line))
    elif how == "no depths":
        depths.unlink()
    elif how == "words":
        depths.write_text(depths.read_text().replace("a1,51", "a1,deep"))
    elif how == "disagree":
        train.write_text(train.read_text().replace("a1,1 3030", "a1,2 3029"))
    elif how == "code":
        train.write_text(train.read_text().replace("a1,1 3030", "a1,1 99999"))
    elif how == "row":
        train.write_text("id,rle_mask\nb3,\nc2,1 10201\n")
    elif how in ("images", "masks"):
        Image.new("L", (IMAGE_SIDE, 100), 255).save(folder / "train" / how / "a1.png")
    elif how == "unknown":
        (folder / "train" / "masks" / "a1.png").unlink()
        train.write_text("id,rle_mask\nb3,\nc2,1 10201\n")


@pytest.mark.parametrize(
    "how, words",
    [("depth", "no depth of a1"), ("no depths", "depths.csv: no such file"), ("words", "'deep'"),
     ("disagree", "differs .* in 1 cells"), ("code", "101 x 101"), ("row", "no row of a1"), ("images", "101 x 100"),
     ("masks", "masks/a1.png: 101 x 100"), ("unknown", "salt is unknown")],
)  # fmt: skip
def test_what_is_wrong_is_told_of_its_image_and_no_other(folder: Path, how: str, words: str):
    spoil(folder, how)
    sources = {source.name: source for source in list_maps([folder])}
    with pytest.raises(UserError, match=words):
        read_map(sources["a1"])
    if how != "no depths":
        assert read_map(sources["c2"]).salt is not None


def test_a_table_without_its_columns_or_with_an_image_twice_is_refused(folder: Path):
    for text in ("id,mask\na,1 2\n", "id,rle_mask\na,\na,1 2\n"):
        (folder / "train.csv").write_text(text)
        with pytest.raises(UserError, match=r"train\.csv"):
            list_maps([folder])


def test_a_submission_comes_back_through_the_reader(tmp_path: Path):
    masks = {name: np.random.default_rng(i).random((IMAGE_SIDE, IMAGE_SIDE)) < 0.3 for i, name in enumerate("ab")}
    masks["c"] = np.zeros((IMAGE_SIDE, IMAGE_SIDE), bool)
    write_id_table({name: encode_rle(mask) for name, mask in masks.items()}, "rle_mask", tmp_path / "submission.csv")
    assert (tmp_path / "submission.csv").read_text().startswith("id,rle_mask\na,")
    rows = read_id_table(tmp_path / "submission.csv", "rle_mask")
    assert list(rows) == ["a", "b", "c"] and rows["c"] == ""
    for name, code in rows.items():
        np.testing.assert_array_equal(decode_rle(code, (IMAGE_SIDE, IMAGE_SIDE)), masks[name])


@pytest.mark.parametrize("code", ["9223372036854775807 1", "1 9223372036854775807", "9" * 400 + " 1"])
def test_a_run_of_any_length_is_no_overflow(code):
    with pytest.raises(UserError, match="is no run-length code"):
        decode_rle(code, (4, 4))
