"""Imports run one way: tools -> mtl -> targets, and inside a package from later rooms to earlier ones."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module may import from its own room and from the rooms before it.
ROOMS = {
    "targets": [
        "errors",
        "units",
        "scene",
        "common",
        "surface",
        "closure",
        "truth",
        "rules",
        "rendering",
        "picture_reading",
        "pages",
        "io",
        "synthetic",
        "analysis",
        "prospects",
        "check",
    ],
    "mtl": [
        "config",
        "config_ranges",
        "registry",
        "migration",
        "distributed",
        "metrics",
        "losses",
        "tasks",
        "data",
        "models",
        "inference",
        "predict",
        "prediction",
        "visualization",
        "training",
        "evaluation",
        "ablation",
        "export",
        "review",
        "commands",
    ],
}
PACKAGES = ("targets", "mtl", "trapmtl", "tools")  # likewise: from its own package and from those before it
MOST_FILES = 13  # in a folder
ONE_FILE_EACH = ("mtl/commands",)  # but there: a file is a command of the program


def modules(package: str) -> dict[str, Path]:
    """{dotted name: file} of a package."""
    files = (ROOT / package).rglob("*.py")
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in sorted(files)}


def imported(source: str) -> Iterator[str]:
    """The modules (or names in modules) that a source imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def wrong_way(module: str, target: str) -> bool:
    """Whether `module` may not import `target`."""
    own, other = module.split("."), target.split(".")
    if other[0] not in PACKAGES:
        return False
    if own[0] != other[0]:
        return PACKAGES.index(other[0]) > PACKAGES.index(own[0])
    rooms = ROOMS.get(own[0])
    if rooms is None or len(own) == 1:
        return False
    return rooms.index(other[1]) > rooms.index(own[1])


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package):
    files = modules(package)
    found = {(name, target) for name, file in files.items() for target in imported(file.read_text(encoding="utf-8"))}
    assert sorted(f"{name} imports {target}" for name, target in found if wrong_way(name, target)) == []


@pytest.mark.parametrize(
    ("module", "target", "wrong"),
    [
        ("targets.scene", "mtl.config.TrainConfig", True),
        ("mtl.losses.masked", "tools.train", True),
        ("targets.surface.fill", "targets.io.grids", True),
        ("mtl.models.checkpoint", "mtl.training.run", True),
        ("mtl.training.run", "mtl.models.checkpoint", False),
        ("mtl.config", "targets.scene.Scene", False),
        ("targets.closure.find", "numpy.ndarray", False),
    ],
)
def test_the_rule_itself(module, target, wrong):
    assert wrong_way(module, target) is wrong


@pytest.mark.parametrize("package", ["targets", "mtl"])
def test_no_import_circle(package):
    files = modules(package)
    arrows = {
        name: {t if t in files else t.rpartition(".")[0] for t in imported(file.read_text(encoding="utf-8"))} & {*files}
        for name, file in files.items()
        if file.name != "__init__.py"
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        if name not in done:
            for target in arrows.get(name, ()):
                visit(target, (*above, name))
            done.add(name)

    for name in arrows:
        visit(name, ())


@pytest.mark.parametrize("package", ["targets", "mtl", "trapmtl"])
def test_every_module_says_what_it_is(package):
    """The first line is a statement: it exists, begins with a capital letter, a name or a number, and asks nothing."""
    for name, file in modules(package).items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        first = (ast.get_docstring(tree) or "").split("\n")[0]
        if not tree.body and file.name == "__init__.py":
            continue
        assert first, f"{name} does not say what it is"
        assert "?" not in first, f"{name}: {first}"
        assert not first.startswith(("What ", "How ", "Which ", "Who ", "Where ", "Whether ", "Do ", "Does ")), (
            f"{name}: {first}"
        )


@pytest.mark.parametrize("package", ["targets", "mtl"])
def test_folders_stay_small(package):
    for folder in (ROOT / package).rglob("*"):
        if folder.is_dir() and folder.relative_to(ROOT).as_posix() not in ONE_FILE_EACH:
            files = [file.name for file in folder.glob("*.py") if file.name != "__init__.py"]
            assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} holds {len(files)} files"


def test_no_room_is_missing():
    """Every room of the order exists, and no other."""
    for package, rooms in ROOMS.items():
        found = {f.stem for f in (ROOT / package).iterdir() if f.suffix == ".py" or (f / "__init__.py").is_file()}
        assert found - {"__init__"} == set(rooms)


def test_most_public_functions_have_sections():
    """At least 60 % of the public functions with arguments name their parameters or results in sections."""
    with_sections = total = 0
    for package in ("targets", "mtl"):
        for file in modules(package).values():
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.args.args:
                    total += 1
                    with_sections += "\n---" in (ast.get_docstring(node) or "")
    assert with_sections >= 0.6 * total, f"{with_sections} of {total}"


TEXT_ARGUMENTS = {"read_text": 1, "write_text": 2}  # with that of the encoding


def files_without_encoding(source: str) -> Iterator[int]:
    """Lines that open a text file in the encoding of the machine, which another machine does not have."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(keyword.arg == "encoding" for keyword in node.keywords):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        if name in TEXT_ARGUMENTS and isinstance(node.func, ast.Attribute):
            if len(node.args) < TEXT_ARGUMENTS[name]:
                yield node.lineno
        elif name == "open" and {keyword.arg for keyword in node.keywords} <= {"newline", "errors"}:
            modes = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            of_path = isinstance(node.func, ast.Attribute) and not node.args
            if set(modes) & {"r", "w", "a", "x"} or of_path or (isinstance(node.func, ast.Name) and not modes):
                yield node.lineno


@pytest.mark.parametrize("package", PACKAGES)
def test_text_files_are_utf_8_on_every_machine(package):
    files = modules(package).values()
    found = [f"{file}:{line}" for file in files for line in files_without_encoding(file.read_text("utf-8"))]
    assert not found, "name the encoding: utf-8"
    for wrong in ("p.open()", "p.open('w', newline='')", "open(p)", "p.read_text()", "p.write_text(text)"):
        assert list(files_without_encoding(wrong)) == [1]
    for right in ("p.open('rb')", "p.open(encoding='utf-8')", "rasterio.open(p, 'r+')", "p.write_text(text, 'utf-8')"):
        assert not list(files_without_encoding(right))
