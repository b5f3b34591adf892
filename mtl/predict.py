"""What a trained network says about a whole map: every head, blended from tiles, in the head's own unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from mtl.checkpoint import build_net, load_weights, read_checkpoint
from mtl.config import TrainConfig
from mtl.heads import FUSION, Head, Output, masked, outputs_of
from mtl.inputs import InputChannel, read_inputs
from mtl.net import MultiHeadNet
from mtl.outputs import write_prediction
from mtl.tiles import Net, blend_tiles, padded_length, run_tiles, tile_weights
from targets.coarse import coarsened
from targets.errors import UserError
from targets.holes import fill_holes
from targets.maps import Reading, list_maps, read_map
from targets.scene import Float, Rows, Scene
from targets.truth import find_truth


@dataclass(frozen=True)
class Predictor:
    """A trained network with its inputs and heads, and the settings it was trained with. Call it with a scene."""

    net: MultiHeadNet
    inputs: tuple[InputChannel, ...]
    heads: tuple[Head, ...]
    config: TrainConfig

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Everything it answers: the heads, what is derived from them, and the fusion of all traps."""
        return outputs_of(self.heads)

    def __call__(self, scene: Scene) -> dict[str, Float]:
        """{output: (C, H, W) float32 in the output's unit, NaN outside the map}."""
        coarse = coarsened(scene, self.config.patches.longest)
        values, _ = self.answer(read_inputs(coarse, self.inputs, self.config.targets.traps), coarse)
        if coarse is scene:
            return values
        grown = max(scene.shape) / max(coarse.shape)
        return {
            output.name: masked(
                np.stack([refined(plane, scene.shape) for plane in values[output.name]])
                * np.float32(grown if output.in_cells else 1),
                scene.map_valid,
            )
            for output in self.outputs
        }

    @torch.inference_mode()
    def answer(self, inputs: Rows, scene: Scene) -> tuple[dict[str, Float], dict[str, Float]]:
        """Values of every output, and blended logits of every head, of inputs (C, rows, W): {name: (C, H, W)}.

        Both are NaN outside the map.
        """
        blended = self._blended(partial(values_and_logits, self.net, self.heads), inputs, scene)
        raw = {head.name: blended.pop(logits_of(head.name)) for head in self.heads}
        answers = {
            h.name: h.values(torch.from_numpy(raw[h.name])).numpy() if h.blend == "logits" else blended[h.name]
            for h in self.heads
        }
        for head in self.heads:
            if head.derived is not None:
                answers[head.derived.name] = head.derived.derive(answers[head.name], scene, self.config.targets)
        if self.net.fusion is not None:
            answers[FUSION.name] = self.net.fusion(answers)
        return answers, raw

    def _blended(self, look: Net, inputs: Rows, scene: Scene) -> dict[str, Float]:
        """What `look` says about tiles, blended: {name: (C, H, W)}, NaN outside the map."""
        height, width = scene.shape
        window, tiling = self.config.patches.size, self.config.predict
        device = next(self.net.parameters()).device
        outside = np.concatenate([[record.outside] * record.channels for record in self.inputs])
        tiles = run_tiles(look, inputs, outside, scene.map_valid, window, tiling.stride, tiling.batch, device)
        padded = padded_length(height, window), padded_length(width, window)
        whole: dict[str, Float] = {}
        for top, band in blend_tiles(tiles, padded, tile_weights(window, tiling.weights).to(device)):
            inside = scene.map_valid[top : top + next(iter(band.values())).shape[1]]
            for name, planes in band.items():
                if name not in whole:
                    whole[name] = np.empty((len(planes), height, width), np.float32)
                values = planes[:, : len(inside), :width].cpu().numpy()
                whole[name][:, top : top + len(inside)] = masked(values, inside)
        return whole


def logits_of(name: str) -> str:
    """What the raw answer of a head is called."""
    return f"{name}_logits"


def values_and_logits(net: Net, heads: Sequence[Head], tiles: Tensor) -> dict[str, Tensor]:
    """What is blended of tiles: values of the heads that blend values, and `logits_of` every head."""
    logits = net(tiles)
    values = {head.name: head.values(logits[head.name].float()) for head in heads if head.blend == "values"}
    return values | {logits_of(name): planes for name, planes in logits.items()}


def refined(plane: Float, shape: tuple[int, int]) -> Float:
    """A coarse (h, w) plane on (H, W) cells, linear between the centres of coarse cells; NaN takes the nearest."""
    finite = np.isfinite(plane)
    whole = fill_holes(np.nan_to_num(plane), finite, finite)
    return cv2.resize(whole, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def load_predictor(checkpoint: str | Path, device: str = "auto", stride: int | None = None) -> Predictor:
    """The predictor of a checkpoint that `tools/train.py` wrote.

    Parameters
    ----------
    checkpoint : best.ckpt or last.ckpt of a run folder.
    device : auto, cpu, cuda, ...
    stride : cells between tiles, a multiple of 32; none: as the run's config says.

    Raises
    ------
    UserError : the file is missing, damaged, or not a checkpoint of this program.
    """
    config, content = read_checkpoint(checkpoint)
    if stride is not None:
        config = replace(config, predict=replace(config.predict, stride=stride))
    net, inputs, heads = build_net(config, pretrained=False)
    load_weights(net, content["state_dict"], checkpoint)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    net.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return Predictor(net, inputs, heads, config)


def predict_maps(
    predictor: Predictor, paths: Sequence[str], out: Path, how: Reading
) -> Iterator[tuple[str, Path | UserError]]:
    """Predict every map under some paths into out/NAME/; one bad map does not stop the others.

    Yields
    ------
    (name, folder) of a map that was predicted, (name, error) of one that could not be.
    """
    for source in list_maps(paths, how.layout):
        try:
            scene = read_map(source, how.fill, how.elevation)
            truth = find_truth(scene, predictor.config.targets)
            write_prediction(scene, predictor(scene), predictor.outputs, out / source.name, truth.labels > 0)
        except UserError as error:
            yield source.name, error
        else:
            yield source.name, out / source.name
