"""Input channels of a map stacked into one array."""

from collections.abc import Container, Iterator, Sequence
from functools import partial

import numpy as np

from mtl.data.channels import InputChannel
from targets.scene import Float, Rows, Scene
from targets.truth.traps import TrapCriteria


def read_inputs(
    scene: Scene, inputs: Sequence[InputChannel], rules: TrapCriteria, shown: Container[str] | None = None
) -> Rows:
    """A function from a slice of rows to (C, rows, W) float32: the channels of these rows, one above the other.

    They are finite, with each channel's `outside` outside the map.

    Parameters
    ----------
    shown : Container[str] | None, default None
        Names of those that are shown, the others are `blank`; None: all.
    """
    channels = [
        (
            record.rows(scene, rules) if shown is None or record.name in shown else partial(_blank_rows, scene, record),
            np.float32(record.fill_value),
        )
        for record in inputs
    ]
    return lambda rows: np.concatenate([np.where(scene.map_valid[rows], make(rows), out) for make, out in channels])


def stack_inputs(
    scene: Scene, inputs: Sequence[InputChannel], rules: TrapCriteria, shown: Container[str] | None = None
) -> Float:
    """(C, H, W) float32: the inputs of a whole map."""
    return read_inputs(scene, inputs, rules, shown)(slice(None))


def _blank_rows(scene: Scene, record: InputChannel, rows: slice) -> Float:
    """Rows of a channel that is not shown."""
    shape = scene.map_valid[rows].shape
    return np.full((record.channels, *shape), record.blank, np.float32)


def planes_of(inputs: Sequence[InputChannel]) -> Iterator[tuple[InputChannel, slice]]:
    """Each input, and which of the planes of all of them are its own."""
    first = 0
    for record in inputs:
        yield record, slice(first, first + record.channels)
        first += record.channels
