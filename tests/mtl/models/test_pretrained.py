"""A pretrained encoder reads pictures as scaled as it did in training, whatever other channels stand beside them."""

import pytest
import segmentation_models_pytorch as smp
import torch

from mtl.data.channels import INPUTS, WHITE
from mtl.models.pretrained import INSTALLED_WEIGHTS, PixelScale, load_imagenet_weights, widen_stem

IMAGENET = PixelScale((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SCALES = {"resnet34": IMAGENET} | {name: scale for name, (_, scale) in INSTALLED_WEIGHTS.items()}


@pytest.mark.parametrize("rule", ["mean", "kaiming"])
@pytest.mark.parametrize(
    ("name", "scale"), [("resnet34", IMAGENET), *((k, v[1]) for k, v in INSTALLED_WEIGHTS.items())]
)
def test_a_picture_meets_the_stem_as_in_training(name, scale, rule):
    torch.manual_seed(0)
    encoder, own = (smp.encoders.get_encoder(name, in_channels=3, weights=None).eval() for _ in range(2))
    if name in INSTALLED_WEIGHTS:
        assert load_imagenet_weights(encoder, name) == scale
    own.load_state_dict(encoder.state_dict())
    widen_stem(own, [INPUTS["fault"], INPUTS["rgb"], INPUTS["depth"]], rule, scale)
    grey = torch.rand(1, 3, 64, 64)
    expected = (grey - torch.tensor(scale.mean).reshape(1, 3, 1, 1)) / torch.tensor(scale.std).reshape(1, 3, 1, 1)
    inputs = torch.zeros(1, 5, 64, 64)
    inputs[:, 1:4] = (grey - 0.5) * 2 * WHITE
    with torch.no_grad():
        found, known = own(inputs)[1], encoder(expected)[1]
    torch.testing.assert_close(found[..., 4:-4, 4:-4], known[..., 4:-4, 4:-4], rtol=1e-4, atol=1e-4)


def test_without_pretrained_weights_the_stem_stays():
    encoder = smp.encoders.get_encoder("resnet18", in_channels=3, weights=None)
    before = encoder.conv1.weight.detach().clone()
    widen_stem(encoder, [INPUTS["rgb"], INPUTS["fault"]], "mean")
    torch.testing.assert_close(encoder.conv1.weight[:, :3], before, rtol=0, atol=0)
