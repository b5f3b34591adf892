"""Example predictions of an ablation: the same maps for every row, kept with its run and drawn side by side."""

from pathlib import Path

import numpy as np

from mtl.ablation.examples import EXAMPLES_FILE, draw_examples, write_examples
from mtl.ablation.grid import AblationRun
from mtl.config import TrainConfig
from mtl.tasks.heads import HEADS
from targets.io.read_options import ReadOptions
from targets.truth.criteria import GroundTruthOptions

TRAP, DIST = HEADS["trap"], HEADS["dist"]


def run_of(row, folder, seed=0, condition="all", outputs=("trap",)):
    return AblationRun(row, condition, seed, TrainConfig(), None, "", outputs, {}, Path(folder))


def keep(path, dome_maps, probability):
    def predict(scene):
        return {name: np.full((1, *scene.shape), probability, np.float32) for name in ("trap", "dist")}

    two = [str(dome_maps / name) for name in ("dome0", "dome1")]
    write_examples(predict, [TRAP, DIST], GroundTruthOptions(), two, ReadOptions(), path / "real" / EXAMPLES_FILE)


def test_picture_truth_and_predictions_are_kept_and_drawn_side_by_side(dome_maps, tmp_path):
    for name, probability in (("a", 0.25), ("b", 0.75), ("other_seed", 0.5)):
        keep(tmp_path / name, dome_maps, probability)
    with np.load(tmp_path / "a" / "real" / EXAMPLES_FILE) as kept:
        assert sorted(key for key in kept if key.startswith("picture/")) == ["picture/dome0", "picture/dome1"]
        assert set(np.unique(kept["trap/truth/dome0"])) == {0, 1} and (kept["trap/answer/dome0"] == 0.25).all()
        assert np.isnan(kept["dist/truth/dome0"]).any()  # a distance is known inside traps only
    grid = [
        run_of("a", tmp_path / "a"),
        run_of("b", tmp_path / "b", outputs=("trap", "dist")),
        run_of("b", tmp_path / "other_seed", seed=1),
        run_of("not finished", tmp_path / "none"),
        run_of("a", tmp_path / "a", condition="another"),
    ]
    figure = draw_examples(grid, "real", "all")
    titles = [axis.get_title() for axis in figure.axes[:5]]
    assert titles == ["picture", "truth", "a", "b:\ntrap", "b:\ndist"] and len(figure.axes) == 2 * 5
    shown = [float(axis.images[0].get_array().mean()) for axis in figure.axes[2:4]]
    assert shown == [0.25, 0.75]
    figure.savefig(tmp_path / "examples.png")


def test_runs_without_examples_have_no_picture(tmp_path):
    assert draw_examples([run_of("a", tmp_path)], "real", "all") is None
