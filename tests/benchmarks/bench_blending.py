#!/usr/bin/env python
"""What is left of the edges of tiles in a map, and which rule of averaging them suits each head.

Every tile of a map runs through the network once, at every multiple of 32; then it is blended in many ways. The network
is that of `make demo`, looking at the maps' own cells; seams are those of the real surfaces, where they are at hand,
rules are judged on generated maps.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtl.config import STRIDE
from mtl.data.channel_stack import input_row_reader
from mtl.data.crop import Origin
from mtl.inference.blending import TileBlender, make_tile_weights
from mtl.inference.predictor import Predictor, load_predictor
from mtl.inference.tiling import TiledMap, pad_length, run_tiles, space_tiles
from mtl.metrics.base import add_states, ratio
from mtl.metrics.keypoints import find_peaks
from mtl.tasks.base import Head, mask_invalid
from targets.common.cli import run
from targets.io.catalogue import list_maps, read_map
from targets.scene import Float, Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.traps import GroundTruth, build_ground_truth
from tests.mtl.inference.seams import edge_jumps

Tiles = Mapping[Origin, Mapping[str, Tensor]]  # logits of every head

SURFACES = Path(__file__).parents[3] / "shared" / "data"
REAL = ("topreek", "toptherys", "top_fangst", "st_helens_before")
GENERATED = ((192, 19_300_000), (256, 25_700_000))  # cells a side, first of eight seeds
LIMIT = 1.02  # jump across edges of tiles over the jump there without them
FLOOR = 1e-3  # that MONAI's weights have
CREST_FIGURES = ("f1", "hit_rate", "precision")


def floored(kind: Callable[[int], Tensor]) -> Callable[[int], Tensor]:
    """Weights under which MONAI's floor is laid."""
    return lambda window: kind(window).clamp(min=FLOOR)


WEIGHTS: dict[str, Callable[[int], Tensor]] = {
    "none": lambda window: torch.ones(window, window),
    "gaussian, floor 0.001": floored(lambda window: make_tile_weights(window, "gaussian")),
    "hann, floor 0.001": floored(lambda window: make_tile_weights(window, "hann")),
    "gaussian": lambda window: make_tile_weights(window, "gaussian"),
    "hann": lambda window: make_tile_weights(window, "hann"),
}


@torch.inference_mode()
def all_tiles(predictor: Predictor, scene: Scene, window: int) -> Tiles:
    """The logits of every tile on multiples of 32 that holds a cell of the map."""
    read = input_row_reader(scene, predictor.inputs, predictor.config.targets.traps)
    fill = np.concatenate([[record.fill_value] * record.channels for record in predictor.inputs])
    device = next(predictor.nets[0].parameters()).device
    tiles = run_tiles(predictor.nets[0], TiledMap(read, fill, scene.map_valid), window, STRIDE, 8, device)
    return {origin: {name: planes.cpu() for name, planes in tile.items()} for origin, tile in tiles}


def some_tiles(tiles: Tiles, shape: tuple[int, int], window: int, stride: int) -> Tiles:
    """Those of a stride."""
    origins = product(*(space_tiles(length, window, stride) for length in shape))
    return {origin: tiles[origin] for origin in origins if origin in tiles}


def values_rule(head: Head, tiles: Tiles, weights: Tensor, shape: tuple[int, int]) -> Float:
    """The mean of the tiles' values."""
    return _blended({o: head.values(t[head.name]) for o, t in tiles.items()}, weights, shape).numpy()


def logits_rule(head: Head, tiles: Tiles, weights: Tensor, shape: tuple[int, int]) -> Float:
    """The value of the tiles' mean logit."""
    return head.activation(
        _blended({o: head.main_logits(t[head.name]) for o, t in tiles.items()}, weights, shape)
    ).numpy()


def one_tile_rule(head: Head, tiles: Tiles, weights: Tensor, shape: tuple[int, int]) -> Float:
    """No mean: every cell is that of the tile in whose middle it lies most."""
    window = len(weights)
    padded = [pad_length(length, window) for length in shape]
    best, answer = torch.zeros(*padded), torch.full((head.channels, *padded), torch.nan)
    for (row, col), tile in tiles.items():
        here = (slice(row, row + window), slice(col, col + window))
        nearer = weights > best[here]
        best[here] = torch.where(nearer, weights, best[here])
        answer[:, *here] = torch.where(nearer, head.values(tile[head.name]), answer[:, *here])
    return answer[:, : shape[0], : shape[1]].numpy()


RULES = {"one tile": one_tile_rule, "values": values_rule, "logits": logits_rule}


def _blended(tiles: Mapping[Origin, Tensor], weights: Tensor, shape: tuple[int, int]) -> Tensor:
    window = len(weights)
    height, width = (pad_length(length, window) for length in shape)
    blend = TileBlender((height, width), weights, {"it": next(iter(tiles.values())).shape[0]})
    for origin, tile in tiles.items():
        blend.add(origin, {"it": tile})
    ((_, rows),) = blend.finished_rows(height)
    return rows["it"][:, : shape[0], : shape[1]]


def seam_rows(
    name: str, scene: Scene, heads: tuple[Head, ...], tiles: Tiles, window: int, strides: tuple[int, ...]
) -> Iterator[list[str]]:
    """Ratios of one map: a row for every stride and kind of weights."""
    for stride in strides:
        some = some_tiles(tiles, scene.shape, window, stride)
        for kind, make in WEIGHTS.items():
            ratios = []
            for head in heads:
                if head.blend == "values":
                    planes = {o: head.values(t[head.name]) for o, t in some.items()}
                    jump, without = edge_jumps(planes, make(window), scene.map_valid)
                else:
                    planes = {o: head.main_logits(t[head.name]) for o, t in some.items()}
                    jump, without = edge_jumps(planes, make(window), scene.map_valid, head.activation)
                ratios.append(ratio(jump, without))
            bold = "**" if max(ratios) <= LIMIT else ""
            yield [name, str(stride), kind, *(f"{value:.3f}" for value in ratios), f"{bold}{max(ratios):.3f}{bold}"]


def rule_rows(
    heads: tuple[Head, ...], seen: list[tuple[GroundTruth, Tiles]], window: int, stride: int
) -> Iterator[list[str]]:
    """Figures of all maps pooled: a row for every rule. Of crests also their number, and how high their peaks are."""
    weights = make_tile_weights(window, "gaussian")
    for name, rule in RULES.items():
        row = [str(stride), name]
        for head in heads:
            sums, heights = [], []
            for truth, tiles in seen:
                scene = truth.scene
                some = some_tiles(tiles, scene.shape, window, stride)
                values = mask_invalid(rule(head, some, weights, scene.shape), scene.map_valid)
                sums.append(head.metric.update(values, *head.target(truth)))
                if head.task == "heatmap":
                    peaks = find_peaks(values[0], scene.map_valid)
                    heights.append(values[0][tuple(peaks.T)])
            pooled = add_states(sums)
            ratios = head.metric.compute(pooled)
            figures = CREST_FIGURES if head.task == "heatmap" else (head.metric.primary,)
            row += [f"{ratios[figure]:.3f}" for figure in figures]
            if heights:
                row += [f"{len(np.concatenate(heights))}", f"{np.concatenate(heights).mean():.3f}"]
        yield row


def table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    for row in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def main(*, checkpoint: Path = Path("runs/demo/best.ckpt"), strides: tuple[int, ...] = (64, 96)) -> None:
    """Print a table of seams, and one of rules.

    Parameters
    ----------
    checkpoint : of the demo.
    strides : cells between tiles, less than a window.
    """
    if not checkpoint.exists():
        print(f"{checkpoint}: no network to blend the tiles of; run `make demo`, or name another with --checkpoint")
        return
    torch.set_num_threads(1)
    predictor = load_predictor(checkpoint, device="cpu")
    heads, window = predictor.heads, predictor.config.patches.size
    print(f"tiles of {window} cells; jump across their edges over the jump there without them, at most {LIMIT}\n")
    scenes = [read_map(source) for source in list_maps([SURFACES]) if source.name in REAL] if SURFACES.is_dir() else []
    scenes = scenes or [make_structure_map(seed, 3 * window) for seed in (902, 903)]
    rows: list[list[str]] = []
    for scene in scenes:
        rows += seam_rows(scene.name, scene, heads, all_tiles(predictor, scene, window), window, strides)
    table(["map", "stride", "weights", *(head.name for head in heads), "worst"], rows)
    seen = []
    for size, first in GENERATED:
        for seed in range(first, first + 8):
            scene = make_structure_map(seed, size)
            seen.append((build_ground_truth(scene, predictor.config.targets), all_tiles(predictor, scene, window)))
    print(f"{len(seen)} generated maps pooled, by what is averaged\n")
    figures = [
        f"{head.name} {name}"
        for head in heads
        for name in ((*CREST_FIGURES, "peaks", "their height") if head.task == "heatmap" else (head.metric.primary,))
    ]
    rules = [row for stride in strides for row in rule_rows(heads, seen, window, stride)]
    table(["stride", "average of", *figures], rules)


if __name__ == "__main__":
    run(main)
