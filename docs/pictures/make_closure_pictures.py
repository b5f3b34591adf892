"""Draws the pictures of docs/explanation/closures.md: python docs/pictures/make_closure_pictures.py"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from targets.closure import (
    Closures,
    catchments,
    closure_probability,
    correlated_noise,
    find_closures,
    migration_paths,
    volume_curve,
)

IMAGES = Path(__file__).parents[1] / "images"
INTERVAL = 10.0


def surface() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A faulted fold with a few highs, 25 m cells, and its fault."""
    row, col = np.indices((120, 180))
    depth = 2000 + 0.25 * row + 0.12 * col + 14 * correlated_noise(row.shape, 13, np.random.default_rng(20))
    across = col - 105 + 0.25 * (row - 60)
    throw = 28 * np.clip(1 - ((row - 60) / 60.0) ** 2, 0, None)
    depth = depth + np.where(across > 0, throw * np.exp(-np.abs(across) / 40), 0)
    return depth, (np.abs(across) < 1.5) & (np.abs(row - 60) < 52)


def draw(axes: Axes, depth: NDArray, title: str) -> None:
    axes.imshow(depth, cmap="Spectral", interpolation="bilinear")
    levels = np.arange(np.floor(depth.min() / INTERVAL), depth.max() / INTERVAL + 1) * INTERVAL
    axes.contour(depth, levels, colors="k", linewidths=0.4)
    axes.set_title(title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])


def mark(axes: Axes, found: Closures) -> None:
    table = found.table[found.table["parent"] == 0]
    axes.contour(found.labels > 0, [0.5], colors="k", linewidths=1.6)
    axes.plot(table["crest_col"], table["crest_row"], "k^", ms=5)
    axes.plot(table["spill_col"], table["spill_row"], "wo", mec="k", ms=4)


def main() -> None:
    depth, fault = surface()
    keep = {"min_area": 20, "min_height": 2.0}

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for ax, title, interval in zip(axes, ["spill", f"contour, every {INTERVAL:.0f} m"], [None, INTERVAL], strict=True):
        draw(ax, depth, f"{title} (triangle: crest, circle: spill point)")
        mark(ax, find_closures(depth, contour_interval=interval, **keep))
    figure.savefig(IMAGES / "closures_readings.png", dpi=110)

    figure, axes = plt.subplots(1, 3, figsize=(13, 3.5), layout="constrained")
    for ax, rule in zip(axes, ["transparent", "sealing", "leaking"], strict=True):
        draw(ax, depth, f'fault_rule="{rule}"')
        ax.contourf(fault, [0.5, 1.5], colors="saddlebrown")
        mark(ax, find_closures(depth, faults=fault, fault_rule=rule, **keep))
    figure.savefig(IMAGES / "closures_fault_rules.png", dpi=110)

    found = find_closures(depth, **keep)
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    draw(axes[0], depth, "where leaks go (white), and the catchment of each closure")
    goal = catchments(found)
    axes[0].imshow(np.ma.masked_less_equal(goal, 0) % 10, cmap="tab10", alpha=0.45, vmin=0, vmax=9)
    mark(axes[0], found)
    for path in migration_paths(found):
        axes[0].plot(path[:, 1], path[:, 0], "w-", lw=2)
    for row in found.table[found.table["parent"] == 0]:
        curve = volume_curve(found, row["id"], cell_area=25.0**2)
        axes[1].plot(curve.volume / 1e6, curve.contact, label=f"closure {row['id']}")
    axes[1].invert_yaxis()
    axes[1].set(xlabel="bulk rock above the contact, 10⁶ m³", ylabel="contact, m", title="volume against depth")
    axes[1].set_xscale("symlog", linthresh=0.1)
    axes[1].set_xlim(left=0)
    axes[1].legend(fontsize=8)
    figure.savefig(IMAGES / "closures_migration.png", dpi=110)

    sure = closure_probability(depth, std=4.0, correlation=12, realisations=100, seed=1, **keep)
    figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
    picture = ax.imshow(sure.probability, cmap="viridis", vmin=0, vmax=1)
    ax.contour(sure.closures.labels > 0, [0.5], colors="w", linewidths=1.2)
    ax.set_title("probability of closure, depth error 4 m (white: the map as it is)", fontsize=9)
    ax.set_xticks([])
    ax.set_yticks([])
    figure.colorbar(picture)
    figure.savefig(IMAGES / "closures_probability.png", dpi=110)


if __name__ == "__main__":
    main()
