"""How a run folder comes to hold a finished run: it is made, gone on with, or made anew where its settings changed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.callbacks import Callback

from mtl.config import TrainConfig
from mtl.distributed.launch import require_single_process
from mtl.training.run import train
from targets.common.atomic_write import atomic_write
from targets.errors import UserError

FINGERPRINT_FILE = "settings.sha256"  # in a run's folder: the fingerprint of its settings


def holds_run(settings: str, folder: Path) -> bool:
    """Whether a folder holds a run of these settings, finished or not."""
    marker = folder / FINGERPRINT_FILE
    return marker.exists() and marker.read_text().strip() == settings


def ensure_run(config: TrainConfig, folder: Path, settings: str, extra_callbacks: Sequence[Callback] = ()) -> None:
    """Make sure that a folder holds the finished run of these settings.

    Parameters
    ----------
    settings : str
        Their fingerprint (`mtl.config.fingerprint`).

    Raises
    ------
    UserError
        The folder holds something else, or several processes were started.
    """
    require_single_process("many runs")
    marker = folder / FINGERPRINT_FILE
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise UserError(folder, "is not a run of this tool", "an empty or new folder", "choose another --out")
        if not holds_run(settings, folder):
            print(f"{folder}: the settings changed, the run starts anew")
            shutil.rmtree(folder)
    with atomic_write(marker) as temporary:
        temporary.write_text(f"{settings}\n")
    train(config, folder, resume=(folder / "last.ckpt").exists(), extra_callbacks=extra_callbacks)
