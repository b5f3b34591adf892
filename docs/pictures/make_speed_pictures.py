#!/usr/bin/env python
"""Draw docs/images/speed_tiles.png: which tiles of a map are run, and how rows are finished one band after another."""

from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mtl.inference.tiling import TiledMap, space_tiles
from targets.common.cli import run
from targets.rendering.map import render
from targets.scene import Bool, Scene
from targets.synthetic.structure_maps import make_structure_map

SIZE, WINDOW, STRIDE = 768, 256, 128
NOW = 256  # the row of tiles that the right picture is taken at
RUN, LEFT, DONE = "black", "crimson", "seagreen"


def bent_map() -> Scene:
    """A generated map, the upper right half of which lies outside."""
    drawn = make_structure_map(1, SIZE)
    arm = round(SIZE * (1 - 0.5**0.5))
    inside = np.ones(drawn.shape, np.bool_)
    inside[: SIZE - arm, arm:] = False
    return drawn.replace(map_valid=inside, depth_valid=inside)


def tiles_of(inside: Bool) -> list[tuple[int, int]]:
    """Origins of the tiles that are run."""
    nothing = np.zeros((1, *inside.shape), np.float32)
    cuts = TiledMap(lambda rows: nothing[:, rows], np.zeros(1, np.float32), inside).tiles(WINDOW, STRIDE)
    return [origin for origin, _ in cuts]


def draw_skipped(axis: Axes, wanted: list[tuple[int, int]]) -> None:
    """Middles of the tiles that are run, and of those that a rectangle of this size would need."""
    origins = space_tiles(SIZE, WINDOW, STRIDE)
    every = list(product(origins, origins))
    for tiles, colour, mark in ((every, LEFT, "x"), (wanted, RUN, "s")):
        rows, cols = np.array(tiles).T + WINDOW // 2
        axis.scatter(cols, rows, marker=mark, color=colour, s=40)
    for (row, col), colour in (((0, 0), RUN), ((0, origins[-1]), LEFT)):
        axis.add_patch(Rectangle((col + 3, row + 3), WINDOW - 6, WINDOW - 6, fill=False, edgecolor=colour, linewidth=2))
    axis.set_title(f"{len(wanted)} tiles are run; a rectangle of this size needs {len(every)} (×)", fontsize=10)


def draw_bands(axis: Axes, wanted: list[tuple[int, int]]) -> None:
    """What is finished, what is in memory, and what has not been read when a row of tiles is at work."""
    bands = [
        Rectangle((0, 0), SIZE, NOW, facecolor=DONE, alpha=0.4, label="finished: written and forgotten"),
        Rectangle(
            (0, NOW), SIZE, WINDOW, facecolor="none", edgecolor=RUN, linewidth=2, label="in memory: one row of tiles"
        ),
        Rectangle((0, NOW + WINDOW), SIZE, SIZE, facecolor="none", edgecolor="grey", hatch="//", label="not read yet"),
    ]
    for band in bands:
        axis.add_patch(band)
    for row, col in wanted:
        if row == NOW:
            axis.add_patch(Rectangle((col, row + 6), WINDOW, WINDOW - 12, fill=False, edgecolor=RUN, linestyle=":"))
    axis.legend(handles=bands, loc="upper right", fontsize=10, framealpha=1)
    axis.set_title("memory holds one row of tiles, however long the map", fontsize=10)


def main(*, out: Path = Path("docs/images")) -> None:
    """Draw both pictures side by side."""
    scene = bent_map()
    wanted = tiles_of(scene.map_valid)
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    for axis, draw in zip(figure.subplots(1, 2), (draw_skipped, draw_bands), strict=True):
        axis.imshow(render(scene), alpha=0.5)
        axis.set(xlim=(0, SIZE), ylim=(SIZE, 0), xlabel="cells", ylabel="cells")
        draw(axis, wanted)
    figure.savefig(out / "speed_tiles.png", dpi=90)
    print(f"look at {out}/speed_tiles.png")


if __name__ == "__main__":
    run(main)
