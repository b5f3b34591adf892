"""Settings files in YAML: found by name, and read as plain values within bounds of size, depth and repetition."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from targets.common.files.input_files import require_file
from targets.errors import UserError

ROOT = Path(__file__).parents[2]
CONFIG_FOLDERS = (ROOT / "configs", ROOT / "trapmtl" / "configs")  # of a clone, of an installed package
MAX_BYTES = 2**20  # a file of settings has a few thousand
MAX_DEPTH = 32  # lists and mappings in each other
MAX_NUMBER_LENGTH = 100  # letters
MAX_TEXT_LENGTH = 10_000  # letters; a coordinate system in WKT has up to 3,000
MAX_VALUES = 10_000  # of settings; a checkpoint has about a hundred
INCLUDE = "config"  # jsonargparse reads the file that this key names, whatever it is


def find_config(name: str | Path) -> Path:
    """Find the file that a configuration's name means.

    Parameters
    ----------
    name : path or str
        A file; or the name of one that comes with TrapMTL, with or without `configs/` and `.yaml`.

    Returns
    -------
    Path
        The file itself if there is one of this name, else the one that comes with TrapMTL, else the name as given.

    Examples
    --------
    >>> find_config("traps").name, find_config("configs/ablations/heads.yaml").name, find_config("mine.yaml").name
    ('traps.yaml', 'heads.yaml', 'mine.yaml')
    """
    given = Path(name)
    if given.is_file():
        return given
    inside = Path(*given.parts[1:]) if given.parts[:1] == ("configs",) else given
    for folder in CONFIG_FOLDERS:
        for file in (folder / inside, folder / f"{inside}.yaml"):
            if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
                return file
    return given


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file from any source.

    Aliases are refused: a few of them in each other stand for billions of values ("billion laughs").

    Parameters
    ----------
    path : str | Path
        The file.

    Returns
    -------
    Any
        Its plain values (mappings, lists, texts, numbers, dates); None if it is empty.

    Raises
    ------
    UserError
        The file is missing, damaged, too large, or holds more than plain values.
    """
    path = require_file(path, "a YAML file of lines 'key: value'")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserError(path, "a YAML file of more than 1 MB", f"at most {MAX_BYTES:,} bytes")
        text = content.decode("utf-8-sig")
        _check(path, text)
        return yaml.safe_load(text)
    # The last ones: PyYAML's answers to tags such as !!int on something else.
    except (OSError, yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        reason = str(error).replace(' in "<unicode string>",', " at")
        raise UserError(path, f"cannot be read ({reason})", "a YAML file of lines 'key: value'") from error


def check_plain(settings: Any, where: object) -> None:
    """Refuse settings that would take unbounded memory or time, or that name another file of settings.

    Parameters
    ----------
    settings : Any
        Of a config file or a checkpoint. Lists and mappings may stand in each other many times, as pickles allow.
    where : object
        The file they come from, for the error message.

    Raises
    ------
    UserError
        More than `MAX_VALUES` values, more than `MAX_DEPTH` deep, a text or number that is too long, or a key `config`.

    Examples
    --------
    >>> check_plain({"config": "other.yaml"}, "mine.yaml")
    Traceback (most recent call last):
        ...
    targets.errors.UserError: mine.yaml: a key config; expected settings, ...
    """
    if isinstance(settings, Mapping) and INCLUDE in settings:
        raise UserError(where, f"a key {INCLUDE}", "settings, none of which names another file of settings",
                        "give several files on the command line: --config A.yaml --config B.yaml")  # fmt: skip
    count, todo = 0, [(settings, 0)]
    while todo:
        value, depth = todo.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise UserError(where, f"values more than {MAX_DEPTH} deep in each other", "lines 'key: value'")
        if isinstance(value, Mapping):
            parts = [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            parts = list(value)
        else:
            parts = []
            if isinstance(value, str | bytes) and len(value) > MAX_TEXT_LENGTH:
                raise UserError(where, f"a value of {len(value):,} letters", f"at most {MAX_TEXT_LENGTH:,}")
            if isinstance(value, int) and value.bit_length() > 4 * MAX_NUMBER_LENGTH:
                raise UserError(where, "a number of too many digits", f"at most {MAX_NUMBER_LENGTH}")
        if count + len(todo) + len(parts) > MAX_VALUES:
            raise UserError(where, f"more than {MAX_VALUES:,} values", "settings")
        todo += [(part, depth + 1) for part in parts]


def _check(path: Path, text: str) -> None:
    """Refuse what would take unbounded memory or time once it is built; this check takes neither."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise UserError(path, f"an alias *{event.anchor}", "values written out", "write the value in its place")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise UserError(path, f"values more than {MAX_DEPTH} deep in each other", "lines 'key: value'")
        if isinstance(event, yaml.ScalarEvent):
            most = MAX_NUMBER_LENGTH if event.value[:1] in "+-.0123456789" and not event.style else MAX_TEXT_LENGTH
            if len(event.value) > most:
                raise UserError(path, f"a value of {len(event.value):,} letters", f"at most {most:,}")
