"""Lists of maps: what lies where is found, faults go with their grid, names are unique."""

import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.catalogue import find_maps, list_maps, read_map
from targets.io.grid_map import read_grid
from targets.io.grids.registry import read_surface, write_grid
from targets.io.map_folder.layout import Layout
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference, Scene

GEO = GeoReference(1000.0, 2000.0, 10.0, -10.0)


def write_map(folder: Path, group: str = "") -> None:
    r, c = np.mgrid[:20, :30]
    depth = np.hypot(r - 10, c - 15).astype(np.float32)
    t = (depth / depth.max())[..., None]
    rgb = (t * [0, 0, 255] + (1 - t) * [255, 0, 0]).astype(np.uint8)
    full = np.ones(depth.shape, bool)
    write_map_folder(Scene("m", depth, full, full, ~full, rgb, geo=GEO, group=group), folder)


def write_top(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_grid(np.random.default_rng(0).normal(2000, 50, (20, 30)).astype(np.float32), GEO, path)


def write_fault(path: Path, col: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    x = 1000 + 10 * col
    path.write_text(f"fault,x,y\nA,{x},1990\nA,{x},1850\n")


def flat(folder: Path, source: Path, number: int, name: str) -> None:
    folder.mkdir(exist_ok=True)
    for file in source.iterdir():
        shutil.copy(file, folder / f"{number}_x_{file.stem}_{name}{file.suffix}")


def names(*paths: Path) -> list[str]:
    return [source.name for source in list_maps(paths)]


def test_folders_flat_sets_pictures_and_grids(tmp_path: Path) -> None:
    write_map(tmp_path / "maps" / "a", "field")
    write_map(tmp_path / "maps" / "b")
    flat(tmp_path / "flat", tmp_path / "maps" / "b", 3, "north")
    flat(tmp_path / "flat", tmp_path / "maps" / "b", 4, "north")
    write_top(tmp_path / "grids" / "top.npz")
    (tmp_path / "grids" / "notes.txt").write_text("a text")
    shutil.copy(tmp_path / "maps" / "a" / "rgb.png", tmp_path / "picture.png")
    sources = list_maps(
        [tmp_path / "maps", tmp_path / "flat", tmp_path / "grids", tmp_path / "picture.png", tmp_path / "maps" / "a"]
    )
    assert [(source.name, source.kind) for source in sources] == [
        ("a", "folder"), ("b", "folder"), ("3_north", "flat"), ("4_north", "flat"), ("top", "grid"),
        ("picture", "picture"),
    ]  # fmt: skip
    scenes = [read_map(source) for source in sources]
    assert [scene.name for scene in scenes] == [source.name for source in sources]
    assert [scene.group for scene in scenes[:4]] == ["field", "m", "m", "m"]
    assert [scene.depth_valid.any() for scene in scenes] == [True] * 5 + [False]
    assert sources[0].path == tmp_path / "maps" / "a" and sources[4].path == tmp_path / "grids" / "top.npz"


def test_flat_maps_of_one_name_are_cuts_of_one_map(tmp_path: Path) -> None:
    write_map(tmp_path / "a")
    (tmp_path / "a" / "map.yaml").unlink()
    flat(tmp_path / "flat", tmp_path / "a", 1, "north")
    flat(tmp_path / "flat", tmp_path / "a", 2, "north")
    flat(tmp_path / "flat", tmp_path / "a", 3, "south")
    assert [read_map(source).group for source in list_maps([tmp_path / "flat"])] == ["north", "north", "south"]


def test_deeper_folders_are_looked_into_only_where_nothing_lies_above(tmp_path: Path) -> None:
    write_top(tmp_path / "all" / "reek" / "top.npz")
    write_top(tmp_path / "all" / "reek" / "original" / "top_raw.npz")
    write_top(tmp_path / "all" / "drogon" / "original" / "top.npz")
    assert names(tmp_path / "all") == ["original_top", "reek_top"]


def test_one_folder_may_hold_maps_of_every_kind(tmp_path: Path) -> None:
    write_map(tmp_path / "all" / "scene")
    flat(tmp_path / "all", tmp_path / "all" / "scene", 7, "north")
    for name in ("a.npz", "b.gri", "c.irap", "d.zmap", "e.tif"):
        write_top(tmp_path / "all" / name)
    write_fault(tmp_path / "all" / "faults.csv", 5)
    sources = list_maps([tmp_path / "all"])
    assert [source.name for source in sources] == ["7_north", "a", "b", "c", "d", "e", "scene"]
    assert [source.kind for source in sources] == ["flat", *["grid"] * 5, "folder"]
    assert all(source.fault_files == (tmp_path / "all" / "faults.csv",) for source in sources[1:6])
    assert {read_map(source).shape for source in sources} == {(20, 30)}


def test_a_damaged_grid_of_a_folder_is_listed_and_only_its_reading_fails(tmp_path: Path) -> None:
    write_top(tmp_path / "good.npz")
    whole = (tmp_path / "good.npz").read_bytes()
    damaged = {"cut.npz": whole[: len(whole) // 2], "empty.gri": b"", "text.tif": b"Dear reader",
               "zipped.gz": b"\x1f\x8b\x08\x00broken"}  # fmt: skip
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "letter.txt").write_text("Dear reader")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    sources = list_maps([tmp_path])
    assert [source.name for source in sources] == ["cut", "empty", "good", "text", "zipped"]
    for source in sources:
        if source.name != "good":
            with pytest.raises(UserError, match=str(source.path)):
                read_map(source)


def test_names_are_unique_and_can_name_files(tmp_path: Path) -> None:
    for path in ("a/Top one!.npz", "b/top_one_.npz", "b/x/top_one_.npz", "c/b/top_one_.npz", "d/ß ü.npz"):
        write_top(tmp_path / path)
    found = names(*sorted(tmp_path.rglob("*.npz")))
    assert found == ["a_Top_one", "b_top_one", "x_top_one", "b_top_one_2", "ß_ü"]


def test_a_grid_takes_its_own_faults_before_those_of_the_folder(tmp_path: Path) -> None:
    for name in ("top1", "top10", "base"):
        write_top(tmp_path / f"{name}.npz")
    write_fault(tmp_path / "top1_fault_traces.csv", 5)
    write_fault(tmp_path / "top10.pol.csv", 9)
    write_fault(tmp_path / "faults.csv", 20)
    (tmp_path / "wells.csv").write_text("name,x,y\nA,1,2\n")
    found = {source.name: [path.name for path in source.fault_files] for source in list_maps([tmp_path])}
    assert found == {"base": ["faults.csv"], "top1": ["top1_fault_traces.csv"], "top10": ["top10.pol.csv"]}
    (alone,) = list_maps([tmp_path / "top1.npz"])
    assert [path.name for path in alone.fault_files] == ["top1_fault_traces.csv"]
    scene = read_map(alone)
    assert scene.fault[3, 5] and not scene.fault[3, 20] and scene.name == "top1"


def test_other_names_of_the_files(tmp_path: Path) -> None:
    write_map(tmp_path / "a")
    (tmp_path / "a" / "fault_mask.png").rename(tmp_path / "a" / "faults.png")
    layout = Layout(fault_mask="faults")
    (source,) = list_maps([tmp_path / "a"], ReadOptions(layout=layout))
    assert read_map(source).shape == (20, 30)


def test_what_holds_no_map_is_named(tmp_path: Path) -> None:
    cases = [(tmp_path / "nowhere", "no such file"), (tmp_path / "nowhere.png", "no such file")]
    (tmp_path / "empty").mkdir()
    cases.append((tmp_path / "empty", "holds no map"))
    (tmp_path / "letter.txt").write_text("Dear reader")
    cases.append((tmp_path / "letter.txt", "not a grid of a known format: text that begins with 'Dear reader'"))
    for path, says in cases:
        with pytest.raises(UserError) as caught:
            read_map(list_maps([path])[0])
        assert says in str(caught.value) and str(caught.value).startswith(str(path))


def test_the_shared_surfaces_with_their_faults(shared_data: Path) -> None:
    found = {source.name: [path.name for path in source.fault_files] for source in list_maps([shared_data])}
    assert len(found) == 18 and "gauss_200_cellbased" not in found
    assert found["topreek"] == found["basereek"] == ["faults.csv"]
    assert found["topvolantis"] == ["topvolantis_fault_traces.csv"]
    assert found["top_fangst"] == []
    (gri,) = list_maps([shared_data / "reek" / "original" / "topreek_rota.gri"])
    assert [path.name for path in gri.fault_files] == ["top_upper_reek_faultpoly.zmap"]
    scene, array = read_map(gri), read_map(next(s for s in list_maps([shared_data / "reek"]) if s.name == "topreek"))
    np.testing.assert_array_equal(scene.depth, array.depth)
    assert (scene.fault != array.fault).mean() < 1e-4 and scene.group == array.group
    for source in list_maps([shared_data]):
        scene = read_map(source)
        assert scene.name == source.name and np.isfinite(scene.depth).all()


@pytest.mark.parametrize("name", ["x..", "-rf", "=1+1", "@a", "a;b", "a\nb", "<b>", "$x", "\u202ea", "CON "])
def test_a_map_of_any_name_is_called_what_can_name_a_file(tmp_path: Path, name: str) -> None:
    write_map(tmp_path / name)
    write_map(tmp_path / f"{name}2")
    for source in list_maps([tmp_path]):
        assert re.fullmatch(r"\w[\w.-]*", source.name) and (tmp_path / "out" / source.name).parent == tmp_path / "out"


def lines(*paths: Path, **reading: object) -> list[str]:
    """What is said before maps are read, with the names of files alone."""
    said = find_maps(paths, ReadOptions(**reading)).lines
    return [re.sub(r"(not read: )\S*/", r"\1", line) for line in said]


def test_every_surface_that_is_not_read_is_named_with_the_reason(tmp_path: Path) -> None:
    write_top(tmp_path / "top.npz")
    contents = {
        "pdf.grd": b"%PDF-1.7 ...", "zip.asc": b"PK\x03\x04 doc xl/ ...", "empty.xyz": b"", "prose.grd": b"Dear reader",
        "page.tsv": b"<html><body>log in", "binary.dem": bytes(range(1, 200)), "wells.csv": b"a,b,c\n" + b"1,2,x\n" * 9,
        "weird.txt": b"a b c\n" + b"q 1 2\n" * 9, "word.dem": b"\xd0\xcf\x11\xe0" + bytes(99),
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    said = {line.split(":")[1].strip(): line for line in lines(tmp_path)}
    looks = {
        "pdf.grd": "a PDF document", "zip.asc": "an Excel workbook", "empty.xyz": "empty", "word.dem": "an old Excel",
        "prose.grd": "text that begins with 'Dear reader'", "binary.dem": "binary data that begins with 01 02",
        "wells.csv": "text with 3 columns, such as 'a,b,c' and '1,2,x'", "weird.txt": "text with 3 columns",
    }  # fmt: skip
    assert {name for name in said if name in looks} == set(looks)
    for name, look in looks.items():
        assert f"not a grid of a known format: {look}" in said[name] and "copy it again" not in said[name]


def test_what_is_obviously_no_surface_makes_no_noise(tmp_path: Path) -> None:
    write_map(tmp_path / "maps" / "a")
    write_top(tmp_path / "grids" / "top.npz")
    write_fault(tmp_path / "grids" / "top_faults.csv", 5)
    for folder in ("maps", "grids", "maps/a"):
        for name in ("README", "README.md", "notes.txt", "run.yaml", "top.qml", "top.prj", "paper.pdf", ".hidden.grd",
                     "metrics.csv", "contact_sheet.png", "log.log", "closures.gpkg", "Thumbs.db"):  # fmt: skip
            (tmp_path / folder / name).write_text("1 2 3\n" * 20 if name == "metrics.csv" else "a text")
    assert lines(tmp_path / "maps", tmp_path / "grids") == []


def test_pictures_and_folders_beside_grids_are_named_once(tmp_path: Path) -> None:
    write_map(tmp_path / "a")
    write_top(tmp_path / "grids" / "top.npz")
    write_top(tmp_path / "grids" / "original" / "raw" / "top_raw.npz")
    (tmp_path / "grids" / "papers").mkdir()
    for name in ("b", "c", "d", "e"):
        shutil.copy(tmp_path / "a" / "rgb.png", tmp_path / "grids" / f"{name}.png")
    assert lines(tmp_path / "grids") == [
        "not read: grids: 4 pictures are not read beside grids (b.png, c.png, d.png, …); name a picture to read it",
        "not read: original: holds maps, but is not looked into: the folder above holds maps; name it to read them",
    ]


def test_a_folder_without_maps_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.grd").write_bytes(b"%PDF-1.7")
    with pytest.raises(UserError, match=r"holds no map \(a.grd: not a grid of a known format: a PDF document\)"):
        list_maps([tmp_path])


def test_python_callers_are_told_by_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_top(tmp_path / "top.npz")
    (tmp_path / "a.grd").write_bytes(b"%PDF-1.7")
    np.save(tmp_path / "deep.npy", np.linspace(-2000, -1900, 12).reshape(3, 4))
    list_maps([tmp_path])
    assert [record.message for record in caplog.records] == [
        f"not read: {find_maps([tmp_path]).left_out[0]}"
    ] and caplog.records[0].levelname == "WARNING"
    caplog.clear()
    read_grid(tmp_path / "deep.npy")
    read_surface(tmp_path / "deep.npy")
    assert len(caplog.records) == 2
    assert all("all values are negative (-2000 to -1900)" in record.message for record in caplog.records)
    caplog.clear()
    scene = read_map(list_maps([tmp_path / "deep.npy"])[0])
    assert not caplog.records and "all values are negative" in scene.provenance.notes[0]


def test_a_map_folder_that_contradicts_itself_stops_no_other(tmp_path: Path) -> None:
    write_map(tmp_path / "a")
    write_map(tmp_path / "b")
    shutil.copy(tmp_path / "a" / "rgb.png", tmp_path / "a" / "rgb.jpg")
    bad, good = list_maps([tmp_path])
    assert read_map(good).name == "b"
    with pytest.raises(UserError, match="a second file of the kind rgb"):
        read_map(bad)


@pytest.mark.parametrize("kind", ["pipe", "loop", "folder", "device", "deep", "sparse"])
def test_files_that_are_none_neither_hang_nor_stop_the_others(tmp_path: Path, kind: str) -> None:
    write_top(tmp_path / "top.npz")
    odd = tmp_path / "odd.tif"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "loop":
        odd.symlink_to(tmp_path / "other.tif")
        (tmp_path / "other.tif").symlink_to(odd)
    elif kind == "folder":
        odd.mkdir()
    elif kind == "device":
        odd.symlink_to("/dev/zero")
    elif kind == "deep":
        deep = tmp_path
        for _ in range(60):
            deep = deep / "d"
        deep.mkdir(parents=True)
        (deep / "up").symlink_to(tmp_path)
    elif kind == "sparse":
        with odd.open("wb") as file:
            file.truncate(2**33)
    sources = list_maps([tmp_path])
    assert [source.name for source in sources if source.problem is None][-1] == "top"
    if kind in ("pipe", "loop", "device", "sparse"):
        with pytest.raises(UserError, match=r"odd.tif: (is a|cannot be read|claims 8.0 GB)"):
            read_map(list_maps([odd])[0])


def test_listing_is_linear_in_the_number_of_grids(tmp_path: Path) -> None:
    write_top(tmp_path / "a" / "top.npz")
    seconds = []
    for count in (40, 160):
        folder = tmp_path / str(count)
        folder.mkdir()
        for k in range(count):
            shutil.copy(tmp_path / "a" / "top.npz", folder / f"top{k}.npz")
            write_fault(folder / f"top{k}_faults.csv", 5)
        started = time.process_time()
        assert all(len(source.fault_files) == 1 for source in list_maps([folder]))
        seconds.append(time.process_time() - started)
    assert seconds[1] < 10 * seconds[0]  # 4 if linear, 16 if quadratic


def test_what_lies_beside_a_grid_belongs_to_its_input(tmp_path: Path) -> None:
    write_top(tmp_path / "top.tif")
    assert [path.name for path in list_maps([tmp_path])[0].input_files] == ["top.tif"]
    for name in ("top.prj", "top.tfw", "top.tif.aux.xml", "top.qml"):
        (tmp_path / name).write_text("")
    found = {path.name for path in list_maps([tmp_path])[0].input_files}
    assert found == {"top.tif", "top.prj", "top.tfw", "top.tif.aux.xml"}
