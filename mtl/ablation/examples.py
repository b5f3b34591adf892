"""Example predictions of an ablation: the same few maps from every run, drawn side by side."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl.ablation.grid import AblationRun
from mtl.tasks.base import Output
from mtl.tasks.heads import known_outputs
from targets.common.atomic_write import atomic_write
from targets.io.catalogue import find_maps, read_map
from targets.io.read_options import ReadOptions
from targets.rendering.map import ensure_picture
from targets.scene import Float, Scene
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import build_ground_truth

MAX_EXAMPLES = 6  # maps, evenly spread over a test set
EXAMPLES_FILE = "examples.npz"  # in a run's folder, under the test set's name
OUTPUTS = known_outputs()


def write_examples(
    predict: Callable[[Scene], Mapping[str, Float]],
    outputs: Sequence[Output],
    options: GroundTruthOptions,
    data: Sequence[str],
    reading: ReadOptions,
    path: Path,
) -> None:
    """Write example predictions of a run as NPZ: picture/MAP, OUTPUT/truth/MAP and OUTPUT/answer/MAP.

    Parameters
    ----------
    predict : Callable[[Scene], Mapping[str, Float]]
        Map -> {output: (C, H, W) float32}.
    outputs : Sequence[Output]
        Outputs that are kept, as the plane that is drawn of each.
    options : GroundTruthOptions
        How the truth is made.
    data : Sequence[str]
        The test set.
    reading : ReadOptions
        How maps are read.
    path : Path
        The file.

    Raises
    ------
    UserError
        A map cannot be read, or the file cannot be written.
    """
    sources = find_maps(data, reading).sources
    planes: dict[str, Any] = {}
    for index in np.unique(np.linspace(0, len(sources) - 1, MAX_EXAMPLES).astype(int)):
        scene = read_map(sources[index], reading)
        values, truth = predict(scene), build_ground_truth(scene, options)
        planes[f"picture/{scene.name}"] = ensure_picture(scene).rgb
        for output in outputs:
            target, valid = output.target(truth)
            true = np.where(valid, output.drawing.plane(target), np.nan)
            planes[f"{output.name}/truth/{scene.name}"] = true.astype(np.float16)
            planes[f"{output.name}/answer/{scene.name}"] = output.drawing.plane(values[output.name]).astype(np.float16)
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, **planes)


def draw_examples(grid: Sequence[AblationRun], test_set: str, condition: str) -> Figure | None:
    """Draw picture, truth and every row's prediction (of its first seed) on some maps of a test set.

    Parameters
    ----------
    grid : Sequence[AblationRun]
        Runs of the ablation.
    test_set : str
        Name of the test set.
    condition : str
        Name of the condition.

    Returns
    -------
    Figure | None
        A row per map; None where no run has examples.
    """
    columns: list[tuple[str, Output, dict[str, np.ndarray]]] = []
    for run in grid:
        path = run.folder / test_set / EXAMPLES_FILE
        if run.seed or run.condition != condition or not path.exists():
            continue
        with np.load(path) as file:
            planes = dict(file)
        for name in run.outputs:
            if any(key.startswith(f"{name}/answer/") for key in planes):
                title = run.row if len(run.outputs) == 1 else f"{run.row}:\n{name}"
                columns.append((title, OUTPUTS[name], planes))
    if not columns:
        return None
    _, first, planes = columns[0]
    maps = [key.removeprefix("picture/") for key in planes if key.startswith("picture/")]
    figure = Figure(figsize=(1.9 * (len(columns) + 2) + 0.6, 1.85 * len(maps) + 0.9), dpi=80, layout="constrained")
    axes = figure.subplots(len(maps), len(columns) + 2, squeeze=False)
    for row, name in zip(axes, maps, strict=True):
        row[0].imshow(planes[f"picture/{name}"])
        row[0].set_ylabel(name, fontsize=8)
        _draw_plane(row[1], first, planes[f"{first.name}/truth/{name}"])
        for axis, (_, output, own) in zip(row[2:], columns, strict=True):
            _draw_plane(axis, output, own[f"{output.name}/answer/{name}"])
        for axis in row:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], ["picture", "truth", *(title for title, _, _ in columns)], strict=True):
        axis.set_title(title, fontsize=9)
    figure.suptitle(f"{test_set} · {condition}: {first.unit}", fontsize=10)
    return figure


def _draw_plane(axis: Axes, output: Output, plane: np.ndarray) -> None:
    """Draw one plane (H, W) of an output; undefined cells are grey."""
    drawing = output.drawing
    colours = matplotlib.colormaps[drawing.colour_map].with_extremes(bad="0.85")
    axis.imshow(plane.astype(np.float32), cmap=colours, vmin=drawing.vmin, vmax=drawing.vmax, interpolation="nearest")
