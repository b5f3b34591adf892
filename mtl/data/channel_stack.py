"""Input channels of a map stacked into one array, read row by row."""

from collections.abc import Container, Iterator, Sequence
from functools import partial

import numpy as np

from mtl.data.channels import InputChannel
from targets.scene import Float, Rows, Scene
from targets.truth.criteria import TrapCriteria


def input_row_reader(
    scene: Scene, inputs: Sequence[InputChannel], criteria: TrapCriteria, visible: Container[str] | None = None
) -> Rows:
    """Reader of the input channels of a map.

    Parameters
    ----------
    scene : Scene
        The whole map.
    inputs : Sequence[InputChannel]
        Channels, stacked in this order.
    criteria : TrapCriteria
        Which of the map's closures count as traps.
    visible : Container[str] | None, default None
        Names of the channels that the network sees, the others have their `value_if_missing`; None: all.

    Returns
    -------
    Rows
        A slice of rows -> (C, rows, W) float32, finite, with each channel's `fill_value` outside the map.
    """
    channels = [
        (
            record.row_reader(scene, criteria)
            if visible is None or record.name in visible
            else partial(_missing_rows, scene, record),
            np.float32(record.fill_value),
        )
        for record in inputs
    ]
    return lambda rows: np.concatenate([np.where(scene.map_valid[rows], read(rows), fill) for read, fill in channels])


def stack_inputs(
    scene: Scene, inputs: Sequence[InputChannel], criteria: TrapCriteria, visible: Container[str] | None = None
) -> Float:
    """(C, H, W) float32 input channels of a whole map; parameters as in `input_row_reader`."""
    return input_row_reader(scene, inputs, criteria, visible)(slice(None))


def _missing_rows(scene: Scene, record: InputChannel, rows: slice) -> Float:
    """Rows of a channel that the network does not see."""
    shape = scene.map_valid[rows].shape
    return np.full((record.channels, *shape), record.value_if_missing, np.float32)


def channel_slices(inputs: Sequence[InputChannel]) -> Iterator[tuple[InputChannel, slice]]:
    """Each input, and the slice of the stacked planes that are its own.

    Examples
    --------
    >>> from mtl.data.channels import INPUTS
    >>> [(record.name, planes) for record, planes in channel_slices([INPUTS["rgb"], INPUTS["depth"]])]
    [('rgb', slice(0, 3, None)), ('depth', slice(3, 4, None))]
    """
    first = 0
    for record in inputs:
        yield record, slice(first, first + record.channels)
        first += record.channels
