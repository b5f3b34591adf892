"""Places of pictures: a margin moves no coordinate, and world files, GeoTIFF tags and map.yaml say the same."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.grids.registry import write_grid
from targets.io.map_folder.location import read_picture_location
from targets.io.map_folder.reader import read_map_files
from targets.io.map_folder.writer import write_map_folder
from targets.scene import GeoReference
from tests.targets.io.map_folder.samples import SHAPE, make_scene, save

PLACE = "x0: 5000\ny0: 9000\ndx: 25\ndy: -25\nrotation: 12.5\ncrs: EPSG:23031\n"
sides = st.tuples(*[st.integers(0, 30)] * 4)


def on_page(array: np.ndarray, margin: tuple[int, int, int, int], value: int = 255) -> np.ndarray:
    top, bottom, left, right = margin
    widths = [(top, bottom), (left, right)] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, widths, constant_values=value)


def write_page(folder: Path, margin: tuple[int, int, int, int], with_masks: bool) -> dict[str, Path]:
    """The sample's picture on a white page, alone or with faults and traps of its size."""
    scene = make_scene(map_valid=np.ones(SHAPE, bool))
    rgb = np.where(scene.rgb.min(axis=2, keepdims=True) > 239, 90, scene.rgb).astype(np.uint8)  # no white inside
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"rgb": rgb} | ({"fault_mask": ~scene.fault * np.uint8(255), "traps": ~scene.traps * np.uint8(255)}
                             if with_masks else {})  # fmt: skip
    for kind, array in arrays.items():
        save(folder, f"{kind}.png", on_page(array, margin))
    return {kind: folder / f"{kind}.png" for kind in arrays}


@settings(max_examples=15, deadline=None)
@given(margin=sides, with_masks=st.booleans(), located=st.booleans())
def test_a_margin_moves_no_coordinate_of_the_map(
    tmp_path_factory: pytest.TempPathFactory, margin: tuple[int, int, int, int], with_masks: bool, located: bool
) -> None:
    folder = tmp_path_factory.mktemp("page")
    plain, page = (write_page(folder / name, sides, with_masks)
                   for name, sides in (("plain", (0, 0, 0, 0)), ("page", margin)))  # fmt: skip
    if located:
        # The page's own first pixel lies so far outside the map.
        geo = GeoReference(5000.0, 9000.0, 25.0, -25.0, 12.5)
        x, y = geo.xy(-margin[0], -margin[2])
        (folder / "plain" / "map.yaml").write_text(PLACE)
        (folder / "page" / "map.yaml").write_text(PLACE.replace("5000", f"{x:.9f}").replace("9000", f"{y:.9f}"))
        plain["map"], page["map"] = folder / "plain" / "map.yaml", folder / "page" / "map.yaml"
    before, after = read_map_files("map", plain), read_map_files("map", page)
    assert after.shape == before.shape and after.provenance.margin == margin
    rows, cols = np.indices(SHAPE)
    shift = 0 if located else np.array([margin[2], margin[0]])[:, None, None]
    np.testing.assert_allclose(
        np.array(after.geo.xy(rows, cols)), np.array(before.geo.xy(rows, cols)) + shift, atol=1e-6
    )
    back = np.array(after.geo.rowcol(*after.geo.xy(rows, cols)))
    np.testing.assert_allclose(back, np.array([rows, cols]), atol=1e-6)


@pytest.mark.parametrize("margin", [0, 7])
def test_files_without_the_margin_lie_where_map_yaml_says(tmp_path: Path, margin: int) -> None:
    for scene in (make_scene(), make_scene(depth=np.zeros(SHAPE, np.float32), depth_valid=np.zeros(SHAPE, bool))):
        folder = tmp_path / f"{margin}_{scene.has_depth}"
        write_map_folder(scene, folder, margin=margin)
        back = read_map(list_maps([folder])[0])
        assert back.geo.affine() == scene.geo.affine() and back.provenance.margin == (margin,) * 4


def world(numbers: tuple[float, ...]) -> str:
    return "".join(f"{number}\n" for number in numbers)


@pytest.mark.parametrize("suffix", [".pgw", ".pngw", ".wld", ".PGW"])
def test_a_world_file_places_the_picture_as_it_is_on_disk(tmp_path: Path, suffix: str) -> None:
    files = write_page(tmp_path, (3, 4, 5, 6), with_masks=True)
    (tmp_path / f"rgb{suffix}").write_text(world((25, 0, 0, -25, 5000, 9000)))
    scene = read_map_files("map", files)
    assert (scene.geo.x0, scene.geo.y0, scene.geo.dx, scene.geo.dy) == (5125, 8925, 25, -25)
    assert f"located by rgb{suffix}" in scene.provenance.format


@settings(max_examples=20, deadline=None)
@given(dx=st.floats(0.1, 100), dy=st.floats(-100, -0.1), rotation=st.floats(-179, 179))
def test_rotated_world_files_are_those_of_the_same_location(
    tmp_path_factory: pytest.TempPathFactory, dx: float, dy: float, rotation: float
) -> None:
    folder = tmp_path_factory.mktemp("world")
    geo = GeoReference(5e5, 6e6, dx, dy, rotation)
    a, b, c, d, e, f = geo.affine()
    (folder / "map.wld").write_text(world((a, d, b, e, c, f)))
    found, _ = read_picture_location(folder / "map.png")
    np.testing.assert_allclose(found.affine(), geo.affine(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("numbers", "says"),
    [("1 2 3", "six numbers"), ("a b c d e f", "six numbers"), ("25 0 0 25 5000 9000", "mirrored"),
     ("25 5 0 -25 0 0", "sheared"), ("0 0 0 0 1 1", "pixels of 0"), ("25 0 0 nan 1 1", "six numbers"),
     ("1 " * 9999, "too long")],
)  # fmt: skip
def test_damaged_world_files_are_named(tmp_path: Path, numbers: str, says: str) -> None:
    (tmp_path / "map.pgw").write_text(numbers)
    with pytest.raises(UserError, match=says):
        read_picture_location(tmp_path / "map.png")


def test_decimal_commas_in_a_world_file(tmp_path: Path) -> None:
    (tmp_path / "map.pgw").write_text("12,5\n0\n0\n-12,5\n500000,25\n6000000,75\n")
    found, _ = read_picture_location(tmp_path / "map.png")
    assert (found.dx, found.dy, found.x0, found.y0) == (12.5, -12.5, 500000.25, 6000000.75)


def test_a_colour_geotiff_and_what_gdal_writes_beside_a_picture(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    rgb = make_scene().rgb
    rgb = np.where(rgb.min(axis=2, keepdims=True) > 239, 90, rgb).astype(np.uint8)
    transform = rasterio.transform.from_origin(5000 - 12.5, 9000 + 12.5, 25, 25)
    for name, driver in (("tags.tif", "GTiff"), ("pam.png", "PNG")):
        with rasterio.open(tmp_path / name, "w", driver=driver, width=SHAPE[1], height=SHAPE[0], count=3,
                           dtype="uint8", crs="EPSG:23031", transform=transform) as file:  # fmt: skip
            file.write(rgb.transpose(2, 0, 1))
        (source,) = list_maps([tmp_path / name])
        scene = read_map(source)
        assert source.kind == "picture" and not scene.has_depth
        assert (scene.geo.x0, scene.geo.y0, scene.geo.dx, scene.geo.dy) == (5000, 9000, 25, -25)
        assert scene.geo.crs and scene.geo.xy_unit == "m"
        np.testing.assert_array_equal(scene.rgb, rgb)


def test_what_a_file_beside_a_picture_names_is_not_opened(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    transform = rasterio.transform.from_origin(0, 90, 10, 10)
    with rasterio.open(tmp_path / "map.tif", "w", driver="GTiff", width=4, height=3, count=3, dtype="uint8",
                       transform=transform) as file:  # fmt: skip
        file.write(np.full((3, 3, 4), 90, np.uint8))
    for name in ("map.tif.aux.xml", "map.tif.msk", "map.tfw", "map.prj"):
        os.mkfifo(tmp_path / name)  # to open it would wait for ever
    found, name = read_picture_location(tmp_path / "map.tif")
    assert (found.x0, found.y0, found.dx, found.dy, name) == (5, 85, 10, -10, "map.tif")


def test_map_yaml_and_world_file_must_agree(tmp_path: Path) -> None:
    files = write_page(tmp_path, (3, 4, 5, 6), with_masks=False)
    (tmp_path / "rgb.pgw").write_text(world((25, 0, 0, -25, 5000, 9000)))
    files["map"] = tmp_path / "map.yaml"
    files["map"].write_text("x0: 5000\ny0: 9001\ndx: 25\ndy: -25\ncrs: EPSG:23031\n")
    scene = read_map_files("map", files)
    assert (scene.geo.x0, scene.geo.y0, scene.geo.crs) == (5125, 8925, "EPSG:23031")
    files["map"].write_text("x0: 6000\ny0: 9000\n")
    with pytest.raises(UserError, match=r"x0 is 6000, but rgb.pgw says 5000"):
        read_map_files("map", files)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".webp", ".tif", ".jpg"])
def test_pictures_of_every_format(tmp_path: Path, suffix: str) -> None:
    rgb = np.repeat(np.repeat(make_scene().rgb, 4, axis=0), 4, axis=1)
    Image.fromarray(rgb).save(tmp_path / f"north{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    (source,) = list_maps([tmp_path])
    scene = read_map(source)
    assert (source.kind, scene.shape) == ("picture", rgb.shape[:2])
    if suffix not in (".gif", ".jpg"):
        np.testing.assert_array_equal(scene.rgb, rgb)


def test_sidecars_of_pictures_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path, f"{name}.png", make_scene().rgb)
    (tmp_path / "map.yaml").write_text("dx: 25\ndy: -25\ncrs: EPSG:23031\n")
    (tmp_path / "a.yaml").write_text("x0: 1\ny0: 2\npolarity: inverted\n")
    one, other = (read_map(source) for source in list_maps([tmp_path]))
    assert one.geo.located and not other.geo.located and one.geo.crs == other.geo.crs == "EPSG:23031"
    notes = [" ".join(scene.provenance.notes) for scene in (one, other)]
    assert "is high, as asked" in notes[0] and "as asked" not in notes[1]
    (tmp_path / "map.yaml").write_text("x0: 1\ny0: 2\n")
    with pytest.raises(UserError, match="x0 and y0 for 2 maps at once"):
        read_map(list_maps([tmp_path])[0])


def test_a_grid_and_its_picture_must_lie_at_one_place(tmp_path: Path) -> None:
    scene = make_scene(geo=GeoReference(5000.0, 9000.0, 25.0, -25.0))
    write_map_folder(scene, tmp_path / "map", margin=4, depth_bits=32)
    write_grid(scene.depth, scene.geo, tmp_path / "map" / "depth.zmap")
    for name in ("depth.npy", "map.yaml"):
        (tmp_path / "map" / name).unlink()
    for x0, is_right in ((4900, True), (5000, False)):  # the page begins 4 pixels before the map
        (tmp_path / "map" / "rgb.pgw").write_text(world((25, 0, 0, -25, x0, 9100)))
        if is_right:
            assert read_map(list_maps([tmp_path])[0]).geo.affine() == scene.geo.affine()
        else:
            with pytest.raises(UserError, match=r"x0 is 5000, but rgb.pgw says 5100"):
                read_map(list_maps([tmp_path])[0])
