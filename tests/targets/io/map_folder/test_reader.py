"""Map folders: pictures of every kind are read, and every mistake is named."""

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io.map_folder.reader import read_map_folder
from targets.io.map_folder.writer import write_map_folder
from targets.scene import GeoReference
from tests.targets.io.map_folder.samples import SHAPE, load, make_scene, save


def test_a_picture_alone_has_no_depth(tmp_path: Path) -> None:
    scene = make_scene()
    save(tmp_path, "rgb.png", np.pad(scene.rgb, ((5, 5), (9, 9), (0, 0)), constant_values=255))
    back = read_map_folder(tmp_path)
    assert back.shape == SHAPE
    assert not back.depth.any() and not back.depth_valid.any() and not back.fault.any()
    np.testing.assert_array_equal(back.map_valid, scene.map_valid)
    write_map_folder(back, tmp_path / "again")
    np.testing.assert_array_equal(read_map_folder(tmp_path / "again").rgb, scene.rgb)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_masks_and_depths_of_every_kind_of_png(folder: Path, mode: str) -> None:
    scene = read_map_folder(folder)
    mask = Image.open(folder / "fault_mask.png")
    if mode == "I;16":
        mask = Image.fromarray(np.asarray(mask).astype(np.uint16) * 257)
    else:
        mask = mask.convert(mode)
    mask.save(folder / "fault_mask.png")
    np.testing.assert_array_equal(read_map_folder(folder).fault, scene.fault)
    if mode not in ("1", "I;16"):
        grey = Image.fromarray((load(folder, "depth_norm.png") // 257).astype(np.uint8))
        grey.convert(mode).save(folder / "depth_norm.png")
        step = np.ptp(scene.geo.depth_range) / 255
        assert np.abs(read_map_folder(folder).depth - scene.depth)[scene.depth_valid].max() <= step


def test_pictures_of_every_kind(folder: Path) -> None:
    scene = read_map_folder(folder)
    rgb = scene.rgb
    clear = np.dstack([np.where(scene.map_valid[..., None], rgb, 0), np.where(scene.map_valid, 255, 0)]).astype(
        np.uint8
    )
    save(folder, "rgb.png", clear)  # transparent outside
    np.testing.assert_array_equal(read_map_folder(folder).rgb, rgb)
    Image.fromarray(rgb).quantize(256).save(folder / "rgb.png")
    assert np.abs(read_map_folder(folder).rgb.astype(int) - rgb).max() < 40
    save(folder, "fault_mask.png", np.dstack([np.zeros((*SHAPE, 3)), scene.fault * 255]).astype(np.uint8))
    np.testing.assert_array_equal(read_map_folder(folder).fault, scene.fault)  # transparent black is not a fault
    (folder / "rgb.png").unlink()
    for name in ("map_mask.png", "depth_mask.png"):
        (folder / name).unlink()
    Image.fromarray(np.pad(rgb, ((9, 9), (9, 9), (0, 0)), constant_values=255)).save(folder / "rgb.jpg", quality=75)
    back = read_map_folder(folder)
    assert back.shape == SHAPE
    assert (back.map_valid != scene.map_valid).mean() < 0.02  # the blocks of JPEG blur the outline by some pixels


def cut_off(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def bomb(path: Path) -> None:
    """A PNG whose header claims 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
             for kind, data in chunks]  # fmt: skip
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def invert(path: Path) -> None:
    pixels = np.asarray(Image.open(path))
    Image.fromarray(np.iinfo(pixels.dtype).max - pixels).save(path)


def blacken(path: Path) -> None:
    Image.fromarray(np.zeros_like(np.asarray(Image.open(path)))).save(path)


def shrink(path: Path) -> None:
    Image.fromarray(np.asarray(Image.open(path))[:-3]).save(path)


def zero_and_one(path: Path) -> None:
    Image.fromarray((np.asarray(Image.open(path)) // 255).astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("rgb.png", cut_off, "damaged or cut off"),
        ("depth_norm.png", cut_off, "damaged or cut off"),
        ("rgb.png", bomb, "too large"),
        ("fault_mask.png", bomb, "too large"),
        ("rgb.png", lambda p: p.write_text("no picture"), "not a picture"),
        ("fault_mask.png", Path.unlink, "no fault mask"),
        ("fault_mask.png", invert, "inverted"),
        ("map_mask.png", invert, "inverted"),
        ("map_mask.png", blacken, "the map is empty"),
        ("depth_mask.png", invert, "inverted"),
        ("traps.png", invert, "inverted"),
        ("depth_norm.png", invert, "contradicts the colours"),
        ("depth_norm.png", shrink, "sizes differ"),
        ("traps.png", shrink, "sizes differ"),
        ("fault_mask.png", zero_and_one, "values 0 and 1"),
        ("fault_mask.png", lambda p: shutil.copy(p.with_name("depth_norm.png"), p), "pixels are grey"),
        ("depth_norm.png", lambda p: shutil.copy(p.with_name("rgb.png"), p), "a colour picture"),
        ("traps.png", lambda p: shutil.copy(p, p.with_suffix(".PNG")), "second file"),
        ("map.yaml", lambda p: p.write_text("polarty: inverted"), "unknown key polarty; known keys: x0, y0"),
        ("map.yaml", lambda p: p.write_text("polarity: upside"), "polarity is 'upside'"),
        ("map.yaml", lambda p: p.write_text("x0: here"), "x0 is 'here'"),
        ("map.yaml", lambda p: p.write_text("x0: .nan"), "x0 is nan"),
        ("map.yaml", lambda p: p.write_text("dx: 20\ndy: 20"), "rows run down"),
        ("map.yaml", lambda p: p.write_text("depth_range: [2, 1]"), "shallowest before deepest"),
        ("map.yaml", lambda p: p.write_text("depth_unit: m"), "without a depth_range"),
        ("map.yaml", lambda p: p.write_text("- a\n- b"), "holds a list"),
        ("map.yaml", lambda p: p.write_text("a: [b"), "cannot be read"),
    ],
)
def test_every_mistake_is_named(folder: Path, file: str, change, says: str) -> None:
    change(folder / file)
    with pytest.raises(UserError) as caught:
        read_map_folder(folder)
    text = str(caught.value)
    assert says in text and str(folder) in text and "\n" not in text


def test_other_mistakes_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        read_map_folder(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match="holds no map"):
        read_map_folder(tmp_path / "bare")
    save(tmp_path / "bare", "fault_mask.png", np.full((4, 4), 255, np.uint8))
    with pytest.raises(UserError, match="no picture and no depth"):
        read_map_folder(tmp_path / "bare")
    save(tmp_path / "bare", "rgb.png", np.full((4, 4, 3), 255, np.uint8))
    with pytest.raises(UserError, match="the map is empty"):
        read_map_folder(tmp_path / "bare")
    with pytest.raises(UserError, match=r"holds traps\.png of another map"):
        write_map_folder(make_scene(traps=None), folder)
    with pytest.raises(UserError, match="rows run down"):
        write_map_folder(make_scene(geo=GeoReference(0.0, 0.0, 25.0, 25.0)), tmp_path / "mirrored")
