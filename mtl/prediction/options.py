"""Options of a batch of predictions: what is written. Settings alone, quick to import."""

from dataclasses import dataclass
from pathlib import Path

from mtl.config import THRESHOLD


@dataclass(frozen=True)
class BatchOptions:
    """What a batch of predictions leaves beside its table of standard deviations.

    Attributes
    ----------
    folders : bool, default True
        Write a folder per map; without them only the files about all maps.
    threshold : float, default THRESHOLD
        Probability above which a cell of a mask in submission.csv is positive.
    mask_output : str | None, default None
        Output whose masks submission.csv holds as run-length codes; by default the one that is made for submissions,
        if the network has one.
    names : Path | None, default None
        Wells or places after which traps are named: a table with the headings x, y and name (CSV or other text), or
        a Shapefile, GeoPackage or GeoJSON of points; a trap takes the names of all points in it.
    """

    folders: bool = True
    threshold: float = THRESHOLD
    mask_output: str | None = None
    names: Path | None = None


DEFAULT_BATCH = BatchOptions()
