"""What other programs get from an exported network is what this one answers."""

import json

import numpy as np
import pytest
import torch

from mtl.config import NetConfig, PatchConfig, PredictConfig
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import INPUTS
from mtl.export.exporters import (
    FromImageBytes,
    HeadValues,
    deepness_metadata,
    describe_network,
    export_deepness,
    export_onnx,
)
from mtl.inference.onnx import to_onnx
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import build_net
from mtl.tasks.heads import HEADS
from targets.common.cli import Names
from targets.errors import UserError
from targets.io.images import read_grey, read_rgb
from targets.io.map_folder import read_map_folder, write_map_folder
from targets.truth.traps import TrapCriteria
from tests.conftest import dome_scene, tiny_config

ort = pytest.importorskip("onnxruntime")


def predictor(heads="trap,boundary,dist", inputs="rgb"):
    """An untrained network whose answers vary over the map."""
    torch.manual_seed(1)
    net = NetConfig("unet", "timm-mobilenetv3_small_minimal_100", "none", [16, 16, 8, 8, 8])
    patches, predict = PatchConfig(64, 64), PredictConfig(stride=32)
    config = tiny_config(heads=Names(heads), inputs=Names(inputs), net=net, patches=patches, predict=predict)
    network, channels, records = build_net(config, pretrained=False)
    for head in network.heads.values():
        torch.nn.init.normal_(head.weight, std=0.5)
        torch.nn.init.zeros_(head.bias)
    return Predictor((network.eval(),), network.fusion, channels, records, config)


def notes_of(session):
    """The metadata as a reader of JSON sees it."""
    return {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}


def as_deepness(path, tile):
    """The classes or values of one tile (H, W, C) of bytes, by the steps of the plugin (PUTvision, `ModelBase.process`,
    `MapProcessorSegmentation._process_tile` and `MapProcessorRegression._process_tile`)."""
    session = ort.InferenceSession(path)
    (only,) = session.get_inputs()
    batch, channels, *sides = only.shape
    assert isinstance(batch, str) and sides == [session.get_outputs()[0].shape[3]] * 2  # a tile is one square
    notes = notes_of(session)
    assert len(notes["standardization_mean"]) == channels == len(notes["standardization_std"])
    x = np.float32(tile[None, :, :, :channels] / 255.0)
    x = (x - np.float32(notes["standardization_mean"])) / np.float32(notes["standardization_std"])
    (result,) = session.run(None, {only.name: x.transpose(0, 3, 1, 2).astype(np.float32)})
    if notes["model_type"] == "Regressor":
        return result[0, 0] * notes["reg_output_scaling"]
    result[result < notes["seg_thresh"]] = 0
    return result[0].argmax(0)


def test_all_heads_in_their_units_at_a_size_of_its_own(tmp_path):
    trained = predictor(inputs="rgb,fault,depth")
    export_onnx(trained, tmp_path / "model.onnx")
    session = ort.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["trap", "boundary", "dist"]
    scene = dome_scene(size=160)
    x = stack_inputs(scene, trained.inputs, TrapCriteria())[None]
    trap, _, dist = session.run(None, {"input": x})
    with torch.inference_mode():
        expected = HeadValues(trained.nets[0], trained.heads)(torch.from_numpy(x))
    np.testing.assert_allclose(trap, expected["trap"], atol=1e-5)
    np.testing.assert_allclose(dist, expected["dist"], rtol=1e-4)
    assert 0 <= trap.min() < 0.4 < 0.6 < trap.max() <= 1 and dist.max() > 10  # probabilities and cells, no logits


def test_the_file_says_what_its_planes_are(tmp_path):
    trained = predictor(inputs="fault,rgb")
    export_onnx(trained, tmp_path / "model.onnx")
    notes = notes_of(ort.InferenceSession(tmp_path / "model.onnx"))["trapmtl"]
    assert [(i["name"], i["planes"], i["outside"]) for i in notes["inputs"]] == [
        ("fault", [0], 0),
        ("rgb", [1, 2, 3], 2),
    ]
    assert notes["outputs"][2] == {"name": "dist", "channels": 1, "unit": HEADS["dist"].unit}
    assert notes["window"] == 64 and notes["predict"]["stride"] == 32
    assert notes == describe_network(trained)


def test_deepness_sees_the_traps_of_a_picture(tmp_path):
    trained = predictor()
    export_deepness(trained, "trap", 12.5, tmp_path / "trap.onnx")
    scene = dome_scene()
    expected = trained(scene)["trap"][0]  # the map is one tile
    assert 0.02 < (expected > 0.5).mean() < 0.98
    clear = np.abs(expected - 0.5) > 1e-4
    np.testing.assert_array_equal(as_deepness(tmp_path / "trap.onnx", scene.rgb)[clear], (expected > 0.5)[clear])
    notes = notes_of(ort.InferenceSession(tmp_path / "trap.onnx"))
    assert notes["class_names"] == {"0": "background", "1": "trap"} and notes["resolution"] == 1250
    assert notes["tile_size"] == notes["tiles_size"] == 64 and notes["tiles_overlap"] == 50


def test_deepness_sees_a_distance_from_the_pictures_of_a_map_folder(tmp_path):
    trained = predictor(heads="dist", inputs="rgb,fault,depth,map")
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
    assert notes_of(ort.InferenceSession(tmp_path / "dist.onnx"))["class_names"] == {"0": "dist"}


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
    np.testing.assert_allclose(values[:, where], record.from_scene(scene)[:, where], atol=1e-4)


def test_classes_of_the_fused_head_keep_their_names():
    trained = predictor(heads="fused")
    names = deepness_metadata(trained, trained.heads[0], None)["class_names"]
    assert names == {"0": "background", "1": "inside of a trap", "2": "rim of a trap"}
    classes = FromImageBytes(HeadValues(trained.nets[0], trained.heads), trained.inputs)(torch.rand(2, 3, 64, 64))[
        "fused"
    ]
    np.testing.assert_allclose(classes.sum(1).detach(), 1, atol=1e-5)


@pytest.mark.parametrize("head", HEADS.values(), ids=lambda head: head.name)
def test_every_head_has_a_class_for_each_plane(head):
    notes = deepness_metadata(predictor(), head, None)
    planes = 2 if head.task == "binary" else head.channels
    assert len(notes["class_names"]) == planes and (notes["model_type"] == "Segmentor") == ("seg_thresh" in notes)


def test_what_deepness_cannot_be_given_is_refused(tmp_path):
    with pytest.raises(UserError, match="the input gradient cannot be made from a picture"):
        export_deepness(predictor(inputs="rgb,gradient"), "trap", None, tmp_path / "a.onnx")
    with pytest.raises(UserError, match=r"unknown name 'height'.*trap, boundary, dist"):
        export_deepness(predictor(), "height", None, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    def wrong(net, planes, size=None):
        with torch.no_grad():
            model = exact(net, planes, size)
            net.net.heads["dist"].bias += 0.01
        return model

    exact = to_onnx
    monkeypatch.setattr("mtl.export.exporters.to_onnx", wrong)
    with pytest.raises(UserError, match="dist of ONNX Runtime differs from torch"):
        export_onnx(predictor(), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
