"""Numbers without bounds in every numeric option of every tool; the options are found in the tools' own parsers."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, get_args, get_type_hints

from tests.soak.attack import Attack, Budget, Kind, try_attacks
from tests.soak.kinds.samples import TINY_RUN, dome_depth, write_depth, write_maps

VALUES = ("-1", "0", "1", "nan", "inf", "-inf", "1e308", "-1e308", "1e39", "1e-300", "1e-7", "-0.0", "1000000000",
          "-2147483649", "9223372036854775808", "1" + "0" * 400, "0x10", "1,5", "1_0", "", "null", "[]",
          "2.5")  # fmt: skip
COMMANDS: dict[str, Sequence[str]] = {
    "closures": ("in", "--out", "out"),
    "make_maps": ("--out", "out", "--count", "1", "--size", "64"),
    "make_salt": ("--out", "out", "--count", "1", "--test", "1"),
    "check_data": ("in", "--out", "out"),
    "predict": ("in", "--out", "out", "--tta", "none", "--backend", "torch"),
    "evaluate": ("--data", "in", "--out", "out", "--tta", "none", "--backend", "torch"),
    "judge": ("in", "--out", "out"),
    "export": ("--out", "out.safetensors"),
    "train": ("--data", "in", "--out", "out", *TINY_RUN, "--loop.epochs", "1"),
    "crossval": ("--data", "in", "--out", "out", *TINY_RUN, "--loop.epochs", "1", "--split.folds", "2"),
}
MOST_WORK = {"loop.epochs", "count", "test", "realisations", "loop.repeats_per_epoch"}  # large ones are legal work
LEGAL = {"1000000000", "9223372036854775808", "1" + "0" * 400}


def numeric_options(tool: str) -> list[str]:
    """The options of a tool that take a number, or a number among others."""
    function = import_module(f"mtl.commands.{tool}").main
    found: list[str] = []

    def collect(hint: Any, name: str) -> None:
        if is_dataclass(hint):
            hints = get_type_hints(hint)
            for item in fields(hint):
                collect(hints[item.name], f"{name}.{item.name}" if name else item.name)
        elif {int, float} & {hint, *get_args(hint), *(inner for part in get_args(hint) for inner in get_args(part))}:
            found.append(name)

    hints = get_type_hints(function)
    for name, parameter in inspect.signature(function).parameters.items():
        is_flat = parameter.kind is not parameter.KEYWORD_ONLY and is_dataclass(hints[name])
        collect(hints[name], "" if is_flat else name)
    return found


def make(words: Sequence[str], folder: Path) -> Sequence[str]:
    """Write the maps that a command reads."""
    write_depth(dome_depth(), folder / "in" / "top.irap")
    write_maps(folder / "in")
    return words


def numbers(budget: Budget) -> Iterator[Attack]:
    """Options and values in a random order."""
    cases = [(tool, option, value) for tool in COMMANDS for option in numeric_options(tool) for value in VALUES]
    Random(budget.seed).shuffle(cases)
    for tool, option, value in cases[: budget.count]:
        if option in MOST_WORK and value in LEGAL:
            continue
        yield Attack(f"{tool} --{option}={value[:30]}", partial(make, (tool, *COMMANDS[tool], f"--{option}={value}")))


KIND = Kind(
    "numbers", "an answer or one line, within 3 GiB and 120 s of the processor", partial(try_attacks, numbers), 1500
)
