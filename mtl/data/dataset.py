"""How maps become training patches: whole maps prepared once, cut at a stride, varied by one random key per patch."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.utils.data import Dataset

from mtl.config import AugmentConfig, PatchConfig
from mtl.data.augment import TURNS, _share, d4_transform, photometric_augment, restyle_picture
from mtl.data.channel_stack import stack_inputs
from mtl.data.channels import InputChannel
from mtl.data.context import Context
from mtl.data.crop import Origin, crop
from mtl.data.modality_masking import mask_modalities, picture_visible, input_sets_of
from mtl.data.resize import Resizer
from mtl.data.sample import Batch, Sample
from mtl.tasks.base import Head
from targets.errors import UserError
from targets.scene import Bool, Float, Scene
from targets.truth.traps import GroundTruthOptions, build_ground_truth

LOOK = 1  # the stream of random numbers that decides how a patch's map is drawn, beside the one that varies it


def prepare(
    scene: Scene,
    inputs: Sequence[InputChannel],
    heads: Sequence[Head],
    options: GroundTruthOptions,
    sets: Sequence[str] = (),
) -> Sample:
    """Stack the inputs of a scene and compute every head's target on the whole map.

    Parameters
    ----------
    sets : Sequence[str], default ()
        Of inputs, `TrainConfig.shown`.
    """
    shown = tuple(input_sets_of(scene, inputs, sets))
    truth = build_ground_truth(scene, options)
    answers = {head.name: head.target(truth) for head in heads}
    return Sample(
        scene,
        truth,
        shown,
        stack_inputs(scene, inputs, options.traps, {name for names in shown for name in names}),
        {name: values for name, (values, _) in answers.items()},
        {name: valid for name, (_, valid) in answers.items()},
    )


def shown_by(sample: Sample, inputs: Sequence[InputChannel], names: tuple[str, ...]) -> Sample:
    """The map as it is known by some of its inputs."""
    if (names,) == sample.shown:
        return sample
    planes = sample.inputs.copy()
    mask_modalities(planes, sample.scene.map_valid, inputs, names)
    return replace(sample, inputs=planes, shown=(names,))


def patch_origins(length: int, size: int, stride: int) -> list[int]:
    """0, stride, 2·stride, … and one more that ends at the border; a short side has one origin and is padded."""
    last = max(length - size, 0)
    return sorted({*range(0, last + 1, stride), last})


class Patches(Dataset[Batch]):
    """Patches of prepared maps. The key of a patch is epoch * len + number, and decides its augmentation alone.

    So a patch looks the same whichever worker makes it and however often training was interrupted.
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
        self._outside = [record.fill_value for record in inputs for _ in range(record.channels)]
        self._frames = [Resizer(sample.scene.shape, patches.size, patches.small) for sample in samples]
        self._patches = patches
        self._around = [
            self._context_of(sample.inputs, sample, frame)
            for sample, frame in zip(samples, self._frames, strict=True)
            if patches.context
        ]
        self._places: list[tuple[int, Origin]] = [
            (index, (row, col))
            for index, (sample, frame) in enumerate(zip(samples, self._frames, strict=True))
            for valid in frame.forward(sample.scene.map_valid[None])
            for row in patch_origins(valid.shape[0], patches.size, patches.stride)
            for col in patch_origins(valid.shape[1], patches.size, patches.stride)
            if _share(valid[row : row + patches.size, col : col + patches.size]) >= patches.min_valid
        ]
        if not self._places:
            raise UserError(
                "--data",
                f"no patch of {patches.size} cells holds {patches.min_valid:.0%} of map",
                "maps that fill at least one patch",
                "use smaller patches: --patches.size 128",
            )

    def __len__(self) -> int:
        return len(self._places)

    def hold_trap(self) -> Bool:
        """(len,) whether each patch holds a cell of a trap."""
        held = []
        for index, (row, col) in self._places:
            (trap,) = self._frames[index].forward(self._samples[index].truth.labels[None] > 0)
            held.append(trap[row : row + self._size, col : col + self._size].any())
        return np.array(held)

    def __getitem__(self, key: int) -> Batch:
        """inputs (C, size, size), and target/NAME, valid/NAME of every head, float32 and bool tensors; and the key.

        With a context, inputs are (2C, size, size).
        """
        epoch, number = divmod(int(key), len(self))
        index, origin = self._places[number]
        sample, frame = self._samples[index], self._frames[index]
        (inside,) = crop(frame.forward(sample.scene.map_valid[None]), origin, self._size, [0])
        planes, context = sample.inputs, self._around[index] if self._around else None
        look = np.random.default_rng([self._seed, epoch, number, LOOK])
        known = sample.shown[look.integers(len(sample.shown)) if len(sample.shown) > 1 else 0]
        if picture_visible(self._inputs, known) and look.random() < self._augment.redraw and sample.scene.has_depth:
            planes = restyle_picture(sample, self._inputs, look)
            context = self._context_of(planes, sample, frame) if self._around else None
        inputs = crop(frame.forward(planes, smooth=True), origin, self._size, self._outside)
        if context is not None:  # side by side, as one picture: both are varied alike
            *around, share = context(origin)
            inputs, inside = np.concatenate([inputs, around], -1), np.concatenate([inside, share > 0], -1)
        arrays = {}
        for name, values in sample.targets.items():
            valid = frame.forward(sample.valid[name][None]) & frame.inside()
            arrays[f"target/{name}"] = crop(frame.forward(values), origin, self._size, [0] * len(values))
            arrays[f"valid/{name}"] = crop(valid, origin, self._size, [0])
        rng = np.random.default_rng([self._seed, epoch, number])
        varied = photometric_augment(inputs, inside, self._inputs, self._augment, rng)
        mask_modalities(varied, inside, self._inputs, known)
        arrays["inputs"] = np.concatenate(np.split(varied, varied.shape[-1] // self._size, -1))
        if self._augment.symmetry != "none":
            turns, flip = int(rng.integers(4)), bool(rng.integers(2))
            turns &= TURNS[self._augment.symmetry]
            arrays = {name: d4_transform(values, turns, flip) for name, values in arrays.items()}
        batch = {
            name: torch.from_numpy(np.ascontiguousarray(a, np.bool_ if name.startswith("valid/") else np.float32))
            for name, a in arrays.items()
        }
        return batch | {"key": torch.tensor(key)}

    def place(self, key: int) -> tuple[str, Origin]:
        """The map that a patch is of, and the row and column of its first cell there."""
        index, origin = self._places[key % len(self)]
        return self._samples[index].scene.name, origin

    def _context_of(self, inputs: Float, sample: Sample, frame: Resizer) -> Context:
        """What lies around the patches of a map; the last plane is the share of the map in a reduced cell."""
        inside = frame.forward(sample.scene.map_valid[None])
        planes = np.concatenate([frame.forward(inputs, smooth=True), inside])
        size, factor = self._patches.size, self._patches.context
        return Context(lambda rows: planes[:, rows], inside.shape[1:], [*self._outside, 0], size, factor)
