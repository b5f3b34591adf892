"""Review session: the maps of one data set, their predictions, and the corrected traps that are saved."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from mtl.review.predictions import MapPrediction, PredictionSource
from targets.errors import UserError
from targets.io.catalogue import MapSource, find_maps, read_map
from targets.io.describe import describe_map, print_lines, report_maps
from targets.io.interpreted_traps import interpreted_traps_file, save_interpreted_traps
from targets.io.read_options import ReadOptions
from targets.rendering.map import ensure_picture
from targets.scene import Scene

MAX_CELLS = 25_000_000  # of a map that a browser still draws with ease
MAX_CACHED_MAPS = 4  # with their predictions, so that going back to one is quick


@dataclass(frozen=True)
class ReviewedMap:
    """An open map, with its picture and interpreted traps, and its prediction."""

    scene: Scene
    prediction: MapPrediction


class ReviewSession:
    """Maps of one data set under review; the last few stay in memory with their predictions.

    Parameters
    ----------
    data : Path
        Folder of maps, into which corrected traps are saved.
    predict : PredictionSource
        Gives the prediction of a map.
    reading : ReadOptions
        How maps are read.

    Raises
    ------
    UserError
        The folder is missing or holds no map.
    """

    def __init__(self, data: Path, predict: PredictionSource, reading: ReadOptions) -> None:
        self.data, self.reading, self._predict = data.resolve(), reading, predict
        if not data.is_dir():
            raise UserError(data, "not a folder", "a folder of maps")
        self.sources = {source.name: source for source in report_maps([data], reading)}
        self._cache: OrderedDict[str, ReviewedMap] = OrderedDict()
        self._lock = Lock()  # one prediction at a time; a second request for a map waits for the first
        self._saving = Lock()  # one save at a time, in the order in which they come: the last one stays

    def describe_maps(self) -> list[dict[str, object]]:
        """Name, whether traps are interpreted (drawn), and why traps cannot be saved (refused, "") of every map."""
        return [
            {"name": name, "drawn": "traps" in source.files, "refused": self._save_problem(source)}
            for name, source in self.sources.items()
        ]

    def open_map(self, name: str) -> ReviewedMap:
        """Read and predict a map, or take it from memory.

        Raises
        ------
        UserError
            The map cannot be read, has no prediction, or more than `MAX_CELLS` cells.
        """
        with self._lock:
            if name not in self._cache:
                source = self.sources[name]
                scene = ensure_picture(read_map(source, self.reading))
                print_lines(describe_map(scene).lines, self.reading)
                if (cells := scene.map_valid.size) > MAX_CELLS:
                    raise UserError(name, f"has {cells:,} cells", f"at most {MAX_CELLS:,}", "cut it into smaller maps")
                self._cache[name] = ReviewedMap(scene, self._predict(scene))
                if len(self._cache) > MAX_CACHED_MAPS:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(name)
            return self._cache[name]

    def save(self, name: str, traps: NDArray[np.bool_]) -> Path:
        """Save the corrected traps of a map.

        Parameters
        ----------
        name : str
            Name of the map.
        traps : (H, W) bool
            Corrected traps; cells outside the map hold none.

        Returns
        -------
        Path
            The file of its interpreted traps.

        Raises
        ------
        UserError
            The file lies outside the data folder, or cannot be written; or the mask is implausible.
        """
        opened = self.open_map(name)
        with self._saving:
            source = self.sources[name]
            path = interpreted_traps_file(source, self.reading)
            self._check_inside(path)
            traps = traps & opened.scene.map_valid
            save_interpreted_traps(source, traps, self.reading)
            with self._lock:
                (self.sources[name],) = [s for s in find_maps([self.data], self.reading).sources if s.name == name]
                self._cache[name] = ReviewedMap(opened.scene.replace(traps=traps), opened.prediction)
            return path

    def _save_problem(self, source: MapSource) -> str:
        """Why traps of a map cannot be saved, "" where they can."""
        try:
            self._check_inside(interpreted_traps_file(source, self.reading))
        except UserError as error:
            return str(error)
        return ""

    def _check_inside(self, path: Path) -> None:
        """Refuse a file outside the data folder, also behind a link."""
        for place in (path.parent, path):
            if not place.resolve().is_relative_to(self.data):
                raise UserError(path, "lies outside the data folder", str(self.data), "review that folder instead")
