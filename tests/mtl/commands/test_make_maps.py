"""The tool that makes maps, run as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtl.commands.make_maps import command
from mtl.commands.make_maps import main as main
from targets.io.catalogue import list_maps, read_map
from targets.synthetic.structure_maps import make_structure_map

TOOL = Path(__file__).parents[3] / "tools" / "make_maps.py"


def test_synthetic_maps_end_to_end(call, tmp_path):
    code, said, error = call(
        "--out", tmp_path, "--count", 3, "--seed", 2, "--size", 96, "--margin", 7, "--depth_bits", 32
    )
    assert code == 0 and not error and said.count("\n") == 1 and "contact_sheet.png" in said
    sources = list_maps([tmp_path])
    assert [source.name for source in sources] == ["synth_200000", "synth_200001", "synth_200002"]
    assert Image.open(tmp_path / "synth_200001" / "rgb.png").size == (110, 110)
    assert Image.open(tmp_path / "contact_sheet.png").size[0] > 300
    read, made = read_map(sources[1]), make_structure_map(200001, 96)
    for name in ("depth_valid", "map_valid", "fault", "rgb"):
        assert np.array_equal(getattr(read, name), getattr(made, name)), name
    assert np.array_equal(read.depth[read.depth_valid], made.depth[made.depth_valid])
    assert read.geo == made.geo and read.group == "synth_200001"


def test_two_jobs_make_the_same_maps(call, tmp_path):
    words = ["--count", "2", "--size", "48", "--out"]
    assert call(*words, tmp_path / "1")[0] == 0
    subprocess.run([sys.executable, TOOL, *words, tmp_path / "2", "--jobs", "2"], check=True, capture_output=True)
    for file in (tmp_path / "1" / "synth_00001").iterdir():
        assert file.read_bytes() == (tmp_path / "2" / "synth_00001" / file.name).read_bytes()


def test_grids_are_drawn(call, tmp_path):
    rows, cols = np.mgrid[0:60, 0:80]
    depth = (2000 + np.hypot(rows - 30, cols - 40) * 5).astype(np.float32)
    depth[:20, :20] = np.nan
    np.savez(tmp_path / "dome.npz", depth=depth, x0=1000.0, y0=2000.0, dx=25.0, dy=25.0, rotation=0.0, units="m")
    out = tmp_path / "out"
    code, _, error = call("--out", out, "--grids", tmp_path / "dome.npz", "--style.palette", "jet")
    assert code == 0, error
    scene = read_map(list_maps([out])[0])
    assert scene.rgb is not None and scene.shape == (60, 80)
    crest, rim = scene.rgb[28:33, 37:39].astype(int).mean((0, 1)), scene.rgb[50:55, 75:78].astype(int).mean((0, 1))
    assert crest[0] > crest[2] and rim[2] > rim[0]
    coarse = tmp_path / "coarse"
    assert call("--out", coarse, "--grids", tmp_path / "dome.npz", "--longest", 40)[0] == 0
    assert read_map(list_maps([coarse])[0]).shape == (30, 40)
    other = tmp_path / "other"
    assert call("--out", other, "--grids", tmp_path / "dome.npz", "--styles", "train", "--seed", 4)[0] == 0
    assert (other / "dome" / "rgb.png").read_bytes() != (out / "dome" / "rgb.png").read_bytes()


def test_poor_picks_of_grids_keep_the_surface_beside(call, tmp_path):
    rows, cols = np.mgrid[0:60, 0:80]
    np.savez(tmp_path / "dome.npz", depth=(2000 + np.hypot(rows - 30, cols - 40) * 5).astype(np.float32), units="m")
    grids = ["--grids", tmp_path / "dome.npz", "--depth_bits", 8, "--out"]
    assert call(*grids, tmp_path / "clean")[0] == 0
    assert call(*grids, tmp_path / "poor", "--depth_noise", 0.01, "--styles", "unseen")[0] == 0
    clean, poor = (read_map(list_maps([tmp_path / name])[0]) for name in ("clean", "poor"))
    assert clean.true_depth is None and np.abs(poor.true_depth - clean.depth).max() < 1.0
    assert 0.004 < (poor.depth - poor.true_depth).std() / np.ptp(clean.depth) < 0.02


def test_real_grids_with_their_faults(call, tmp_path, shared_data):
    code, _, error = call("--out", tmp_path, "--grids", shared_data / "reek" / "topreek.npz")
    assert code == 0, error
    scene = read_map(list_maps([tmp_path])[0])
    assert scene.fault.any() and scene.geo.rotation == pytest.approx(140.0, abs=1e-3)
    assert scene.rgb is not None and (scene.rgb[~scene.map_valid] == 255).all()


@pytest.mark.parametrize(
    "words, part",
    [
        (["--count", "3"], "required: out"),
        (["--out", "o", "--count", "0"], "--count: 0; expected a number from 1"),
        (["--out", "o", "--count", "x"], "--count"),
        (["--out", "o", "--size", "8"], "at least 32 x 32"),
        (["--out", "o", "--grids", "none.gri"], "none.gri"),
        (["--out", "o", "--style.palette", "grey"], "rainbow"),
        (["--out", "o", "--styles", "grey"], "one of clean, train, unseen, unseen_legend"),
        (["--out", "o", "--depth_noise", "1"], "--depth_noise: 1.0"),
        (["--out", "o", "--interpreter", "Smith"], "one of contours, sealing"),
        (["--out", "o", "--synth.regional_dip", "[3,1]"], "synth.regional_dip"),
        (["--out", "o", "--grids", "a.gri", "--count", "3"], "given together with --grids"),
        (["--out", "o", "--colour", "red"], "--colour"),
    ],
)
def test_mistakes_are_one_line(call, words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, error = call(*words)
    assert code == 2 and part in error and error.count("\n") == 1 and not (tmp_path / "o").exists()


def test_the_tool_can_be_started_by_its_name():
    assert os.access(TOOL, os.X_OK) and TOOL.read_text().startswith("#!/usr/bin/env python\n")


def test_the_maps_of_the_bundled_model_can_be_made(call, tmp_path):
    config = TOOL.parents[1] / "configs" / "maps" / "default_model.yaml"
    np.savez(tmp_path / "plain.npz", depth=np.add.outer(np.arange(90.0), np.sin(np.arange(80) / 7)).astype(np.float32))
    words = ["--config", config, "--count", 2, "--size", 64, "--surfaces", tmp_path / "plain.npz", "--out"]
    code, _, error = call(*words, tmp_path / "maps")
    assert code == 0, error
    maps = [read_map(source) for source in list_maps([tmp_path / "maps"])]
    assert [scene.group for scene in maps] == ["plain", "plain"]


@pytest.mark.parametrize("old, new", [("synth.noise", "synth.picking_noise"), ("style.along", "style.align_labels")])
def test_an_option_of_an_earlier_version_names_the_new_one(old, new, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command(["--out", str(tmp_path / "o"), f"--{old}", "1"])
    assert new in capsys.readouterr().err and not (tmp_path / "o").exists()


def test_a_config_file_of_an_earlier_version_makes_the_same_map(tmp_path):
    options = {
        "old": "{noise: [3, 3], rectangles: [1, 1]}",
        "new": "{picking_noise: [3, 3], outline_rectangles: [1, 1]}",
    }
    for name, synth in options.items():
        (tmp_path / f"{name}.yaml").write_text(f"count: 1\nsize: 48\nsynth: {synth}\n")
        command(["--config", str(tmp_path / f"{name}.yaml"), "--out", str(tmp_path / name)])
    for file in (tmp_path / "old" / "synth_00000").iterdir():
        assert file.read_bytes() == (tmp_path / "new" / "synth_00000" / file.name).read_bytes()


def test_an_interpreter_draws_the_traps_of_generated_maps_and_of_grids(call, tmp_path):
    rows, cols = np.mgrid[0:60, 0:80]
    np.savez(tmp_path / "dome.npz", depth=(2000 + np.hypot(rows - 30, cols - 40) * 5).astype(np.float32), units="m")
    kinds = {"made": ["--count", 1, "--size", 64, "--seed", 3], "grids": ["--grids", tmp_path / "dome.npz"]}
    for name, words in kinds.items():
        code, _, error = call("--out", tmp_path / name, "--interpreter", "polygons", *words)
        assert code == 0, error
        (source,) = list_maps([tmp_path / name])
        scene = read_map(source)
        assert scene.traps.any() and scene.provenance.interpreter == "polygons"
        assert "traps.png" in {file.name for file in source.path.iterdir()}
        assert "interpreter: polygons" in (source.path / "map.yaml").read_text()
    code, said, _ = call("--out", tmp_path / "again", "--grids", tmp_path / "grids", "--interpreter", "sealing")
    assert code == 0 and "traps drawn by polygons" not in said and "traps drawn by sealing" in said
