"""A whole map run in tiles and blended, in memory, for the tests of both."""

import numpy as np
import torch

from mtl.inference.blending import blend_tiles, make_tile_weights
from mtl.inference.tiling import TiledMap, pad_length, run_tiles

CPU = torch.device("cpu")


def blend_map(net, inputs, valid, window=64, stride=32, kind="gaussian"):
    """{name: (C, H, W)} of a map, and the first rows of the bands it came in."""
    fill = np.zeros(len(inputs), np.float32)
    tiled_map = TiledMap(lambda rows: inputs[:, rows], fill, valid)
    tiles = run_tiles(net, tiled_map, window, stride, 4, CPU)
    padded = tuple(pad_length(n, window) for n in valid.shape)
    tops, bands = zip(*blend_tiles(tiles, padded, make_tile_weights(window, kind)), strict=True)
    lengths = [next(iter(band.values())).shape[1] for band in bands]
    assert list(tops) == [sum(lengths[:i]) for i in range(len(lengths))] and sum(lengths) == padded[0]
    assert max(lengths) <= window
    height, width = valid.shape
    return {name: torch.cat([band[name] for band in bands], 1)[:, :height, :width].numpy() for name in bands[0]}
