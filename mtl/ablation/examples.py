"""What the rows of an ablation answer on the same few maps: kept with every run, drawn side by side."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mtl.ablation.grid import AblationRun
from mtl.tasks.base import Output
from mtl.tasks.heads import HEADS, collect_outputs
from targets.common.atomic_write import atomic_write
from targets.io.catalogue import ReadOptions, list_maps, read_map
from targets.rendering.map import ensure_picture
from targets.scene import Float, Scene
from targets.truth.traps import GroundTruthOptions, build_ground_truth

MAX_EXAMPLES = 6  # maps, evenly spread over a test set
EXAMPLES_FILE = "examples.npz"  # in a run's folder, under the test set's name
OUTPUTS = {output.name: output for output in collect_outputs(tuple(HEADS.values()))}


def write_examples(
    predict: Callable[[Scene], Mapping[str, Float]],
    outputs: Sequence[Output],
    options: GroundTruthOptions,
    data: Sequence[str],
    reading: ReadOptions,
    path: Path,
) -> None:
    """Write what is drawn of a run: picture/MAP, and OUTPUT/truth/MAP and OUTPUT/answer/MAP as one plane each.

    Parameters
    ----------
    answer : Callable[[Scene], Mapping[str, Float]]
        A scene -> {output: values (C, H, W)}.
    data : Sequence[str]
        The test set.
    """
    sources = list_maps(data, reading.layout)
    kept: dict[str, Any] = {}
    for number in np.unique(np.linspace(0, len(sources) - 1, MAX_EXAMPLES).astype(int)):
        scene = read_map(sources[number], reading.fill, reading.elevation)
        values, truth = predict(scene), build_ground_truth(scene, options)
        kept[f"picture/{scene.name}"] = ensure_picture(scene).rgb
        for output in outputs:
            target, valid = output.target(truth)
            shown = np.where(valid, output.drawing.plane(target), np.nan)
            kept[f"{output.name}/truth/{scene.name}"] = shown.astype(np.float16)
            kept[f"{output.name}/answer/{scene.name}"] = output.drawing.plane(values[output.name]).astype(np.float16)
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, **kept)


def draw_examples(grid: Sequence[AblationRun], test_set: str, condition: str) -> Figure | None:
    """Picture, truth, and every row's answers (its first seed's) on some maps of a test set; None if none were kept."""
    columns: list[tuple[str, Output, dict[str, np.ndarray]]] = []
    for job in grid:
        path = job.folder / test_set / EXAMPLES_FILE
        if job.seed or job.condition != condition or not path.exists():
            continue
        with np.load(path) as file:
            kept = dict(file)
        for name in job.outputs:
            if any(key.startswith(f"{name}/answer/") for key in kept):
                columns.append((job.row if len(job.outputs) == 1 else f"{job.row}:\n{name}", OUTPUTS[name], kept))
    if not columns:
        return None
    _, first, kept = columns[0]
    maps = [key.removeprefix("picture/") for key in kept if key.startswith("picture/")]
    figure = Figure(figsize=(1.9 * (len(columns) + 2) + 0.6, 1.85 * len(maps) + 0.9), dpi=80, layout="constrained")
    axes = figure.subplots(len(maps), len(columns) + 2, squeeze=False)
    for row, name in zip(axes, maps, strict=True):
        row[0].imshow(kept[f"picture/{name}"])
        row[0].set_ylabel(name, fontsize=8)
        _show(row[1], first, kept[f"{first.name}/truth/{name}"])
        for axis, (_, output, own) in zip(row[2:], columns, strict=True):
            _show(axis, output, own[f"{output.name}/answer/{name}"])
        for axis in row:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], ["picture", "truth", *(title for title, _, _ in columns)], strict=True):
        axis.set_title(title, fontsize=9)
    figure.suptitle(f"{test_set} · {condition}: {first.unit}", fontsize=10)
    return figure


def _show(axis: Any, output: Output, plane: np.ndarray) -> None:
    drawing = output.drawing
    colours = matplotlib.colormaps[drawing.colour_map].with_extremes(bad="0.85")
    axis.imshow(plane.astype(np.float32), cmap=colours, vmin=drawing.vmin, vmax=drawing.vmax, interpolation="nearest")
