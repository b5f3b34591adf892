#!/usr/bin/env python
"""Draw docs/images/tiles.png: tiles laid side by side, and blended. Run `make demo` first."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mtl.inference.predictor import Predictor, load_predictor
from targets.common.atomic_write import atomic_write
from targets.common.cli import run
from targets.rendering.map import ensure_picture
from targets.scene import Float, Scene
from targets.synthetic.structure_maps import make_structure_map

SHOWN = ("trap", "dist")


def main(*, checkpoint: str = "runs/demo/best.ckpt", seed: int = 903, out: Path = Path("docs/images")) -> None:
    """Predict a generated map of three windows a side through single windows, with and without overlap.

    Parameters
    ----------
    checkpoint : of the demo.
    seed : of the map.
    out : folder of the picture.
    """
    predictor = load_predictor(checkpoint, device="cpu")
    window = predictor.config.patches.size
    scene = ensure_picture(make_structure_map(seed, 3 * window))
    side_by_side, blended = (tiled(predictor, scene, stride) for stride in (window, window // 2))
    figure = Figure(figsize=(13, 7.4), dpi=80, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 2.1))
    axis = left.subplots()
    axis.imshow(scene.rgb)
    axis.set(xticks=[], yticks=[])
    axis.set_title(f"a map of {scene.shape[0]} cells a side;\nticks: edges of tiles of {window} cells")
    axes = right.subplots(len(SHOWN), 2)
    for row, output in zip(axes, (o for o in predictor.outputs if o.name in SHOWN), strict=True):
        planes = [output.drawing.plane(values[output.name]) for values in (side_by_side, blended)]
        high = output.drawing.vmax or max(float(np.nanmax(plane)) for plane in planes)
        colours = matplotlib.colormaps[output.drawing.colour_map]
        for axis, plane, how in zip(row, planes, ("side by side", "half a tile apart, blended"), strict=True):
            image = axis.imshow(plane, cmap=colours, vmin=output.drawing.vmin, vmax=high)
            axis.set_title(f"{output.name}: {how}")
            axis.set(xticks=(window, 2 * window), yticks=(window, 2 * window))
            axis.tick_params(length=8, width=2, labelbottom=False, labelleft=False)
        right.colorbar(image, ax=row, shrink=0.8, label=output.unit.split(",")[0])
    with atomic_write(out / "tiles.png") as temporary:
        figure.savefig(temporary)
    print(f"look at {out / 'tiles.png'}")


def tiled(predictor: Predictor, scene: Scene, stride: int) -> dict[str, Float]:
    """The answer through tiles of the map's own cells, so many cells apart."""
    config = predictor.config
    patches, tiling = replace(config.patches, max_side=0), replace(config.predict, stride=stride)
    return replace(predictor, config=replace(config, patches=patches, predict=tiling))(scene)


if __name__ == "__main__":
    run(main)
