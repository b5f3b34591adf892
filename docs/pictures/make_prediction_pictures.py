#!/usr/bin/env python
"""Draw docs/images/predicted_*.png: what tools/predict.py leaves of the demo's new maps and a damaged grid.

Run `make demo` first.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from make_board_pictures import find_browser, screenshot
from PIL import Image

from mtl.inference.options import PredictorOptions
from mtl.prediction.predict_maps import REPORT_FILE, predict_maps
from targets.common.cli import Names, run
from targets.io.catalogue import ReadOptions

SHOWN = "synth_700001"
PICTURES = ("overlay", "disagreement")
SCREEN = 1280, 1180  # pixels


def main(
    *, checkpoint: str = "runs/demo/best.ckpt", data: str = "data/demo_new", out: Path = Path("docs/images")
) -> None:
    """Predict a folder of maps, and keep two pictures of one map and a screenshot of the report.

    Parameters
    ----------
    checkpoint : of a finished run.
    data : folder of maps.
    out : folder of the pictures.
    """
    browser = find_browser()
    with TemporaryDirectory() as temporary:
        maps, predictions = Path(temporary) / "maps", Path(temporary) / "predictions"
        shutil.copytree(data, maps)
        (maps / "damaged.gri").write_bytes(b"")
        network = PredictorOptions(Names(checkpoint), device="cpu")
        for _ in predict_maps(network, [str(maps)], predictions, ReadOptions()):
            pass
        pair = [cv2.imread(str(predictions / SHOWN / f"{name}.png")) for name in PICTURES]
        height = min(picture.shape[0] for picture in pair)
        joined = cv2.hconcat([cv2.resize(p, (p.shape[1] * height // p.shape[0], height)) for p in pair])
        cv2.imwrite(str(predictions / "trap.png"), joined)
        screenshot(browser, (predictions / REPORT_FILE).as_uri(), predictions / "report.png", *SCREEN)
        for name in ("trap", "report"):
            picture = Image.open(predictions / f"{name}.png").convert("RGB")
            picture.thumbnail((1400, 1400), Image.Resampling.LANCZOS)
            picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(out / f"predicted_{name}.png", optimize=True)
    print(f"look at {out}/predicted_*.png")


if __name__ == "__main__":
    run(main)
