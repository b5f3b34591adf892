"""Write the example files: a grid with its faults, and a page of a report with a map. Both are generated, and CC0.

python examples/make_examples.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from PIL import Image
from scipy.ndimage import label

from targets.common.atomic_write import atomic_write
from targets.io.grids.registry import write_grid
from targets.rendering.palettes import colour_table
from targets.scene import Scene
from targets.surface.polygonize import polygonize_labels
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map

HERE = Path(__file__).parent
OPTIONS = StructureMapOptions(
    extent=(5600, 5600), depth=(1700, 2300), faults=(2, 6), picking_noise=(0.1, 0.6), outline_rectangles=(1, 1)
)
SIZE = 160  # cells a side, of 35 m
GRID_SEED, PAGE_SEED = 58, 53
COLOURS = 256  # of the page: small on disk


def main() -> None:
    """Write all files."""
    scene = make_structure_map(GRID_SEED, SIZE, OPTIONS)
    write_grid(np.where(scene.fault, np.nan, scene.depth), scene.geo, HERE / "top_reservoir.gri")
    write_faults(scene, HERE / "top_reservoir_faults.pol")
    draw_page(make_structure_map(PAGE_SEED, SIZE, OPTIONS), HERE / "map_page.png")


def write_faults(scene: Scene, path: Path) -> None:
    """Write fault polygons as RMS/IRAP text: x y z, a row of 999 between two polygons."""
    lines = []
    for polygon in polygonize_labels(label(scene.fault, np.ones((3, 3)))[0]):
        rows, columns = polygon.rings[0].T
        x, y = scene.geo.xy(rows, columns)
        lines += [f"{a:.1f} {b:.1f} 0.0\n" for a, b in zip(x, y, strict=True)] + ["999.0 999.0 999.0\n"]
    with atomic_write(path) as part:
        part.write_text("".join(lines), encoding="ascii")


def draw_page(scene: Scene, path: Path) -> None:
    """Draw a map as it stands in a report: title, axes in metres, contours with depths, faults and a colour bar."""
    figure, axes = plt.subplots(figsize=(8.4, 7), dpi=110)
    assert scene.depth is not None
    rows, columns = np.indices(scene.depth.shape)
    x, y = scene.geo.xy(rows, columns)
    extent = (x.min(), x.max(), y.min(), y.max())
    colours = ListedColormap(colour_table("rainbow")[::-1] / 255)
    image = axes.imshow(scene.depth, cmap=colours, extent=extent, interpolation="bilinear")
    levels = np.arange(10 * (scene.depth.min() // 10), scene.depth.max(), 10)
    widths = [1.2 if level % 50 == 0 else 0.5 for level in levels]
    lines = axes.contour(x, y, scene.depth, levels, colors="black", linewidths=widths)
    axes.clabel(lines, levels[levels % 20 == 0], fontsize=7, fmt="%d")
    axes.contourf(x, y, scene.fault, [0.5, 1.5], colors=["#7a4a1e"])
    axes.ticklabel_format(style="plain", useOffset=False)
    axes.tick_params(labelsize=8)
    axes.set(title="North field: depth of the top of the reservoir", xlabel="Easting (m)", ylabel="Northing (m)")
    bar = figure.colorbar(image, ax=axes, shrink=0.85, label="Depth (m TVDSS)")
    bar.ax.invert_yaxis()
    figure.tight_layout()
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])  # type: ignore[attr-defined]
    plt.close(figure)
    with atomic_write(path) as part:
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(part, format="PNG", optimize=True)


if __name__ == "__main__":
    main()
