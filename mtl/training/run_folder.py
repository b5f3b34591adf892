"""How a run folder comes to hold a finished run: it is made, gone on with, or made anew where its settings changed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch.callbacks import Callback

from mtl.config import TrainConfig
from mtl.distributed.launch import alone
from mtl.training.run import train
from targets.common.atomic_write import written_whole
from targets.errors import UserError

MARKER = "settings.sha256"  # in a run's folder: the fingerprint of its settings


def is_run_of(settings: str, folder: Path) -> bool:
    """Whether a folder holds a run of these settings, finished or not."""
    marker = folder / MARKER
    return marker.exists() and marker.read_text().strip() == settings


def make_run(config: TrainConfig, folder: Path, settings: str, extra_callbacks: Sequence[Callback] = ()) -> None:
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
    alone("many runs")
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()):
        if not marker.exists():
            raise UserError(folder, "is not a run of this tool", "an empty or new folder", "choose another --out")
        if not is_run_of(settings, folder):
            print(f"{folder}: the settings changed, the run starts anew")
            shutil.rmtree(folder)
    with written_whole(marker) as temporary:
        temporary.write_text(f"{settings}\n")
    train(config, folder, resume=(folder / "last.ckpt").exists(), extra_callbacks=extra_callbacks)
