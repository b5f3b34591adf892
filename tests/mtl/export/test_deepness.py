"""A file for Deepness gives the plugin what the network predicts, from the bytes of a map folder."""

import numpy as np
import pytest
import torch

from mtl.data.channels import INPUTS
from mtl.export.deepness import FromImageBytes, deepness_metadata, export_deepness
from mtl.export.onnx_file import HeadValues
from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.io.images import read_grey, read_rgb
from targets.io.map_folder.reader import read_map_folder
from targets.io.map_folder.writer import write_map_folder
from tests.conftest import dome_scene
from tests.mtl.export.conftest import make_predictor, metadata_of

ort = pytest.importorskip("onnxruntime")


def as_deepness(path, tile):
    """The classes or values of one tile (H, W, C) of bytes, by the steps of the plugin (PUTvision, `ModelBase.process`,
    `MapProcessorSegmentation._process_tile` and `MapProcessorRegression._process_tile`)."""
    session = ort.InferenceSession(path)
    (only,) = session.get_inputs()
    batch, channels, *sides = only.shape
    assert isinstance(batch, str) and sides == [session.get_outputs()[0].shape[3]] * 2  # a tile is one square
    metadata = metadata_of(session)
    assert len(metadata["standardization_mean"]) == channels == len(metadata["standardization_std"])
    x = np.float32(tile[None, :, :, :channels] / 255.0)
    x = (x - np.float32(metadata["standardization_mean"])) / np.float32(metadata["standardization_std"])
    (result,) = session.run(None, {only.name: x.transpose(0, 3, 1, 2).astype(np.float32)})
    if metadata["model_type"] == "Regressor":
        return result[0, 0] * metadata["reg_output_scaling"]
    result[result < metadata["seg_thresh"]] = 0
    return result[0].argmax(0)


def test_deepness_sees_the_traps_of_a_picture(tmp_path):
    trained = make_predictor()
    export_deepness(trained, "trap", 12.5, tmp_path / "trap.onnx")
    scene = dome_scene()
    expected = trained(scene)["trap"][0]  # the map is one tile
    assert 0.02 < (expected > 0.5).mean() < 0.98
    clear = np.abs(expected - 0.5) > 1e-4
    np.testing.assert_array_equal(as_deepness(tmp_path / "trap.onnx", scene.rgb)[clear], (expected > 0.5)[clear])
    metadata = metadata_of(ort.InferenceSession(tmp_path / "trap.onnx"))
    assert metadata["class_names"] == {"0": "background", "1": "trap"} and metadata["resolution"] == 1250
    assert metadata["tile_size"] == metadata["tiles_size"] == 64 and metadata["tiles_overlap"] == 50


def test_deepness_sees_a_distance_from_the_pictures_of_a_map_folder(tmp_path):
    trained = make_predictor(heads="dist", inputs="rgb,fault,depth,map")
    export_deepness(trained, "dist", None, tmp_path / "dist.onnx")
    fault = np.zeros((64, 64), bool)
    fault[10:50, 30:33] = True
    write_map_folder(dome_scene().replace(fault=fault), tmp_path / "maps")
    scene = read_map_folder(tmp_path / "maps")
    files = ["fault_mask.png", "depth_norm.png", "map_mask.png"]
    bands = [np.uint8(255 * read_grey(tmp_path / "maps" / file)[0].round(3))[..., None] for file in files]
    tile = np.concatenate([read_rgb(tmp_path / "maps" / "rgb.png"), *bands], -1)
    found = as_deepness(tmp_path / "dist.onnx", tile)
    expected = trained(scene)["dist"][0]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999  # a byte of depth is a 255th of the relief
    assert metadata_of(ort.InferenceSession(tmp_path / "dist.onnx"))["class_names"] == {"0": "dist"}


@pytest.mark.parametrize("record", [r for r in INPUTS.values() if r.stored], ids=lambda record: record.name)
def test_the_bytes_of_a_map_folder_are_the_channel(tmp_path, record):
    fault, inside = np.zeros((64, 64), bool), np.ones((64, 64), bool)
    fault[10:50, 30:33] = True
    inside[:, :9] = False
    write_map_folder(dome_scene().replace(fault=fault, map_valid=inside, depth_valid=inside), tmp_path / "dome")
    file = tmp_path / "dome" / record.stored.file
    pixels = np.moveaxis(read_rgb(file) / 255, -1, 0) if record.channels == 3 else read_grey(file)[0][None]
    values = record.stored.gain * pixels + record.stored.offset
    scene = read_map_folder(tmp_path / "dome")
    where = scene.map_valid | (record.name == "map")
    np.testing.assert_allclose(values[:, where], record.compute(scene)[:, where], atol=1e-4)


def test_classes_of_the_fused_head_keep_their_names():
    trained = make_predictor(heads="fused")
    names = deepness_metadata(trained, trained.heads[0], None)["class_names"]
    assert names == {"0": "background", "1": "inside of a trap", "2": "rim of a trap"}
    classes = FromImageBytes(HeadValues(trained.nets[0], trained.heads), trained.inputs)(torch.rand(2, 3, 64, 64))[
        "fused"
    ]
    np.testing.assert_allclose(classes.sum(1).detach(), 1, atol=1e-5)


@pytest.mark.parametrize("head", HEADS.values(), ids=lambda head: head.name)
def test_every_head_has_a_class_for_each_plane(head):
    metadata = deepness_metadata(make_predictor(), head, None)
    planes = 2 if head.task == "binary" else head.channels
    assert len(metadata["class_names"]) == planes and (metadata["model_type"] == "Segmentor") == (
        "seg_thresh" in metadata
    )


def test_what_deepness_cannot_be_given_is_refused(tmp_path):
    with pytest.raises(UserError, match="the input gradient cannot be made from a picture"):
        export_deepness(make_predictor(inputs="rgb,gradient"), "trap", None, tmp_path / "a.onnx")
    with pytest.raises(UserError, match=r"unknown name 'height'.*trap, boundary, dist"):
        export_deepness(make_predictor(), "height", None, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
