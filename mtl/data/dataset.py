"""Patch dataset: whole maps prepared once, patches cropped at a stride and augmented by one key each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from einops import rearrange
from torch.utils.data import Dataset

from mtl.config import AugmentConfig, PatchConfig
from mtl.data.augment import (
    PICTURE_TRANSFORMS,
    photometric_augment,
    random_symmetry,
    restyle_picture,
    transform_pictures,
)
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import InputChannel
from mtl.data.context import Context
from mtl.data.crop import Origin, crop
from mtl.data.modality_masking import input_sets_of, mask_modalities, picture_visible
from mtl.data.resize import Resizer
from mtl.data.sample import TRAPS, Batch, JudgedMap, Sample
from mtl.registry import select_records
from mtl.tasks.base import Head
from targets.errors import UserError
from targets.scene import Bool, Float, Scene
from targets.surface.resample import downsample
from targets.truth.criteria import GroundTruthOptions
from targets.truth.rasters import closure_planes
from targets.truth.traps import build_ground_truth, downsample_truth

VIEW_STREAM = 1  # random numbers that choose input set and picture style, apart from those of the augmentation


def prepare_sample(
    scene: Scene,
    inputs: Sequence[InputChannel],
    heads: Sequence[Head],
    options: GroundTruthOptions,
    input_sets: Sequence[str] = (),
    max_side: int = 0,
    judged: bool = False,
    with_traps: bool = False,
) -> Sample:
    """Stack the inputs of a scene and compute every head's target on the whole map.

    The traps are those of the map as it was given, whatever the network sees of it.

    Parameters
    ----------
    scene : Scene
        The map.
    inputs : Sequence[InputChannel]
        Inputs of the network.
    heads : Sequence[Head]
        Heads of the network.
    options : GroundTruthOptions
        Rules of the ground truth.
    input_sets : Sequence[str], default ()
        `TrainConfig.input_sets`; none: all inputs at once.
    max_side : int, default 0
        The network sees a copy with a longer side of at most this many cells; 0: the map itself.
    judged : bool, default False
        Keep the map as it was given, so that predictions of the whole map can be judged by it.
    with_traps : bool, default False
        Add what losses on closures read.
    """
    truth = build_ground_truth(scene, options)
    given = JudgedMap(scene, truth) if judged and max(scene.shape) > max_side > 0 else None
    scene, truth = downsample(scene, max_side), downsample_truth(truth, max_side)
    possible = tuple(input_sets_of(scene, inputs, input_sets))
    targets = {head.name: head.target(truth) for head in heads}
    if with_traps:
        known = truth.scene.interpreted_mask is not None or truth.scene.has_depth
        targets[TRAPS] = closure_planes(truth), truth.scene.map_valid & known
    return Sample(
        scene,
        truth,
        possible,
        stack_inputs(scene, inputs, options.traps, {name for names in possible for name in names}),
        {name: values for name, (values, _) in targets.items()},
        {name: valid for name, (_, valid) in targets.items()},
        given,
    )


def restrict_inputs(sample: Sample, inputs: Sequence[InputChannel], visible: tuple[str, ...]) -> Sample:
    """The map with one input set, the inputs of these names; the others are masked."""
    if (visible,) == sample.input_sets:
        return sample
    planes = sample.inputs.copy()
    mask_modalities(planes, sample.scene.map_valid, inputs, visible)
    return replace(sample, inputs=planes, input_sets=(visible,))


def patch_origins(length: int, size: int, stride: int) -> list[int]:
    """First cells of the patches along a side; the last patch ends at the border, a short side has one, padded.

    Examples
    --------
    >>> patch_origins(100, 64, 32), patch_origins(50, 64, 32)
    ([0, 32, 36], [0])
    """
    last = max(length - size, 0)
    return sorted({*range(0, last + 1, stride), last})


class PatchDataset(Dataset[Batch]):
    """Patches of prepared maps. The key of a patch is epoch * len + number, and decides its augmentation alone.

    So a patch is the same whichever worker makes it and however often training was interrupted.

    Parameters
    ----------
    samples : Sequence[Sample]
        Prepared maps.
    inputs : Sequence[InputChannel]
        Channels of their inputs.
    patches : PatchConfig
        Size, stride and which patches are left out.
    augment : AugmentConfig
        How patches are varied.
    seed : int, default 0
        Seed of the augmentation.

    Raises
    ------
    UserError
        No patch holds enough of a map, or an unknown picture transform.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        inputs: Sequence[InputChannel],
        patches: PatchConfig,
        augment: AugmentConfig,
        seed: int = 0,
    ) -> None:
        self._samples, self._inputs, self._size = samples, inputs, patches.size
        self._augment, self._seed = augment, seed
        if augment.picture_transforms:
            select_records(PICTURE_TRANSFORMS, list(augment.picture_transforms), "augment.picture_transforms")
        self._fill = [record.fill_value for record in inputs for _ in range(record.channels)]
        self._resizers = [Resizer(sample.scene.shape, patches.size, patches.small_map_mode) for sample in samples]
        self._patches = patches
        self._contexts = [
            self._context_of(sample.inputs, sample, resizer)
            for sample, resizer in zip(samples, self._resizers, strict=True)
            if patches.context
        ]
        self._places: list[tuple[int, Origin]] = [
            (index, (row, col))
            for index, (sample, resizer) in enumerate(zip(samples, self._resizers, strict=True))
            for valid in resizer.forward(sample.scene.map_valid[None])
            for row in patch_origins(valid.shape[0], patches.size, patches.stride)
            for col in patch_origins(valid.shape[1], patches.size, patches.stride)
            if valid[row : row + patches.size, col : col + patches.size].mean() >= patches.min_valid_fraction
        ]
        if not self._places:
            raise UserError(
                "--data",
                f"no patch of {patches.size} cells holds {patches.min_valid_fraction:.0%} of map",
                "maps that fill at least one patch",
                "use smaller patches: --patches.size 128",
            )

    def __len__(self) -> int:
        return len(self._places)

    def contain_trap(self) -> Bool:
        """(len,) whether each patch holds a cell of a trap."""
        found = []
        for index, (row, col) in self._places:
            (trap,) = self._resizers[index].forward(self._samples[index].truth.labels[None] > 0)
            found.append(trap[row : row + self._size, col : col + self._size].any())
        return np.array(found)

    def __getitem__(self, key: int) -> Batch:
        """Crop and augment a patch.

        Returns
        -------
        dict of Tensor
            `inputs` (C, size, size) float32, with a context (2C, size, size); `target/NAME` (channels, size, size)
            float32 and `valid/NAME` (1, size, size) bool of every head, and of `TRAPS` where a loss reads them; `key`.
        """
        epoch, number = divmod(int(key), len(self))
        index, origin = self._places[number]
        sample, resizer = self._samples[index], self._resizers[index]
        (inside,) = crop(resizer.forward(sample.scene.map_valid[None]), origin, self._size, [0])
        planes, context = sample.inputs, self._contexts[index] if self._contexts else None
        view = np.random.default_rng([self._seed, epoch, number, VIEW_STREAM])
        visible = sample.input_sets[view.integers(len(sample.input_sets)) if len(sample.input_sets) > 1 else 0]
        if picture_visible(self._inputs, visible) and view.random() < self._augment.restyle and sample.scene.has_depth:
            planes = restyle_picture(sample, self._inputs, view)
            context = self._context_of(planes, sample, resizer) if self._contexts else None
        inputs = crop(resizer.forward(planes, smooth=True), origin, self._size, self._fill)
        if context is not None:  # side by side, as one picture: both are varied alike
            *wider, share = context(origin)
            inputs, inside = np.concatenate([inputs, wider], -1), np.concatenate([inside, share > 0], -1)
        arrays = self._crop_targets(sample, resizer, origin)
        rng = np.random.default_rng([self._seed, epoch, number])
        inputs = transform_pictures(inputs, inside, self._inputs, self._augment.picture_transforms, view)
        varied = photometric_augment(inputs, inside, self._inputs, self._augment, rng)
        mask_modalities(varied, inside, self._inputs, visible)
        arrays["inputs"] = rearrange(varied, "c h (n w) -> (n c) h w", w=self._size)
        batch = {
            name: torch.from_numpy(np.ascontiguousarray(a, np.bool_ if name.startswith("valid/") else np.float32))
            for name, a in random_symmetry(arrays, self._augment.symmetry, rng).items()
        }
        return batch | {"key": torch.tensor(key)}

    def locate(self, key: int) -> tuple[str, Origin]:
        """Name of the map that a patch is of, and row and column of its first cell there."""
        index, origin = self._places[key % len(self)]
        return self._samples[index].scene.name, origin

    def _crop_targets(self, sample: Sample, resizer: Resizer, origin: Origin) -> dict[str, np.ndarray]:
        """`target/NAME` and `valid/NAME` of every head, and of `TRAPS`."""
        arrays = {}
        for name, values in sample.targets.items():
            valid = resizer.forward(sample.valid[name][None]) & resizer.own_cells()
            arrays[f"target/{name}"] = crop(resizer.forward(values), origin, self._size, [0] * len(values))
            arrays[f"valid/{name}"] = crop(valid, origin, self._size, [0])
        return arrays

    def _context_of(self, inputs: Float, sample: Sample, resizer: Resizer) -> Context:
        """Contexts of the patches of a map; their last plane is the share of map in a downsampled cell."""
        inside = resizer.forward(sample.scene.map_valid[None])
        planes = np.concatenate([resizer.forward(inputs, smooth=True), inside])
        size, factor = self._patches.size, self._patches.context
        return Context(lambda rows: planes[:, rows], inside.shape[1:], [*self._fill, 0], size, factor)
