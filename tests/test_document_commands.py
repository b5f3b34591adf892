"""Commands, code and settings in documents: options, files and names exist, and tutorials run from end to end."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import resolve_name

import pytest

from targets.common import cli
from trapmtl.__main__ import command_texts

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "docs" / "start.md", *TUTORIALS, *sorted((ROOT / "docs" / "howto").glob("*.md")),
         *sorted((ROOT / "docs").glob("[!sR]*.md"))]  # fmt: skip
BLOCK = re.compile(r"(?:<!-- test: ([^\n]*) -->\n+)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_THE_REPOSITORY = ("examples/", "configs/", "tools/")
TINY_RUN = """\
net:
  {arch: unet, encoder: timm-mobilenetv3_small_minimal_100, encoder_weights: none, decoder_channels: [16, 16, 8, 8, 8]}
patches: {size: 64, stride: 64}
loop: {epochs: 1, batch_size: 2, logger: csv}
"""  # the base of an ablation that a test makes small
QUICK = ("grid_to_inventory",)  # the other tutorials run in the soak
WAITS = ("review",)  # a server runs until it is stopped


@dataclass(frozen=True)
class Command:
    """A command as it is typed in a document.

    Attributes
    ----------
    tool : str
        Such as make_maps.
    words : tuple[str, ...]
        What is typed behind it.
    smaller : tuple[str, ...]
        Further words by which a test makes it small, from the comment `<!-- test: ... -->` ahead of its block.
    """

    tool: str
    words: tuple[str, ...]
    smaller: tuple[str, ...]


def commands(text: str) -> Iterator[Command]:
    """The commands of the program in the code blocks of a page."""
    for smaller, language, block in BLOCK.findall(text):
        if language not in ("", "bash"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            typed = re.match(r"[^`]*\b(tools/\w+\.py|trapmtl) ", line)  # and no output in which a tool is named
            words = shlex.split(line, comments=True) if typed else []
            words = [word for word in words if not re.fullmatch(r"\$\w+", word)]  # a variable that may be empty
            for place, word in enumerate(words):
                if re.fullmatch(r"tools/\w+\.py", word):
                    yield Command(Path(word).stem, tuple(words[place + 1 :]), tuple(shlex.split(smaller)))
                    break
                if word.endswith("trapmtl") and words[place + 1 :]:
                    yield Command(words[place + 1].replace("-", "_"), tuple(words[place + 2 :]), ())
                    break


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of all blocks of a language in the documents."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    texts = ((page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")) for page in pages)
    return [(page, block) for page, text in texts for _, kind, block in BLOCK.findall(text) if kind == language]


@cache
def parse_only(module: object, words: tuple[str, ...]) -> None:
    """Read the options of a command, and do nothing."""

    def parse(function, args, find_presets=None, earlier=None):
        cli._parse_with_presets(cli.make_parser(function, earlier), args, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "run", parse)
        module.command(list(words))  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_options_and_files_of_commands_exist(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    for command in commands(page.read_text(encoding="utf-8")):
        assert command.tool in {name.replace("-", "_") for name in command_texts()}, command
        missing = [word for word in command.words if word.startswith(OF_THE_REPOSITORY) and not Path(word).exists()]
        assert not missing, command
        parse_only(import_module(f"mtl.commands.{command.tool}"), command.words)


def test_a_mistyped_option_of_a_document_is_noticed():
    (command,) = commands("```\ntools/closures.py maps --out o --min-aera 3   # a remark\n```\n")
    with pytest.raises(Exception, match="aera"):
        parse_only(import_module("mtl.commands.closures"), command.words)


def test_names_that_python_in_documents_imports_exist():
    for page, text in blocks("python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("targets", "mtl", "trapmtl"):
                module = import_module(node.module or "")
                assert [name.name for name in node.names if not hasattr(module, name.name)] == [], page


def test_dotted_names_in_documents_exist():
    rooms = {path.stem for path in (ROOT / "targets").iterdir()}  # others, such as targets.traps, are settings
    for page in (ROOT / "docs").rglob("*.md"):
        for name in re.findall(r"`((?:mtl|targets)(?:\.\w+)+)[`(]", page.read_text(encoding="utf-8")):
            if name.startswith("mtl.") or name.split(".")[1] in rooms:
                resolve_name(name)  # raises where there is none


def test_ablations_in_documents_can_be_read(tmp_path):
    found = [text for _, text in blocks("yaml") if "rows:" in text]
    assert found
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text, encoding="utf-8")
        assert "answers:" not in text and "tests:" not in text and "figures:" not in text  # of version 1
        parse_only(import_module("mtl.commands.ablate"), ("--config", str(file)))


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem, marks=pytest.mark.slow if page.stem in QUICK else
                                               pytest.mark.soak) for page in TUTORIALS])  # fmt: skip
def test_a_tutorial_runs_and_leaves_the_files_that_it_names(page, tmp_path, monkeypatch):
    for name in ("tools", "configs", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY_RUN, encoding="utf-8")
    text, made = page.read_text(encoding="utf-8"), {"runs"}
    for command in commands(text):
        if command.tool in WAITS:
            continue
        import_module(f"mtl.commands.{command.tool}").command([*command.words, *command.smaller])
        made |= {word.split("/")[0] for option, word in pairwise(command.words) if option == "--out"}
    named = {path for path in re.findall(r"`([\w./-]+/[\w./-]*)`", text) if path.split("/")[0] in made}
    assert named and [path for path in sorted(named) if not Path(path).exists()] == []
