"""Work on one tile that can be done by any process: read its windows, leave notes on disk, answer with little."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, NamedTuple, get_type_hints
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from targets.closure.arguments import SearchOptions, cell_states, check_contours, dilate
from targets.closure.arrays import check_depth, check_faults, check_mask, plain_array
from targets.closure.find import ROW
from targets.closure.kernels.codes import Grid
from targets.closure.kernels.merge import NodeClosures, deepest_cells
from targets.closure.kernels.properties import Surface, Totals
from targets.closure.merge_tree import label_map
from targets.closure.tiles.survey import ExportedGraph, FramedTile, Settled, survey
from targets.closure.tiles.table import save_rows
from targets.closure.tiles.totals import SurroundingClosures, nested_rows, places_of_highs, total_cells
from targets.common.files.npy_files import read_npy
from targets.common.rasters.windowed import GeoTiff, Raster, require_size, save_npy

Window = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class TiledSearch:
    """What every task needs to know.

    Attributes
    ----------
    depth, valid, faults : Raster
        Grids of the map, (H, W); no validity or faults: None.
    rules : dict
        Of `active_rules`.
    options : SearchOptions
        Options of the search.
    notes : Path
        Folder for what tasks leave to later ones.
    """

    depth: Raster
    valid: Raster | None
    faults: Raster | None
    rules: dict[int | None, str]
    options: SearchOptions
    notes: Path

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return self.depth.shape


@dataclass(frozen=True)
class Tile:
    """Rows top..bottom-1 and columns left..right-1 of the map; `number` in the order of rows."""

    number: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def window(self) -> Window:
        """The tile's part of the map."""
        return np.s_[self.top : self.bottom, self.left : self.right]

    def framed(self, shape: tuple[int, int]) -> tuple[Window, tuple[int, int, int, int]]:
        """The tile and its neighbouring cells, and the width of this frame above, below, left and right."""
        rows, cols = shape
        frame = min(1, self.top), min(1, rows - self.bottom), min(1, self.left), min(1, cols - self.right)
        return np.s_[self.top - frame[0] : self.bottom + frame[1], self.left - frame[2] : self.right + frame[3]], frame

    def note(self, search: TiledSearch, name: str) -> Path:
        """A file that a task on the tile leaves to later ones."""
        return search.notes / f"{self.number}_{name}"


def cut_tiles(shape: tuple[int, int], side: int) -> list[Tile]:
    """The tiles of a map, in the order of rows.

    Examples
    --------
    >>> cut_tiles((5, 4), 4)
    [Tile(number=0, top=0, bottom=4, left=0, right=4), Tile(number=1, top=4, bottom=5, left=0, right=4)]
    """
    corners = [(row, col) for row in range(0, shape[0], side) for col in range(0, shape[1], side)]
    return [
        Tile(i, row, min(row + side, shape[0]), col, min(col + side, shape[1])) for i, (row, col) in enumerate(corners)
    ]


# Tasks ----------------------------------------------------------------------------------------------------------------


def survey_tile(search: TiledSearch, tile: Tile) -> tuple[ExportedGraph, list[int]]:
    """Survey a tile; what it exports, and the numbers of its faults.

    Notes: the basins of its cells, what it settled, and places of its highs.
    """
    options = search.options
    window, frame = tile.framed(search.shape)
    depth = check_depth(search.depth[window])
    valid = None if search.valid is None else check_mask(_read_mask(search.valid, window), "valid", depth.shape)
    faults = None if search.faults is None else check_faults(_read_numbers(search.faults, window), depth.shape)
    state = cell_states(depth, valid, faults, search.rules, options.edge)
    check_contours(options, depth, state)
    grid = Grid(depth, state, options.eight, options.edge_open, options.interval, options.base)
    framed = FramedTile(grid, *frame, window[0].start, window[1].start, search.shape[1])
    basin, exported, settled = survey(framed)
    save_npy(tile.note(search, "basin.npy"), basin)
    note = tile.note(search, "settled")
    with note.open("wb") as file:
        size = save_record(settled, file)
    require_size(note, size)
    save_npy(tile.note(search, "highs.npy"), places_of_highs(settled, exported.crest_cell.size))
    return exported, [] if faults is None else np.unique(framed.without_frame(faults)).tolist()


def total_tile(
    search: TiledSearch, tile: Tile, exported: int, around: SurroundingClosures
) -> tuple[Totals, NDArray[np.int32]]:
    """Sum the cells of a tile: totals of the surrounding closures, and high codes of the settled ones with rows inside.

    Notes: the table's rows of what lies inside settled closures.
    """
    depth = check_depth(search.depth[tile.window])
    near_fault = np.empty((0, 0), bool)
    if search.faults is not None:
        window, (top, _, left, _) = tile.framed(search.shape)
        rows, cols = depth.shape
        near_fault = dilate(_read_numbers(search.faults, window) != 0, search.options.connectivity)
        near_fault = near_fault[top : top + rows, left : left + cols]
    with tile.note(search, "settled").open("rb") as file:
        settled = load_record(Settled, file)
    surface = Surface(depth, read_npy(tile.note(search, "basin.npy")), near_fault)
    totals = total_cells(surface, settled, exported, around)
    nested = nested_rows(settled, totals.settled, search.options, search.shape[1], ROW)
    save_rows(tile.note(search, "rows"), nested)
    return totals.surrounding, nested.roots


class DeepestOfTile(NamedTuple):
    """The deepest cell in a tile of each part of the map without a way out.

    Attributes
    ----------
    cell : (parts,) int64
        Flat index in the map, -1 = the tile has none of the part.
    depth : (parts,) float32 or float64
        Depth of the cell.
    place : (parts,) int32
        Place of its high among those of the tile.
    """

    cell: NDArray[np.int64]
    depth: NDArray
    place: NDArray[np.int32]


def find_deepest_of_tile(search: TiledSearch, tile: Tile, part: NDArray[np.int32], parts: int) -> DeepestOfTile:
    """Find the deepest cell of each part 1..parts of the map; part : of each high of the tile, 0 = none."""
    depth = check_depth(search.depth[tile.window])
    basin, place = read_npy(tile.note(search, "basin.npy")), read_npy(tile.note(search, "highs.npy"))
    count = place.size
    over = np.concatenate([np.where(part[place] > 0, count - 1 + part[place], 0), count + np.arange(parts)])
    over[0] = 0
    found = deepest_cells(depth, basin, over.astype(np.int32))[count:]
    row, col = np.divmod(found, depth.shape[1])
    flat = np.where(found >= 0, (row + tile.top) * search.shape[1] + col + tile.left, -1)
    return DeepestOfTile(flat, depth.ravel()[found], place[basin.ravel()[found]])


def label_tile(
    search: TiledSearch, tile: Tile, closures: NodeClosures, ids: NDArray[np.int32], rasters: Sequence[Raster]
) -> list[int]:
    """Write labels, and heights if there is a second raster; closures and ids : of each high of the tile.

    Returns the checksum of what was written to each raster.
    """
    depth = check_depth(search.depth[tile.window])
    basin, place = read_npy(tile.note(search, "basin.npy")), read_npy(tile.note(search, "highs.npy"))
    itself = np.arange(place.size, dtype=np.int32)
    of_basin = NodeClosures(closures.spill[place], closures.limit[place], itself)
    checksums = []
    for raster, values in zip(rasters, label_map(depth, basin, of_basin, ids[place]), strict=False):
        raster[tile.window] = values
        checksums.append(crc32(np.ascontiguousarray(values).data))
    return checksums


def reads_back(search: TiledSearch, tile: Tile, rasters: Sequence[Raster], checksums: Sequence[int]) -> bool:
    """Whether rasters hold what `label_tile` wrote to them."""
    pairs = zip(rasters, checksums, strict=True)
    return all(crc32(np.ascontiguousarray(raster[tile.window]).data) == checksum for raster, checksum in pairs)


def _read_mask(raster: Raster, window: Window) -> NDArray:
    """A window of truth values; a GeoTIFF has none, so what is above 0 is true."""
    return raster[window] > 0 if isinstance(raster, GeoTiff) else raster[window]


def _read_numbers(raster: Raster, window: Window) -> NDArray:
    """A window of fault numbers; nodata is no fault."""
    values, undefined = plain_array(raster[window], "faults")
    if undefined is not None:
        values = np.where(undefined, values.dtype.type(0), values)
    return np.nan_to_num(values).astype(np.int64) if isinstance(raster, GeoTiff) else values


# Records on disk ------------------------------------------------------------------------------------------------------


def save_record(record: Any, file: IO[bytes]) -> int:
    """Write the arrays of a record of arrays and records one after the other; a zip file would take longer.

    Returns the size of their numbers, in bytes.
    """
    values = record if isinstance(record, tuple) else [getattr(record, field.name) for field in fields(record)]
    size = 0
    for value in values:
        if isinstance(value, tuple):
            size += save_record(value, file)
        else:
            np.save(file, value)
            size += np.asarray(value).nbytes
    return size


def load_record(kind: type, file: IO[bytes]) -> Any:
    """Read what `save_record` wrote."""
    return kind(*_values(kind, file))


def _values(kind: type, file: IO[bytes]) -> Iterator[Any]:
    """The fields of a record from its file."""
    for annotation in get_type_hints(kind).values():
        if isinstance(annotation, type) and issubclass(annotation, tuple):
            yield load_record(annotation, file)
        else:
            array = read_npy(file)
            yield array.item() if annotation is float else array
