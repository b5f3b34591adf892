"""The best checkpoint of a run folder stays the best when the folder has moved."""

import lightning as L
import torch

from mtl.training.callbacks.checkpoint_files import RelocatableModelCheckpoint


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
