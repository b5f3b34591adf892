"""The wheel in an empty environment: the command `trapmtl` works without the clone."""

import json
import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from targets.io.images import write_picture
from tests.conftest import dome_scene

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.long  # an environment of its own


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, from a copy of what git tracks or would track."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copy = ROOT / name, folder / "source" / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*build, str(folder), str(folder / "source")], check=True, capture_output=True)
    (built,) = folder.glob("trapmtl-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel; what it depends on is read from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is searched for packages, but the .pth files in it are not read: no editable install.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    into = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run(
        [*into, "--no-deps", "--no-index", "--ignore-installed", str(wheel)], check=True, capture_output=True
    )
    return folder / "bin"


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    """A command of the environment, run in a folder that has nothing to do with the clone.

    Its kernels run as Python: to compile them anew, for this environment alone, takes half a minute.
    """
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    environment["NUMBA_DISABLE_JIT"] = "1"
    words = (str(installed / words[0]), *words[1:])
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def test_the_wheel_holds_what_a_user_needs(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = ["trapmtl/py.typed", "mtl/py.typed", "targets/py.typed", "trapmtl/configs/traps.yaml"]
    expected += ["trapmtl/configs/ablations/base.yaml", "mtl/models/bundled/default.safetensors"]
    expected += ["trapmtl/examples/map_page.png", "trapmtl/examples/top_reservoir.gri"]
    assert [name for name in expected if name not in names] == []
    assert not [name for name in names if name.startswith(("tests/", "docs/", "tools/", "build/"))]


def test_closures_of_a_grid(installed, tmp_path):
    scene = dome_scene()
    np.savez(tmp_path / "top.npz", depth=scene.depth)
    done = run(installed, tmp_path, "trapmtl", "closures", "top.npz", "--out", "traps")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "traps" / "top" / "closures.csv").is_file()


def test_prediction_of_a_picture(installed, tmp_path):
    picture = dome_scene(size=96).rgb
    assert picture is not None
    write_picture(picture, tmp_path / "map.png")
    done = run(installed, tmp_path, "trapmtl", "predict", "map.png", "--out", "found")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "found" / "map" / "overlay.png").is_file()


def test_shipped_configurations_are_found_by_name(installed, tmp_path):
    done = run(installed, tmp_path, "trapmtl", "train", "--config", "traps", "--print_config")
    assert done.returncode == 0, done.stderr
    assert "resnet34" in done.stdout


def test_help_lists_all_commands_and_a_typo_is_one_line(installed, tmp_path):
    listed = run(installed, tmp_path, "trapmtl", "--help").stdout
    assert {"train", "predict", "evaluate", "closures", "make-maps"} <= set(listed.split())
    wrong = run(installed, tmp_path, "trapmtl", "tarin")
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1


def test_names_of_the_package(installed, tmp_path):
    code = (
        "import json, sys, trapmtl; light = [m for m in ('torch', 'numba') if m in sys.modules];"
        "print(json.dumps([trapmtl.__version__, light, trapmtl.__file__,"
        " [x.__module__ for x in (trapmtl.find_closures, trapmtl.load_predictor, trapmtl.Scene)]]))"
    )
    done = run(installed, tmp_path, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    version, light, file, homes = json.loads(done.stdout)
    assert version and light == []
    assert Path(file).is_relative_to(installed.parent)
    assert [home.split(".")[0] for home in homes] == ["targets", "mtl", "targets"]
