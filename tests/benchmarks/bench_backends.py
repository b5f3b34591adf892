#!/usr/bin/env python
"""How fast is the network itself by each backend? One tile, UNet++ with ResNet34, random weights, all heads.

The backends alternate, so that whatever else the machine does disturbs all alike; medians of ratios are printed. The
differences are of logits, beside their largest size.
"""

import importlib.util
import time
from collections.abc import Callable

import numpy as np
import torch

from mtl.config import NetConfig, TrainConfig
from mtl.inference.backends import Net, make_backend
from mtl.models.checkpoint import build_net
from targets.common.cli import Names, run

PLANES = 5  # rgb, fault, depth
TARGETS = {"32": (2.0, 1e-4), "bf16": (3.5, None)}


def timed(function: Callable[[], object]) -> float:
    """Seconds of one call, until the device is done."""
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.inference_mode()
def main(*, window: int = 256, batch: int = 1, rounds: int = 9, threads: int = 2, compile: bool = True) -> None:
    """Print time over eager torch, worst difference, and seconds to get ready.

    Parameters
    ----------
    window : side of a tile.
    batch : tiles at a time.
    compile : torch.compile too, which takes a minute to get ready.
    """
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = TrainConfig(
        heads=Names("trap,boundary,crest,dist"),
        net=NetConfig(encoder="resnet34", encoder_weights="none", decoder_channels=None),
    )
    nets = [build_net(config, pretrained=False)[0].eval() for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    plain, last = nets[0].to(device), nets[1].to(device, memory_format=torch.channels_last)
    x = torch.rand(batch, PLANES, window, window, device=device)
    x_last = x.to(memory_format=torch.channels_last)

    wanted = [("torch", "32"), ("torch", "bf16")]
    wanted += [("compile", "32"), ("compile", "bf16")] if compile else []
    if device.type == "cpu":
        wanted += [("onnx", "32")] if importlib.util.find_spec("onnxruntime") else []
        wanted += [("openvino", "32"), ("openvino", "bf16")] if importlib.util.find_spec("openvino") else []

    runs: dict[str, Callable[[], dict]] = {"eager": lambda: plain(x)}
    ready, precisions, answers = {"eager": 0.0}, {"eager": "32"}, {}
    for backend, precision in wanted:
        name = "channels_last" if (backend, precision) == ("torch", "32") else f"{backend} {precision}"
        start = time.perf_counter()
        engine: Net = make_backend(last, PLANES, backend, precision)  # type: ignore[arg-type]
        runs[name], precisions[name] = (lambda engine=engine: engine(x_last)), precision
        answers[name] = runs[name]()
        ready[name] = time.perf_counter() - start
    expected = runs["eager"]()
    answers["eager"] = expected
    for function in runs.values():
        function()
    times = np.array([[timed(function) for function in runs.values()] for _ in range(rounds)])
    seconds = np.median(times, axis=0) / batch
    largest = max(float(values.abs().max()) for values in expected.values())
    print(f"one tile of {window}², batch {batch}, {device.type}, {threads} threads; logits up to {largest:.2f}")
    print(f"  {'backend':16s} ms a tile   faster by   worst difference   ready after")
    for i, name in enumerate(runs):
        worst = max(float((answers[name][key] - values).abs().max()) for key, values in expected.items())
        ratio = np.median(times[:, 0] / times[:, i])
        print(f"  {name:16s} {seconds[i] * 1e3:9.1f}   {ratio:8.2f}x   {worst:16.1e}   {ready[name]:8.1f} s")
    for precision, (target, limit) in TARGETS.items():
        best = max(np.median(times[:, 0] / times[:, i]) for i, name in enumerate(runs) if precisions[name] == precision)
        print(f"  best in precision {precision}: {best:.2f}x (target {target}x{f' within {limit:g}' if limit else ''})")


if __name__ == "__main__":
    run(main)
