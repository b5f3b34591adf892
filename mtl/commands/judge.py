"""Command judge: benchmark of a model on real surfaces, beside baselines without a network."""

from pathlib import Path

from targets.common.cli import Names, run
from targets.common.process_lifetime import importing
from targets.errors import raise_all
from targets.io.read_options import ReadOptions

READING = ReadOptions()


def main(
    surfaces: tuple[str, ...],
    *,
    out: str,
    checkpoint: Names | None = None,
    seed: int = 0,
    device: str = "auto",
    pages: bool = False,
    reading: ReadOptions = READING,
) -> None:
    """Judge a model on real surfaces: with a picture alone, with depth, with closures, and with a noisy depth.

    Parameters
    ----------
    surfaces : tuple[str, ...]
        Grids, map folders, or folders of them; pictures are drawn for them, in styles that were kept from training.
    out : str
        Folder for the table judged.md, and a folder per case with metrics.csv and worst.png.
    checkpoint : Names | None, default None
        File best.ckpt of a run folder, or several with commas between them as an ensemble; by default the model that
        comes with the package.
    seed : int, default 0
        Seed of the styles of pictures and of the noise.
    device : str, default 'auto'
        Where the network runs: auto (a GPU if there is one), cpu, cuda or another device of torch.
    pages : bool, default False
        Draw the surfaces as pages of a report, too, and read these as any picture; some seconds a surface.
    """
    with importing():
        from mtl.evaluation.benchmark import TABLE_FILE, run_benchmark
        from mtl.inference.predictor import load_predictor

    text, failed = run_benchmark(load_predictor(checkpoint, device), surfaces, Path(out), reading, seed, pages)
    print(text)
    print(f"table: {Path(out) / TABLE_FILE}; look at worst.png in the folders beside it")
    raise_all(failed)


def command(args: list[str] | None = None) -> None:
    """Run the tool with the words of a command line; None takes them from `sys.argv`."""
    run(main, args)
