"""Migration of settings: the one table of names that earlier versions used, and how they become today's.

Config files, checkpoints, exported weights and ablations say which version of the settings they are written in
(`version`, `mtl.config.VERSION`); without it they are of version 1. To rename a setting, change its record, raise
`VERSION` if a release has been made since the last change, and add one line to `CHANGES`; for a key of an ablation
file, to `ABLATION_CHANGES`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mtl.config import VERSION
from targets.common.cli import EarlierNames, Names
from targets.errors import UserError


@dataclass(frozen=True)
class Change:
    """One setting that a version renamed or dropped.

    Attributes
    ----------
    version : int
        The first version that has the new name.
    old : str
        Dotted name before, such as `patches.longest`.
    new : str
        Dotted name from then on, in the same section; "": the setting is gone.
    convert : Callable[[Any], Any] | None, default None
        Old value -> new value; None: the value stays.
    """

    version: int
    old: str
    new: str
    convert: Callable[[Any], Any] | None = None


def _symmetry(d4: bool) -> str:
    """What `augment.d4` meant before there were several symmetries."""
    return "d4" if d4 else "none"


CHANGES = (
    Change(2, "shown", "input_sets"),
    Change(2, "net.weights", "net.encoder_weights"),
    Change(2, "patches.small", "patches.small_map_mode"),
    Change(2, "patches.min_valid", "patches.min_valid_fraction"),
    Change(2, "patches.trap_share", "patches.min_positive_fraction"),
    Change(2, "patches.longest", "patches.max_side"),
    Change(2, "augment.d4", "augment.symmetry", _symmetry),
    Change(2, "augment.redraw", "augment.restyle"),
    Change(2, "split.share", "split.val_fraction"),
    Change(2, "split.data", "split.val_data"),
    Change(2, "split.maps", "split.train_groups"),
    Change(2, "optim.patience", "optim.plateau_patience"),
    Change(2, "optim.factor", "optim.plateau_factor"),
    Change(2, "optim.warmup", "optim.warmup_fraction"),
    Change(2, "optim.later_losses", "optim.second_stage_losses"),
    Change(2, "optim.later_from", "optim.second_stage_epoch"),
    Change(2, "optim.weights", "optim.loss_weights"),
    Change(2, "optim.ema", "optim.ema_decay"),
    Change(2, "optim.clip", "optim.grad_clip_norm"),
    Change(2, "loop.batch", "loop.batch_size"),
    Change(2, "loop.repeats", "loop.repeats_per_epoch"),
    Change(2, "loop.accumulate", "loop.accumulate_batches"),
    Change(2, "loop.workers", "loop.num_workers"),
    Change(2, "loop.early_stop", "loop.early_stop_patience"),
    Change(2, "loop.devices", ""),  # torchrun says how many processes there are
    Change(2, "predict.weights", "predict.tile_weights"),
    Change(2, "predict.batch", "predict.batch_size"),
)

# What masked inputs were inside the map up to version 2: values that maps have there too.
MISSING_VALUES_BEFORE_3 = {
    "fault": 0.0, "isolines": 0.0, "gradient": -1.0, "map": 0.0, "ramp": 0.0, "salt_depth_abs": 0.0, "true_depth": 0.0,
}  # fmt: skip

ABLATION_CHANGES = (
    Change(2, "answers", "outputs"),
    Change(2, "tests", "test_sets"),
    Change(2, "figures", "metrics"),
)

PREDICT_CHANGES = (Change(2, "cut", "threshold"),)
MAKE_MAPS_CHANGES = (
    Change(2, "synth.dip", "synth.regional_dip"),
    Change(2, "synth.slope", "synth.fold_slope"),
    Change(2, "synth.folds", "synth.fold_size"),
    Change(2, "synth.patchy", "synth.fold_unevenness"),
    Change(2, "synth.throw", "synth.throw_per_length"),
    Change(2, "synth.noise", "synth.picking_noise"),
    Change(2, "synth.rectangles", "synth.outline_rectangles"),
    Change(2, "synth.contours", "synth.contour_density"),
    Change(2, "style.density", "style.contour_density"),
    Change(2, "style.dashed", "style.dashed_contours"),
    Change(2, "style.labels", "style.contour_labels"),
    Change(2, "style.along", "style.align_labels"),
    Change(2, "style.fault_mark", "style.fault_symbol"),
    Change(2, "style.sheet", "style.annotations"),
    Change(2, "style.annotations.grid", "style.annotations.grid_spacing"),
    Change(2, "style.annotations.arrow", "style.annotations.north_arrow"),
    Change(2, "style.annotations.letters", "style.annotations.letter_height"),
    Change(2, "style.scan.cast", "style.scan.colour_cast"),
    Change(2, "style.scan.jpeg", "style.scan.jpeg_quality"),
)

MAKE_SALT_CHANGES = (
    Change(2, "seismic.empty", "seismic.empty_share"),
    Change(2, "seismic.full", "seismic.full_share"),
    Change(2, "seismic.dip", "seismic.layer_dip"),
    Change(2, "seismic.period", "seismic.wavelet_period"),
)


def upgrade_settings(settings: Mapping[str, Any], where: object = "settings") -> dict[str, Any]:
    """The settings of any version in today's names, without the key `version`.

    Parameters
    ----------
    settings : Mapping[str, Any]
        Names and values, nested as in a config file (`{"patches": {"longest": 256}}`) or dotted as in a row of an
        ablation (`{"patches.longest": 256}`); all of them or some. It is not changed.
    where : object, default 'settings'
        The file they come from, for the error message.

    Raises
    ------
    UserError
        They are of a later version than this program, an old and a new name of one setting stand side by side, or the
        version is no number.

    Examples
    --------
    >>> upgrade_settings({"patches": {"size": 128, "longest": 256}})
    {'patches': {'size': 128, 'max_side': 256}}
    >>> upgrade_settings({"optim.later_from": 3, "heads": "trap"})
    {'optim.second_stage_epoch': 3, 'heads': 'trap'}
    """
    return _upgraded(settings, CHANGES, where)


def upgrade_trained(settings: Mapping[str, Any], where: object = "settings") -> dict[str, Any]:
    """The settings of a trained network in today's names, with what its version did by itself.

    Parameters
    ----------
    settings : Mapping[str, Any]
        All settings of its run, as in a checkpoint; they are not changed.
    where : object, default 'settings'
        The file they come from, for the error message.

    Raises
    ------
    UserError
        As of `upgrade_settings`.

    Examples
    --------
    >>> upgrade_trained({"version": 2, "inputs": ["rgb", "fault"]})["missing_values"]
    {'fault': 0.0}
    """
    upgraded = upgrade_settings(settings, where)
    if settings.get("version", 1) < 3 and "missing_values" not in upgraded:
        names = Names(upgraded["inputs"]) if "inputs" in upgraded else ()
        upgraded["missing_values"] = {n: MISSING_VALUES_BEFORE_3[n] for n in names if n in MISSING_VALUES_BEFORE_3}
    return upgraded


def upgrade_ablation(settings: Mapping[str, Any], where: object = "ablation") -> dict[str, Any]:
    """The content of an ablation file of any version in today's names: its own keys, and the settings of its rows.

    Parameters
    ----------
    settings : Mapping[str, Any]
        What the file holds; it is not changed.
    where : object, default 'ablation'
        The file, for the error message.

    Raises
    ------
    UserError
        As of `upgrade_settings`.

    Examples
    --------
    >>> upgrade_ablation({"answers": ["trap"], "rows": {"slow": {"optim.clip": 1.0}}})
    {'outputs': ['trap'], 'rows': {'slow': {'optim.grad_clip_norm': 1.0}}}
    """
    version = {"version": settings["version"]} if "version" in settings else {}
    upgraded = _upgraded(settings, ABLATION_CHANGES, where)
    for part in ("rows", "conditions"):
        if isinstance(upgraded.get(part), Mapping):
            upgraded[part] = {
                name: upgrade_settings({**version, **row}, f"{where}, {name}") if isinstance(row, Mapping) else row
                for name, row in upgraded[part].items()
            }
    return upgraded


def _upgraded(settings: Mapping[str, Any], changes: Iterable[Change], where: object) -> dict[str, Any]:
    """The settings after all changes since their version, without the key `version`."""
    version = settings.get("version", 1)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise UserError(where, f"settings of version {version!r}", f"version 1 to {VERSION}", "update this program")
    upgraded = {key: value for key, value in settings.items() if key != "version"}
    for change in changes:
        if version < change.version:
            upgraded = _renamed(upgraded, change, change.old, where)
    return upgraded


def _renamed(settings: Mapping[str, Any], change: Change, old: str, where: object) -> dict[str, Any]:
    """The settings after one change, in their order; `old` is what is left of the dotted name at this depth."""
    section, _, rest = old.partition(".")
    renamed: dict[str, Any] = {}
    for key, value in settings.items():
        if key == old:
            if change.new:
                name = change.new if key == change.old else change.new.rpartition(".")[2]
                if name in settings:
                    raise UserError(where, f"{change.old} beside {change.new}, its new name", "one of them")
                renamed[name] = value if change.convert is None else change.convert(value)
        elif key == section and rest and isinstance(value, Mapping):
            renamed[key] = _renamed(value, change, rest, where)
        else:
            renamed[key] = value
    return renamed


def _new_names(changes: Iterable[Change]) -> dict[str, str]:
    """{old: new} dotted names of the settings that have a new name."""
    return {change.old: change.new for change in changes if change.new}


EARLIER_SETTINGS = EarlierNames(upgrade_settings, _new_names(CHANGES))
EARLIER_ABLATIONS = EarlierNames(upgrade_ablation, _new_names(ABLATION_CHANGES))


def _earlier_names(changes: tuple[Change, ...]) -> EarlierNames:
    """The old names of a tool whose files have no version of their own."""
    return EarlierNames(lambda settings, where: _upgraded(settings, changes, where), _new_names(changes))


EARLIER_PREDICT = _earlier_names(PREDICT_CHANGES)
EARLIER_MAKE_MAPS = _earlier_names(MAKE_MAPS_CHANGES)
EARLIER_MAKE_SALT = _earlier_names(MAKE_SALT_CHANGES)
