"""Is a picture read as it is, whatever its kind and size, within bounded memory?"""

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io import images as pictures
from targets.io.images import is_picture_file, read_grey, read_rgb, read_rgba


@pytest.mark.parametrize("strip", [1, 30, 10**6])
def test_strips_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strip: int) -> None:
    monkeypatch.setattr(pictures, "STRIP_SIZE", strip)
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 4)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_rgba(tmp_path / "a.png") == pixels).all()
    opacity = pixels[..., 3:] / 255
    assert np.abs(read_rgb(tmp_path / "a.png") - (pixels[..., :3] * opacity + 255 * (1 - opacity))).max() <= 0.5
    grey = pixels.copy()
    grey[..., :3] = grey[..., :1]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    values, opaque = read_grey(tmp_path / "grey.png")
    assert (values == grey[..., 0] / 255).all() and (opaque == (grey[..., 3] >= 128)).all()
    with pytest.raises(UserError, match="a colour picture"):
        read_grey(tmp_path / "a.png")


def test_the_palette_and_the_transparent_colour_of_a_picture_hold_in_every_strip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "STRIP_SIZE", 1)
    image = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "a.png", transparency=2)
    green = [0, 255, 0, 255]
    assert read_rgba(tmp_path / "a.png").tolist() == [[[255, 0, 0, 255], green], [[0, 0, 255, 0], green]]


def test_a_side_beyond_all_pictures_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """Found by the soak: 24 x 5,111,832 pixels in 138 bytes."""
    Image.new("1", (1, 65_536)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="too large"):
        read_rgba(tmp_path / "a.png")


def test_a_picture_that_needs_more_memory_than_is_free_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (400, 300)).save(tmp_path / "a.png")
    monkeypatch.setattr("targets.common.memory.available_memory", lambda: 2_000_000)
    with pytest.raises(UserError, match=r"a.png: takes about 0.00268 GiB of memory; .*lower resolution"):
        read_rgb(tmp_path / "a.png")


def test_a_large_picture_takes_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what is given back (9 bytes a pixel at most) and what is decoded no array of the whole picture."""
    import tracemalloc

    Image.new("RGBA", (1500, 1500), (7, 7, 7, 255)).save(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "STRIP_SIZE", 3000)
    for read, most in ((read_rgba, 4), (read_rgb, 3), (read_grey, 9)):
        tracemalloc.start()
        read(tmp_path / "a.png")
        assert tracemalloc.get_traced_memory()[1] < (most + 0.9) * 1500**2
        tracemalloc.stop()


def test_a_block_that_claims_gigabytes_is_not_given_the_memory(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:33] + struct.pack(">I", 2**31 - 1) + whole[37:])  # of its pixels
    tracemalloc.start()
    with contextlib.suppress(UserError):
        read_rgb(tmp_path / "a.png")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def deep_png(path: Path, pixels: np.ndarray, colour_type: int) -> None:
    """A PNG of 16 bits a channel, written by hand: Pillow writes grey ones only."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("colour_type", "channels"), [(0, "g"), (2, "ggg"), (4, "ga"), (6, "ggga")], ids=["grey", "rgb", "grey+a", "rgb+a"]
)
def test_a_grey_picture_of_16_bits_keeps_all_its_levels(tmp_path: Path, colour_type: int, channels: str) -> None:
    grey = np.linspace(0, 65535, 4096).reshape(64, 64).astype(np.uint16)
    alpha = np.where(np.arange(64)[:, None] < 5, 0, 65535) * np.ones((1, 64), int)
    pixels = np.dstack([{"g": grey, "a": alpha.astype(np.uint16)}[channel] for channel in channels])
    deep_png(tmp_path / "a.png", pixels, colour_type)
    values, opaque = read_grey(tmp_path / "a.png")
    np.testing.assert_array_equal(values, grey / 65535)
    assert opaque.all() == ("a" not in channels) and opaque[5:].all()
    cut = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(cut[: len(cut) // 2])
    with pytest.raises(UserError, match="damaged or cut off"):
        read_grey(tmp_path / "a.png")


def test_deep_colours_are_no_grey_picture(tmp_path: Path) -> None:
    deep_png(tmp_path / "a.png", np.random.default_rng(0).integers(0, 65536, (9, 9, 3)).astype(np.uint16), 2)
    with pytest.raises(UserError, match="a colour picture"):
        read_grey(tmp_path / "a.png")


def test_a_tiff_is_a_picture_by_its_colours(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 4)).astype(np.uint8)
    images = {
        "rgb": Image.fromarray(pixels[..., :3].copy()),
        "rgba": Image.fromarray(pixels),
        "palette": Image.fromarray(pixels[..., :3].copy()).quantize(16),
        "float": Image.fromarray(pixels[..., 0].astype(np.float32)),
        "deep": Image.fromarray(pixels[..., 0].astype(np.uint16)),
    }
    for name, image in images.items():
        image.save(tmp_path / f"{name}.tif")
    found = {name for name in images if is_picture_file(tmp_path / f"{name}.tif")}
    assert found == {"rgb", "rgba", "palette"}
    np.testing.assert_array_equal(read_rgb(tmp_path / "rgb.tif"), pixels[..., :3])
    (tmp_path / "text.tif").write_text("Dear reader")
    assert not is_picture_file(tmp_path / "text.tif") and not is_picture_file(tmp_path / "nowhere.tif")
