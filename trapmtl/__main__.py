"""The command `trapmtl`: `trapmtl closures top.gri --out traps` runs the same function as `tools/closures.py`."""

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

from targets.common.process_lifetime import run_command
from trapmtl import __version__


def command_texts() -> dict[str, str]:
    """{command: first line of its module}, read without importing it."""
    spec = find_spec("mtl.commands")
    assert spec is not None and spec.submodule_search_locations is not None
    files = sorted(Path(spec.submodule_search_locations[0]).glob("[!_]*.py"))
    texts = {file.stem: ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "" for file in files}
    return {name.replace("_", "-"): text.splitlines()[0] for name, text in texts.items()}


def main() -> None:
    """Run the command that the first word names; the words behind it are its options."""
    words, texts = sys.argv[1:], command_texts()
    if words and (name := words[0].replace("_", "-")) in texts:
        sys.argv = [f"trapmtl {name}", *words[1:]]
        run_command(f"mtl.commands.{name.replace('-', '_')}")
        return
    usage = "usage: trapmtl COMMAND [options]; trapmtl COMMAND --help lists the options\n\n"
    listed = usage + "\n".join(f"  {name:<11} {text}" for name, text in texts.items())
    if words in (["--version"], ["-V"]):
        print(f"trapmtl {__version__}")
    elif not words or words[0] in ("--help", "-h", "help"):
        print(listed)
    else:
        print(f"error: trapmtl: unknown command {words[0]}; expected one of {', '.join(texts)}", file=sys.stderr)
        raise SystemExit(2)


if __name__ == "__main__":
    main()
