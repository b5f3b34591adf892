"""Maps on pages: a guess upside down is turned over, slivers are no traps, a doubtful page has doubtful traps."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mtl.prediction.pages import (
    page_of,
    predict_scene,
    settle_question,
    with_page_confidence,
    without_slivers,
    write_refused_page,
)
from mtl.prediction.traps import extract_traps
from mtl.tasks.base import Head
from mtl.tasks.heads import HEADS, collect_outputs
from targets.io.images import write_picture
from targets.io.map_folder.reader import read_map_files
from targets.io.map_folder.results import is_result_folder
from targets.io.read_options import ReadOptions
from targets.pages.page import PageError
from targets.pages.text import TextBox
from targets.rendering.palettes import colour_table
from targets.truth.criteria import GroundTruthOptions
from tests.targets.pages.test_page import chart, surface

OPTIONS = GroundTruthOptions()


@dataclass(frozen=True)
class Guess:
    """A predictor that guesses one depth for every picture, and believes the depth of a map that has one."""

    heads: tuple[Head, ...]
    height: np.ndarray

    @property
    def outputs(self):
        return collect_outputs(self.heads)

    def __call__(self, scene):
        (head,) = self.heads
        values = (scene.relative_depth() if scene.has_depth else self.height)[None]
        values = head.postprocess(values, scene, 1.0)
        traps = head.derived.derive(values, scene, OPTIONS, 1.0)
        return {head.name: values, head.derived.name: traps}


def read_drawn(tmp_path, palette, **reading):
    """The map on a picture of `surface`, its low end in the first colours of a palette."""
    levels = np.rint(surface(150, 200) * 255).astype(int)
    write_picture(colour_table(palette)[levels], tmp_path / "map.png")
    return read_map_files("map", {"rgb": tmp_path / "map.png"}, ReadOptions(**reading))


@pytest.mark.parametrize("high", ["red", "blue"])
def test_red_is_deep_where_the_user_says_so(tmp_path, high):
    """`polarity: inverted` beside a picture alone was accepted and ignored."""
    scene = read_drawn(tmp_path, "jet", high=high)
    z = surface(150, 200).astype(np.float32) * 2 - 1
    found = predict_scene(Guess((HEADS["depth"],), z), scene)
    height = z if high == "red" else -z
    assert np.corrcoef(found.values["depth"][0].ravel(), height.ravel())[0, 1] > 0.98
    traps = found.values["depth_traps"][0] > 0.5
    top = np.unravel_index(height.argmax(), height.shape)
    assert traps[top] and not traps[np.unravel_index(height.argmin(), height.shape)]
    assert any("turned over" in note for note in found.notes) == (high == "blue")
    inverted = predict_scene(Guess((HEADS["depth"],), z), read_drawn(tmp_path, "jet", polarity="inverted"))
    if high == "blue":
        np.testing.assert_array_equal(inverted.values["depth_traps"], found.values["depth_traps"])


def test_a_question_is_asked_where_the_answer_counts(tmp_path):
    """Traps that a network has learned from drawn ones do not depend on which end of the colours is high."""
    scene = read_drawn(tmp_path, "mpl:viridis")
    with pytest.raises(PageError, match="which end of its colours is high is not known"):
        settle_question(Guess((HEADS["depth"],), surface()), scene)
    settled = settle_question(Guess((HEADS["trap"],), surface()), scene)
    assert page_of(settled).question is None and settled.shape == scene.shape
    said = read_drawn(tmp_path, "mpl:viridis", high="light")
    assert settle_question(Guess((HEADS["depth"],), surface()), said) is said


def test_a_guess_that_the_colours_do_not_follow_is_in_doubt(tmp_path):
    scene = read_drawn(tmp_path, "jet", high="red")
    z = surface(150, 200).astype(np.float32) * 2 - 1
    sure = predict_scene(Guess((HEADS["depth"],), z), scene)
    noise = np.random.default_rng(0).normal(size=z.shape).astype(np.float32)
    doubtful = predict_scene(Guess((HEADS["depth"],), 0.1 * z + noise), scene)
    assert sure.confidence == page_of(scene).confidence and not sure.notes
    assert doubtful.confidence < 0.3 and "doubtful" in doubtful.notes[-1]
    predictor = Guess((HEADS["depth"],), z)
    prediction = extract_traps(scene, sure.values, predictor.outputs, None)
    sure, halved = with_page_confidence(prediction, 1.0), with_page_confidence(prediction, 0.25)
    for one, half in zip(sure.traps, halved.traps, strict=True):
        assert half.confidence == pytest.approx(one.confidence / 2) and half.uncertainty > max(0.5, one.uncertainty)
    small, large = (replace(sure.traps[0], cells=cells) for cells in (60, 6000))
    by_size = with_page_confidence(replace(prediction, traps=[small, large]), 1.0).traps
    assert by_size[0].confidence < 0.5 < 0.9 < by_size[1].confidence < 1  # slivers come first in a batch


def test_a_sliver_is_no_trap_of_a_picture(tmp_path):
    scene = read_drawn(tmp_path, "jet")
    traps = np.zeros((1, 150, 200), np.float32)
    traps[0, 60:90, 80:120] = traps[0, 140:143, 20:180] = 0.9  # the second one is three pixels wide, along a line
    predictor = Guess((HEADS["depth"],), traps[0])
    found = without_slivers(predictor, scene, {"depth": traps, "depth_traps": traps})
    assert found["depth_traps"][0, 60:90, 80:120].all() and not found["depth_traps"][0, 140:143].any()
    assert found["depth"] is traps
    text = TextBox("-4934.4", (50, 70, 100, 130))  # as many rows and columns of the page: the map fills it
    page = replace(page_of(scene), texts=(text,))
    written = scene.replace(provenance=replace(scene.provenance, page=page))
    assert not without_slivers(predictor, written, {"depth": traps, "depth_traps": traps})["depth_traps"].any()


def test_what_was_looked_at_on_a_refused_page_is_drawn(tmp_path):
    write_picture(chart("bars"), tmp_path / "bars.png")
    with pytest.raises(PageError, match="no coloured map found") as caught:
        read_map_files("bars", {"rgb": tmp_path / "bars.png"})
    write_refused_page(caught.value, "bars", tmp_path / "out")
    assert (tmp_path / "out" / "read.png").stat().st_size > 1000 and is_result_folder(tmp_path / "out")
