"""Flat sets: whatever the names, the order of their parts and the tones of the masks, the maps come out the same."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.grids.registry import write_grid
from targets.io.map_folder.layout import Layout
from targets.io.read_options import ReadOptions
from targets.scene import GeoReference
from tests.targets.io.map_folder.flat_sets import PIECE, WORDS, Dialect, classic, make_pieces, write_set
from tests.targets.io.map_folder.samples import save

NAMES = {
    "classic": Dialect(classic),
    "upper case": Dialect(lambda n, s, w: f"{n}_{s.upper()}_{w.upper()}_REEK"),
    "name first": Dialect(lambda n, s, w: f"reek_{s}_{w}_{n}"),
    "no side": Dialect(lambda n, s, w: f"{n}_{w}_reek"),
    "kind first": Dialect(lambda n, s, w: f"{w}-reek-{n}"),
    "kind last": Dialect(lambda n, s, w: f"reek {n} {w}"),
    "name with a word of a kind": Dialect(lambda n, s, w: f"{n}_{s}_{w}_fault_block_north"),
    "a year in the name": Dialect(lambda n, s, w: f"{s}_reek2019_{n}_{w}"),
    "folders": Dialect(lambda n, s, w: f"{s}/{w}/{n}"),
    "folders with names": Dialect(lambda n, s, w: f"{w}/{n}_reek"),
    "sides as folders": Dialect(lambda n, s, w: f"{s}/{n}_{w}_reek"),
    "inputs and outputs": Dialect(lambda n, s, w: f"{'inputs' if s == 'x' else 'outputs'}/{w}/{n}"),
    "camel case": Dialect(lambda n, s, w: f"Reek{n}{s.upper()}{w[0].upper()}{w[1:]}"),
    "number behind the kind": Dialect(lambda n, s, w: f"{w}{n}"),
    "polygons": Dialect(classic, {**WORDS, "fault": "Fault polygons", "trap": "closure_polygons"}),
    "short words": Dialect(classic, {"rgb": "rgb", "depth": "bw", "fault": "fault", "trap": "trap"}),
    "words with separators": Dialect(
        classic,
        {"rgb": "structural_map", "depth": "structural_black-white", "fault": "fault_mask", "trap": "trap mask"},
    ),
    "own words of the layout": Dialect(
        classic, {"rgb": "rgb", "depth": "depth_norm", "fault": "fault_mask", "trap": "traps"}
    ),
    "Russian": Dialect(
        lambda n, s, w: f"{n}_{w}_рик",
        {"rgb": "структурная", "depth": "чёрно-белая", "fault": "разломы", "trap": "ловушки"},
    ),
    "Russian sentences": Dialect(
        lambda n, s, w: f"{w} {n}",
        {
            "rgb": "Структурная карта без изолиний",
            "depth": "Карта глубин",
            "fault": "Карта разломов",
            "trap": "Ловушка",
        },
    ),
    "two pictures": Dialect(classic, {"rgb+lines": "structural", **WORDS}),
    "two pictures, lines named": Dialect(classic, {"rgb+lines": "structural_isolines", **WORDS, "rgb": "structural"}),
}


def read_all(folder: Path, **options: object) -> list:
    reading = ReadOptions(**options)
    return [read_map(source, reading) for source in list_maps([folder], reading)]


def assert_pieces(scenes: list, pieces: list, step: float = 1 / 255) -> None:
    assert len(scenes) == len(pieces)
    for scene, piece in zip(scenes, pieces, strict=True):
        np.testing.assert_array_equal(scene.fault, piece.fault)
        np.testing.assert_array_equal(scene.traps, piece.trap)
        assert np.abs(scene.depth - piece.depth)[scene.depth_valid].max() <= step
        np.testing.assert_array_equal(scene.rgb, piece.rgb)


@pytest.mark.parametrize("dialect", NAMES.values(), ids=NAMES)
def test_every_way_to_name_the_files_gives_the_same_maps(tmp_path: Path, dialect: Dialect) -> None:
    pieces = write_set(tmp_path / "set", dialect)
    assert_pieces(read_all(tmp_path / "set"), pieces)


@pytest.mark.parametrize("name", ["classic", "name first", "a year in the name", "folders with names"])
def test_pieces_of_one_name_are_one_group(tmp_path: Path, name: str) -> None:
    write_set(tmp_path / "set", NAMES[name])
    groups = {scene.group for scene in read_all(tmp_path / "set")}
    assert len(groups) == 1 and "reek" in groups.pop()


def palette(white: np.ndarray) -> Image.Image:
    image = Image.fromarray(white.astype(np.uint8), "P")
    image.putpalette([68, 1, 84, 253, 231, 37])  # purple and yellow, as viridis draws 0 and 1
    return image


def soft(white: np.ndarray) -> Image.Image:
    large = Image.fromarray(white.astype(np.uint8) * 255).resize((3 * white.shape[1], 3 * white.shape[0]))
    return large.resize(white.shape[::-1], Image.Resampling.BOX)


def opacity(white: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([np.zeros((*white.shape, 3), np.uint8), ~white * np.uint8(255)]))


TONES = {
    "0 and 255": (lambda white: Image.fromarray(white.astype(np.uint8) * 255), ".png"),
    "0 and 1": (lambda white: Image.fromarray(white.astype(np.uint8)), ".png"),
    "one bit": (lambda white: Image.fromarray(white), ".png"),
    "16 bits": (lambda white: Image.fromarray(white.astype(np.uint16) * 65535), ".png"),
    "palette": (palette, ".png"),
    "opacity": (opacity, ".png"),
    "soft edges": (soft, ".png"),
    "bmp": (lambda white: Image.fromarray(white.astype(np.uint8) * 255), ".bmp"),
    "gif": (lambda white: Image.fromarray(white.astype(np.uint8) * 255), ".gif"),
}  # fmt: skip


@pytest.mark.parametrize("black_marks", [True, False], ids=["black marks", "white marks"])
@pytest.mark.parametrize("tone", TONES)
def test_masks_of_every_tone_are_read_by_the_rarer_one(tmp_path: Path, tone: str, black_marks: bool) -> None:
    encode, suffix = TONES[tone]
    dialect = Dialect(classic, suffixes={"fault": suffix, "trap": suffix}, black_marks=black_marks, encode_mask=encode)
    pieces = write_set(tmp_path / "set", dialect)
    assert_pieces(read_all(tmp_path / "set"), pieces)


@pytest.mark.parametrize("black_marks", [True, False])
def test_jpeg_masks_and_pictures(tmp_path: Path, black_marks: bool) -> None:
    dialect = Dialect(classic, suffixes=dict.fromkeys(WORDS, ".jpg"), black_marks=black_marks)
    pieces = write_set(tmp_path / "set", dialect)
    for scene, piece in zip(read_all(tmp_path / "set"), pieces, strict=True):
        assert (scene.traps != piece.trap).mean() < 0.02 and (scene.fault != piece.fault).mean() < 0.02


@pytest.mark.parametrize("black_is_highest", [True, False])
@pytest.mark.parametrize("without", ["rgb", "trap"])
def test_the_grey_depth_is_turned_by_its_colours_or_its_traps(
    tmp_path: Path, black_is_highest: bool, without: str
) -> None:
    words = {kind: word for kind, word in WORDS.items() if kind != without}
    pieces = write_set(tmp_path / "set", Dialect(classic, words, black_is_highest=black_is_highest))
    for scene, piece in zip(read_all(tmp_path / "set"), pieces, strict=True):
        assert np.abs(scene.depth - piece.depth)[scene.depth_valid].max() <= 1 / 255
    (lines,) = {source.conventions.lines for source in list_maps([tmp_path / "set"])}
    assert f"black is {'highest' if black_is_highest else 'deepest'}" in "\n".join(lines)


def test_what_nothing_confirms_is_said_and_what_contradicts_is_refused(tmp_path: Path) -> None:
    alone = {kind: WORDS[kind] for kind in ("depth", "fault")}
    write_set(tmp_path / "alone", Dialect(classic, alone))
    (lines,) = {source.conventions.lines for source in list_maps([tmp_path / "alone"])}
    assert "nothing in the set confirms" in "\n".join(lines)
    pieces = make_pieces()
    inverted = read_all(tmp_path / "alone", polarity="inverted")[0]
    assert np.abs(inverted.depth - pieces[0].depth)[inverted.depth_valid].max() <= 1 / 255
    upside_down = [type(p)(p.depth, p.fault, p.trap, p.rgb[..., ::-1].copy()) for p in pieces]
    write_set(tmp_path / "both", Dialect(classic), upside_down)
    with pytest.raises(UserError, match=r"contradictory: by the colours.*by the traps"):
        list_maps([tmp_path / "both"])


def test_masks_that_contradict_each_other_or_tell_nothing_are_asked_for(tmp_path: Path) -> None:
    write_set(tmp_path / "set", Dialect(classic))
    faults = tmp_path / "set" / "03_x_faults_reek.png"
    Image.fromarray(255 - np.asarray(Image.open(faults))).save(faults)
    with pytest.raises(UserError, match=r"faults contradict each other.*white_masks fault_mask"):
        list_maps([tmp_path / "set"])
    half = np.zeros(PIECE, np.uint8)
    half[:, PIECE[1] // 2 :] = 255
    for path in (tmp_path / "set").glob("*faults*"):
        save(tmp_path / "set", path.name, half)
    with pytest.raises(UserError, match="50% of the masks of faults is white"):
        list_maps([tmp_path / "set"])
    listed = list_maps([tmp_path / "set"], ReadOptions(layout=Layout(white_masks=("none",))))
    assert "black marks faults, as asked" in "\n".join(listed[0].conventions.lines)


def test_unknown_words_are_listed_with_the_option_that_maps_them(tmp_path: Path) -> None:
    pieces = write_set(tmp_path / "set", Dialect(classic, {**WORDS, "depth": "sbw"}))
    with pytest.raises(UserError, match=r"unknown words: 'sbw' \(6 files.*--reading.layout.depth_norm sbw"):
        list_maps([tmp_path / "set"])
    assert_pieces(read_all(tmp_path / "set", layout=Layout(depth_norm="sbw")), pieces)
    without = read_all(tmp_path / "set", layout=Layout(ignored=("sbw",)))
    assert not any(scene.has_depth for scene in without)


def test_a_set_of_unknown_words_alone_is_no_set_of_single_pictures(tmp_path: Path) -> None:
    words = {"rgb": "relief", "depth": "sbw", "fault": "lineaments", "trap": "prospects"}
    pieces = write_set(tmp_path, Dialect(classic, words))
    with pytest.raises(UserError, match=r"unknown words: .*fault_mask lineaments.*rgb relief.*traps prospects"):
        list_maps([tmp_path])
    mapped = Layout(rgb="relief", depth_norm="sbw", fault_mask="lineaments", traps="prospects")
    assert_pieces(read_all(tmp_path, layout=mapped), pieces)
    alone = list_maps([tmp_path], ReadOptions(layout=Layout(ignored=("sbw", "lineaments", "prospects"))))
    assert {source.kind for source in alone} == {"picture"}


def test_of_two_pictures_that_without_lines_is_read_and_an_option_takes_the_other(tmp_path: Path) -> None:
    pieces = write_set(tmp_path / "set", NAMES["two pictures"])
    (lines,) = {source.conventions.lines for source in list_maps([tmp_path / "set"])}
    text = "\n".join(lines)
    assert "structuralNOisoline" in text and "not read; --reading.layout.rgb structural reads" in text
    other = read_all(tmp_path / "set", layout=Layout(rgb="structural"))
    assert (other[0].rgb != pieces[0].rgb).any()
    write_set(tmp_path / "alike", Dialect(classic, {**WORDS, "rgb": "structural", "rgb+lines": "colour"}))
    with pytest.raises(UserError, match=r"two words for one kind, rgb.*--reading.layout.rgb"):
        list_maps([tmp_path / "alike"])


def test_a_folder_per_map_with_files_named_by_words(tmp_path: Path) -> None:
    """A flat set, too, but its folders are no pieces of one map."""
    words = {"rgb": "structural", "depth": "black white", "fault": "faults", "trap": "traps"}
    pieces = write_set(tmp_path, Dialect(lambda n, s, w: f"map{n}/{w}", words))
    scenes = read_all(tmp_path)
    assert_pieces(scenes, pieces)
    assert [scene.group for scene in scenes] == [scene.name for scene in scenes] == [f"map{n:02}" for n in range(1, 7)]
    assert_pieces(read_all(tmp_path / "map02"), pieces[1:2])


def test_images_and_masks_are_pictures_and_traps(tmp_path: Path) -> None:
    pieces = write_set(tmp_path, Dialect(lambda n, s, w: f"{w}/{n}", {"rgb": "images", "trap": "masks"}))
    for scene, piece in zip(read_all(tmp_path), pieces, strict=True):
        np.testing.assert_array_equal(scene.traps, piece.trap)


@pytest.mark.parametrize("suffix", [".cps3", ".tif", ".gri", ".zmap"])
def test_grids_are_pieces_too(tmp_path: Path, suffix: str) -> None:
    pieces = make_pieces()
    for number, piece in enumerate(pieces, start=1):
        geo = GeoReference(1000.0 + 25 * PIECE[1] * number, 5000.0, 25.0, -25.0)
        for side, word, values in (
            ("x", "structuralBlackWhite", 1500 + 200 * piece.depth),
            ("x", "faults", piece.fault.astype(np.float32)),
            ("y", "traps", piece.trap.astype(np.float32)),
        ):
            write_grid(values.astype(np.float32), geo, tmp_path / f"{number:02}_{side}_{word}_reek{suffix}")
    scenes = read_all(tmp_path)
    assert [scene.name for scene in scenes] == [f"{n:02}_reek" for n in range(1, 7)]
    for scene, piece in zip(scenes, pieces, strict=True):
        np.testing.assert_array_equal(scene.fault, piece.fault)
        np.testing.assert_array_equal(scene.traps, piece.trap)
        assert np.abs(scene.depth - 1500 - 200 * piece.depth)[scene.depth_valid].max() < 0.01
        assert scene.geo.located


def test_single_pictures_and_grids_with_such_words_are_no_set(tmp_path: Path) -> None:
    for name in ("map_1.png", "map_2.png", "structure north.png"):
        save(tmp_path, name, make_pieces()[0].rgb)
    assert {source.kind for source in list_maps([tmp_path])} == {"picture"}
    top = make_pieces()[0].depth.astype(np.float32)
    write_grid(top, GeoReference(0.0, 0.0, 1.0, -1.0), tmp_path / "top_depth.zmap")
    assert {source.kind for source in list_maps([tmp_path])} == {"grid"}


def test_one_sidecar_serves_a_whole_set_and_one_of_a_map_comes_first(tmp_path: Path) -> None:
    write_set(tmp_path / "set", Dialect(classic))
    (tmp_path / "set" / "map.yaml").write_text("depth_unit: m\ndepth_range: [1500, 1700]\ndx: 25\ndy: -25\n")
    (tmp_path / "set" / "02_map_reek.yaml").write_text("depth_range: [1000, 1100]\nx0: 7\ny0: 8\n")
    (tmp_path / "set" / "03_reek.yaml").write_text("group: other\n")
    (tmp_path / "set" / "99_reek.yaml").write_text("group: none\n")
    scenes = read_all(tmp_path / "set")
    assert [scene.geo.depth_range for scene in scenes[:3]] == [(1500, 1700), (1000, 1100), (1500, 1700)]
    assert scenes[1].geo.located and not scenes[0].geo.located and scenes[0].geo.dx == 25
    assert [scene.group for scene in scenes[:3]] == ["reek", "reek", "other"]
    assert scenes[0].depth.min() >= 1500 and scenes[0].depth.max() <= 1700
    (lines,) = {source.conventions.lines for source in list_maps([tmp_path / "set"])}
    assert "99_reek.yaml belongs to no map" in "\n".join(lines) and "map.yaml is that of all maps" in "\n".join(lines)
    (tmp_path / "set" / "map.yaml").write_text("x0: 0\ny0: 0\ndx: 25\ndy: -25\n")
    with pytest.raises(UserError, match="x0 and y0 for 6 maps at once"):
        list_maps([tmp_path / "set"])


def test_polarity_of_a_sidecar_counts_against_evidence_with_a_word(tmp_path: Path) -> None:
    words = {kind: WORDS[kind] for kind in ("depth", "fault", "trap")}
    write_set(tmp_path / "set", Dialect(classic, words))
    (tmp_path / "set" / "map.yaml").write_text("polarity: normal\n")
    (lines,) = {source.conventions.lines for source in list_maps([tmp_path / "set"])}
    assert "black is deepest, as asked; but it is not so by the traps" in "\n".join(lines)
