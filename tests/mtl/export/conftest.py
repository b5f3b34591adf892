"""An untrained network to export, and the metadata of its file."""

import json

import torch

from mtl.config import NetConfig, PatchConfig, PredictConfig
from mtl.inference.predictor import Predictor
from mtl.models.checkpoint import build_net
from targets.common.cli import Names
from tests.conftest import tiny_config


def make_predictor(heads="trap,boundary,dist", inputs="rgb"):
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


def metadata_of(session):
    """The metadata of a session's file, each value from JSON."""
    return {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
