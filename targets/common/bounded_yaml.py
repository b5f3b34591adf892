"""How is a YAML file read that a stranger may have written? As plain values, bounded in size, depth and repetition."""

from pathlib import Path
from typing import Any

import yaml

from targets.errors import UserError

MOST_BYTES = 2**20  # a file of settings has a few thousand
DEEPEST = 32  # lists and mappings in each other
LONGEST_NUMBER = 100  # letters
LONGEST_TEXT = 10_000  # letters; a coordinate system in WKT has up to 3,000


def read_yaml(path: str | Path) -> Any:
    """The plain values (mappings, lists, texts, numbers, dates) of a YAML file; None if it is empty.

    Aliases are refused: a few of them in each other stand for billions of values ("billion laughs").

    Raises
    ------
    UserError
        The file is missing, damaged, too large, or holds more than plain values.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UserError(path, "a YAML file of more than 1 MB", f"at most {MOST_BYTES:,} bytes")
        text = content.decode("utf-8-sig")
        _check(path, text)
        return yaml.safe_load(text)
    # The last ones: PyYAML's answers to tags such as !!int on something else.
    except (OSError, yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        said = str(error).replace(' in "<unicode string>",', " at")
        raise UserError(path, f"cannot be read ({said})", "a YAML file of lines 'key: value'") from error


def _check(path: Path, text: str) -> None:
    """Refuse what would take memory or time without bound once it is put together; this alone takes neither."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise UserError(path, f"an alias *{event.anchor}", "values written out", "write the value in its place")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise UserError(path, f"values more than {DEEPEST} deep in each other", "lines 'key: value'")
        if isinstance(event, yaml.ScalarEvent):
            most = LONGEST_NUMBER if event.value[:1] in "+-.0123456789" and not event.style else LONGEST_TEXT
            if len(event.value) > most:
                raise UserError(path, f"a value of {len(event.value):,} letters", f"at most {most:,}")
