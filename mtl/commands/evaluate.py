"""Command evaluate: metrics of a trained network on maps whose traps are known."""

from pathlib import Path

from mtl.inference.options import PredictorOptions
from targets.common.cli import run
from targets.common.parallel import THIS_PROCESS, Workers
from targets.common.process_lifetime import importing
from targets.errors import UserError, raise_all
from targets.io.read_options import ReadOptions

READING, NETWORK = ReadOptions(), PredictorOptions()


def main(
    data: tuple[str, ...],
    network: PredictorOptions = NETWORK,
    workers: Workers = THIS_PROCESS,
    *,
    out: str,
    tile: float | None = None,
    reading: ReadOptions = READING,
) -> None:
    """Score every head of a network on maps, per map and pooled.

    Parameters
    ----------
    data : tuple[str, ...]
        Maps, folders of maps, or grids; traps that no interpreter drew are computed from the depth.
    out : str
        Folder for metrics.csv, metrics.md and sizes.md (traps by their size over a tile's).
    tile : float | None, default None
        Side in cells over which sizes of traps are given, to compare networks of different tiles; by default that of
        the network's own tiles.
    """
    with importing():
        from mtl.evaluation.evaluate import evaluate

    if (Path(out) / "last.ckpt").exists():
        raise UserError("--out", f"{out} is a run folder, which has a metrics.csv of its own", "another folder",
                        f"--out {Path(out) / 'evaluated'}")  # fmt: skip
    text, failed = evaluate(network, data, Path(out), reading, tile, workers)
    print(text)
    print(f"tables: {Path(out) / 'metrics.csv'}, {Path(out) / 'metrics.md'}, {Path(out) / 'sizes.md'}")
    raise_all(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
