"""Correct predicted traps on a local web page."""

from pathlib import Path

from mtl.inference.predictor import load_predictor
from mtl.review.predictions import predictions_in_folder, predictions_of_network
from mtl.review.server import serve
from mtl.review.session import ReviewSession
from targets.common.cli import run
from targets.errors import UserError
from targets.io.catalogue import ReadOptions

DEFAULT = ReadOptions()


def main(
    data: str,
    *,
    checkpoint: str | None = None,
    predictions: str | None = None,
    port: int = 8765,
    device: str = "auto",
    reading: ReadOptions = DEFAULT,
) -> None:
    """Serve a local web page on which predicted traps are accepted, deleted or redrawn, and saved as traps.png.

    Parameters
    ----------
    data : str
        Folder of maps; corrected traps are saved into it, for the next training.
    checkpoint : str | None, default None
        Best.ckpt or last.ckpt of a run folder: maps are predicted as they are opened; by default the model that comes
        with the package.
    predictions : str | None, default None
        Instead, the folder that tools/predict.py wrote for these maps.
    port : int, default 8765
        Of this machine's loopback address, from which alone the page can be reached; 0 takes a free one.
    device : str, default 'auto'
        Auto, cpu, cuda, ...
    """
    if checkpoint and predictions:
        raise UserError("--predictions", "given together with --checkpoint", "one of them")
    look = (
        predictions_in_folder(Path(predictions))
        if predictions
        else predictions_of_network(load_predictor(checkpoint, device))
    )
    desk = ReviewSession(Path(data), look, reading)
    serve(desk, port, lambda address: print(f"open {address}\n(stop with Ctrl-C)", flush=True))


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
