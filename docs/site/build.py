"""Build of the documents' site: the pages of docs/, README, and a reference made from the code, through Sphinx.

python docs/site/build.py OUT      # `make docs` builds site/; warnings, such as a dead link, are errors
"""

import dataclasses
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin

from sphinx.cmd.build import main as sphinx_build

from mtl.config import TrainConfig
from targets.common.cli import make_parser
from trapmtl.__main__ import command_texts

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# {page of the site: file of the repository}; all other pages are docs/ as it is.
MOVED = {
    "index.md": "README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "conf.py": "docs/site/conf.py",
    "reference/python.md": "docs/site/python.md",
}
# Lists of pages, at the end of a page.
LISTS = {"index.md": HERE / "contents.md", "experiments/README.md": HERE / "experiments.md"}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
HIDDEN = ("help", "print_config")


def build(out: Path) -> int:
    """Build the site; returns Sphinx's exit status.

    Parameters
    ----------
    out : Path
        Folder of the site.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_sources(Path(folder))
        return sphinx_build(["-q", "-W", "--keep-going", "-b", "html", folder, str(out)])


def write_sources(folder: Path) -> None:
    """Write all pages as Sphinx reads them: Markdown whose links lead to pages of the site."""
    pages = {path.relative_to(ROOT / "docs").as_posix(): path for path in sorted((ROOT / "docs").rglob("*.md"))}
    pages = {name: path for name, path in pages.items() if not name.startswith("site/")}
    pages |= {name: ROOT / source for name, source in MOVED.items()}
    names = {path.resolve(): name for name, path in pages.items()}
    for name, path in pages.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        text = site_links(text, name, path, names) if name.endswith(".md") else text
        listed = LISTS[name].read_text(encoding="utf-8") if name in LISTS else ""
        target.write_text(text + listed, encoding="utf-8")
    for picture in (ROOT / "docs").rglob("*.png"):
        target = folder / picture.relative_to(ROOT / "docs")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, target)
    (folder / "reference" / "tools.md").write_text(tools_page(), encoding="utf-8")
    (folder / "reference" / "settings.md").write_text(settings_page(), encoding="utf-8")


def site_links(text: str, name: str, source: Path, names: dict[Path, str]) -> str:
    """A page's text with its links as they are on the site; a link to a file that is no page keeps its text alone.

    Parameters
    ----------
    text : str
        Markdown.
    name : str
        The page's place on the site.
    source : Path
        The file it comes from, which its links start at.
    names : dict[Path, str]
        {file: its place on the site}.
    """
    up = "../" * (len(Path(name).parts) - 1)

    def replaced(match: re.Match[str]) -> str:
        picture, label, link, heading = match.groups()
        target = (source.parent / link).resolve()
        if picture and target.is_relative_to(ROOT / "docs"):
            return f"![{label}]({up}{target.relative_to(ROOT / 'docs').as_posix()})"
        return f"[{label}]({up}{names[target]}{heading or ''})" if target in names else label

    return LINK.sub(replaced, text)


def tools_page() -> str:
    """The page of all tools: what each does, and its options."""
    parts = ["# Tools", "`trapmtl NAME` of an installed package and `tools/NAME.py` of a clone are the same."]
    for name in command_texts():
        parser: Any = make_parser(import_module(f"mtl.commands.{name.replace('-', '_')}").main)
        parts += [f"## {name}", " ".join(parser.description.split())]
        for action in parser._actions:
            if action.dest not in HIDDEN and action.help:
                parts.append(entry(action.option_strings[-1] if action.option_strings else action.dest, action))
    return "\n\n".join(parts) + "\n"


def settings_page() -> str:
    """The page of the keys of a training run's config file, section by section."""
    parser: Any = make_parser(import_module("mtl.commands.train").main)
    actions = {action.dest: action for action in parser._actions}
    place = "The keys of `--config FILE.yaml` and of the `config.yaml` of a run folder; `--section.key` of `train`."
    parts = ["# Settings of a training run", place]
    for section, keys in sections(TrainConfig):
        parts.append(f"## {section or 'The run'}")
        parts += [entry(key, actions[f"{section}.{key}" if section else key]) for key in keys]
    return "\n\n".join(parts) + "\n"


def sections(record: Any, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """(dotted section, its keys) of a record of settings, the record's own keys first."""
    nested = {field.name: field.type for field in dataclasses.fields(record) if dataclasses.is_dataclass(field.type)}
    if own := [field.name for field in dataclasses.fields(record) if field.name not in nested]:
        yield prefix, own
    for name, kind in nested.items():
        yield from sections(kind, f"{prefix}.{name}" if prefix else name)


def entry(name: str, action: Any) -> str:
    """An option as an item of a list of definitions: its name, what it takes, its default and its meaning."""
    default = action.default
    shown = ",".join(map(str, default)) if isinstance(default, tuple | list) else default
    known = "required" if action.required else "" if shown in (None, "", {}) else f"default `{shown}`"
    facts = " · ".join(filter(None, (f"`{name}`", values(action), known)))
    return f"{facts}\n: {' '.join(action.help.split())}"


def values(action: Any) -> str:
    """What an option takes: `a`, `b` of several words, number, text, ..."""
    kind = getattr(action, "_typehint", None) or action.type
    if kind is None:
        return "`true`, `false`" if action.nargs == "?" or isinstance(action.default, bool) else ""
    return " or ".join(dict.fromkeys(kind_words(kind)))


def kind_words(kind: Any) -> list[str]:
    """The words for a type of values, one for each of its parts."""
    origin, parts = get_origin(kind), get_args(kind)
    if "Literal" in str(origin):
        return [", ".join(f"`{part}`" for part in parts)]
    if origin in (list, tuple):
        return ["list"]
    if origin is dict or "Mapping" in str(kind):
        return ["mapping"]
    if parts:
        return [word for part in parts if part is not type(None) for word in kind_words(part)]
    name = getattr(kind, "__name__", "")
    return [
        {"int": "whole number", "float": "number", "str": "text", "bool": "`true`, `false`"}.get(name, name.lower())
    ]


if __name__ == "__main__":
    raise SystemExit(build(Path(sys.argv[1])))
