"""How a run is kept: what a signal leaves, what a moved folder remembers, and where an epoch goes on."""

import multiprocessing
import os
import signal

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import LoopConfig
from mtl.data.samplers import EpochSampler
from mtl.training.callbacks.checkpointing import RelocatableModelCheckpoint
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
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=1))
    with pytest.raises(SystemExit) as ended:
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[Send(number)])
    assert ended.value.code == 128 + number
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["position"] == {"epoch": 0, "batches": 2}
    assert f"saved in epoch 1, after 2 batches; go on with --resume --out {tmp_path}" in capsys.readouterr().err
    assert signal.getsignal(number) == before


class SendInValidation(Callback):
    """Sends this process a signal while it validates."""

    def on_validation_batch_start(self, trainer, module, batch, batch_idx, dataloader_idx=0):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_that_is_stopped_while_it_validates_leaves_no_worker(tmp_path):
    """The program would wait for it for ever. Found by tests/soak/kill.py."""
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=1, num_workers=1))
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
    monkeypatch.setattr("mtl.training.callbacks.checkpointing.WORTH", 0.0)
    config = tiny_config(heads=Names("trap"), loop=LoopConfig(epochs=1, batch_size=1, repeats_per_epoch=2, accumulate_batches=accumulate))
    with pytest.raises(SystemExit):
        fit(config, tmp_path, SCENES[:3], SCENES[3:], extra_callbacks=[SendInValidation()])
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)["position"]
    assert kept == {"epoch": 0, "batches": 6 - accumulate}


def test_the_best_of_a_folder_that_was_moved_stays_the_best(tmp_path):
    old, new = (RelocatableModelCheckpoint(tmp_path / name, "best", "trap/iou", "max") for name in ("old", "new"))
    path, score = str(tmp_path / "old" / "best.ckpt"), torch.tensor(0.7)
    old.best_model_path = old.kth_best_model_path = path
    old.best_k_models, old.best_model_score, old.kth_value, old.current_score = {path: score}, score, score, score
    new.load_state_dict(old.state_dict())
    assert new.current_score == score
    assert new.best_k_models == {str(tmp_path / "new" / "best.ckpt"): score}
    trainer = L.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False, default_root_dir=tmp_path)
    assert not new.check_monitor_top_k(trainer, torch.tensor(0.6))
    assert new.check_monitor_top_k(trainer, torch.tensor(0.8))


def test_an_epoch_goes_on_where_it_was_and_the_next_is_whole():
    whole, parts = EpochSampler(7, seed=1), EpochSampler(7, seed=1)
    parts.go_on(epoch=3, shown=4)
    for epoch, first in ((3, 4), (4, 0)):
        whole.set_epoch(epoch)
        parts.set_epoch(epoch)
        assert list(parts) == list(whole)[first:] and len(parts) == 7
