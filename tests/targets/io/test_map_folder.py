"""Map folders: what is written comes back, what is absent is derived, and every mistake is named."""

import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io.map_folder.layout import Layout, find_flat_maps
from targets.io.map_folder.reader import read_map_files, read_map_folder
from targets.io.map_folder.writer import write_map_folder
from targets.scene import GeoReference, Scene

SHAPE = (40, 60)


def picture(depth: np.ndarray, inside: np.ndarray, fault: np.ndarray) -> np.ndarray:
    """Red = high, blue = deep, brown faults, white outside."""
    t = (depth - depth.min()) / np.ptp(depth)
    rgb = np.stack([255 * (1 - t), 60 + 0 * t, 255 * t], axis=2)
    rgb[fault] = (120, 70, 20)
    rgb[~inside] = 255
    return rgb.astype(np.uint8)


def make_scene(**changes: object) -> Scene:
    """A dome in metres with a fault, a void in it, and a cut-off corner."""
    r, c = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = (2000 + np.hypot(r - 20, (c - 25) * 0.7) * 3 + c).astype(np.float32)
    inside = ~((r < 12) & (c > 40))
    fault = inside & (abs(c - 45) < 2)
    fields = {
        "name": "dome",
        "depth": depth,
        "depth_valid": inside & ~fault,
        "map_valid": inside,
        "fault": fault,
        "rgb": picture(depth, inside, fault),
        "traps": np.hypot(r - 20, c - 22) < 8,
        "geo": GeoReference(5000.0, 9000.0, 25.0, -25.0, 12.5, "EPSG:23031", "m", contour_interval=20.0),
        "group": "field",
    }
    return Scene(**fields | changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_map_folder(make_scene(), tmp_path / "dome")
    return tmp_path / "dome"


def save(folder: Path, name: str, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(folder / name)


def load(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / name))


@pytest.mark.parametrize("margin", [0, 7])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_what_is_written_comes_back(tmp_path: Path, margin: int, bits: int) -> None:
    scene = make_scene()
    write_map_folder(scene, tmp_path / "dome", margin, bits)
    back = read_map_folder(tmp_path / "dome")
    for key in ("map_valid", "depth_valid", "fault", "traps", "rgb"):
        np.testing.assert_array_equal(getattr(back, key), getattr(scene, key), key)
    low, high = scene.relief
    step = (high - low) / (2**bits - 1)
    error = np.abs(back.depth - scene.depth)[scene.depth_valid].max()
    assert error <= (0 if bits == 32 else step / 2 + np.spacing(np.float32(high)))
    assert (back.name, back.group, back.geo.crs, back.geo.depth_unit) == ("dome", "field", "EPSG:23031", "m")
    assert back.geo == (scene.geo if bits == 32 else GeoReference(**vars(scene.geo) | {"depth_range": (low, high)}))


def test_a_normalised_depth_keeps_its_scale(tmp_path: Path) -> None:
    scene = make_scene(geo=GeoReference())
    scene = scene.replace(depth=(0.2 + 0.5 * scene.depth_norm()).astype(np.float32))
    write_map_folder(scene, tmp_path / "dome")
    back = read_map_folder(tmp_path / "dome")
    assert back.geo == GeoReference()
    np.testing.assert_allclose(
        back.depth[scene.depth_valid], scene.depth[scene.depth_valid], rtol=0, atol=0.5 / 65535 * 1.01
    )


def test_a_picture_alone_has_no_depth(tmp_path: Path) -> None:
    scene = make_scene()
    save(tmp_path, "rgb.png", np.pad(scene.rgb, ((5, 5), (9, 9), (0, 0)), constant_values=255))
    back = read_map_folder(tmp_path)
    assert back.shape == SHAPE
    assert not back.depth.any() and not back.depth_valid.any() and not back.fault.any()
    np.testing.assert_array_equal(back.map_valid, scene.map_valid)
    write_map_folder(back, tmp_path / "again")
    np.testing.assert_array_equal(read_map_folder(tmp_path / "again").rgb, scene.rgb)


def test_black_is_deepest_unless_the_sidecar_says_inverted(folder: Path) -> None:
    (folder / "rgb.png").unlink()
    (folder / "map.yaml").unlink()
    normal = read_map_folder(folder)
    grey = load(folder, "depth_norm.png")
    deepest = np.unravel_index(np.where(normal.depth_valid, grey, 65535).argmin(), SHAPE)
    assert normal.depth[deepest] == normal.depth[normal.depth_valid].max()
    (folder / "map.yaml").write_text("polarity: inverted\n")
    inverted = read_map_folder(folder)
    valid = normal.depth_valid
    np.testing.assert_allclose(inverted.depth[valid], 1 - normal.depth[valid], rtol=0, atol=1e-6)


@pytest.mark.parametrize("margins", ["all", "rgb", "rgb and fault"])
def test_the_margin_goes_and_every_cell_keeps_its_place(folder: Path, margins: str) -> None:
    scene = read_map_folder(folder)
    for name in ("rgb.png", "fault_mask.png", "depth_norm.png", "depth_mask.png", "map_mask.png", "traps.png"):
        if margins == "all" or name[:3] in margins:
            pixels = load(folder, name)
            white = 0 if name == "map_mask.png" else 65535 if pixels.dtype == np.uint16 else 255
            pad = ((3, 5), (2, 8)) + ((0, 0),) * (pixels.ndim - 2)
            save(folder, name, np.pad(pixels, pad, constant_values=white))
    back = read_map_folder(folder)
    assert back.shape == scene.shape
    np.testing.assert_array_equal(back.rgb, scene.rgb)
    np.testing.assert_array_equal(back.traps, scene.traps)
    np.testing.assert_allclose(back.depth, scene.depth)
    # x0 and y0 are those of the depth file's first cell; with a margin around the depth that is not the map's.
    shift = (3, 2) if margins == "all" else (0, 0)
    np.testing.assert_allclose(back.geo.xy(0, 0), scene.geo.xy(*shift))


def test_a_map_that_reaches_no_edge_is_cropped_in_place(tmp_path: Path) -> None:
    scene = make_scene()
    inside = np.zeros(SHAPE, bool)
    inside[6:30, 4:50] = True
    rgb = np.where(inside[..., None], scene.rgb, 255).astype(np.uint8)
    rgb[6, 4:50] = (200, 60, 50)
    scene = scene.replace(map_valid=inside, depth_valid=inside & ~scene.fault, rgb=rgb)
    for margin, shape in [(0, (24, 46)), (10, SHAPE)]:
        write_map_folder(scene, tmp_path / str(margin), margin)
        back = read_map_folder(tmp_path / str(margin))
        assert back.shape == shape
        row, col = np.unravel_index(back.map_valid.argmax(), back.shape)
        np.testing.assert_allclose(back.geo.xy(row, col), scene.geo.xy(6, 4))
        assert back.map_valid.sum() == inside.sum()
        if margin:
            np.testing.assert_array_equal(back.rgb, rgb)


def test_masks_are_derived_when_absent(folder: Path) -> None:
    scene = read_map_folder(folder)
    (folder / "map_mask.png").unlink()
    (folder / "depth_mask.png").unlink()
    back = read_map_folder(folder)
    np.testing.assert_array_equal(back.map_valid, scene.map_valid)
    np.testing.assert_array_equal(back.depth_valid, scene.map_valid & ~scene.fault)


def test_pure_patches_that_stand_out_are_holes_but_a_crest_is_not(folder: Path) -> None:
    (folder / "depth_mask.png").unlink()
    (folder / "map.yaml").unlink()
    grey = load(folder, "depth_norm.png").copy()
    grey[18:23, 23:27] = 65535  # the crest, clipped
    grey[30:33, 10:14] = 0  # exported without a depth
    grey[4:8, 30:33] = 65535
    save(folder, "depth_norm.png", grey)
    scene = read_map_folder(folder)
    holes = np.zeros(SHAPE, bool)
    holes[30:33, 10:14] = holes[4:8, 30:33] = True
    np.testing.assert_array_equal(scene.depth_valid, scene.map_valid & ~scene.fault & ~holes)
    assert np.ptp(scene.depth[29:34, 9:15]) < 0.2  # filled from the rim


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


def coloured(along: list[tuple[int, int, int]]) -> np.ndarray:
    """The map of `make_scene` in a palette, deepest first."""
    scene = make_scene()
    t = (scene.depth.max() - scene.depth) / np.ptp(scene.depth)
    stops = np.linspace(0, 1, len(along))
    return np.stack([np.interp(t, stops, plane) for plane in np.array(along).T], axis=2).astype(np.uint8)


def blue_contours_on_grey() -> np.ndarray:
    """Grey, dark = deep; a blue line high up and a brown one at the deep end are ink."""
    scene = make_scene()
    rgb = coloured([(60, 60, 60), (220, 220, 220)])
    deepest = scene.depth.max()
    rgb[abs(scene.depth - scene.depth.min() - 12) < 1] = (40, 40, 160)
    rgb[abs(scene.depth - deepest) < 1] = (140, 80, 20)
    return rgb


@pytest.mark.parametrize(
    "rgb",
    [coloured([(10, 10, 80), (40, 120, 200), (60, 240, 255)]), blue_contours_on_grey()],
    ids=["a sea that is bluest near its shore", "coloured ink on a grey map"],
)
def test_colours_that_do_not_tell_deep_from_high_contradict_no_depth(tmp_path: Path, rgb: np.ndarray) -> None:
    write_map_folder(make_scene(rgb=rgb), tmp_path / "map")
    assert read_map_folder(tmp_path / "map").rgb is not None


def test_land_and_sea_upside_down_are_refused(tmp_path: Path) -> None:
    rgb = coloured([(20, 40, 140), (60, 200, 255), (60, 160, 60), (230, 220, 120), (140, 80, 40)])
    write_map_folder(make_scene(rgb=rgb), tmp_path / "map")
    assert read_map_folder(tmp_path / "map").rgb is not None
    (tmp_path / "map" / "map.yaml").write_text("polarity: inverted\n")
    with pytest.raises(UserError, match="contradicts the colours"):
        read_map_folder(tmp_path / "map")


def test_depth_as_an_array_with_holes(folder: Path) -> None:
    scene = read_map_folder(folder)
    for name in ("depth_norm.png", "depth_mask.png", "map_mask.png", "rgb.png"):
        (folder / name).unlink()
    depth = np.where(scene.depth_valid, scene.depth, np.nan)
    np.save(folder / "depth.npy", depth)
    back = read_map_folder(folder)
    np.testing.assert_array_equal(back.depth_valid, scene.depth_valid)
    np.testing.assert_array_equal(back.map_valid, scene.map_valid)
    np.testing.assert_array_equal(back.depth[scene.depth_valid], scene.depth[scene.depth_valid])
    (folder / "map.yaml").write_text("polarity: inverted\n")
    np.save(folder / "depth.npy", -depth)
    np.testing.assert_array_equal(read_map_folder(folder).depth, back.depth)


def test_holes_are_filled_by_choice(folder: Path) -> None:
    one, other = read_map_folder(folder, "inpaint"), read_map_folder(folder, "griddata")
    valid = one.depth_valid
    np.testing.assert_array_equal(one.depth[valid], other.depth[valid])
    assert np.any(one.depth != other.depth)


def test_flat_files(folder: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number in (1, 12):
        for file in folder.iterdir():
            side = "y" if file.stem == "traps" else "x"
            shutil.copy(file, flat / f"{number}_{side}_{file.stem}_north_sea{file.suffix}")
    found = find_flat_maps(flat)
    assert sorted(found) == ["12_north_sea", "1_north_sea"]
    scene, back = read_map_folder(folder), read_map_files("12_north_sea", found["12_north_sea"])
    np.testing.assert_array_equal(back.depth, scene.depth)
    np.testing.assert_array_equal(back.traps, scene.traps)
    shutil.copy(folder / "traps.png", flat / "A-geb.faults.png")
    assert list(find_flat_maps(flat, Layout(fault_mask="geb", flat="{name}-{kind}.faults"))) == ["A"]
    with pytest.raises(UserError, match=r"cannot tell maps and kinds apart"):
        find_flat_maps(flat, Layout(flat="{number}_{nome}"))


def cut(path: Path) -> None:
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
        ("rgb.png", cut, "damaged or cut off"),
        ("depth_norm.png", cut, "damaged or cut off"),
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


def test_nan_in_a_depth_that_is_shown_as_measured(folder: Path) -> None:
    depth = read_map_folder(folder).depth.copy()
    (folder / "depth_norm.png").unlink()
    depth[20, 20] = np.nan
    np.save(folder / "depth.npy", depth)
    with pytest.raises(UserError, match="NaN in 1 cells"):
        read_map_folder(folder)
    depth[20, 20] = np.inf
    np.save(folder / "depth.npy", depth)
    with pytest.raises(UserError, match="infinite"):
        read_map_folder(folder)
    np.save(folder / "depth.npy", np.full(SHAPE, np.nan, np.float32))
    (folder / "depth_mask.png").unlink()
    with pytest.raises(UserError, match="the map is empty"):
        read_map_folder(folder)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("unit", [None, "m"])
def test_a_true_surface_comes_back_beside_its_poor_copy(tmp_path: Path, bits: int, unit: str | None) -> None:
    rows, cols = np.indices((20, 30), np.float32)
    clean = 1000 + 10 * np.hypot(rows - 8, cols - 12)
    poor = clean + np.where((rows + cols) % 7 == 0, np.float32(60), np.float32(-60))  # beyond the clean one's range
    inside = np.ones(clean.shape, np.bool_)
    scene = Scene("poor", poor, inside, inside, ~inside, geo=GeoReference(depth_unit=unit), true_depth=clean)
    write_map_folder(scene, tmp_path / "poor", depth_bits=bits)
    again = read_map_folder(tmp_path / "poor")
    assert again.true_depth is not None
    step = np.ptp(poor) / (255 if bits == 8 else 65535)
    assert np.abs(again.true_depth - clean).max() <= np.ptp(poor) / 65535 + 1e-3
    assert np.abs(again.depth - poor).max() <= step + 1e-3


def test_a_true_surface_needs_a_copy_and_one_scale(folder: Path) -> None:
    shutil.copy(folder / "depth_norm.png", folder / "depth_clean.png")
    assert np.array_equal(read_map_folder(folder).true_depth, read_map_folder(folder).depth)
    (folder / "depth_norm.png").unlink()
    with pytest.raises(UserError, match="no depth that is a copy"):
        read_map_folder(folder)
    np.save(folder / "depth.npy", np.zeros((40, 60), np.float32))
    (folder / "map.yaml").unlink()
    with pytest.raises(UserError, match="depth_range"):
        read_map_folder(folder)
