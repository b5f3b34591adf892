"""Predictions that a review starts from: of a network, and of the files that it left."""

import numpy as np
import pytest
from PIL import Image

from mtl.inference.predictor import Predictor
from mtl.prediction.writers import write_prediction
from mtl.review.predictions import predictions_in_folder, predictions_of_network
from targets.errors import UserError
from tests.conftest import dome_scene
from tests.mtl.inference.test_predictor import predictor


def test_a_checkpoint_and_its_prediction_on_disk_show_the_same(tmp_path):
    trained: Predictor = predictor(0)
    inside = np.ones((64, 64), bool)
    inside[:, :9] = False
    scene = dome_scene("a").replace(map_valid=inside, depth_valid=inside)
    answers = trained(scene)
    write_prediction(scene, answers, trained.outputs, tmp_path / "a", None)
    shown = predictions_of_network(trained)(scene)
    on_disk = predictions_in_folder(tmp_path)(scene)
    assert list(shown.layers) == list(on_disk.layers) == ["trap", "dist"]
    for name in shown.layers:
        np.testing.assert_array_equal(shown.layers[name].colours, on_disk.layers[name].colours)
    np.testing.assert_array_equal(shown.probability > 127, np.nan_to_num(answers["trap"][0]) > 0.5)
    np.testing.assert_allclose(on_disk.probability / 256, shown.probability / 255, atol=1 / 128)


def test_a_prediction_of_another_map_or_none_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no prediction of this map"):
        predictions_in_folder(tmp_path)(dome_scene("a"))
    (tmp_path / "a").mkdir()
    Image.fromarray(np.zeros((9, 9, 4), np.uint8)).save(tmp_path / "a" / "trap.png")
    with pytest.raises(UserError, match="shape"):
        predictions_in_folder(tmp_path)(dome_scene("a"))
    Image.fromarray(np.full((64, 64, 4), 255, np.uint8)).save(tmp_path / "a" / "trap.png")
    with pytest.raises(UserError, match="colours that this program did not draw"):
        predictions_in_folder(tmp_path)(dome_scene("a"))
