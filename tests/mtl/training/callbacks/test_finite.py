"""A NaN or infinite loss or gradient stops the run with its batch."""

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig, OptimConfig
from mtl.training.run import fit
from targets.common.cli import Names
from targets.errors import UserError
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


class Spoil(Callback):
    """Makes the weights or the gradients of a head NaN at a batch."""

    def __init__(self, what):
        self.what = what

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        weights = next(module.net.heads["dist"].parameters())
        if batch_idx == 1 and self.what == "loss":
            weights.data.fill_(torch.nan)
        elif batch_idx == 1:
            weights.register_hook(lambda gradient: gradient * torch.inf)


@pytest.mark.parametrize(("what", "named"), [("loss", "dist nan"), ("gradient", "heads (nan|inf)")])
def test_a_value_that_is_not_finite_stops_the_run_with_its_batch(tmp_path, what, named):
    config = tiny_config(
        heads=Names("trap,dist"), loop=LoopConfig(epochs=1, batch_size=1, save_minutes=0, logger="csv")
    )
    found = rf"stopped.pt: .*{what} was not finite \({named}\), of maps d[012];"
    with pytest.raises(UserError, match=found) as raised:
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[Spoil(what)])
    kept = torch.load(tmp_path / "stopped.pt", weights_only=True)
    assert kept["batch"]["inputs"].shape == (1, 5, 64, 64)
    assert f"maps {kept['places'][0][0]};" in str(raised.value)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)  # of the step before
    assert all(value.isfinite().all() for value in saved["state_dict"].values())


def test_an_infinite_loss_is_reported_before_gradient_surgery_stumbles_over_it(tmp_path):
    pytest.importorskip("torchjd")
    optim, loop = OptimConfig(balance="torchjd:upgrad"), LoopConfig(epochs=1, batch_size=1, logger="csv")
    config = tiny_config(heads=Names("trap,dist"), loop=loop, optim=optim)

    class Overflow(Callback):
        def on_train_batch_start(self, trainer, module, batch, batch_idx):
            batch["target/dist"].fill_(torch.inf)

    with pytest.raises(UserError, match="loss was not finite \\(dist inf\\)"):
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[Overflow()])
