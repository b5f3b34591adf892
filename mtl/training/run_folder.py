"""Run folders of many runs: each is started, resumed, or replaced where its settings have changed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.callbacks import Callback

from mtl.config import TrainConfig
from mtl.distributed.launch import require_single_process
from mtl.training.run import train
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

FINGERPRINT_FILE = "settings.sha256"  # in a run folder: the fingerprint of its settings


def holds_run(fingerprint: str, folder: Path) -> bool:
    """Whether a folder holds a run of the settings with this fingerprint, finished or not."""
    file = folder / FINGERPRINT_FILE
    return file.exists() and file.read_text("utf-8", errors="replace").strip() == fingerprint


def ensure_run(config: TrainConfig, folder: Path, fingerprint: str, extra_callbacks: Sequence[Callback] = ()) -> None:
    """Make sure that a folder holds the finished run of these settings: train it, or what is left of it.

    Parameters
    ----------
    config : TrainConfig
        The settings.
    folder : Path
        The run folder.
    fingerprint : str
        Of the settings (`mtl.config.fingerprint`).
    extra_callbacks : Sequence[Callback], default ()
        As of `mtl.training.run.fit`.

    Raises
    ------
    UserError
        The folder holds something else, or several processes were started.
    """
    require_single_process("many runs")
    file = folder / FINGERPRINT_FILE
    if folder.exists() and any(folder.iterdir()):
        if not file.exists():
            raise UserError(folder, "is not a run of this tool", "an empty or new folder", "choose another --out")
        if not holds_run(fingerprint, folder):
            print(f"{folder}: the settings changed, the run starts again")
            shutil.rmtree(folder)
    with atomic_write(file) as temporary:
        temporary.write_text(f"{fingerprint}\n", "utf-8")
    train(config, folder, resume=(folder / "last.ckpt").exists(), extra_callbacks=extra_callbacks)
