"""Names of maps, folders and faults that mean something to somebody, and terminals of any encoding."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import yaml

from tests.soak.attack import Attack, Budget, Ended, Kind, answered, try_attacks
from tests.soak.kinds.samples import FAULTS, TINY_RUN, dome_depth, write_depth, write_maps

NAMES = (
    "=1+1", "+cmd|' C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "<script>alert(1)</script>", "<img src=x onerror=a>",
    "&amp;",
    "\"quoted\"", "'", "`id`", "$(id)", "a;b", "a b", " a", "a ", ".hidden", "..", "...", "..%2f..%2fx", "a..b", "%s%n",
    "{0}", "$x^{$", "\\alpha", "_a_", "con", "NUL", "aux.txt", "LPT1", "a:b", "a*b", "a?b", "a|b", "a\nb", "a\rb",
    "a\x1b[2Jb",
    "a\x7fb", "a\u202eb", "a\u2028b", "Кровля", "北", "é", "e\u0301", "ﬁ", "🗺", "\udcff", "x" * 200, "Ж" * 110, "--out",
    "-", "~", "#", "out", "report", "closures", "finished", "made_from", "summary", "results", "0", "1e5", "None",
    "true",
)  # fmt: skip
LOCALES: tuple[dict[str, str], ...] = (
    {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "koi8-r"}, {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "cp1251"}, {"PYTHONIOENCODING": "utf-16"}, {"LC_ALL": "C", "LANG": "C"},
    {"LC_ALL": "de_DE.UTF-8"}, {"COLUMNS": "1"}, {"COLUMNS": "nan"}, {"NO_COLOR": "1"}, {"TERM": ""},
    {"HOME": "/nowhere"},
    {"TMPDIR": "/nowhere"}, {"TZ": "Nowhere/Nothing"}, {"OMP_NUM_THREADS": "0"}, {"DISPLAY": ":99"},
)  # fmt: skip
TOOLS = (
    ("closures", "in", "--out", "out"),
    ("closures", "in", "--out", "out", "--vectors", "shp", "--grids", "asc"),
    ("closures", "in", "--out", "out", "--vectors", "pol", "--grids", "zmap"),
    ("check_data", "in", "--out", "out"),
    ("predict", "in", "--out", "out", "--tta", "none", "--backend", "torch"),
    ("make_maps", "--grids", "in", "--out", "out", "--count", "1"),
)
LEARNERS = (
    ("train", "--data", "Кровля ²", "--out", "итог", *TINY_RUN, "--loop.epochs", "1", "--loop.logger", "csv"),
    ("crossval", "--data", "Кровля ²", "--out", "итог", *TINY_RUN, "--loop.epochs", "1", "--split.folds", "2",
     "--loop.logger", "csv"),
    ("evaluate", "--data", "Кровля ²", "--out", "итог", "--tta", "none", "--backend", "torch"),
    ("fit_rules", "Кровля ²", "--out", "правила.yaml"),
    ("judge", "Кровля ²/dome0", "--out", "итог"),
    ("ablate", "--config", "опыт.yaml", "--base", "основа.yaml", "--out", "итог"),
)  # fmt: skip


def stays_inside(folder: Path, ended: Ended) -> str:
    """Nothing is written beside the output folder, and no cell of a table begins a formula."""
    beside = sorted(path.name for path in folder.iterdir() if path.name not in ("in", "out"))
    if beside:
        return f"written beside --out: {beside}"
    for table in folder.glob("out/**/*.csv"):
        for line in table.read_text("utf-8").splitlines():
            if any(cell.strip('"').startswith(("=", "+", "@", "\t")) for cell in line.split(",")):
                return f"a formula in {table.name}: {line[:100]!r}"
    for page in folder.glob("out/**/*.html"):
        if "<script>alert" in page.read_text("utf-8") or "<img src=x" in page.read_text("utf-8"):
            return f"HTML of a name in {page.name}"
    return ""


def make_named(name: str, as_folder: bool, words: Sequence[str], folder: Path) -> Sequence[str]:
    """A grid, its faults and their names, or a map folder, of a name."""
    (folder / "in").mkdir()
    if as_folder:
        (write_maps(folder / "made", 1) / "dome0").rename(folder / "in" / name)
        (folder / "made").rmdir()
        return words
    write_depth(dome_depth(), folder / "sample.irap").rename(folder / "in" / f"{name}.irap")
    fault = name.replace('"', '""').replace("\n", " ").replace("\r", " ").encode("utf-8", "replace").decode()
    (folder / "in" / f"{name}_faults.csv").write_text(FAULTS.replace("F1", f'"{fault}"'), "utf-8")
    return words


def make_set(words: Sequence[str], folder: Path) -> Sequence[str]:
    """A set of maps with drawn traps in a folder of a Cyrillic name."""
    write_maps(folder / "Кровля ²", 4)
    ablation = {"name": "опыт", "rows": {"первый": {}}, "conditions": {"глубина": {"inputs": "depth"}}, "seeds": 1,
                "outputs": ["trap"], "test_sets": {"своё": "Кровля ²"}}  # fmt: skip
    base = {"heads": "trap", "inputs": "depth", "data": "Кровля ²", "patches": {"size": 32, "stride": 32},
            "net": {"encoder_weights": "none", "decoder_channels": [8] * 5},
            "loop": {"epochs": 1, "logger": "csv"}}  # fmt: skip
    for name, settings in (("опыт.yaml", ablation), ("основа.yaml", base)):
        (folder / name).write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    return words


def names(budget: Budget) -> Iterator[Attack]:
    """Every name, as a grid or a folder, by the tools in turns."""
    for number, name in enumerate(NAMES):
        if name in ("..",):
            continue
        words, as_folder = TOOLS[number % len(TOOLS)], number % 3 == 0 and not name.startswith(".")
        yield Attack(f"{words[0]}: {name!r}", partial(make_named, name, as_folder, words), stays_inside)


def locales(budget: Budget) -> Iterator[Attack]:
    """A Cyrillic name in every environment, by every tool."""
    for variables, words in product(LOCALES, (TOOLS[0], TOOLS[3], TOOLS[4])):
        yield Attack(f"{words[0]} with {variables}", partial(make_named, "Кровля ²", False, words), answered, variables)
    for variables, words in product(LOCALES[:6], LEARNERS):
        yield Attack(f"{words[0]} with {variables}", partial(make_set, words), answered, variables)


NAMED = Kind("names of maps", "nothing outside --out, no formula, no markup", partial(try_attacks, names), 500)
LOCALE = Kind("locales", "an answer, whatever a terminal can show", partial(try_attacks, locales), 500)
