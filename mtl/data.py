"""How maps become training patches: whole maps prepared once, cut at a stride, varied by one random key per patch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mtl.config import AugmentConfig, PatchConfig, Symmetry
from mtl.context import Context
from mtl.frame import Frame
from mtl.heads import Head, Output, Values
from mtl.inputs import InputChannel, hide, pictured, planes_of, sets_of, stack_inputs
from mtl.processes import Process
from mtl.tiles import Origin, cut
from targets.errors import UserError
from targets.scene import Bool, Float, Scene
from targets.styles import redrawn
from targets.truth import Truth, TruthOptions, find_truth

Batch = dict[str, Tensor]
LOOK = 1  # the stream of random numbers that decides how a patch's map is drawn, beside the one that varies it


@dataclass(frozen=True, eq=False)
class Sample:
    """One whole map, ready for training and validation.

    scene : the map as it was given; that of `truth` has the surface that is true, where the given one is not.
    shown : the sets of inputs by which it may be known, the largest first.
    inputs : (C, H, W); targets : {head: (channels, H, W)}; valid : {head: (H, W) bool}.
    """

    scene: Scene
    truth: Truth
    shown: tuple[tuple[str, ...], ...]
    inputs: Float
    targets: dict[str, Float]
    valid: dict[str, Bool]

    def target_of(self, output: Output) -> Values:
        """Target and validity of a head, or of what is derived from heads."""
        if output.name in self.targets:
            return self.targets[output.name], self.valid[output.name]
        return output.target(self.truth)


def prepare(
    scene: Scene,
    inputs: Sequence[InputChannel],
    heads: Sequence[Head],
    options: TruthOptions,
    sets: Sequence[str] = (),
) -> Sample:
    """Stack the inputs of a scene and compute every head's target on the whole map.

    Parameters
    ----------
    sets : of inputs, `TrainConfig.shown`.
    """
    shown = tuple(sets_of(scene, inputs, sets))
    truth = find_truth(scene, options)
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
    hide(planes, sample.scene.map_valid, inputs, names)
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
        self._outside = [record.outside for record in inputs for _ in range(record.channels)]
        self._frames = [Frame(sample.scene.shape, patches.size, patches.small) for sample in samples]
        self._patches = patches
        self._around = [
            self._context_of(sample.inputs, sample, frame)
            for sample, frame in zip(samples, self._frames, strict=True)
            if patches.context
        ]
        self._places: list[tuple[int, Origin]] = [
            (index, (row, col))
            for index, (sample, frame) in enumerate(zip(samples, self._frames, strict=True))
            for valid in frame.put(sample.scene.map_valid[None])
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
            (trap,) = self._frames[index].put(self._samples[index].truth.labels[None] > 0)
            held.append(trap[row : row + self._size, col : col + self._size].any())
        return np.array(held)

    def __getitem__(self, key: int) -> Batch:
        """inputs (C, size, size), and target/NAME, valid/NAME of every head, float32 and bool tensors; and the key.

        With a context, inputs are (2C, size, size).
        """
        epoch, number = divmod(int(key), len(self))
        index, origin = self._places[number]
        sample, frame = self._samples[index], self._frames[index]
        (inside,) = cut(frame.put(sample.scene.map_valid[None]), origin, self._size, [0])
        planes, context = sample.inputs, self._around[index] if self._around else None
        look = np.random.default_rng([self._seed, epoch, number, LOOK])
        known = sample.shown[look.integers(len(sample.shown)) if len(sample.shown) > 1 else 0]
        if pictured(self._inputs, known) and look.random() < self._augment.redraw and sample.scene.has_depth:
            planes = with_another_picture(sample, self._inputs, look)
            context = self._context_of(planes, sample, frame) if self._around else None
        inputs = cut(frame.put(planes, smooth=True), origin, self._size, self._outside)
        if context is not None:  # side by side, as one picture: both are varied alike
            *around, share = context(origin)
            inputs, inside = np.concatenate([inputs, around], -1), np.concatenate([inside, share > 0], -1)
        arrays = {}
        for name, values in sample.targets.items():
            valid = frame.put(sample.valid[name][None]) & frame.inside()
            arrays[f"target/{name}"] = cut(frame.put(values), origin, self._size, [0] * len(values))
            arrays[f"valid/{name}"] = cut(valid, origin, self._size, [0])
        rng = np.random.default_rng([self._seed, epoch, number])
        varied = vary(inputs, inside, self._inputs, self._augment, rng)
        hide(varied, inside, self._inputs, known)
        arrays["inputs"] = np.concatenate(np.split(varied, varied.shape[-1] // self._size, -1))
        if self._augment.symmetry != "none":
            turns, flip = int(rng.integers(4)), bool(rng.integers(2))
            turns &= TURNS[self._augment.symmetry]
            arrays = {name: turn(values, turns, flip) for name, values in arrays.items()}
        batch = {
            name: torch.from_numpy(np.ascontiguousarray(a, np.bool_ if name.startswith("valid/") else np.float32))
            for name, a in arrays.items()
        }
        return batch | {"key": torch.tensor(key)}

    def place(self, key: int) -> tuple[str, Origin]:
        """The map that a patch is of, and the row and column of its first cell there."""
        index, origin = self._places[key % len(self)]
        return self._samples[index].scene.name, origin

    def _context_of(self, inputs: Float, sample: Sample, frame: Frame) -> Context:
        """What lies around the patches of a map; the last plane is the share of the map in a reduced cell."""
        inside = frame.put(sample.scene.map_valid[None])
        planes = np.concatenate([frame.put(inputs, smooth=True), inside])
        size, factor = self._patches.size, self._patches.context
        return Context(lambda rows: planes[:, rows], inside.shape[1:], [*self._outside, 0], size, factor)


def with_another_picture(sample: Sample, inputs: Sequence[InputChannel], rng: np.random.Generator) -> Float:
    """(C, H, W) the inputs of a map, its picture drawn anew in a style of training."""
    scene = redrawn(sample.scene, rng, "train")
    planes = sample.inputs.copy()
    for record, own in planes_of(inputs):
        if record.picture:
            planes[own] = stack_inputs(scene, [record], sample.truth.options.traps)
    return planes


def _share(mask: Bool) -> float:
    return float(mask.mean())


# What is kept of a random number of quarter turns: all, half turns (with a mirror they flip up and down), none.
TURNS: dict[Symmetry, int] = {"d4": 0b11, "flips": 0b10, "mirror": 0b00}


def turn(values: np.ndarray, turns: int, flip: bool) -> np.ndarray:
    """One of the eight symmetries of the square, on the last two axes."""
    values = np.rot90(values, turns, axes=(-2, -1))
    return values[..., ::-1] if flip else values


def vary(
    inputs: Float, inside: Bool, records: Sequence[InputChannel], how: AugmentConfig, rng: np.random.Generator
) -> Float:
    """Brightness and contrast of pictures and slight noise of every noisy channel, inside the map only."""
    varied = inputs.copy()
    for record, own in planes_of(records):
        planes = varied[own]
        if record.picture:
            contrast, brightness = 1 + how.contrast * rng.uniform(-1, 1), 2 * how.brightness * rng.uniform(-1, 1)
            np.copyto(planes, planes * np.float32(contrast) + np.float32(brightness), where=inside)
        if record.noise and how.noise:
            planes += rng.standard_normal(planes.shape, np.float32) * (inside * np.float32(record.noise * how.noise))
    return varied


class EpochSampler(Sampler[int]):
    """Every patch `repeats` times an epoch, in an order drawn from seed and epoch; yields the keys of `Patches`.

    Parameters
    ----------
    wanted : (length,) bool, patches to show each time; of the others only as many, drawn anew each time, as leave the
        wanted ones their `share`. None: all patches each time.
    """

    def __init__(
        self, length: int, seed: int, repeats: int = 1, wanted: Bool | None = None, share: float = 0.0
    ) -> None:
        self._length, self._seed, self._repeats = length, seed, repeats
        self._epoch = self._shown = 0
        self._wanted = np.ones(length, bool) if wanted is None or not wanted.any() else wanted
        number = int(self._wanted.sum())
        self._others = (
            min(length - number, math.floor(number * (1 - share) / share + 1e-9)) if share else length - number
        )

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop at the start of an epoch."""
        if epoch != self._epoch:
            self.go_on(epoch, 0)

    def go_on(self, epoch: int, shown: int) -> None:
        """Begin with an epoch of which so many patches were shown before the run was interrupted.

        Workers ask for patches before the training loop calls `set_epoch`.
        """
        self._epoch, self._shown = epoch, shown

    def __len__(self) -> int:
        return (int(self._wanted.sum()) + self._others) * self._repeats

    def __iter__(self) -> Iterator[int]:
        return islice(self._keys(), self._shown, None)

    def _keys(self) -> Iterator[int]:
        for turn_of_all in range(self._epoch * self._repeats, (self._epoch + 1) * self._repeats):
            order = np.random.default_rng([self._seed, turn_of_all]).permutation(self._length)
            others = np.cumsum(~self._wanted[order])  # the first of the others in this order are shown
            shown = order[self._wanted[order] | (others <= self._others)]
            yield from (turn_of_all * self._length + shown).tolist()


def number_of_batches(patches: int, size: int, processes: int) -> int:
    """Batches of `size` patches for every process; too few for each process to have one, the last join those before."""
    full, rest = divmod(patches, size * processes)
    return full + (rest >= processes)


class Batches(Sampler[list[int]]):
    """What one of several processes has of every batch of an epoch; all together, each patch of `sampler` once.

    Parameters
    ----------
    size : patches of a process in a batch.
    process : which of all it is for.

    Raises
    ------
    UserError : fewer patches than processes.
    """

    def __init__(self, sampler: EpochSampler, size: int, process: Process) -> None:
        self.sampler, self._size, self._process = sampler, size, process  # Lightning tells `sampler` the epoch
        if len(sampler) < process.number:
            found = f"{len(sampler)} patches in an epoch for {process.number} processes"
            raise UserError("--data", found, "a patch for each at least", "use fewer processes, or --loop.repeats")

    def __len__(self) -> int:
        return number_of_batches(len(self.sampler), self._size, self._process.number)

    def __iter__(self) -> Iterator[list[int]]:
        keys = list(self.sampler)  # fewer than its length, where a resumed epoch goes on
        size, number = self._size, self._process.number
        ends = size * number * np.arange(1, number_of_batches(len(keys), size, number))
        for batch in np.split(np.array(keys), ends):
            yield self._process.share(batch.tolist())


@dataclass(frozen=True)
class FlightPlan:
    """What one run will do, in numbers: printed before it starts.

    patches : different ones; shown : in an epoch, repetitions counted; batch : of each process.
    """

    maps: int
    validation_maps: int
    patches: int
    shown: int
    batch: int
    accumulate: int
    epochs: int
    processes: int = 1

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return math.ceil(number_of_batches(self.shown, self.batch, self.processes) / self.accumulate)

    def __str__(self) -> str:
        return (
            f"{self.maps} training maps -> {self.patches} patches, {self.validation_maps} validation maps; "
            f"{self.shown} patches an epoch in {self.steps} steps of {self.batch * self.accumulate * self.processes}; "
            f"{self.epochs} epochs, {self.steps * self.epochs} steps, {self.shown * self.epochs} patches in all"
            + (f"; {self.processes} processes" if self.processes > 1 else "")
        )
