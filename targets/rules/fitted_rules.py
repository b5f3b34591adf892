"""Fitted rules: what explains an interpreter's traps, in a sentence, and as the file rules.yaml."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import yaml

from targets.common.atomic_write import atomic_write
from targets.common.settings_files import check_plain, read_yaml
from targets.errors import UserError
from targets.truth.criteria import TrapCriteria

NO_RULES = "none"  # in place of a file: the default rules
POOR = 0.6  # of IoU: rules that reach less explain little
ODD = 0.15  # of IoU below the median map: a map that does not fit
FAULTS = {"transparent": "faults do nothing", "sealing": "faults seal", "leaking": "faults leak"}
MOST_NAMED = 8  # maps in a sentence


@dataclass(frozen=True, eq=False)
class FittedRules:
    """The rules that explain best which traps were drawn on some maps.

    Attributes
    ----------
    rules : TrapCriteria
        The rules.
    iou : dict[str, float]
        Intersection over union of drawn traps and those of the rules, by map.
    cross_validated_iou : float | None
        Mean over maps that had no part in the choice of the rules that judge them; None for one map.
    explained : float
        Share of the drawn cells that are traps by the rules, over all maps.
    added : float
        Share of the rules' cells that were not drawn.
    doubts : tuple[str, ...]
        What the maps cannot tell or contradict, one sentence each.
    depth_unit : str
        Of the maps, "" where it is unknown or they differ.
    cell_area : float | None
        Square kilometres of a cell, None where it is unknown or maps differ.
    """

    rules: TrapCriteria
    iou: dict[str, float]
    cross_validated_iou: float | None
    explained: float
    added: float
    doubts: tuple[str, ...] = ()
    depth_unit: str = ""
    cell_area: float | None = None

    @property
    def is_poor(self) -> bool:
        """Whether they explain little of what was drawn: a mean IoU below `POOR`."""
        return float(np.mean(list(self.iou.values()))) < POOR

    @property
    def odd_maps(self) -> tuple[str, ...]:
        """Names of the maps that do not fit, worst first."""
        typical = float(np.median(list(self.iou.values())))
        odd = [name for name, value in self.iou.items() if value < min(typical - ODD, 1 - ODD) or value < POOR]
        return tuple(sorted(odd, key=self.iou.__getitem__))

    def sentence(self) -> str:
        """The rules and how well they fit, in a geologist's words."""
        text = describe_rules(self.rules, self.depth_unit, self.cell_area)
        mean = float(np.mean(list(self.iou.values())))
        maps = "1 map" if len(self.iou) == 1 else f"{len(self.iou)} maps"
        fit = f"explains {self.explained:.0%} of what was drawn on {maps}, and adds {self.added:.0%} (IoU {mean:.2f}"
        fit += "" if self.cross_validated_iou is None else f"; {self.cross_validated_iou:.2f} on maps left out"
        lead = "no rule fits well: this one" if self.is_poor else "this"
        odd, names = self.odd_maps, ", ".join(self.odd_maps[:MOST_NAMED])
        names += f" and {len(odd) - MOST_NAMED} more" if len(odd) > MOST_NAMED else ""
        which = "This map does not fit" if len(odd) == 1 else f"These {len(odd)} maps do not fit"
        return f"{text}; {lead} {fit})." + (f" {which}: {names}." if odd and len(self.iou) > 1 else "")

    def save(self, path: str | Path) -> None:
        """Write the rules as YAML, with the sentence and the doubts as remarks.

        Parameters
        ----------
        path : str | Path
            The file; its keys are those of `targets.traps` of a training run.

        Raises
        ------
        UserError
            The file cannot be written.
        """
        remarks = [self.sentence(), *self.doubts, *(f"{name}: IoU {value:.3f}" for name, value in self.iou.items())]
        text = "".join(f"# {' '.join(remark.split())}\n" for remark in remarks)
        with atomic_write(Path(path)) as temporary:
            temporary.write_text(text + yaml.safe_dump(asdict(self.rules), sort_keys=False), "utf-8")


def load_rules(path: str | Path) -> TrapCriteria:
    """Read rules from a file.

    Parameters
    ----------
    path : str | Path
        YAML whose keys are fields of `TrapCriteria`, as `FittedRules.save` writes it; what it leaves out is the
        default.

    Returns
    -------
    TrapCriteria

    Raises
    ------
    UserError
        The file is missing or damaged, has an unknown key or a wrong value.
    """
    content = read_yaml(path)
    known, hints = {item.name: item.default for item in fields(TrapCriteria)}, get_type_hints(TrapCriteria)
    if not isinstance(content, dict):
        raise UserError(path, "no rules", "lines 'key: value'", f"known keys: {', '.join(known)}")
    check_plain(content, path)
    if unknown := [str(key) for key in content if key not in known]:
        raise UserError(path, f"unknown key {', '.join(unknown)}", "rules of traps",
                        f"known keys: {', '.join(known)}")  # fmt: skip
    rules = TrapCriteria(**{key: _checked(path, key, value, hints[key]) for key, value in content.items()})
    try:
        rules.check()
    except UserError as error:
        raise UserError(path, f"{error.where} is {error.found}", error.expected) from error
    return rules


def rules_of_file(name: str | None) -> TrapCriteria | None:
    """The rules of the file that an option names, None without one (None or `NO_RULES`); raises as `load_rules`."""
    return None if name in (None, NO_RULES) else load_rules(name)


def rules_named(name: str) -> TrapCriteria:
    """The rules of a file, or with `NO_RULES` the default ones; raises as `load_rules`."""
    return rules_of_file(name) or TrapCriteria()


def _checked(path: str | Path, key: str, value: Any, hint: Any) -> Any:
    """A value of a field: one of its words, or a number."""
    words = [word for word in get_args(hint) if not isinstance(word, type)]
    if words:
        if type(value) is bool or value not in words:
            raise UserError(path, f"{key} is {value!r}", f"one of {', '.join(map(str, words))}")
        return value
    if value is None and type(None) in get_args(hint):
        return None
    kind = int if hint is int else float
    try:
        number = kind(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or (kind is int and number != float(value)):
        raise UserError(path, f"{key} is {value!r}", "a whole number" if kind is int else "a number")
    return number


def describe_rules(rules: TrapCriteria, depth_unit: str = "", cell_area: float | None = None) -> str:
    """Say rules in words.

    Parameters
    ----------
    rules : TrapCriteria
        The rules.
    depth_unit : str, default ''
        Of contour intervals and heights.
    cell_area : float | None, default None
        Square kilometres of a cell.

    Returns
    -------
    str
        Without a full stop.

    Examples
    --------
    >>> describe_rules(TrapCriteria("contour", contour_interval=20.0, faults="sealing", min_area=160), "m", 0.0025)
    'Traps end at the last closed 20 m contour; faults seal; nothing below 160 cells (0.4 km²) or 1 % of the relief'
    """
    unit = f" {depth_unit}" if depth_unit else ""
    end = "at their spill points"
    if rules.reading == "contour":
        own = "contour of the map's own interval" if rules.contour_interval is None else "contour"
        step = "" if rules.contour_interval is None else f"{rules.contour_interval:g}{unit} "
        based = f" (through {rules.contour_base:g}{unit})" if rules.contour_base else ""
        end = f"at the last closed {step}{own}{based}"
    parts = [f"Traps end {end}", FAULTS[rules.faults]]
    if rules.edge == "closed":
        parts.append("the border of the map is a wall")
    if rules.connectivity == 4:
        parts.append("cells that touch at corners are apart")
    if rules.culminations == "single":
        parts.append("each culmination is a trap of its own")
    if rules.fault_contact != "any":
        parts.append("only traps " + ("against faults" if rules.fault_contact == "touching" else "free of faults"))
    least = []
    if rules.min_area > 0:
        size = f" ({rules.min_area * cell_area:.2g} km²)" if cell_area else ""
        least.append(f"{rules.min_area} cells{size}")
    if rules.min_height > 0:
        least.append(f"{rules.min_height:g}{unit} of height")
    if rules.min_relief > 0:
        least.append(f"{100 * rules.min_relief:.3g} % of the relief")
    if least:
        parts.append("nothing below " + " or ".join(least))
    if rules.smoothing:
        parts.append(f"outlines are smoothed over {rules.smoothing:g} cells")
    if rules.noise == "left_out":
        parts.append("closures that noise of the depth explains are left out")
    return "; ".join(parts)
