"""Options of an ablation: its rows, conditions and test sets. Settings alone, quick to import."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from targets.common.cli import Names


@dataclass(frozen=True)
class Ablation:
    """Rows of settings that are compared with the first row.

    Attributes
    ----------
    name : str
        Name of the ablation, and of its folder under runs/ablations.
    rows : dict[str, dict[str, Any]]
        {row: {setting: value}} with dotted names as in mtl/config.py; the first row is the one that all others are
        compared with. {baseline: NAME} is a row without a network; {baseline: model, init: FILE} is a model that is not
        trained on.
    test_sets : dict[str, Any]
        {test set: maps, folders of maps or grids}, or {test set: {group: maps, folders or grids}} where the maps of a
        group (of one field, say) are not independent of each other. A test set that is absent is skipped.
    conditions : dict[str, dict[str, Any]]
        {condition: {setting: value}}; every row is trained under each condition, and compared within it.
    seeds : int, default 3
        Number of runs of every row under every condition; maps and split stay the same, training is random.
    base : str, default 'configs/ablations/base.yaml'
        Config file that all rows start from.
    outputs : Names
        Outputs that are scored, trap by default; a row of settings has a row in the table for each of them that its
        network has.
    metrics : Names
        Metrics of the outputs, pooled over the maps of a test set; iou and boundary_f1 by default.
    data_root : str, default ''
        Folder that the paths of maps to train, validate and test on start from, so that one ablation serves several
        data sets; by default the working folder. Give each of them a --name.
    """

    name: str
    rows: dict[str, dict[str, Any]]
    test_sets: dict[str, Any]
    conditions: dict[str, dict[str, Any]] = field(default_factory=lambda: {"all": {}})
    seeds: int = 3
    base: str = "configs/ablations/base.yaml"
    outputs: Names = Names("trap")  # noqa: RUF009 - immutable
    metrics: Names = Names("iou,boundary_f1")  # noqa: RUF009
    data_root: str = ""

    def locate(self, path: str) -> str:
        """A path of maps, from `data_root` if it is relative."""
        return str(Path(self.data_root) / path) if self.data_root else path
