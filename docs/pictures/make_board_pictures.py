#!/usr/bin/env python
"""Draw docs/images/board_*.png: what TensorBoard shows of two small sets of heads, trained for it within minutes."""

import shutil
import subprocess
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from tensorboard import program
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mtl.ablation.grid import expand_grid
from mtl.ablation.options import Ablation
from mtl.ablation.report import write_report
from mtl.ablation.results import read_results
from mtl.ablation.runner import run_ablation
from targets.common.atomic_write import atomic_write
from targets.common.cli import run
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from targets.synthetic.structure_maps import make_structure_map

WEIGHTS = {"boundary": 0.3, "crest": 0.2, "dist": 0.3, "height": 0.3}
ROWS = {
    "trap alone": {"heads": ["trap"], "optim.loss_weights": {}},
    "five heads": {"heads": ["trap", *WEIGHTS], "optim.loss_weights": WEIGHTS},
}
PICTURES = {"trap/curves": "curves", "dist/errors": "errors", "crest/keypoints": "hits"}
SCREENS = {"pages": ("custom_scalars", 1400, 1000), "text": ("text", 1400, 640), "hparams": ("hparams", 1700, 540)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(*, maps: int = 60, size: int = 96, epochs: int = 8, runs: str | None = None, out: str = "docs/images") -> None:
    """Train each set of heads twice on synthetic maps, and keep pictures and screenshots.

    Parameters
    ----------
    maps : synthetic maps, one in five of which validates; 10 more are tested on.
    size : rows and columns of a map.
    epochs : of each of the four runs.
    runs : folder that keeps maps and runs; by default they are thrown away.
    out : folder of the pictures.
    """
    browser = find_browser()
    with TemporaryDirectory() as temporary:
        images, demo = Path(out).resolve(), yaml.safe_load(Path("configs/demo.yaml").read_text())
        Path(runs or temporary).mkdir(parents=True, exist_ok=True)
        with chdir(runs or temporary):  # so that the pages show names rather than this machine's folders
            for name, seed, count in (("maps", 1, maps), ("test", 2, 10)):
                for scene in (make_structure_map(seed * 100_000 + i, size) for i in range(count)):
                    write_map_folder(scene, Path(name) / scene.name)
            own = {"data": "maps", "loop": demo["loop"] | {"epochs": epochs, "panels_every": epochs}}
            Path("base.yaml").write_text(yaml.safe_dump(demo | own))
            compare(Ablation("board", ROWS, {"test": "test"}, seeds=2, base="base.yaml"), Path("runs"))
            events = EventAccumulator("runs/five_heads/all/0", {"images": 0}).Reload()
            for tag, name in PICTURES.items():
                with atomic_write(images / f"board_{name}.png") as picture:
                    picture.write_bytes(events.Images(tag)[-1].encoded_image_string)
            url = serve("runs")
            for name, (page, width, height) in SCREENS.items():
                screenshot(browser, f"{url}#{page}", images / f"board_{name}.png", width, height)
    print(f"look at {out}/board_*.png")


def compare(ablation: Ablation, out: Path) -> None:
    """Make all runs and their report."""
    run_ablation(ablation, out)
    write_report(ablation, expand_grid(ablation, out), read_results(out), out)


def serve(logdir: str) -> str:
    """The address of a TensorBoard that runs until this program ends."""
    board = program.TensorBoard()
    board.configure(["tensorboard", "--logdir", logdir, "--port", "0"])
    return board.launch()


def find_browser() -> str:
    """The program that draws web pages without a window."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise UserError("screenshots", "no browser", f"one of {', '.join(BROWSERS)}", "apt-get install chromium")


def screenshot(browser: str, url: str, out: Path, width: int, height: int) -> None:
    """A picture of a web page once it is drawn."""
    with atomic_write(out) as temporary:
        subprocess.run(
            [
                browser,
                "--headless=new",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--window-size={width},{height}",
                "--virtual-time-budget=20000",
                f"--screenshot={temporary}",
                url,
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


if __name__ == "__main__":
    run(main)
