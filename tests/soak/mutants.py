"""Share of mutants that the tests notice: `python -m tests.soak.mutants --package losses --count 60`.

A mutant is a function with one small change: another comparison, operator or number, a condition turned round, a
statement left out, a result of None. The tests that call the function run on it, in a process that is forked when all
tests are collected, so that nothing is imported again. A mutant that they let pass survives: no test looks at that
place. What modules do when they are imported (tables, constants, defaults) is left as it is.
"""

import ast
import gc
import os
import pickle
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from types import CodeType, FrameType, FunctionType
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings

from targets.common.cli import run
from targets.errors import UserError
from tests.soak.attack import MEMORY, Budget, data_size, wait_for_session

ROOT = Path(__file__).parents[2]
MOST = 40.0  # seconds of processor time of the tests of one mutant, the quickest first
SLACK = 20.0  # seconds that a mutant may take beyond twice its tests
SILENT = ("UserError", "print", "log")  # calls whose words no test has to know


@dataclass(frozen=True)
class Package:
    """Sources that are changed, and the tests that have to notice.

    Attributes
    ----------
    sources : str
        Their folder, from the project's root.
    environment : Mapping[str, str]
        Variables of the environment of the tests.
    """

    sources: str
    environment: Mapping[str, str] = field(default_factory=dict)


PACKAGES = {
    "closure": Package("targets/closure", {"NUMBA_DISABLE_JIT": "1"}),
    "losses": Package("mtl/losses"),
    "metrics": Package("mtl/metrics"),
    "inference": Package("mtl/inference"),
    "io": Package("targets/io"),
}
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or,
    ast.Or: ast.And,
}  # fmt: skip
Function = tuple[str, int]  # (file, first line)
Place = tuple[ast.AST, str, int | None]  # the parent of a node, its field, the index in a list


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes
    ----------
    file : str
        From the project's root.
    number : int
        Of the change among all of its file.
    line : int
        Where it stands.
    function : int
        First line of the function that is changed, the outermost one.
    change : str
        What it was and what it is now.
    """

    file: str
    number: int
    line: int
    function: int
    change: str


@dataclass(frozen=True)
class Watched:
    """What a test of unchanged sources took and called.

    Attributes
    ----------
    seconds : float
        Of the processor.
    functions : frozenset[Function]
        Those of the package that it called.
    """

    seconds: float
    functions: frozenset[Function]


def changes_of(node: ast.AST) -> Iterator[ast.AST]:
    """All changes of one node of a syntax tree.

    Examples
    --------
    >>> [ast.unparse(change) for change in changes_of(ast.parse("a < 2", mode="eval").body)]
    ['a <= 2']
    """
    match node:
        case ast.Compare(left, [op], right) if type(op) in SWAPS:
            yield ast.Compare(left, [SWAPS[type(op)]()], right)
        case ast.BinOp(left, op, right) if type(op) in SWAPS and not isinstance(left, ast.JoinedStr):
            yield ast.BinOp(left, SWAPS[type(op)](), right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(SWAPS[type(op)](), values)
        case ast.UnaryOp(ast.Not() | ast.USub() | ast.Invert(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.If(test) | ast.IfExp(test):
            yield type(node)(**{**vars(node), "test": ast.UnaryOp(ast.Not(), test)})
        case ast.Return(value) if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Call(ast.Name(called))) if called in SILENT:
            return
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue():
            yield ast.Pass()
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()


def find_places(node: ast.AST, function: int | None = None) -> Iterator[tuple[Place, ast.AST, int]]:
    """Nodes of functions that may change: where they hang and the first line of their function."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue  # types, and what happens at the import
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST):
                continue
            own = function
            if own is None and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                own = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            if own is not None:
                yield (node, name, index), child, own
            if not _is_silent(child):
                yield from find_places(child, own)


def _is_silent(node: ast.AST) -> bool:
    """Whether nothing within a node is changed: words for the user."""
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(node, (ast.JoinedStr, ast.Raise)) or (isinstance(called, ast.Name) and called.id in SILENT)


def mutate(file: str) -> Iterator[tuple[Mutant, Callable[[], ast.Module]]]:
    """All mutants of a file, and what makes the syntax tree of each."""
    tree, number = ast.parse((ROOT / file).read_text("utf-8")), 0
    for place, node, function in find_places(tree):
        for change in changes_of(node):
            before, after = (_first_line(ast.unparse(ast.fix_missing_locations(item))) for item in (node, change))
            line = cast(ast.expr, node).lineno
            mutant = Mutant(file, number, line, function, f"{before}  ->  {after}")
            yield mutant, partial(_put, tree, place, ast.copy_location(change, node))
            number += 1


def _first_line(source: str) -> str:
    line = source.partition("\n")[0]
    return line if len(line) < 70 else line[:67] + "..."


def _put(tree: ast.Module, place: Place, node: ast.AST) -> ast.Module:
    """Put a node into a tree."""
    parent, name, index = place
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node
    return ast.fix_missing_locations(tree)


def find_mutants(package: Package) -> list[Mutant]:
    """All mutants of a package, file by file."""
    files = sorted((ROOT / package.sources).rglob("*.py"))
    return [mutant for path in files for mutant, _ in mutate(path.relative_to(ROOT).as_posix())]


def become(mutant: Mutant) -> None:
    """Change the function of a mutant in this process.

    Raises
    ------
    LookupError
        It is not loaded.
    ValueError
        It uses other variables of an outer function than before.
    """
    tree = next(make for found, make in mutate(mutant.file) if found == mutant)()
    path = str(ROOT / mutant.file)
    changed = _find_code(compile(tree, path, "exec", dont_inherit=True), mutant.function)
    loaded = [
        item
        for item in gc.get_objects()
        if isinstance(item, FunctionType)
        and item.__code__.co_filename == path
        and item.__code__.co_firstlineno == mutant.function
        and item.__code__.co_name == changed.co_name
    ]
    if not loaded:
        raise LookupError(mutant)
    for function in loaded:
        function.__code__ = changed


def _find_code(code: CodeType, line: int) -> CodeType:
    """The function that begins in a line, of a module or of one of its classes."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_firstlineno == line and inner.co_name != "<lambda>" and not _is_class(inner):
                return inner
            if _is_class(inner):
                with suppress(LookupError):
                    return _find_code(inner, line)
    raise LookupError(line)


def _is_class(code: CodeType) -> bool:
    return "__qualname__" in code.co_names


class Trial:
    """A plugin of pytest that tries mutants in place of running the tests.

    Parameters
    ----------
    mutants : Sequence[Mutant]
        In the order in which they are tried.
    budget : Budget
        How many of them.
    """

    def __init__(self, mutants: Sequence[Mutant], budget: Budget) -> None:
        self.mutants, self.budget = mutants, budget
        self.tried = self.killed = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests once, then those that reach a mutant on it."""
        tests = cast(dict[str, Watched], in_child(partial(watch, session, {m.file for m in self.mutants}), 3600.0))
        print(f"{len(tests)} tests of {sum(test.seconds for test in tests.values()):.0f} s", flush=True)
        items = {item.nodeid: item for item in session.items}
        for mutant in self.budget.within(self.mutants):
            self.tried += 1
            names, seconds = chosen_tests(mutant, tests)
            is_survivor = self._survives(session, mutant, [items[name] for name in names], seconds)
            if is_survivor is None:
                self.tried -= 1
            elif is_survivor:
                print(f"  survives {mutant.file}:{mutant.line}: {mutant.change}", flush=True)
            else:
                self.killed += 1
        return True

    def _survives(
        self, session: pytest.Session, mutant: Mutant, items: list[pytest.Item], seconds: float
    ) -> bool | None:
        """Whether no test notices a mutant; one that takes too long or dies is noticed. None: as `passes`."""
        try:
            work = partial(passes, session, mutant, items)
            return cast(bool | None, in_child(work, 2 * seconds + SLACK)) if items else True
        except ChildProcessError:
            return False


def watch(session: pytest.Session, files: set[str]) -> dict[str, Watched]:
    """Run all tests on unchanged sources; gives those that pass."""
    paths, tests = {str(ROOT / file): file for file in files}, {}
    for item in session.items:
        called: set[Function] = set()

        def listen(frame: FrameType, event: str, _: object, called: set[Function] = called) -> None:
            if event == "call" and (file := paths.get(frame.f_code.co_filename)):
                called.add((file, frame.f_code.co_firstlineno))

        failed, began = session.testsfailed, time.process_time()
        threading.setprofile(listen)
        sys.setprofile(listen)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        if session.testsfailed == failed:
            tests[item.nodeid] = Watched(time.process_time() - began, frozenset(called))
    return tests


def passes(session: pytest.Session, mutant: Mutant, items: Sequence[pytest.Item]) -> bool | None:
    """Whether tests pass on a mutant; None if the function cannot be changed where it is loaded."""
    try:
        become(mutant)
    except (LookupError, ValueError):
        return None
    for item in items:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if session.testsfailed:
            return False
    return True


def chosen_tests(mutant: Mutant, tests: Mapping[str, Watched]) -> tuple[list[str], float]:
    """The tests that call what is changed, the quickest first, and what they take."""
    reached = [name for name, test in tests.items() if (mutant.file, mutant.function) in test.functions]
    chosen, seconds = list[str](), 0.0
    for name in sorted(reached, key=lambda name: tests[name].seconds):
        if seconds > MOST:
            break
        chosen.append(name)
        seconds += tests[name].seconds
    return chosen, seconds


def in_child(work: Callable[[], object], seconds: float) -> object:
    """What a function returns in a process forked from this one.

    Parameters
    ----------
    work : Callable[[], object]
        What it prints is dropped.
    seconds : float
        Of processor time that it may take.

    Raises
    ------
    ChildProcessError
        It returned nothing.
    """
    with tempfile.TemporaryFile() as answer:
        process = os.fork()
        if process == 0:
            with suppress(BaseException):
                os.setsid()
                silence = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(silence, number)
                resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1,) * 2)
                resource.setrlimit(resource.RLIMIT_DATA, (data_size() + MEMORY,) * 2)
                answer.write(pickle.dumps(work()))
                answer.flush()
            os._exit(0)
        _wait(process, 30 * seconds)
        answer.seek(0)
        content = answer.read()
    if not content:
        raise ChildProcessError
    return pickle.loads(content)


def _wait(process: int, seconds: float) -> None:
    """Wait for a process and end it, and all that it started, after so many seconds of the clock."""
    until = time.monotonic() + seconds
    while not os.waitpid(process, os.WNOHANG)[0]:
        if time.monotonic() > until:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            break
        time.sleep(0.02)
    wait_for_session(process, 0.0)


def main(
    *,
    package: str,
    count: int = 60,
    minutes: float = 0.0,
    seed: int = 0,
    at: str | None = None,
    tests: tuple[str, ...] = (),
) -> None:
    """Change functions at random, and print which changes no test notices and the share that they do notice.

    Parameters
    ----------
    package : str
        closure, losses, metrics, inference or io.
    count : int, default 60
        Mutants at most.
    minutes : float, default 0.0
        Minutes at most; 0: as long as it takes.
    seed : int, default 0
        Seed of what is drawn.
    at : str | None, default None
        Only mutants whose place begins so, such as mtl/losses/masked.py:33.
    tests : tuple[str, ...], default ()
        Files and folders of tests; by default those of the package and the examples in its docstrings.
    """
    if package not in PACKAGES:
        raise UserError("--package", package, ", ".join(PACKAGES))
    sources = PACKAGES[package]
    os.environ.update(sources.environment)
    # Examples are those of the first search, the same every time, and are not made smaller.
    settings.register_profile("mutants", phases=(Phase.explicit, Phase.generate), derandomize=True, database=None,
                              deadline=None, suppress_health_check=list(HealthCheck))  # fmt: skip
    settings.load_profile("mutants")
    mutants = find_mutants(sources)
    for file in {mutant.file for mutant in mutants}:
        import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    chosen = [mutant for mutant in mutants if at is None or f"{mutant.file}:{mutant.line}".startswith(at)]
    trial = Trial(Random(seed).sample(chosen, len(chosen)), Budget(minutes, count, seed))
    places = tests or (f"tests/{sources.sources}", sources.sources)
    pytest.main(["-s", "-p", "no:cacheprovider", "-p", "no:faulthandler", *places], [trial])
    print("| package | mutants | tried | killed | share |", "|---|---:|---:|---:|---:|", sep="\n")
    share = 100 * trial.killed / max(trial.tried, 1)
    print(f"| {package} | {len(mutants)} | {trial.tried} | {trial.killed} | {share:.0f} % |")


if __name__ == "__main__":
    run(main)
