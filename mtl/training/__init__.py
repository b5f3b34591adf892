"""Training of a run: settings checked, network trained, checkpoints and logs left in the run folder."""

from collections.abc import Mapping
from typing import Any

from targets.common.cli import Presets


def find_model_presets(values: Mapping[str, Any], typed: Mapping[str, Any]) -> Presets | None:
    """The settings that a run takes over from the model of `init`, in place of those of a config file.

    Parameters
    ----------
    values : Mapping[str, Any]
        {dotted setting: value} without presets.
    typed : Mapping[str, Any]
        The settings among them that are typed on the command line.

    Raises
    ------
    UserError
        There is no such model.
    """
    if values["init"] is None:
        return None
    from mtl.training.finetune import presets_of_model

    return presets_of_model(values["init"], typed)
