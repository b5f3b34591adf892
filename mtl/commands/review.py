"""Command review: correct predicted traps on a local web page."""

from pathlib import Path

from targets.analysis.options import DEFAULT_OPTIONS, ClosureOptions
from targets.common.cli import run
from targets.common.process_lifetime import importing
from targets.errors import UserError
from targets.io.read_options import ReadOptions

READING = ReadOptions()


def main(
    data: str,
    closures: ClosureOptions = DEFAULT_OPTIONS,
    *,
    checkpoint: str | None = None,
    predictions: str | None = None,
    port: int = 8765,
    device: str = "auto",
    reading: ReadOptions = READING,
) -> None:
    """Serve a local web page on which predicted traps are accepted, deleted or redrawn, and saved as traps.png.

    Parameters
    ----------
    data : str
        Folder of maps; corrected traps are saved into it, for the next training.
    checkpoint : str | None, default None
        File best.ckpt or last.ckpt of a run folder, with which maps are predicted as they are opened; by default the
        model that comes with the package.
    predictions : str | None, default None
        Folder that tools/predict.py wrote for these maps, to show instead of predicting them.
    port : int, default 8765
        Port of this machine's loopback address, from which alone the page can be reached; 0 takes a free one.
    device : str, default 'auto'
        Where the network runs: auto (a GPU if there is one), cpu, cuda or another device of torch.
    """
    with importing():
        from mtl.inference.predictor import load_predictor
        from mtl.review.predictions import predictions_in_folder, predictions_of_network
        from mtl.review.server import serve
        from mtl.review.session import ReviewSession

    if checkpoint and predictions:
        raise UserError("--predictions", "given together with --checkpoint", "one of them")
    if predictions:
        predict = predictions_in_folder(Path(predictions))
    else:
        predict = predictions_of_network(load_predictor(checkpoint, device))
    session = ReviewSession(Path(data), predict, reading, closures)
    serve(session, port, lambda address: print(f"open {address}\n(stop with Ctrl-C)", flush=True))


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
