#!/usr/bin/env python
"""What do tiles cost beside MONAI's sliding window, and beside the network alone?

Both run the same network (UNet++ with ResNet34, four heads, random weights) in the same windows, overlap and batches
on the same inputs; MONAI gets the answers as a tuple of heads. The two alternate and medians of ratios are printed.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from monai.inferers import sliding_window_inference

from mtl.config import NetConfig, PatchConfig, PredictConfig, TrainConfig
from mtl.data.channel_stack import input_row_reader, stack_inputs
from mtl.inference.predictor import Predictor
from mtl.inference.tiling import Net, TiledMap
from mtl.models.checkpoint import build_net
from targets.common.cli import Names, run
from targets.io.catalogue import list_maps, read_map
from targets.scene import Scene
from targets.synthetic.structure_maps import make_structure_map

REEK = Path(__file__).parents[3] / "shared" / "data" / "reek"
STITCHING = 0.05  # of the total


def maps(size: int) -> list[tuple[str, float, Scene]]:
    """Name, limit of the time over MONAI's, and map: a full rectangle, an L half of which is empty, Reek."""
    drawn = make_structure_map(1, size)
    everywhere = np.ones(drawn.shape, bool)
    full = drawn.replace(map_valid=everywhere, depth_valid=everywhere)
    arm = round(size * (1 - 0.5**0.5))
    bent = everywhere.copy()
    bent[: size - arm, arm:] = False
    found = [("full rectangle", 1.0, full), ("L, half empty", 0.6, full.replace(map_valid=bent, depth_valid=bent))]
    if REEK.is_dir():
        top = next(source for source in list_maps([REEK]) if source.name == "topreek")
        found.append(("Reek", 0.8, read_map(top)))
    else:
        print(f"Reek is left out: there is no {REEK}")
    return found


class Timed:
    """A network that adds up the seconds spent in it."""

    def __init__(self, net: Net) -> None:
        self.net, self.seconds, self.tiles = net, 0.0, 0

    def __call__(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        start = seconds()
        answer = self.net(x)
        self.seconds += seconds() - start
        self.tiles += len(x)
        return answer


def seconds() -> float:
    """Time now, once the device is done with what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def timed(function: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = seconds()
    function()
    return seconds() - start


def monai(net: Net, predictor: Predictor, inputs: torch.Tensor, device: torch.device) -> dict[str, np.ndarray]:
    """The heads' values of a whole map as MONAI makes them."""
    window, tiling = predictor.config.patches.size, predictor.config.predict
    heads = predictor.heads

    def values(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        logits = net(x)
        return tuple(head.values(logits[head.name].float()) for head in heads)

    answers = sliding_window_inference(
        inputs, window, tiling.batch_size, values, overlap=1 - tiling.stride / window, mode="gaussian", sw_device=device
    )
    return {head.name: planes[0].numpy() for head, planes in zip(heads, answers, strict=True)}


@torch.inference_mode()
def against_monai(name: str, limit: float, predictor: Predictor, scene: Scene, rounds: int) -> None:
    """Print the time of a map over MONAI's, and the share of it that is not the network's.

    MONAI is handed the inputs ready made; the predictor makes them in its own time.
    """
    (net,) = predictor.nets
    device = next(net.parameters()).device
    inputs = torch.from_numpy(stack_inputs(scene, predictor.inputs, predictor.config.targets.traps))[None]
    spent = []
    for _ in range(rounds):
        counted = Timed(net)
        whole = timed(lambda: replace(predictor, backends=(counted,))(scene))  # noqa: B023 - called at once
        spent.append((whole, timed(lambda: monai(net, predictor, inputs, device)), counted.seconds))
    times = np.array(spent)
    ours, theirs, _ = np.median(times, axis=0)
    ratio, rest = np.median(times[:, 0] / times[:, 1]), 1 - np.median(times[:, 2] / times[:, 0])
    print(f"  {name:16s} {scene.shape[0]} x {scene.shape[1]}, {scene.map_valid.mean():.0%} map, {counted.tiles} tiles: "
          f"{ours:.1f} s over MONAI's {theirs:.1f} s = {ratio:.2f} (limit {limit:.2f}); "
          f"all but the network {rest:.1%} (limit {STITCHING:.0%})")  # fmt: skip


def against_the_network(name: str, predictor: Predictor, scene: Scene, rounds: int) -> None:
    """Print tiles per second of the whole loop over those of the network alone on the same batches."""
    device = next(predictor.nets[0].parameters()).device
    read = input_row_reader(scene, predictor.inputs, predictor.config.targets.traps)
    fill = np.concatenate([[record.fill_value] * record.channels for record in predictor.inputs]).astype(np.float32)
    tiling, window = predictor.config.predict, predictor.config.patches.size
    tiles = [torch.from_numpy(tile) for _, tile in TiledMap(read, fill, scene.map_valid).tiles(window, tiling.stride)]
    batches = [
        torch.stack(tiles[i : i + tiling.batch_size]).to(device, memory_format=torch.channels_last)
        for i in range(0, len(tiles), tiling.batch_size)
    ]

    def alone() -> None:
        with torch.inference_mode():
            for batch in batches:
                predictor.ensemble(batch)

    times = np.array([[timed(lambda: predictor(scene)), timed(alone)] for _ in range(rounds)])
    share = np.median(times[:, 1] / times[:, 0])
    loop, net = len(tiles) / np.median(times, axis=0)
    print(f"  {name:16s} {len(tiles):4d} tiles   {loop:7.1f} a second, the network alone {net:7.1f}: {share:.3f} "
          f"(target 0.95)")  # fmt: skip


def main(*, size: int = 768, window: int = 256, stride: int = 64, batch: int = 1, rounds: int = 3, threads: int = 2,
         encoder: str = "resnet34") -> None:  # fmt: skip
    """Print ratios and shares, with their limits.

    Parameters
    ----------
    size : side of the full rectangle and of the L.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = TrainConfig(
        heads=Names("trap,boundary,crest,dist"),
        net=NetConfig(encoder=encoder, encoder_weights="none", decoder_channels=None),
        patches=PatchConfig(size=window),
        predict=PredictConfig(stride=stride, batch_size=batch),
    )
    net, inputs, heads = build_net(config, pretrained=False)
    net.to(device, memory_format=torch.channels_last).eval()
    predictor = Predictor((net,), None, inputs, heads, config)
    print(f"tiles of {window}² every {stride}, batches of {batch}, {device.type}, {threads} threads, {rounds} rounds")
    found = maps(size)
    for name, limit, scene in found:
        against_monai(name, limit, predictor, scene, rounds)
    print("the loop beside the network alone")
    for name, _, scene in found:
        against_the_network(name, predictor, scene, rounds)


if __name__ == "__main__":
    run(main)
