"""Is a picture read as it is, whatever its kind and size, within bounded memory?"""

import contextlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io import images as pictures
from targets.io.images import read_grey, read_rgb, read_rgba


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
