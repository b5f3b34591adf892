"""The shared command line: options come from the signature; errors end in one line and exit code 2."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
import yaml

from targets.common.cli import Names, Presets, checked_record, run
from targets.errors import UserError


@dataclass(frozen=True)
class Rates:
    """Learning rates.

    Attributes
    ----------
    head : float
        the rate of the heads, in 100 % of
        what was asked.
    frozen : bool
        whether the encoder stays as it is.
    """

    head: float = 0.1
    frozen: bool = False


DEFAULT = Names("trap,dist")


@dataclass(frozen=True)
class Config:
    """What to learn.

    Attributes
    ----------
    heads : Names
        what to learn.
    """

    heads: Names = DEFAULT
    rates: Rates = field(default_factory=Rates)
    stride: int | None = None


def work(maps: tuple[Path, ...], config: Config, *, out: Path, resume: bool = False, grids: tuple[Path, ...] = ()):
    """Do the work.

    Parameters
    ----------
    maps : Path
        the maps.
    out : Path
        the folder.
    """
    if out == Path("full"):
        raise UserError(out, "the disk is full", hint="free some space")
    return maps, config, out, resume, grids


def test_positionals_options_flags_and_nested_records():
    words = "a b --out o --heads x,y --rates.head 2 --rates.frozen --resume --grids g h"
    maps, config, out, resume, grids = run(work, words.split())
    assert maps == (Path("a"), Path("b")) and out == Path("o") and resume and grids == (Path("g"), Path("h"))
    assert config == Config(heads=Names(["x", "y"]), rates=Rates(2.0, True))


@pytest.mark.parametrize("words", ["--maps a b --out o", "--out o --maps a b", "--maps=a b --heads x --out o"])
def test_positionals_may_be_named(words):
    maps, _, out, _, _ = run(work, words.split())
    assert maps == (Path("a"), Path("b")) and out == Path("o")


def test_maps_without_a_name_get_a_hint_where_a_tool_asks_for_one(capsys):
    def train(*, data: str = "maps"):
        return data

    with pytest.raises(SystemExit, match="2"):
        run(train, ["my_maps"])
    assert "unrecognized arguments: my_maps; name maps with --data my_maps" in capsys.readouterr().err


def test_config_file_and_option_after_it(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("heads: [p, q]\nresume: true\nrates: {head: 3}\nstride: 5\n")
    _, config, _, resume, _ = run(work, ["a", "--out", "o", "--config", str(file), "--stride", "7"])
    assert config == Config(Names("p,q"), Rates(3.0), 7) and resume


@pytest.mark.parametrize(
    "words, part",
    [
        ("a", "required: out"),
        ("--out o", "required: maps"),
        ("a --out o --rates.head 4x", "--rates.head: expected float. Got value: 4x"),
        ("a --out o --stride x", "--stride: expected one of [int, null]. Got value: x"),
        ("a --out o --strid 3", "--strid"),
        ("a --out o --heads p,p", "given twice"),
        ("a --out o --heads p,,q", "a name is missing"),
        ("a --out o --config none.yaml", "none.yaml"),
        ("a --out full", "full: the disk is full; free some space"),
    ],
)
def test_errors_are_one_line_and_code_2(words, part, capsys):
    with pytest.raises(SystemExit) as stop:
        run(work, words.split())
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and error.startswith("error: ") and part in error


def test_an_option_of_several_values_may_have_a_default():
    def several(*, strides: tuple[int, ...] = (64, 96)):
        return strides

    assert run(several, []) == (64, 96) and run(several, ["--strides", "32"]) == (32,)


def test_options_may_be_typed_with_hyphens():
    def both(*, min_area: float = 0, draw_all: bool = True, words: tuple[str, ...] = ()):
        """Do it."""
        return min_area, draw_all, words

    assert run(both, ["--min-area", "-3.5", "--no-draw-all", "--words", "a-b", "-"]) == (-3.5, False, ("a-b", "-"))
    assert run(both, ["--min-area=2e-3", "--words=a-b"]) == (0.002, True, ("a-b",))


def test_choices_are_listed_as_they_are_typed(capsys):
    def choose(*, edge: Literal["open", "closed"] = "open", near: Literal[8, 4] = 8):
        """Choose."""
        return edge, near

    assert run(choose, ["--edge", "closed", "--near", "4"]) == ("closed", 4)
    for words, part in [
        (["--edge", "shut"], "one of open, closed. Got value: shut"),
        (["--near", "5"], "one of 8, 4."),
    ]:
        with pytest.raises(SystemExit, match="2"):
            run(choose, words)
        assert part in capsys.readouterr().err


@pytest.mark.parametrize("text", [b"rates: {head: 3\nstride: [\n", b"- 3\n- 4\n", b"\xff\xfe\x00"])
def test_a_damaged_config_is_named(text, tmp_path, capsys):
    file = tmp_path / "c.yaml"
    file.write_bytes(text)
    with pytest.raises(SystemExit, match="2"):
        run(work, ["a", "--out", "o", "--config", str(file)])
    error = capsys.readouterr().err
    assert error.startswith(f"error: {file}: ") and error.count("\n") == 1 and "unicode string" not in error


@pytest.mark.parametrize("named", ["bomb.yaml", "secret.txt", "c.yaml", "absent.yaml"])
def test_a_config_names_no_other_file(named, tmp_path, capsys):
    (tmp_path / "bomb.yaml").write_text("a: &a [x, x]\nb: [*a, *a]\n")
    (tmp_path / "secret.txt").write_text("root:x:0:0")
    file = tmp_path / "c.yaml"
    file.write_text(f"config: {tmp_path / named}\nstride: 5\n")
    with pytest.raises(SystemExit, match="2"):
        run(work, ["a", "--out", "o", "--config", str(file)])
    error = capsys.readouterr().err
    assert error.startswith(f"error: {file}: a key config; ") and error.count("\n") == 1 and "x:0:0" not in error
    with pytest.raises(UserError, match="a key config"):
        checked_record(Config, {"heads": ["p"], "config": str(tmp_path / named)})
    file.write_text("heads: [p, q]\n")
    taken_over = {"heads": ["p"], "config": str(tmp_path / named)}
    with pytest.raises(SystemExit, match="2"):
        run(work, ["a", "--out", "o"], find_presets=lambda *_: Presets(taken_over, False))
    assert "a key config" in capsys.readouterr().err


def test_a_config_is_utf_8_whatever_the_locale(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_bytes("heads: [кровля, q]\n".encode("utf-8-sig"))
    code = f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); from tests.targets.common.test_cli import *; "
    code += f"print(ascii(run(work, ['a', '--out', 'o', '--config', {str(file)!r}])[1].heads))"
    where = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    said = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, check=True).stdout
    assert ascii(Names("кровля,q")).encode() in said


TELL = r"""
from targets.common.cli import run
def tell(*, out: str):
    print('\u043a\u0440\u043e\u0432\u043b\u044f', '8.1 km\u00b2', '\udcff', out)
run(tell)
"""


@pytest.mark.parametrize("encoding", ["ascii", "koi8-r", "latin-1", "cp1251", "cp866"])
def test_a_terminal_of_any_encoding_takes_every_name(encoding):
    where = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", TELL, "--out", "b"], env=where, capture_output=True)
    assert done.stderr == b"" and done.returncode == 0
    assert done.stdout.rstrip().endswith(b"? b") and b"8.1 km" in done.stdout


@pytest.mark.parametrize(
    "plain", [{"unknown": 1}, {"rates": 3}, {"rates": {"head": "x"}}, {"rates": {"haed": 1}}, {"rates": None}]
)
def test_settings_that_are_taken_over_are_named_where_they_are_wrong(plain, tmp_path, capsys):
    """A config.yaml of an earlier version with an unknown key ended in a traceback when its run was resumed."""
    with pytest.raises(SystemExit, match="2"):
        run(work, ["a", "--out", "o"], find_presets=lambda *_: Presets(plain, False, "run/config.yaml"))
    assert capsys.readouterr().err.startswith("error: run/config.yaml: ")
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(plain), "utf-8")
    with pytest.raises(SystemExit, match="2"):
        run(work, ["a", "--out", "o", "--config", str(file)])
    assert capsys.readouterr().err.startswith(f"error: {file}: ")


@pytest.mark.parametrize("words", [["", "--out", "o"], ["a", "--out", ""], ["a", "--out="], ["a", "", "--out", "o"]])
def test_an_empty_name_is_not_the_current_folder(words, capsys):
    """`--data "$MAPS"` without that variable took all maps of the current folder."""
    with pytest.raises(SystemExit, match="2"):
        run(work, words)
    assert "nothing; expected a file or a folder; is a shell variable unset?" in capsys.readouterr().err


SPEAK = """
from targets.common.cli import run
from targets.errors import UserError
def speak(*, lines: int, wrong: bool = False):
    for number in range(lines):
        print(number)
    if wrong:
        raise UserError("a.tif", "damaged")
run(speak)
"""


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--lines", "1"], 141, b""),  # noticed when it is written out at the end
        (["--lines", "99999"], 141, b""),  # amid the work
        (["--lines", "1", "--wrong"], 2, b"error: a.tif: damaged\n"),
        (["--help"], 0, b""),
    ],
)
def test_a_tool_ends_quietly_when_nobody_reads_what_it_prints(words, code, said):
    """`| head` left a traceback, or "Exception ignored" behind all that was printed."""
    reader, writer = os.pipe()
    os.close(reader)
    where = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", SPEAK, *words], stdout=writer, stderr=subprocess.PIPE, env=where)
    os.close(writer)
    assert (done.returncode, done.stderr) == (code, said)


def test_unknown_key_in_the_config_is_an_error(tmp_path, capsys):
    file = tmp_path / "c.yaml"
    file.write_text("rates: {haed: 3}\n")
    with pytest.raises(SystemExit, match="2"):
        run(work, ["a", "--out", "o", "--config", str(file)])
    assert capsys.readouterr().err.startswith(f"error: {file}: unknown key rates.haed; see ")


def test_help_comes_from_the_docstrings(capsys):
    with pytest.raises(SystemExit, match="0"):
        run(work, ["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "Do the work." in text and "in 100 % of what was asked." in text and "what to learn." in text


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes
    ----------
    elevation : bool | None, default None
        Whether values count upwards.
    nodata : float | Literal['none'] | None, default None
        The undefined value.
    """

    elevation: bool | None = None
    nodata: float | Literal["none"] | None = None


@pytest.mark.parametrize(
    ("words", "elevation", "nodata"),
    [
        ("", None, None),
        ("--nodata -9999", None, -9999.0),
        ("--nodata=-9999", None, -9999.0),
        ("--nodata -999.25", None, -999.25),
        ("--reading.nodata -1e30", None, -1e30),
        ("--nodata -3.4028235e+38", None, -3.4028235e38),
        ("--nodata 1e30", None, 1e30),
        ("--nodata none", None, "none"),
        ("--elevation", True, None),
        ("--elevation true", True, None),
        ("--elevation false", False, None),
        ("--elevation=no", False, None),
        ("--no_elevation", False, None),
        ("--no-elevation", False, None),
        ("--no_reading.elevation", False, None),
    ],
)
@pytest.mark.parametrize("is_before", [True, False])
def test_options_of_reading_as_users_type_them(words, elevation, nodata, is_before):
    def tool(maps: tuple[str, ...], *, reading: Reading = Reading(), resume: bool = False):
        """Read."""
        return maps, reading, resume

    typed = [*words.split(), "a.xyz", "--resume"] if is_before else ["a.xyz", "--resume", *words.split()]
    assert run(tool, typed) == (("a.xyz",), Reading(elevation, nodata), True)


def test_a_lack_of_memory_is_one_line(capsys):
    def fill(*, out: str):
        """Fill the memory."""
        raise MemoryError("Unable to allocate 9 GiB")

    with pytest.raises(SystemExit) as stopped:
        run(fill, ["--out", "x"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("error: memory: there is not enough memory (Unable to allocate 9 GiB)")
