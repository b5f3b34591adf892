"""An ONNX file of all heads predicts what the network predicts."""

import numpy as np
import pytest
import torch

from mtl.commands.export import command
from mtl.data.channel_stack import stack_inputs
from mtl.export.all_heads import export_onnx
from mtl.export.onnx_file import HeadValues, describe_network
from mtl.inference.onnx import export_graph
from mtl.tasks.heads import HEADS
from targets.errors import UserError
from targets.truth.criteria import TrapCriteria
from tests.conftest import dome_scene
from tests.mtl.export.conftest import make_predictor, metadata_of

ort = pytest.importorskip("onnxruntime")


def test_all_heads_in_their_units_at_a_size_of_its_own(tmp_path):
    trained = make_predictor(inputs="rgb,fault,depth")
    export_onnx(trained, tmp_path / "model.onnx")
    session = ort.InferenceSession(tmp_path / "model.onnx")
    assert [output.name for output in session.get_outputs()] == ["trap", "boundary", "dist"]
    scene = dome_scene(size=160)
    x = stack_inputs(scene, trained.inputs, TrapCriteria())[None]
    trap, _, dist = session.run(None, {"input": x})
    net = HeadValues(trained.nets[0], trained.heads)
    with torch.inference_mode():
        rounded = net(torch.from_numpy(x))
        exact = net.double()(torch.from_numpy(x).double())
    # Torch and ONNX Runtime both round to float32, each in its own order that depends on processor and version: here
    # either is up to 1e-5 from the probability in float64, and 1.2e-5 from the other. So float64 is the reference, and
    # the file has to be about as near to it as torch is.
    for name, values in (("trap", trap), ("dist", dist)):
        error, torch_error = (np.abs(given - exact[name].numpy()).max() for given in (values, rounded[name].numpy()))
        assert error <= 1.5 * torch_error and torch_error < 4e-5 * HEADS[name].scale
    assert 0 <= trap.min() < 0.4 < 0.6 < trap.max() <= 1 and dist.max() > 10  # probabilities and cells, no logits


def test_the_file_says_what_its_planes_are(tmp_path):
    trained = make_predictor(inputs="fault,rgb")
    export_onnx(trained, tmp_path / "model.onnx")
    metadata = metadata_of(ort.InferenceSession(tmp_path / "model.onnx"))["trapmtl"]
    assert [(i["name"], i["planes"], i["fill_value"]) for i in metadata["inputs"]] == [
        ("fault", [0], 0),
        ("rgb", [1, 2, 3], 2),
    ]
    assert metadata["outputs"][2] == {"name": "dist", "channels": 1, "unit": HEADS["dist"].unit}
    assert metadata["window"] == 64 and metadata["predict"]["stride"] == 32
    assert metadata == describe_network(trained)


def test_a_graph_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    def wrong(net, planes, size=None):
        with torch.no_grad():
            model = exact(net, planes, size)
            net.net.heads["dist"].bias += 0.01
        return model

    exact = export_graph
    monkeypatch.setattr("mtl.export.onnx_file.export_graph", wrong)
    with pytest.raises(UserError, match="dist of ONNX Runtime differs from torch"):
        export_onnx(make_predictor(), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_kind_is_refused(capsys, tmp_path):
    """An ONNX graph was written under whatever name, such as net.pt."""
    with pytest.raises(SystemExit, match="2"):
        command(["--out", str(tmp_path / "net.pt")])
    assert "net.pt; expected NAME.onnx or NAME.safetensors" in capsys.readouterr().err
