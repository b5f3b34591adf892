"""What a trained network says about a whole map: every head, blended from tiles, in the head's own unit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl.config import Symmetry, TrainConfig
from mtl.data.channel_stack import input_row_reader
from mtl.data.channels import InputChannel
from mtl.data.context import Context
from mtl.data.modality_masking import visible_scene, input_sets_of
from mtl.data.resize import Resizer
from mtl.inference.backends import Backend, Precision, make_backend
from mtl.inference.output_buffer import OutputBuffer
from mtl.inference.tiling import Net, blend_tiles, pad_length, run_tiles, place_tiles, make_tile_weights, default_batch_size
from mtl.inference.tta import Ensemble, logits_name, std_name
from mtl.metrics.by_size import TileView
from mtl.models.checkpoint import check_ensemble_member, read_checkpoint, build_trained_net
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.safetensors_io import bundled_model
from mtl.models.stacking import Stacking, mean_stacking
from mtl.tasks.base import Head, Output, mask_invalid
from mtl.tasks.heads import FUSION, collect_outputs
from targets.scene import Float, Rows, Scene
from targets.surface.resample import downsample, upsample


@dataclass(frozen=True)
class Predictor:
    """A trained network, or an ensemble of them, with inputs, heads and settings. Call it with a scene.

    Attributes
    ----------
    nets : tuple[MultiHeadNet, ...]
        Members of the ensemble, of the same inputs and heads.
    fusion : Fusion | None
        Of the ensemble, or None.
    runs : tuple[Net, ...], default ()
        What answers for each network (`backends.with_backend`); none: the networks themselves.
    """

    nets: tuple[MultiHeadNet, ...]
    stacking: Stacking | None
    inputs: tuple[InputChannel, ...]
    heads: tuple[Head, ...]
    config: TrainConfig
    backends: tuple[Net, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Everything it answers: the heads, what is derived from them, and the fusion of all traps."""
        return collect_outputs(self.heads)

    @property
    def in_channels(self) -> int:
        """Planes of a network's input: the inputs' of a tile, and with a context as many of what lies around it."""
        return sum(record.channels for record in self.inputs) * (2 if self.config.patches.context else 1)

    @property
    def ensemble(self) -> Ensemble:
        """How it looks at a tile: every network in every symmetry of `predict.tta`."""
        return Ensemble(self.backends or self.nets, self.heads, self.config.predict.tta)

    @torch.inference_mode()
    def __call__(self, scene: Scene, buffer_folder: Path | None = None) -> dict[str, Float]:
        """{output: (C, H, W) float32 in the output's unit, NaN outside the map}.

        Where it looks at a tile more than once (several networks, `predict.tta`), `spread_of(head)` beside each head:
        the standard deviation over the looks, in the head's unit.

        Parameters
        ----------
        into : Path | None, default None
            For maps too large for memory (their arrays mapped from files, too): heads become memory-mapped files
            NAME.npy of this folder, written as rows are finished. What is derived from whole maps needs memory still.
        """
        coarse = downsample(scene, self.config.patches.max_side)
        shown = input_sets_of(coarse, self.inputs, self.config.input_sets)[0]
        inputs = input_row_reader(coarse, self.inputs, self.config.targets.traps, shown)
        if coarse is scene:
            return self.predict_inputs(inputs, scene, buffer_folder)
        grown = max(scene.shape) / max(coarse.shape)
        in_cells = {name for head in self.heads if head.in_cells for name in (head.name, std_name(head.name))}
        store = OutputBuffer(scene.shape[0], buffer_folder)
        for name, planes in self._blended(self.ensemble, inputs, coarse).items():
            finer = np.stack([upsample(plane, scene.shape) for plane in planes]) * np.float32(
                grown if name in in_cells else 1
            )
            store.write(name, 0, mask_invalid(finer, scene.map_valid))
        return self._completed(store.arrays(), scene, grown)

    def with_input_sets(self, sets: Sequence[str]) -> "Predictor":
        """The same network, shown these sets of inputs at most (`TrainConfig.input_sets`)."""
        return replace(self, config=replace(self.config, input_sets=list(sets)))

    def tile_view(self, scene: Scene) -> TileView:
        """How a map is cut into tiles, in cells of the map as it is given: a coarsened one has larger tiles."""
        patches = self.config.patches
        grown = max(1.0, max(scene.shape) / patches.max_side) if patches.max_side else 1.0
        seen = downsample(scene, patches.max_side).map_valid
        side = patches.size * grown
        places = np.array(place_tiles(seen, patches.size, self.config.predict.stride), float)
        return TileView(side, side * max(1, patches.context), grown * places)

    @torch.inference_mode()
    def predict_inputs(self, inputs: Rows, scene: Scene, into: Path | None = None) -> dict[str, Float]:
        """What a call gives, {name: (C, H, W)}, of inputs (C, rows, W) that are at hand."""
        return self._completed(self._blended(self.ensemble, inputs, scene, into), scene)

    @torch.inference_mode()
    def predict_with_logits(self, inputs: Rows, scene: Scene) -> tuple[dict[str, Float], dict[str, Float]]:
        """The answer of a single network in one look, and its blended logits of every head: what a loss reads."""
        (net,) = self.nets
        blended = self._blended(partial(values_and_logits, net, self.heads), inputs, scene)
        logits = {head.name: blended.pop(logits_name(head.name)) for head in self.heads}
        return self._completed(blended, scene), logits

    def _blended(self, look: Net, inputs: Rows, scene: Scene, into: Path | None = None) -> dict[str, Float]:
        """What `look` says about tiles, blended: {name: (C, H, W)}, values of heads, NaN outside the map."""
        window, tiling = self.config.patches.size, self.config.predict
        frame = Resizer(scene.shape, window, self.config.patches.small_map_mode)
        map_valid = frame.forward(scene.map_valid[None])[0]
        height, width = map_valid.shape
        device = next(self.nets[0].parameters()).device
        outside = np.concatenate([[record.fill_value] * record.channels for record in self.inputs])
        read, factor = frame.forward_rows(inputs), self.config.patches.context
        context = Context(read, map_valid.shape, outside, window, factor) if factor else None
        batch = tiling.batch_size or default_batch_size(window, device)
        tiles = run_tiles(look, read, outside, map_valid, window, tiling.stride, batch, device, context)
        padded = pad_length(height, window), pad_length(width, window)
        store = OutputBuffer(height, None if frame.is_active else into)
        for top, band in blend_tiles(tiles, padded, make_tile_weights(window, tiling.tile_weights).to(device)):
            band |= {h.name: h.values(band[h.name]) for h in self.heads if h.blend == "logits"}
            inside = map_valid[top : top + window]
            for name, planes in band.items():
                rows = inside[: planes.shape[1]]
                store.write(name, top, mask_invalid(planes[:, : len(rows), :width].cpu().numpy(), rows))
        if not frame.is_active:
            return store.arrays()
        store, seen = OutputBuffer(scene.shape[0], into), store.arrays()
        for name, values in seen.items():
            store.write(name, 0, mask_invalid(frame.inverse(values), scene.map_valid))
        return store.arrays()

    def _completed(self, answers: dict[str, Float], scene: Scene, coarse: float = 1.0) -> dict[str, Float]:
        """Every output, of the heads' values: these finished, what is derived from them, and the fusion.

        Parameters
        ----------
        coarse : float, default 1.0
            Cells of the scene along one cell of the map that the network saw.
        """
        names = input_sets_of(scene, self.inputs, self.config.input_sets)[0]
        if any(head.postprocess or head.derived for head in self.heads):
            seen = visible_scene(scene, self.inputs, names)
            for head in self.heads:
                if head.postprocess is not None:
                    answers[head.name] = head.postprocess(answers[head.name], seen, coarse)
                if head.derived is not None:
                    derive = head.derived.derive
                    answers[head.derived.name] = derive(answers[head.name], seen, self.config.targets, coarse)
        if self.stacking is not None:
            answers[FUSION.name] = self.stacking(answers, names)
        return answers


def values_and_logits(net: Net, heads: Sequence[Head], tiles: Tensor) -> dict[str, Tensor]:
    """What is blended of tiles, as of `Looks`, and `logits_of` every head with the planes that only a loss reads."""
    logits = {name: planes.float() for name, planes in net(tiles).items()}
    blended = {h.name: (h.values if h.blend == "values" else h.main_logits)(logits[h.name]) for h in heads}
    return blended | {logits_name(name): planes for name, planes in logits.items()}


def load_predictor(
    checkpoints: str | Path | Sequence[str | Path] | None,
    device: str = "auto",
    stride: int | None = None,
    tta: Symmetry | None = None,
    backend: Backend = "auto",
    precision: Precision = "32",
) -> Predictor:
    """The predictor of a checkpoint, of several as an ensemble, or (None) of the model that comes with the package.

    Parameters
    ----------
    checkpoints : str | Path | Sequence[str | Path] | None
        Best.ckpt or last.ckpt of run folders, or .safetensors files; settings are those of the first.
    device : str, default 'auto'
        Auto, cpu, cuda, ...
    stride : int | None, default None
        Cells between tiles, a multiple of 32; none: as the run's config says.
    tta : Symmetry | None, default None
        Symmetries in which tiles are looked at (`PredictConfig`); none: as the run's config says.
    backend, precision
        What runs the network, and in how many bits (`backends.with_backend`).

    Raises
    ------
    UserError
        A file is missing, damaged, or not a checkpoint of this program, or two do not go together; the backend is not
        installed.
    """
    paths = [bundled_model()] if checkpoints is None else checkpoints
    paths = [paths] if isinstance(paths, str | Path) else paths
    members = [read_checkpoint(path) for path in paths]
    config = members[0][0]
    changed: dict[str, Any] = {name: value for name, value in (("stride", stride), ("tta", tta)) if value is not None}
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    built = []
    for path, (own, content) in zip(paths, members, strict=True):
        check_ensemble_member(path, own, paths[0], config)
        net, inputs, heads = build_trained_net(own, content["state_dict"], path)
        net.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        built.append((net, inputs, heads))
    _, inputs, heads = built[0]
    nets = tuple(net for net, _, _ in built)
    config = replace(config, predict=replace(config.predict, **changed))
    predictor = Predictor(nets, mean_stacking([net.fusion for net in nets]), inputs, heads, config)
    runs = tuple(make_backend(net, predictor.in_channels, backend, precision) for net in nets)
    return replace(predictor, runs=runs)
