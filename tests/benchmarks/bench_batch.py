#!/usr/bin/env python
"""Resident memory of one process that predicts many small maps with the bundled model.

The maps are twenty domes of 64 x 64 cells, again and again under other names; every map gets its whole folder of
results (of which the preview alone is kept), and the batch its report, as by tools/predict.py. Growth is the slope of
a line through the second half of the batch.
"""

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mtl.inference.options import PredictorOptions
from mtl.prediction.html_report import PREVIEW_FILE
from mtl.prediction.predict_maps import REPORT_FILE, predict_maps
from targets.common.cli import run
from targets.errors import UserError
from targets.io.map_folder.writer import write_map_folder
from targets.io.read_options import ReadOptions
from tests.benchmarks.bench_memory import status
from tests.conftest import dome_scene

KINDS = 20  # of maps


def write_maps(count: int, folder: Path) -> None:
    """Write domes with their crests in different places."""
    for i, (row, col) in enumerate(np.random.default_rng(0).uniform(0.3, 0.7, (KINDS, 2))):
        write_map_folder(dome_scene(f"m{i}", crest=(row, col)), folder / f"m{i}")
    for i in range(KINDS, count):
        shutil.copytree(folder / f"m{i % KINDS}", folder / f"m{i}")


def main(*, maps: int = 200, out: str = "") -> None:
    """Predict maps in one process and print its resident memory.

    Parameters
    ----------
    maps : number of maps, 20 at least.
    out : a PNG of memory over maps.
    """
    resident = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_maps(maps, folder / "maps")
        start, options, reading = time.perf_counter(), PredictorOptions(), ReadOptions(quiet=True)
        for _, _, outcome in predict_maps(options, [str(folder / "maps")], folder / "out", reading):
            if isinstance(outcome, UserError):
                raise outcome
            resident.append(1024 * status("VmRSS"))
            for file in outcome.iterdir():  # thousands of folders would fill a small disk
                if file.name != PREVIEW_FILE:
                    file.unlink()
        seconds, report = time.perf_counter() - start, (folder / "out" / REPORT_FILE).stat().st_size / 1e6
    half = resident[maps // 2 :]
    growth = 1000 * np.polyfit(np.arange(len(half)), half, 1)[0]
    print(f"{maps:,} maps in {seconds:.0f} s, report of {report:.1f} MB; resident: {resident[0]:.0f} MB after the "
          f"first, {half[0]:.0f} MB in the middle, {half[-1]:.0f} MB at the end, "
          f"{growth:+.1f} MB per 1,000 maps in the second half")  # fmt: skip
    if out:
        figure = Figure(figsize=(7, 2.6), dpi=110, layout="constrained")
        axes = figure.subplots()
        axes.plot(np.arange(1, maps + 1), resident, lw=1)
        axes.set(xlabel="maps predicted by one process", ylabel="resident memory, MB", ylim=(0, None))
        axes.grid(alpha=0.3)
        figure.savefig(out)


if __name__ == "__main__":
    run(main)
