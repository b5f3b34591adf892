"""Fault files find their grids: by name and content, whatever the suffix, and nothing else is taken for faults."""

import time
from pathlib import Path

import numpy as np
import pytest

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.listing.fault_matching import FaultMatcher
from targets.io.read_options import ReadOptions

TABLE = "x,y,z,fault\n100,-100,5,A\n200,-100,5,A\n100,-300,5,B\n300,-300,5,B\n"
BLOCKS = "100 -100 5\n200 -100 5\n999 999 999\n100 -300 5\n300 -300 5\n"
GEOJSON = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "A"}, "geometry": '
    '{"type": "LineString", "coordinates": [[100, -100], [200, -100]]}}, {"type": "Feature", "properties": '
    '{"name": "B"}, "geometry": {"type": "LineString", "coordinates": [[100, -300], [300, -300]]}}]}'
)
SUFFIXES = dict.fromkeys(("pol", "dat", "txt", "xyz", "asc", "", "irap", "lin", "zmap"), BLOCKS)
SUFFIXES |= dict.fromkeys(("csv", "prn"), TABLE) | dict.fromkeys(("geojson", "json"), GEOJSON)


def dome(rows: int = 40, cols: int = 40) -> np.ndarray:
    row, col = np.indices((rows, cols))
    return (1000 + np.hypot(row - rows / 2, col - cols / 2)).astype(np.float32)


def write_grid(path: Path) -> Path:
    with path.open("wb") as file:
        np.savez(file, depth=dome(), x0=0.0, y0=0.0, dx=10.0, dy=-10.0)
    return path


def write_points(path: Path, separator: str = " ") -> Path:
    row, col = np.indices((40, 40))
    table = np.column_stack([10.0 * col.ravel(), -10.0 * row.ravel(), dome().ravel()])
    np.savetxt(path, table, fmt="%.2f", delimiter=separator, header="x,y,z" if separator == "," else "", comments="")
    return path


def matched(grid: Path, fault_file: Path | None = None) -> list[str]:
    return [file.name for file in FaultMatcher(fault_file).match(grid).files]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "name", ["top_faults", "TOP_FAULTS", "top-Fault", "top.faults", "top_flt", "top_разломы", "faults", "разломы"]
)
def test_any_suffix_and_word_is_found_from_the_file_and_from_its_folder(tmp_path, suffix, name):
    grid = write_grid(tmp_path / "top.npz")
    file = tmp_path / (f"{name}.{suffix}" if suffix else name)
    file.write_text(SUFFIXES[suffix])
    assert matched(grid) == [file.name]
    for path in (grid, tmp_path):
        (source,) = list_maps([path])
        provenance = read_map(source).provenance
        assert provenance is not None and provenance.fault_files == ((file.name, 2),)


@pytest.mark.parametrize(
    ("grid", "sibling"),
    [
        ("top.xyz", "top_base.xyz"), ("top.csv", "top_base.csv"), ("top.npz", "top_thickness.zmap"),
        ("top.npz", "top_wells.csv"), ("top.npz", "top_faulted.xyz"), ("top.npz", "default_wells.csv"),
        ("top.npz", "top.csv"), ("top.xyz", "top_with_faults.xyz"),
    ],
)  # fmt: skip
def test_grids_and_wells_beside_a_grid_are_no_faults(tmp_path, grid, sibling):
    path = write_points(tmp_path / grid, "," if grid.endswith("csv") else " ")
    if grid.endswith("npz"):
        write_grid(path)
    if "wells" in sibling:
        (tmp_path / sibling).write_text("name,x,y\nW-1,100,-100\nW-2,200,-200\nW-3,50,-20\n")
    elif sibling.endswith("zmap"):
        from targets.io.grids.registry import write_grid as write_any
        from targets.scene import GeoReference

        write_any(dome(), GeoReference(0.0, 0.0, 10.0, -10.0), tmp_path / sibling)
    else:
        write_points(tmp_path / sibling, "," if sibling.endswith("csv") else " ")
    assert matched(path) == []
    (source,) = list_maps([path])
    assert not read_map(source).fault.any()


def test_a_file_that_is_only_called_faults_gets_a_line_and_does_not_stop_the_map(tmp_path):
    grid = write_grid(tmp_path / "top.npz")
    (tmp_path / "top_faults.txt").write_text("The faults were picked by hand.\nAsk the office.\n")
    (tmp_path / "top_faults.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "faults.dat").write_text("")
    (tmp_path / "top_faults.kml").write_text("<kml><coordinates>1,2,3 4,5,6</coordinates></kml>\n")
    (tmp_path / "top_faults.png").write_bytes(b"\x89PNG")
    (tmp_path / "top_outline.pol").write_text(BLOCKS)
    (source,) = list_maps([grid])
    scene = read_map(source)
    assert not scene.fault.any() and scene.provenance is not None
    notes = "\n".join(scene.provenance.notes)
    for words in ("top_faults.txt is not used as faults: it holds no coordinates", "top_faults.xlsx is not used",
                  "faults.dat is not used as faults: it is empty", "top_outline.pol is not used",
                  "KML files are not read: save it as GeoJSON"):  # fmt: skip
        assert words in notes
    assert "png" not in notes


def test_a_damaged_file_of_faults_is_refused_with_a_way_out(tmp_path):
    grid = write_grid(tmp_path / "top.npz")
    (tmp_path / "top_faults.csv").write_text(TABLE + "300,bad,5,B\n300,-200,5,B\n")
    (source,) = list_maps([grid])
    with pytest.raises(UserError, match=r"top_faults\.csv: .*bad.*--fault_file none"):
        read_map(source)
    (source,) = list_maps([grid], ReadOptions(fault_file=Path("none")))
    assert not read_map(source).fault.any()


def test_one_of_two_files_of_one_name_is_used_and_the_other_named(tmp_path):
    grid = write_grid(tmp_path / "top.npz")
    (tmp_path / "top_faults.dat").write_text(BLOCKS)
    (tmp_path / "top_faults.geojson").write_text(GEOJSON)
    match = FaultMatcher().match(grid)
    assert [file.name for file in match.files] == ["top_faults.geojson"]
    assert len(match.notes) == 1 and "top_faults.dat" in match.notes[0] and "--fault_file" in match.notes[0]


def test_the_user_chooses_a_file(tmp_path):
    grid = write_grid(tmp_path / "top.npz")
    (tmp_path / "top_faults.csv").write_text(TABLE)
    other = tmp_path / "somewhere" / "lines of mine.txt"
    other.parent.mkdir()
    other.write_text("100 -100 5\n150 -150 5\n")
    assert matched(grid, other) == [other.name] and matched(grid, Path("none")) == []
    with pytest.raises(UserError, match=r"--fault_file: .*nowhere\.csv: no such file"):
        FaultMatcher(tmp_path / "nowhere.csv")


def test_a_table_of_the_grids_name_with_a_column_of_faults_is_used(tmp_path):
    grid = write_grid(tmp_path / "top.npz")
    (tmp_path / "top.csv").write_text(TABLE)
    (tmp_path / "other.csv").write_text(TABLE)
    assert matched(grid) == ["top.csv"]


STICKS = [(300 + 10 * pick, -40 * stick, 950 + 50 * pick, stick) for stick in range(10) for pick in range(4)]
STICK_TABLES = {
    "a stick column": ("csv", "x,y,z,stick\n", "{0},{1},{2},{3}\n"),
    "names in a fault column": ("csv", "X;Y;Z;Fault\n", "{0};{1};{2};A\n"),
    "Charisma": ("dat", "", "INLINE- {3} XLINE- 7 {0}.00 {1}.00 {2}.00 7 A {3}\n"),
}


@pytest.mark.parametrize("table", STICK_TABLES)
def test_sticks_picked_at_equal_steps_are_faults_and_no_grid(tmp_path, table):
    grid = write_grid(tmp_path / "top.npz")
    suffix, head, row = STICK_TABLES[table]
    file = tmp_path / f"top_faults.{suffix}"
    file.write_text(head + "".join(row.format(*pick) for pick in STICKS))
    assert matched(grid) == [file.name]
    assert [source.name for source in list_maps([tmp_path])] == ["top"]


def test_listing_takes_linear_time(tmp_path):
    def seconds(count: int) -> float:
        folder = tmp_path / str(count)
        folder.mkdir()
        data = write_grid(tmp_path / "g.npz").read_bytes()
        for i in range(count):
            (folder / f"g{i}.npz").write_bytes(data)
            (folder / f"g{i}_faults.csv").write_text(TABLE)
        start = time.process_time()
        sources = list_maps([folder])
        assert [len(source.fault_files) for source in sources] == [1] * count
        assert {source.fault_files[0].stem == f"{source.name}_faults" for source in sources} == {True}
        return time.process_time() - start

    seconds(2)
    assert seconds(160) < 10 * seconds(40) + 0.2
