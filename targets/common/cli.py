"""Command lines of the tools: options from a function's signature, user errors as one line and exit code 2."""

import inspect
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import yaml
from docstring_parser import DocstringStyle, parse
from jsonargparse import ActionConfigFile, ActionYesNo, ArgumentError, ArgumentParser, Namespace
from jsonargparse.typing import register_type

from targets.common.process_lifetime import end_without_reader, sigterm_as_interrupt
from targets.common.settings_files import check_plain, find_config, read_yaml
from targets.errors import UserError, lack_of_memory

Result = TypeVar("Result")


class Names(tuple[str, ...]):
    """Names with commas between them on the command line, a list of them in YAML, a tuple in code.

    Parameters
    ----------
    names : str | Iterable[str]
        Such as "trap,boundary,dist".

    Raises
    ------
    ValueError
        No name, or one name twice.

    Examples
    --------
    >>> Names("trap, dist") == ("trap", "dist"), str(Names(["trap", "dist"]))
    (True, 'trap,dist')
    """

    __slots__ = ()

    def __new__(cls, names: str | Iterable[str]) -> "Names":
        parts = [str(part).strip() for part in (names.split(",") if isinstance(names, str) else names)]
        if not parts or not all(parts):
            raise ValueError("a name is missing; write names with commas between them, such as a,b,c")
        if len(set(parts)) < len(parts):
            raise ValueError(f"a name is given twice in {','.join(parts)}")
        return super().__new__(cls, parts)

    def __str__(self) -> str:
        return ",".join(self)


register_type(Names, serializer=list, deserializer=Names)


@dataclass(frozen=True)
class EarlierNames:
    """The names of options in earlier versions of a tool.

    Attributes
    ----------
    upgrade : Callable[[Mapping[str, Any], object], dict[str, Any]]
        (content of a config file of any version, the file) -> the content in today's names.
    options : Mapping[str, str]
        Old option -> its new name, which the error about the old one gives.
    """

    upgrade: Callable[[Mapping[str, Any], object], dict[str, Any]]
    options: Mapping[str, str]


@dataclass(frozen=True)
class Presets:
    """Settings that are taken over from elsewhere, such as from a saved run; what is typed replaces them.

    Attributes
    ----------
    settings : Mapping[str, Any] | Path
        Plain types as in a config file, sections as mappings; or the config file itself.
    replace_config : bool
        Whether they also replace the settings of config files that are typed (`--config`).
    source : object, default 'settings'
        Where plain types come from, such as a file; errors name it.
    """

    settings: Mapping[str, Any] | Path
    replace_config: bool
    source: object = "settings"


PLUGIN_OPTION, PLUGINS = "--plugin", "TRAPMTL_PLUGINS"  # and the environment variable that holds its files
RECORD_FILES = {"--rules": "--rules_file"}  # the file of a record whose fields are options --rules.FIELD
SHORTENED = "reading."  # a record of this name has options of the tool itself, too
PLACES = ("--data", "--out")  # of maps and results, as the positionals are
PLACES_OF_NOTHING = tuple(f"{option}=" for option in PLACES)
BOOLEANS = ("true", "yes", "false", "no")
NEGATIVE_NUMBER = re.compile(r"-(\d+\.?\d*|\.\d+)e[+-]?\d+|-inf", re.IGNORECASE)  # that argparse takes for options
# ({dotted option: value} of all options, and of those that are typed) -> what is taken over, or None
FindPresets = Callable[[Mapping[str, Any], Mapping[str, Any]], Presets | None]


class _ConfigFile(ActionConfigFile):
    """The option `--config FILE.yaml`; errors in the file begin with the file's name."""

    def __call__(self, parser: Any, cfg: Any, values: Any, option_string: str | None = None) -> None:
        if not parser.reads_config_files:
            return
        values = str(find_config(values))
        settings = read_yaml(values)
        if not isinstance(settings, dict | None):
            raise UserError(values, "no settings", "lines 'key: value'", f"see {parser.prog} --help")
        check_plain(settings, values)
        if (earlier := parser.earlier) is not None and settings:
            settings = earlier.upgrade(settings, values)
        _check_sections(parser, settings or {}, values)
        # As text in ASCII: the library would read the file by itself, without bounds and in the locale's encoding.
        content = yaml.safe_dump(settings or {}, sort_keys=False)
        try:
            super().__call__(parser, cfg, content, option_string)
        except (ArgumentError, TypeError, ValueError, OSError) as error:
            said = str(error.message if isinstance(error, ArgumentError) else error)
            said = said.removeprefix("Problems parsing config:").replace(' in "<unicode string>",', "").strip()
            raise UserError(values, _readable(said), hint=f"see {parser.prog} --help") from error
        known = [action.dest for action in parser._actions]
        for key, _ in cfg.items():
            if not any(key == name or key.startswith(f"{name}.") for name in known):
                raise UserError(values, f"unknown key {key}", hint=f"see {parser.prog} --help")
        cfg.update(parser.replacements)


def run(
    function: Callable[..., Result],
    args: list[str] | None = None,
    find_presets: FindPresets | None = None,
    earlier: EarlierNames | None = None,
) -> Result:
    """Call a function with the options of the command line; a user error ends the program with one line and code 2.

    The options come from the function's signature, their help from the parameters that its numpydoc docstring lists:

    - a parameter before the `*` is positional, and may be named like an option (`--data maps`), except that the
      fields of a dataclass there become options of the tool itself;
    - a parameter behind the `*` is an option `--name`, required when it has no default; `bool` is a flag
      (`--resume`, `--no_resume`), a dataclass gives `--name.field`, at any depth;
    - `--reading.field` may be typed `--field`: every tool reads files by the same options;
    - a flag may be followed by true or false (`--elevation false`), an option of numbers by a negative one
      (`--nodata -1e30`);
    - options may be typed with hyphens for underscores (`--min-area` is `--min_area`);
    - `tuple[X, ...]` takes one or more values separated by spaces, `Names` one word with commas;
    - `--config FILE.yaml` holds any of the options, `--print_config` prints them all; an unknown key is an error.

    Parameters
    ----------
    function : Callable[..., Result]
        The tool's one function, with type hints; records are frozen dataclasses.
    args : list[str] | None, default None
        The words of the command line; None takes them from `sys.argv`.
    find_presets : FindPresets | None, default None
        Finds the settings that are taken over from elsewhere, such as those of a run that is resumed.
    earlier : EarlierNames | None, default None
        Names of options in earlier versions: config files may use them, the command line may not.
    """
    with end_without_reader():
        return _run_to_end(function, args, find_presets, earlier)


def _run_to_end(
    function: Callable[..., Result],
    args: list[str] | None,
    find_presets: FindPresets | None,
    earlier: EarlierNames | None,
) -> Result:
    """`run` with its answers to errors and signals."""
    try:
        with sigterm_as_interrupt():
            return _run(function, args, find_presets, earlier)
    except (UserError, MemoryError) as error:
        print(f"error: {lack_of_memory(error) if isinstance(error, MemoryError) else error}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt as error:
        print("stopped", file=sys.stderr)
        raise SystemExit(128 + (error.args or (signal.SIGINT,))[0]) from error  # as shells have it


def _run(
    function: Callable[..., Result],
    args: list[str] | None,
    find_presets: FindPresets | None,
    earlier: EarlierNames | None,
) -> Result:
    """`run` without its answers to errors and signals."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without Cyrillic letters or ² stops no tool
        sys.stdout.reconfigure(errors="replace")
    parser = make_parser(function, earlier)
    hints, parameters = get_type_hints(function), inspect.signature(function).parameters
    words = _without_plugins(sys.argv[1:] if args is None else args)
    values = _parse_with_presets(parser, words, find_presets)
    given = {}
    for name, parameter in parameters.items():
        flat = parameter.kind is not parameter.KEYWORD_ONLY and is_dataclass(hints[name])
        given[name] = _value(values if flat else values[name], hints[name], name)
    return function(**given)


def _without_plugins(words: list[str]) -> list[str]:
    """Words without `--plugin FILE.py`, which this process and its children find in the environment.

    It is no option of the parser: a config file, which may come from a stranger, must not name code to run.
    """
    rest, files = list[str](), list[str]()
    queue = iter(words)
    for word in queue:
        if word == PLUGIN_OPTION or word.startswith(f"{PLUGIN_OPTION}="):
            file = Path(word.partition("=")[2] or next(queue, ""))
            if file.suffix != ".py" or not file.is_file():
                raise UserError(PLUGIN_OPTION, f"no Python file: {str(file)!r}", "a file such as my_heads.py")
            files.append(str(file.resolve()))
        else:
            rest.append(word)
    if files:
        os.environ[PLUGINS] = os.pathsep.join(files)
    return rest


def make_parser(function: Callable[..., Any], earlier: EarlierNames | None = None) -> ArgumentParser:
    """Make the parser of a tool's command line from the signature and the docstring of its function.

    Parameters
    ----------
    function : Callable[..., Any]
        As in `run`.
    earlier : EarlierNames | None, default None
        Likewise.

    Returns
    -------
    ArgumentParser
        With an option or a positional for every parameter, and for every field of its records.
    """
    description = (inspect.getdoc(function) or "").split("\n\n")[0]
    parser = _new_parser(description=description, earlier=earlier)
    hints, texts = get_type_hints(function), _help_texts(function)
    for name, parameter in inspect.signature(function).parameters.items():
        positional = parameter.kind is not parameter.KEYWORD_ONLY
        if positional and is_dataclass(hints[name]):
            _add_fields(parser, hints[name], "", parameter.default)
        else:
            _add(parser, name, hints[name], parameter.default, texts.get(name), positional)
    return parser


def read_record(
    kind: type[Result],
    words: list[str],
    tool: str,
    earlier: EarlierNames | None = None,
    find_presets: FindPresets | None = None,
) -> Result:
    """A record from the words of a command line whose options are the record's fields.

    Parameters
    ----------
    words : list[str]
        Such as `--config FILE.yaml`, `--heads=trap`; later ones win.
    tool : str
        Whose options they are: its --help explains them.
    earlier : EarlierNames | None, default None
        Names of options in earlier versions, as of `run`.
    find_presets : FindPresets | None, default None
        Finds the settings that are taken over from elsewhere, as of `run`.

    Raises
    ------
    UserError
        An unknown option, or a value that does not fit it.
    """
    parser = _new_parser(prog=tool, earlier=earlier)
    _add_fields(parser, kind, "", inspect.Parameter.empty)
    return cast(Result, _value(_parse_with_presets(parser, words, find_presets), kind))


def checked_record(kind: type[Result], plain: Mapping[str, Any]) -> Result:
    """A record from plain types, as `dataclasses.asdict` makes them; every value is checked against its type.

    Raises
    ------
    UserError
        An unknown key, a value that does not fit it, or what `check_plain` refuses.
    """
    check_plain(plain, "settings")
    try:
        return cast(Result, _value(_record_parser(cast(Any, kind)).parse_object(dict(plain)), kind))
    except (ArgumentError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise UserError("settings", _readable(str(error)), "the settings of this version") from error


@cache
def _record_parser(kind: type) -> ArgumentParser:
    """The parser of a record's plain types, made once: that takes longer than all it parses."""
    parser = _new_parser()
    _add_fields(parser, kind, "", inspect.Parameter.empty)
    return parser


def _new_parser(prog: str | None = None, description: str = "", earlier: EarlierNames | None = None) -> ArgumentParser:
    parser: Any = ArgumentParser(prog=prog, description=description, exit_on_error=False, allow_abbrev=False)
    parser.earlier = earlier
    parser.reads_config_files, parser.replacements = True, Namespace()
    parser.add_argument("--config", action=_ConfigFile, help="a YAML file that holds any of the options")
    parser.epilog = (
        f"{PLUGIN_OPTION} FILE.py: run a file of your own first, which adds heads, inputs, losses or metrics."
    )
    return parser


def _parse_with_presets(parser: Any, words: list[str], find_presets: FindPresets | None) -> Any:
    """Parse in layers: defaults, presets, config files (or these before the presets), and what is typed."""
    if find_presets is None:
        return _parsed(parser, words)
    silent = [word for word in words if not _underscored(word).startswith("--print_config")]
    values = _parsed(parser, silent)
    with _without_required(parser):  # one layer need not hold them
        parser.reads_config_files = False
        typed = _parsed(parser, silent, defaults=False)
        parser.reads_config_files = True
        presets = find_presets(dict(values.items()), dict(typed.items()))
        if presets is None:
            return _parsed(parser, words)
        if isinstance(presets.settings, Path):
            base = _parsed(parser, ["--config", str(presets.settings)], defaults=False)
            base.pop("config")
        else:
            base = _parsed_object(parser, presets.settings, presets.source)
    parser.replacements = base if presets.replace_config else Namespace()
    return _parsed(parser, words, namespace=base)


@contextmanager
def _without_required(parser: Any) -> Iterator[None]:
    """No option is required inside this block."""
    required = [action for action in parser._actions if action.required]
    for action in required:
        action.required = False
    try:
        yield
    finally:
        for action in required:
            action.required = True


def _parsed(parser: ArgumentParser, words: list[str], **how: Any) -> Any:
    """The values of the words of a command line; `how` as of jsonargparse's `parse_args`."""
    earlier: EarlierNames | None = parser.earlier  # type: ignore[attr-defined]
    for option in (_underscored(word)[2:].partition("=")[0] for word in words if word.startswith("--")):
        if earlier is not None and option in earlier.options:
            raise UserError(f"--{option}", "the name of an earlier version", f"--{earlier.options[option]}")
    _check_names(words)
    words = _joined_values(parser, _with_record_files(parser, _positionals_first(parser, words)))
    try:
        return parser.parse_args(words, **how)
    except ArgumentError as error:
        said, hint = _readable(str(error)), f"see {parser.prog} --help"
        lone = said.removeprefix("unrecognized arguments: ")
        if lone in words and not lone.startswith("-") and any(action.dest == "data" for action in parser._actions):
            hint = f"name maps with --data {lone}"
        elif near := _near_options(parser, lone.split()[0]) if lone != said else []:
            hint = f"did you mean {' or '.join(near)}? {hint}"
        raise UserError(parser.prog, said, hint=hint) from error


def _near_options(parser: ArgumentParser, word: str) -> list[str]:
    """The options that an unknown one was probably meant to be: those of another section, else those spelt alike.

    Examples
    --------
    >>> parser = ArgumentParser()
    >>> _ = parser.add_argument("--loop.epochs"), parser.add_argument("--min_area")
    >>> _near_options(parser, "--epochs"), _near_options(parser, "--min-aera")
    (['--loop.epochs'], ['--min_area'])
    """
    name = _underscored(word).partition("=")[0]
    options = sorted({option for action in parser._actions for option in action.option_strings})
    of_a_section = [option for option in options if option.endswith(f".{name.removeprefix('--')}")]
    return of_a_section[:3] or get_close_matches(name, options, n=2, cutoff=0.75)


def _check_names(words: list[str]) -> None:
    """Refuse an empty word in the place of maps or of a folder for results: Python takes it for the current folder."""
    for before, word in pairwise(["", *words]):
        option = before if before.startswith("--") else "a name"
        if word in PLACES_OF_NOTHING or (not word and option in ("a name", *PLACES)):
            raise UserError(word.rstrip("=") or option, "nothing", "a file or a folder", "is a shell variable unset?")


def _positionals_first(parser: ArgumentParser, words: list[str]) -> list[str]:
    """Words with the values of named positionals (`--data maps`) in front, where the parser takes them without a name.

    Examples
    --------
    >>> parser = ArgumentParser()
    >>> _ = parser.add_argument("data", nargs="+"), parser.add_argument("--out")
    >>> _positionals_first(parser, ["--out", "o", "--data", "a", "b"])
    ['a', 'b', '--out', 'o']
    """
    positionals = {f"--{action.dest}" for action in parser._actions if not action.option_strings}
    front, rest = list[str](), list[str]()
    taking = rest
    for word in words:
        option, equals, value = _underscored(word).partition("=")
        if option in positionals:
            taking = front
            front += [value] if equals else []
        else:
            taking = rest if word.startswith("--") else taking
            taking.append(word)
    return [*front, *rest]


def _check_sections(parser: ArgumentParser, plain: Mapping[str, Any], source: object, section: str = "") -> None:
    """Refuse a value where a section with options of its own is due."""
    known = [action.dest for action in parser._actions]
    for key, value in plain.items():
        name = f"{section}{key}"
        if name in known or not any(option.startswith(f"{name}.") for option in known):
            continue
        if not isinstance(value, Mapping):
            found = f"{name} is {str(value)[:60]!r}"
            raise UserError(source, found, f"options of {name} by their names", f"see {parser.prog} --help")
        _check_sections(parser, value, source, f"{name}.")


def _parsed_object(parser: ArgumentParser, plain: Mapping[str, Any], source: object) -> Any:
    """The values of settings in plain types."""
    check_plain(plain, source)
    _check_sections(parser, plain, source)
    try:
        return parser.parse_object(dict(plain), defaults=False)
    except (ArgumentError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise UserError(source, _readable(str(error)), "the settings of this version") from error


def _underscored(word: str) -> str:
    """An option as the parser knows it: `--min-area=3` becomes `--min_area=3`; other words stay as they are."""
    if not word.startswith("--"):
        return word
    name, equals, value = word[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"


def _with_record_files(parser: ArgumentParser, words: list[str]) -> list[str]:
    """Words as the parser knows them: `--rules FILE` beside options `--rules.FIELD` is `--rules_file FILE`."""
    known = {name for action in parser._actions for name in action.option_strings}
    replaced = []
    for word in map(_underscored, words):
        option, equals, value = word.partition("=")
        full = RECORD_FILES.get(option, option)
        replaced.append(f"{full}{equals}{value}" if full in known else word)
    return replaced


def _joined_values(parser: ArgumentParser, words: list[str]) -> list[str]:
    """Words with a value joined to its option where argparse alone would misunderstand it.

    It takes whatever follows a flag for the flag's value, and -1e30 for an option.
    """
    flags = {name for action in parser._actions if isinstance(action, ActionYesNo) for name in action.option_strings}
    joined: list[str] = []
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        if word in flags and "".join(words[place + 1 : place + 2]).lower() not in BOOLEANS:
            joined.append(f"{word}=true")
        elif before.startswith("--") and "=" not in before and NEGATIVE_NUMBER.fullmatch(word):
            joined[-1] = f"{before}={word}"
        else:
            joined.append(word)
    return joined


def _add(parser: ArgumentParser, name: str, hint: Any, default: Any, text: str | None, positional: bool) -> None:
    """Add the option or positional `name` of type `hint`; a record adds its fields as `name.field`."""
    if is_dataclass(hint):
        _add_fields(parser, hint, f"{name}.", default)
        return
    extra: dict[str, Any] = {"type": hint}
    if _several(hint):
        extra = {"type": get_args(hint)[0], "nargs": "+"}
    elif hint in (bool, bool | None):
        extra = {"action": ActionYesNo, "nargs": "?"}
    if default is not inspect.Parameter.empty:
        extra["default"] = list(default) if _several(hint) else default  # the parser changes items in place
    elif not positional:
        extra["required"] = True
    options = [name] if positional else [f"--{name}"]
    if not positional and name.startswith(SHORTENED) and name.count(".") == 1:
        short = name.removeprefix(SHORTENED)
        options += [f"--{short}", f"--no_{short}"] if "action" in extra else [f"--{short}"]
    parser.add_argument(*options, help=text, **extra)


def _add_fields(parser: ArgumentParser, record: Any, prefix: str, default: Any) -> None:
    """Add every field of the dataclass `record` as an option; `default` is an instance or Parameter.empty."""
    hints, texts = get_type_hints(record), _help_texts(record)
    for item in fields(record):
        value = inspect.Parameter.empty
        if default is not inspect.Parameter.empty:
            value = getattr(default, item.name)
        elif item.default is not MISSING:
            value = item.default
        elif item.default_factory is not MISSING:
            value = item.default_factory()
        _add(parser, f"{prefix}{item.name}", hints[item.name], value, texts.get(item.name), positional=False)


def _several(hint: Any) -> bool:
    """Whether `hint` is `tuple[X, ...]`: several values of one type."""
    return get_origin(hint) is tuple and get_args(hint)[-1] is Ellipsis


def _value(value: Any, hint: Any, name: str = "") -> Any:
    """A parsed value; a record is built from the values of its fields. The parser lets null pass for every type."""
    if value is None and hint is not Any and type(None) not in get_args(hint):
        raise UserError(f"--{name}", "null", "a value", "leave it away for its default")
    if _several(hint):
        return tuple(value)
    if not is_dataclass(hint):
        return Names(value) if hint is Names else value  # the parser takes names out of an object as a bare tuple
    hints, record = get_type_hints(hint), cast(Callable[..., Any], hint)
    return record(**{item.name: _value(value[item.name], hints[item.name], item.name) for item in fields(hint)})


def _help_texts(source: Any) -> dict[str, str]:
    """{name: description} of the parameters or attributes that a numpydoc docstring lists."""
    listed = parse(inspect.getdoc(source) or "", DocstringStyle.NUMPYDOC).params
    texts = {name.strip(): item.description for item in listed for name in item.arg_name.split(",")}
    return {name: " ".join(text.split()) for name, text in texts.items() if text}


def _readable(message: str) -> str:
    """jsonargparse's message in the user's words: options as typed, types without Python's dress, one line."""
    message = " ".join(message.split())
    message = re.sub(r'Parser key "([\w.]+)":', r"--\1:", message)
    message = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", message).replace("NoneType", "null")
    message = re.sub(r"typing\.Literal\[(.*?)\]", lambda found: f"one of {found[1]}".replace("'", ""), message)
    # A type of ours, or nothing: the type says what is wrong.
    message = re.sub(r"Does not validate .*?Errors: - Not of type \w+: (.*?) - Expected a null .*", r"\1", message)
    message = re.sub(
        r"Does not validate .*?Subtypes: (\[.*?\]) Errors:.*Given value: (.*)",
        r"Expected one of \1. Got value: \2",
        message,
    )
    return message.replace("Expected a ", "expected ").replace("Expected one ", "expected one ")
