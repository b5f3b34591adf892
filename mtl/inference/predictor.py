"""Predictor of whole maps: a trained network or an ensemble, tiled, blended, with derived outputs and stacking."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from mtl.config import Symmetry, TrainConfig
from mtl.data.channel_stack import input_row_reader
from mtl.data.channels import InputChannel
from mtl.data.context import Context
from mtl.data.modality_masking import input_sets_of, visible_scene
from mtl.data.resize import Resizer
from mtl.inference.backends import make_backend, usable_device
from mtl.inference.blending import blend_tiles, make_tile_weights
from mtl.inference.options import Backend, Precision
from mtl.inference.output_buffer import OutputBuffer
from mtl.inference.tiling import Net, TiledMap, default_batch_size, pad_length, place_tiles, run_tiles, space_tiles
from mtl.inference.tta import Ensemble, logits_name, std_name
from mtl.metrics.by_size import TileView
from mtl.models.checkpoint import build_trained_net, check_ensemble_member, read_checkpoint
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.safetensors_io import bundled_model
from mtl.models.stacking import Stacking, mean_stacking
from mtl.tasks.base import Derive, Head, Output, mask_invalid
from mtl.tasks.heads import FUSION, OBJECTS, collect_outputs
from mtl.tasks.objects import traps_from_objects
from mtl.tasks.postprocess import mask_probability, with_own_mask
from targets.common.memory import require_memory
from targets.io.catalogue import as_scene
from targets.scene import Float, Rows, Scene
from targets.surface.resample import downsample, upsample
from targets.truth.criteria import TrapCriteria

CELL_BYTES = 400  # of memory a cell of a tile takes at least in a network on a CPU; the bundled one takes 620


@dataclass(frozen=True, repr=False)
class Predictor:
    """A trained network, or an ensemble of them, with its inputs, heads and settings. Call it with a scene.

    Attributes
    ----------
    nets : tuple[MultiHeadNet, ...]
        Members of the ensemble, of the same inputs and heads.
    stacking : Stacking | None
        Of the ensemble's trap probabilities; None where there is only one.
    inputs : tuple[InputChannel, ...]
        Input channels of the networks.
    heads : tuple[Head, ...]
        Heads of the networks.
    config : TrainConfig
        Settings of the training run; `config.predict` says how maps are tiled.
    backends : tuple[Net, ...], default ()
        What runs each network (`mtl.inference.backends.make_backend`); empty: the networks themselves.
    """

    nets: tuple[MultiHeadNet, ...]
    stacking: Stacking | None
    inputs: tuple[InputChannel, ...]
    heads: tuple[Head, ...]
    config: TrainConfig
    backends: tuple[Net, ...] = ()

    def __repr__(self) -> str:
        inputs, heads = (",".join(record.name for record in records) for records in (self.inputs, self.heads))
        networks = f"{len(self.nets)} network" + "s" * (len(self.nets) > 1)
        return f"Predictor({inputs} -> {heads}; {networks}, {self.config.net.arch} with {self.config.net.encoder})"

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Everything it predicts: the heads, what is derived from them, and the stacked traps."""
        return collect_outputs(self.heads)

    @property
    def in_channels(self) -> int:
        """Channels of a network's input: of a tile, and with a context as many of the square around it."""
        return sum(record.channels for record in self.inputs) * (2 if self.config.patches.context else 1)

    @property
    def ensemble(self) -> Ensemble:
        """Every network in every symmetry of `predict.tta`, as one."""
        return Ensemble(self.backends or self.nets, self.heads, self.config.predict.tta)

    @torch.inference_mode()
    def __call__(self, scene: Scene | str | Path | ArrayLike, buffer_folder: Path | None = None) -> dict[str, Float]:
        """Predict a whole map.

        Parameters
        ----------
        scene : Scene | str | Path | (H, W) array_like
            The map; the file or folder of one map; or its depths as an array, positive down, NaN where unknown, or as
            an `xarray.DataArray`.
        buffer_folder : Path | None, default None
            For maps too large for memory (whose arrays are mapped from files, too): predictions of heads become
            memory-mapped files NAME.npy of this folder, written as rows are finished. What is derived from whole maps
            needs memory still.

        Returns
        -------
        {output: (C, H, W) float32 in the output's unit, NaN outside the map}. Of an ensemble or with test-time
        augmentation also {`std_name(head)`: standard deviation over the views, in the head's unit}.
        """
        scene = as_scene(scene)
        small = downsample(scene, self.config.patches.max_side)
        visible = input_sets_of(small, self.inputs, self.config.input_sets)[0]
        inputs = input_row_reader(small, self.inputs, self.config.targets.traps, visible)
        if small is scene:
            return self.predict_inputs(inputs, scene, buffer_folder)
        return self._enlarge(self._blend(self.ensemble, inputs, small), small, scene, buffer_folder)

    def with_input_sets(self, sets: Sequence[str]) -> "Predictor":
        """The same network, shown at most these sets of inputs (`TrainConfig.input_sets`)."""
        return replace(self, config=replace(self.config, input_sets=list(sets)))

    def tile_view(self, scene: Scene) -> TileView:
        """How a map is tiled, in cells of the map as it is given: a downsampled one has larger tiles."""
        patches = self.config.patches
        factor = max(1.0, max(scene.shape) / patches.max_side) if patches.max_side else 1.0
        map_valid = downsample(scene, patches.max_side).map_valid
        side = patches.size * factor
        origins = np.array(place_tiles(map_valid, patches.size, self.config.predict.stride), float)
        return TileView(side, side * max(1, patches.context), factor * origins)

    @torch.inference_mode()
    def predict_inputs(self, inputs: Rows, scene: Scene, buffer_folder: Path | None = None) -> dict[str, Float]:
        """What a call returns, of inputs that are at hand.

        Parameters
        ----------
        inputs : Rows
            Slice of rows -> inputs (C, rows, W) float32 of the map.
        scene, buffer_folder
            As of a call.
        """
        return self._complete(self._blend(self.ensemble, inputs, scene, buffer_folder), scene)

    @torch.inference_mode()
    def predict_with_logits(
        self, inputs: Rows, small: Scene, scene: Scene
    ) -> tuple[dict[str, Float], dict[str, Float]]:
        """The prediction of a single network without augmentation, and the blended logits that losses read.

        Parameters
        ----------
        inputs : Rows
            Slice of rows -> inputs (C, rows, w) float32 of the map that the network sees.
        small : Scene
            The map that the network sees, perhaps a downsampled copy.
        scene : Scene
            The map as it was given.

        Returns
        -------
        {output: (C, H, W)} as of a call, and {head: (out_channels, h, w)} logits of the map that the network sees.
        """
        (net,) = self.nets
        blended = self._blend(partial(values_and_logits, net, self.heads), inputs, small)
        logits = {head.name: blended.pop(logits_name(head.name)) for head in self.heads}
        return (self._complete(blended, scene) if small is scene else self._enlarge(blended, small, scene)), logits

    def _enlarge(
        self, predictions: Mapping[str, Float], small: Scene, scene: Scene, buffer_folder: Path | None = None
    ) -> dict[str, Float]:
        """Every output on a map's own cells, of the heads' blended values on a downsampled copy of it."""
        factor = max(scene.shape) / max(small.shape)
        in_cells = {name for head in self.heads if head.in_cells for name in (head.name, std_name(head.name))}
        buffer = OutputBuffer(scene.shape[0], buffer_folder)
        for name, planes in predictions.items():
            large = np.stack([upsample(plane, scene.shape) for plane in planes])
            large *= np.float32(factor if name in in_cells else 1)
            buffer.write(name, 0, mask_invalid(large, scene.map_valid))
        enlarged = buffer.arrays()
        self._restore_bases(enlarged, small, scene, lambda mask: upsample(mask_probability(mask[0]), scene.shape))
        return self._complete(enlarged, scene, factor)

    def _restore_bases(
        self, predictions: dict[str, Float], seen: Scene, scene: Scene, carry_back: Callable[[Float], Float]
    ) -> None:
        """Let heads that start from a mask do so, in place, on a map's own cells, of which the network saw others.

        `carry_back` turns the mask (1, h, w) of the map that the network saw into its probability (H, W) on own cells,
        in the way that the predictions have come.
        """
        names, criteria = input_sets_of(scene, self.inputs, self.config.input_sets)[0], self.config.targets.traps
        for record in (record for record in self.inputs if record.is_base and record.name in names):
            base, own = carry_back(record.compute(seen, criteria)), record.compute(scene, criteria)[0]
            for head in (head for head in self.heads if head.residual_of == record.name):
                predictions[head.name] = with_own_mask(predictions[head.name][0], base, own)[None]

    def _blend(self, net: Net, inputs: Rows, scene: Scene, buffer_folder: Path | None = None) -> dict[str, Float]:
        """{name: (C, H, W)} of what a network says about tiles, blended: values of heads, NaN outside the map."""
        window, tiling = self.config.patches.size, self.config.predict
        resizer = Resizer(scene.shape, window, self.config.patches.small_map_mode)
        map_valid = resizer.forward(scene.map_valid[None])[0]
        height, width = map_valid.shape
        device = next(self.nets[0].parameters()).device
        fill = np.concatenate([[record.fill_value] * record.channels for record in self.inputs])
        read, factor = resizer.forward_rows(inputs), self.config.patches.context
        context = Context(read, map_valid.shape, fill, window, factor) if factor else None
        batch_size = tiling.batch_size or default_batch_size(window, device)
        if device.type == "cpu":
            together = min(batch_size, len(place_tiles(map_valid, window, tiling.stride))) if batch_size > 1 else 1
            hint = "a network of smaller tiles, or a smaller predict.batch_size"
            require_memory(together * window**2 * CELL_BYTES, f"tiles of {window} x {window} cells", hint)
        tiles = run_tiles(net, TiledMap(read, fill, map_valid, context), window, tiling.stride, batch_size, device)
        padded = pad_length(height, window), pad_length(width, window)
        buffer = OutputBuffer(height, None if resizer.is_active else buffer_folder)
        for top, band in blend_tiles(tiles, padded, make_tile_weights(window, tiling.tile_weights).to(device)):
            band |= {h.name: h.values(band[h.name]) for h in self.heads if h.blend == "logits"}
            inside = map_valid[top : top + window]
            for name, planes in band.items():
                rows = inside[: planes.shape[1]]
                buffer.write(name, top, mask_invalid(planes[:, : len(rows), :width].cpu().numpy(), rows))
        if not resizer.is_active:
            return buffer.arrays()
        resized, buffer = buffer.arrays(), OutputBuffer(scene.shape[0], buffer_folder)
        for name, values in resized.items():
            buffer.write(name, 0, mask_invalid(resizer.inverse(values), scene.map_valid))
        blended = buffer.arrays()
        if self.config.patches.small_map_mode == "resize":
            self._restore_bases(
                blended,
                scene,
                scene,
                lambda mask: resizer.inverse(mask_probability(resizer.forward(mask, smooth=True)))[0],
            )
        return blended

    @property
    def _fitted_derivations(self) -> dict[str, Derive]:
        """{output: how it is derived with the numbers fitted in training}, of an ensemble with their means."""
        if not any(head.derived is OBJECTS for head in self.heads):
            return {}
        numbers = [net.object_numbers.double().cpu() for net in self.nets if net.object_numbers is not None]
        return {OBJECTS.name: partial(traps_from_objects, numbers=torch.stack(numbers).mean(0).numpy())}

    def _complete(self, predictions: dict[str, Float], scene: Scene, factor: float = 1.0) -> dict[str, Float]:
        """Every output, of the heads' blended values: these postprocessed, what is derived from them, and the stacking.

        `factor` is the number of the scene's cells along one cell of the map that the network saw.
        """
        names = input_sets_of(scene, self.inputs, self.config.input_sets)[0]
        if any(head.postprocess or head.derived for head in self.heads):
            visible = visible_scene(scene, self.inputs, names)
            for head in self.heads:
                if head.postprocess is not None:
                    predictions[head.name] = head.postprocess(predictions[head.name], visible, factor)
                if head.derived is not None:
                    derive = self._fitted_derivations.get(head.derived.name, head.derived.derive)
                    predictions[head.derived.name] = derive(
                        predictions[head.name], visible, self.config.targets, factor
                    )
        if self.stacking is not None:
            predictions[FUSION.name] = self.stacking(predictions, names)
        return predictions


def values_and_logits(net: Net, heads: Sequence[Head], tiles: Tensor) -> dict[str, Tensor]:
    """What `Ensemble` gives of tiles, and {`logits_name(head)`: all logits}, those for the loss alone included."""
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
    rules: TrapCriteria | None = None,
) -> Predictor:
    """Load the predictor of a checkpoint, of several as an ensemble, or of the model that comes with the package.

    Parameters
    ----------
    checkpoints : str | Path | Sequence[str | Path] | None
        best.ckpt or last.ckpt of run folders, or .safetensors files; several are averaged as an ensemble with the
        settings of the first. None: the model that comes with the package.
    device : str, default 'auto'
        auto, cpu, cuda, ...
    stride : int | None, default None
        Cells between tiles, a multiple of 32; None: as the run's settings say.
    tta : Symmetry | None, default None
        Symmetries of test-time augmentation (`PredictConfig`); None: as the run's settings say.
    backend : Backend, default 'auto'
        What runs the network (`mtl.inference.backends.make_backend`).
    precision : Precision, default '32'
        Bits inside the network.
    rules : TrapCriteria | None, default None
        Rules of traps that closures follow; None: those of the run. With others than those a head that starts from
        rules answers with their traps alone: what it learned differs from the rules of its run.

    Raises
    ------
    UserError
        A file is missing, damaged, or not a checkpoint of this program, or two do not go together; the stride leaves
        gaps between tiles; the backend is not installed; there is no such device.

    Examples
    --------
    >>> from targets.synthetic.structure_maps import make_structure_map
    >>> predictor = load_predictor(None, device="cpu")
    >>> predictor
    Predictor(rgb,fault,depth,closure -> trap,boundary,crest,dist,depth; 1 network, ...)
    >>> prediction = predictor(make_structure_map(seed=1, size=64))
    >>> prediction["trap"].shape, sorted(prediction)
    ((1, 64, 64), ['boundary', 'crest', 'depth', 'depth_traps', 'dist', 'fusion', 'trap'])
    >>> predictor(np.full((64, 64), 1500.0))["trap"].shape  # depths; also a file, a folder, an xarray.DataArray
    (1, 64, 64)
    """
    place = usable_device(device)
    paths = [bundled_model()] if checkpoints is None else checkpoints
    paths = [paths] if isinstance(paths, str | Path) else paths
    members = [read_checkpoint(path) for path in paths]
    config = members[0][0]
    window = config.patches.size
    changed: dict[str, Any] = {"stride": min(config.predict.stride, window) if stride is None else stride}
    if tta is not None:
        changed["tta"] = tta
    space_tiles(window, window, changed["stride"])  # before any map is read
    built = []
    for path, (own, content) in zip(paths, members, strict=True):
        check_ensemble_member(path, own, paths[0], config)
        net, inputs, heads = build_trained_net(own, content["state_dict"], path)
        if rules is not None and rules != own.targets.traps and own.starts_from_rules:
            net.forget_changes()
            print(
                f"{path}: learned what differs from other rules; its trap head answers by those given alone", flush=True
            )
        net.to(place, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        built.append((net, inputs, heads))
    _, inputs, heads = built[0]
    nets = tuple(net for net, _, _ in built)
    if rules is not None:
        config = replace(config, targets=replace(config.targets, traps=rules))
    config = replace(config, predict=replace(config.predict, **changed))
    predictor = Predictor(nets, mean_stacking([net.fusion for net in nets]), inputs, heads, config)
    backends = tuple(make_backend(net, predictor.in_channels, backend, precision) for net in nets)
    return replace(predictor, backends=backends)
