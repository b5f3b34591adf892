"""A signal leaves a checkpoint and ends the run, wherever it arrives."""

import multiprocessing
import os
import signal

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig
from mtl.training.run import fit
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


class Send(Callback):
    """Sends this process a signal in the middle of a step."""

    def __init__(self, number):
        self.number = number

    def on_before_backward(self, trainer, module, loss):
        if trainer.global_step == 1:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_after_the_step_and_ends_with_its_code(tmp_path, capsys, number):
    before = signal.getsignal(number)
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=1, logger="csv"))
    with pytest.raises(SystemExit) as ended:
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[Send(number)])
    assert ended.value.code == 128 + number
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["position"] == {"epoch": 0, "batches": 2}
    assert f"saved in epoch 1, after 2 batches; continue with --resume --out {tmp_path}" in capsys.readouterr().err
    assert signal.getsignal(number) == before


class SendInValidation(Callback):
    """Sends this process a signal while it validates."""

    def on_validation_batch_start(self, trainer, module, batch, batch_idx, dataloader_idx=0):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_that_is_stopped_while_it_validates_leaves_no_worker(tmp_path):
    """The program would wait for it for ever. Found by tests/soak/kill.py."""
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=1, num_workers=1, logger="csv"))
    try:
        with pytest.raises(SystemExit):
            fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[SendInValidation()])
        assert multiprocessing.active_children() == []
    finally:
        for left in multiprocessing.active_children():
            left.kill()


@pytest.mark.parametrize("accumulate", [1, 2])
def test_what_an_epoch_learned_is_not_lost_to_a_stop_in_its_validation(tmp_path, monkeypatch, accumulate):
    """All but its last step is kept. Found on a GPU: three minutes of training were lost."""
    monkeypatch.setattr("mtl.training.callbacks.preemption.MIN_SECONDS_TO_SAVE", 0.0)
    loop = LoopConfig(epochs=1, batch_size=1, repeats_per_epoch=2, accumulate_batches=accumulate, logger="csv")
    config = tiny_config(heads=Names("trap"), loop=loop)
    with pytest.raises(SystemExit):
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[SendInValidation()])
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)["position"]
    assert kept == {"epoch": 0, "batches": 6 - accumulate}
