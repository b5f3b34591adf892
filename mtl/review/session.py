"""Review session: the maps of one data set, their predictions, and the corrected traps that are saved."""

import hashlib
import io
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtl.review.picture import describe_page, is_picture_alone, picture_of, save_said, sidecar_of_picture
from mtl.review.predictions import MapPrediction, PredictionSource
from targets.analysis.analyse import Analysis, analyse
from targets.analysis.options import DEFAULT_OPTIONS, ClosureOptions
from targets.common.folder_lock import lock_folder
from targets.errors import UserError
from targets.io.catalogue import MapSource, read_map
from targets.io.describe import describe_map, print_lines, report_maps
from targets.io.interpreted_traps import interpreted_traps_file, save_interpreted_traps
from targets.io.read_options import ReadOptions
from targets.rendering.map import ensure_picture
from targets.rendering.palettes import RGB
from targets.scene import Scene

MAX_CELLS = 25_000_000  # of a map that a browser still draws with ease
MAX_CACHED_MAPS = 4  # with their predictions, so that going back to one is quick
NO_TRAPS = "none"  # version of the traps of a map that has none
LAST_SAVE_SECONDS = 10  # that a session which ends waits for a save under way


class TrapsChangedError(UserError):
    """The traps of a map were saved elsewhere since they were shown; nothing was written.

    Attributes
    ----------
    version : str
        The traps that are saved now.
    """

    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            name,
            "its traps were saved elsewhere since they were opened here",
            hint="look at those, or replace them by yours",
        )
        self.version = version


@dataclass(frozen=True)
class ReviewedMap:
    """An open map.

    Attributes
    ----------
    scene : Scene
        The map with its picture and interpreted traps.
    prediction : MapPrediction
        Its prediction.
    version : str
        Digest of the file of its interpreted traps, `NO_TRAPS` without one.
    """

    scene: Scene
    prediction: MapPrediction
    version: str


class SavedTraps(NamedTuple):
    """The file of a map's interpreted traps, and its version."""

    path: Path
    version: str


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
    closures : ClosureOptions, default DEFAULT_OPTIONS
        Rules by which closures are found, for migration.

    Raises
    ------
    UserError
        The folder is missing or holds no map.
    """

    def __init__(
        self, data: Path, predict: PredictionSource, reading: ReadOptions, closures: ClosureOptions = DEFAULT_OPTIONS
    ) -> None:
        self.data, self.reading, self._predict, self._closure_options = data.resolve(), reading, predict, closures
        if not data.is_dir():
            raise UserError(data, "not a folder", "a folder of maps")
        self.sources = {source.name: source for source in report_maps([data], reading)}
        self._cache: OrderedDict[str, ReviewedMap] = OrderedDict()
        self._analyses: OrderedDict[str, Analysis] = OrderedDict()
        self._analysing = Lock()  # one analysis at a time
        self._lock = Lock()  # one prediction at a time; a second request for a map waits for the first
        self._saving = Lock()  # one save at a time

    def describe_maps(self) -> list[dict[str, object]]:
        """Of every map: name, drawn (traps are interpreted), refused (why none is saved, ""), picture (alone)."""
        return [
            {
                "name": name,
                "drawn": "traps" in source.files,
                "refused": self._save_problem(name),
                "picture": is_picture_alone(source),
            }
            for name, source in self.sources.items()
        ]

    def open_map(self, name: str) -> ReviewedMap:
        """Read and predict a map, or take it from memory if its traps are still those of the file.

        Raises
        ------
        UserError
            The map cannot be read, has no prediction, or more than `MAX_CELLS` cells.
        """
        with self._lock:
            source, version = self._find_traps(name)
            if name not in self._cache or self._cache[name].version != version:
                scene = ensure_picture(read_map(source, self.reading))
                print_lines(describe_map(scene).lines, self.reading)
                if (cells := scene.map_valid.size) > MAX_CELLS:
                    raise UserError(name, f"has {cells:,} cells", f"at most {MAX_CELLS:,}", "cut it into smaller maps")
                self._cache[name] = ReviewedMap(scene, self._predict(scene), version)
                self.sources[name] = source
                if len(self._cache) > MAX_CACHED_MAPS:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(name)
            return self._cache[name]

    def analyse_map(self, name: str) -> Analysis:
        """Find the closures of a map, or take them from memory.

        Raises
        ------
        UserError
            The map cannot be read, or has no depth.
        """
        scene = self.open_map(name).scene
        with self._analysing:
            if name not in self._analyses:
                self._analyses[name] = analyse(scene, self._closure_options)
                if len(self._analyses) > MAX_CACHED_MAPS:
                    self._analyses.popitem(last=False)
            self._analyses.move_to_end(name)
            return self._analyses[name]

    def open_picture(self, name: str) -> RGB:
        """The picture (H, W, 3) of a map as it is on disk.

        Raises
        ------
        UserError
            It cannot be read, the map has none, or it has more than `MAX_CELLS` pixels.
        """
        source = self.sources[name]
        if not is_picture_alone(source):
            raise UserError(name, "is no picture alone", "a picture whose depth no other file gives")
        picture = picture_of(source)
        if (pixels := picture.shape[0] * picture.shape[1]) > MAX_CELLS:
            raise UserError(name, f"has {pixels:,} pixels", f"at most {MAX_CELLS:,}", "reduce it")
        return picture

    def describe_page(self, name: str) -> dict[str, object]:
        """Describe what is understood of a picture, see `mtl.review.picture.describe_page`."""
        self.open_picture(name)
        return describe_page(self.sources[name], self.reading)

    def save_page(self, name: str, content: bytes) -> str:
        """Keep what a person says of a picture, see `mtl.review.picture.save_said`; the map is read again.

        Returns
        -------
        str
            Name of the file.

        Raises
        ------
        UserError
            The file lies outside the data folder or cannot be written, or the picture cannot be read so.
        """
        self.open_picture(name)
        path = sidecar_of_picture(self.sources[name], self.reading)
        self._check_inside(path)
        with self._saving, lock_folder(path.parent):
            source = save_said(self.sources[name], content, self.reading, self._check_inside)
            with self._lock, self._analysing:
                self.sources[name] = source
                self._cache.pop(name, None)
                self._analyses.pop(name, None)
        return path.name

    def save(self, name: str, traps: NDArray[np.bool_], seen: str) -> SavedTraps:
        """Save the corrected traps of a map; of two saves that start from one version the first one is made.

        Parameters
        ----------
        name : str
            Name of the map.
        traps : (H, W) bool
            Corrected traps; cells outside the map hold none.
        seen : str
            Version of the traps that were corrected.

        Returns
        -------
        SavedTraps
            The file of its interpreted traps, and their new version.

        Raises
        ------
        TrapsChangedError
            Other traps than these were saved since that version.
        UserError
            The file lies outside the data folder, or cannot be written; or the mask is implausible.
        """
        self.open_map(name)
        with self._saving, lock_folder(self._traps_file(name).parent):  # a second server may show the same maps
            opened = self.open_map(name)
            path, traps = self._traps_file(name), traps & opened.scene.map_valid
            if opened.scene.traps is not None and np.array_equal(opened.scene.traps, traps):
                return SavedTraps(path, opened.version)
            if seen != opened.version:
                raise TrapsChangedError(name, opened.version)
            save_interpreted_traps(self.sources[name], traps, self.reading)
            with self._lock:
                self.sources[name], version = self._find_traps(name)
                self._cache[name] = replace(opened, scene=opened.scene.replace(traps=traps), version=version)
            return SavedTraps(path, version)

    def close(self) -> None:
        """Wait for the save under way, and begin no other."""
        self._saving.acquire(timeout=LAST_SAVE_SECONDS)

    def _find_traps(self, name: str) -> tuple[MapSource, str]:
        """A map with the file of its interpreted traps as it is now, and their version."""
        source = self.sources[name]
        try:
            path = interpreted_traps_file(source, self.reading)
        except UserError:  # maps of this kind keep none
            return source, NO_TRAPS
        if not path.exists():
            return replace(source, files={k: file for k, file in source.files.items() if k != "traps"}), NO_TRAPS
        source = replace(source, files=source.files | {"traps": path})
        try:
            with path.open("rb") if path.is_file() else io.BytesIO() as content:  # `read_map` refuses a pipe
                return source, hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise UserError(path, f"cannot be read ({error.strerror})", "a file that can be read") from error

    def _traps_file(self, name: str) -> Path:
        """The file of the traps of a map, which lies in the data folder."""
        path = interpreted_traps_file(self.sources[name], self.reading)
        self._check_inside(path)
        return path

    def _save_problem(self, name: str) -> str:
        """Why traps of a map cannot be saved, "" where they can."""
        try:
            self._traps_file(name)
        except UserError as error:
            return str(error)
        return ""

    def _check_inside(self, path: Path) -> None:
        """Refuse a file outside the data folder, also behind a link."""
        for place in (path.parent, path):
            if not place.resolve().is_relative_to(self.data):
                raise UserError(path, "lies outside the data folder", str(self.data), "review that folder instead")
