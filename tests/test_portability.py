"""What Linux, macOS and Windows share: names of files, calls of the system, processes, terminals."""

import ast
import os
import re
import signal
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest

from targets.common import atomic_write as files
from targets.common import process_lifetime
from targets.common.files.input_files import walk_folders
from targets.common.html_report import render_report
from targets.common.rasters.gdal import open_band
from targets.errors import UserError
from targets.io.catalogue import MapSource, find_maps, with_unique_names
from targets.io.map_folder.words import recognise_kind
from tests.posix import needs_posix

ROOT = Path(__file__).parents[1]
SOURCES = [file for package in ("targets", "mtl", "trapmtl", "tools") for file in (ROOT / package).rglob("*.py")]
NOT_ON_WINDOWS = {
    "os": {"chown", "fork", "forkpty", "getgid", "getloadavg", "getpgid", "getpgrp", "getuid", "kill", "killpg",
           "mkfifo", "nice", "posix_fallocate", "posix_spawn", "register_at_fork", "sched_getaffinity", "setpgid",
           "setpgrp", "setsid", "statvfs", "sync", "sysconf", "uname", "wait", "SEEK_DATA", "SEEK_HOLE", "O_DIRECTORY",
           "O_NOFOLLOW", "O_CLOEXEC"},
    "signal": {"SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGALRM", "SIGPIPE", "SIGXFSZ", "alarm", "pause",
               "pthread_kill", "pthread_sigmask", "setitimer", "sigwait"},
    "time": {"tzset"},
}  # fmt: skip
POSIX_MODULES = {"fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty"}
SUSPECT = re.compile("|".join(sorted({*POSIX_MODULES}.union(*NOT_ON_WINDOWS.values()))))
GUARDS = ("hasattr(", "AttributeError", "ImportError", "CAN_BLOCK")  # beside a use: what happens where it is missing


def uses_of_posix(source: str) -> list[str]:
    """What a module uses that Windows lacks, outside functions that say what happens there."""
    if not SUSPECT.search(source):  # parsing takes longer
        return []
    tree, found = ast.parse(source), []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        used = ""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = f"{node.value.id}.{node.attr}" * (node.attr in NOT_ON_WINDOWS.get(node.value.id, ()))
        elif isinstance(node, ast.Import):
            used = " ".join(name.name for name in node.names if name.name in POSIX_MODULES)
        if used:
            line = node.lineno
            around = [ast.unparse(f) for f in functions if f.lineno <= line <= (f.end_lineno or line)]
            if not any(guard in text for text in around for guard in GUARDS):
                found.append(used)
    return found


def test_what_windows_lacks_is_used_with_a_guard():
    found = {str(file.relative_to(ROOT)): used for file in SOURCES if (used := uses_of_posix(file.read_text("utf-8")))}
    assert found == {}
    assert uses_of_posix("import os, signal\nos.setpgrp()\nsignal.signal(signal.SIGUSR1, f)") == [
        "os.setpgrp", "signal.SIGUSR1"
    ]  # fmt: skip


WITHOUT_POSIX = """
import os, signal, sys
import psutil  # has its own ways on Windows
for module in ("resource", "termios", "pwd"):  # filelock has its own ways without fcntl
    sys.modules[module] = None
for name in ("setpgrp", "posix_fallocate", "killpg", "sysconf", "SEEK_DATA", "SEEK_HOLE"):
    delattr(os, name)
for name in ("SIGUSR1", "SIGHUP", "SIGKILL", "SIGALRM"):
    delattr(signal, name)
from mtl.commands.closures import command
command()
"""


@pytest.mark.slow  # it starts Python
def test_closures_without_what_windows_lacks(tmp_path):
    depth = 100 + np.hypot(*np.mgrid[-10:11, -10:11]).astype(np.float32)
    for name in ("aux", "top"):
        np.savez(tmp_path / f"{name}.npz", depth=depth)
    script = tmp_path / "tool.py"
    script.write_text("if __name__ == '__main__':\n    " + WITHOUT_POSIX.strip().replace("\n", "\n    "))
    said = subprocess.run([sys.executable, script, tmp_path, "--out", tmp_path / "out"], env=os.environ
                          | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {"aux_", "top"}


def test_a_worker_on_a_system_without_process_groups_ignores_ctrl_c(monkeypatch):
    monkeypatch.delattr(os, "setpgrp")
    monkeypatch.setattr(process_lifetime, "parent_process", lambda: SimpleNamespace(join=Event().wait))
    before = signal.getsignal(signal.SIGINT)
    try:
        process_lifetime.end_with_parent()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


WINDOWS_NAME = re.compile(
    r"(?!(?i:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$))[^<>:\"/\\|?*\x00-\x1f]*[^<>:\"/\\|?*. \x00-\x1f]"
)
ODD_NAMES = ["aux", "NUL.v2", "com1", "Top", "top", "TOP.", "a?", "a*", "b|c", "b\\c", "Кровля", "кровля", "x" * 240,
             "x" * 239 + "y", "ж" * 110 + "а", "ж" * 110 + "б", "...", "~", "straße", "strasse"]  # fmt: skip


def test_results_of_two_maps_never_share_a_folder_on_any_system():
    given = [*ODD_NAMES, unicodedata.normalize("NFD", "Район"), "Район"]
    sources = with_unique_names([MapSource(name, "grid", {"grid": Path("maps", name)}) for name in given])
    names = [source.name for source in sources]
    assert all(WINDOWS_NAME.fullmatch(name) and len(name.encode()) < 220 for name in names), names
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(given)
    assert {"aux_", "NUL_.v2"} < set(names)
    assert names[ODD_NAMES.index("Кровля")] == "maps_Кровля"  # because of кровля, its namesake


def test_a_name_in_another_encoding_keeps_its_letters_or_its_bytes(monkeypatch):
    name = os.fsdecode("Кровля".encode("koi8-r"))
    monkeypatch.setattr("locale.getencoding", lambda: "koi8-r")
    assert files.portable_name(name) == "Кровля"
    monkeypatch.setattr("locale.getencoding", lambda: "utf-8")
    other = files.portable_name(os.fsdecode("Крошка".encode("koi8-r")))
    assert files.portable_name(name) != other and other.isascii() and WINDOWS_NAME.fullmatch(other)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hold no such names")
def test_a_name_in_another_encoding_is_reported_or_read_and_no_map_hides_a_table(tmp_path):
    name = os.fsencode(tmp_path) + b"/" + "Кровля".encode("cp866")
    np.savez(tmp_path / "finished.jsonl.npz", depth=np.ones((3, 3)))
    Path(os.fsdecode(name + b".npz")).write_bytes((tmp_path / "finished.jsonl.npz").read_bytes())
    Path(os.fsdecode(name + b".tif")).write_bytes(b"II*\0")
    assert [source.name for source in find_maps([tmp_path]).sources][:1] == ["finished_jsonl"]
    with (
        pytest.raises(UserError, match="in another encoding than UTF-8"),
        open_band(Path(os.fsdecode(name + b".tif")), 9),
    ):
        pass
    template = ROOT / "targets" / "common" / "templates" / "report.html.j2"
    assert "<h1>?" in render_report(template, os.fsdecode("Кровля".encode("cp866")))


def test_a_long_name_is_written_like_any_other(tmp_path):
    for name in ("ж" * 120 + ".csv", "x" * 250 + ".csv"):
        with files.atomic_write(tmp_path / name) as temporary:
            temporary.write_text("x")
        assert (tmp_path / name).read_text() == "x"


@pytest.mark.parametrize(("refusals", "written"), [(1, True), (99, False)])
def test_a_file_that_another_program_holds_open_on_windows(tmp_path, monkeypatch, refusals, written):
    left, replace = iter(range(refusals)), Path.replace

    def refuse(own, target):
        if next(left, None) is not None:
            raise PermissionError(13, "Access is denied", str(target))
        return replace(own, target)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(files, "IS_WINDOWS", True)
    monkeypatch.setattr(files, "PAUSES", (0, 0))
    try:
        with files.atomic_write(tmp_path / "closures.csv") as temporary:
            temporary.write_text("x")
    except UserError as error:
        assert not written and "close it in the program that has it open" in str(error)
    assert [path.name for path in tmp_path.iterdir()] == ["closures.csv"] * written


def test_a_folder_that_cannot_be_opened_is_no_error(tmp_path, monkeypatch):
    opened = os.open
    refuse = lambda path, *args: opened(path, *args) if Path(path).is_file() else (_ for _ in ()).throw(PermissionError)  # noqa: E731
    monkeypatch.setattr("os.open", refuse)
    with files.atomic_write(tmp_path / "a.csv") as temporary:
        temporary.write_text("x")
    files.flush(tmp_path)


def test_a_path_that_is_too_long_for_windows_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "IS_WINDOWS", True)
    deep = tmp_path.joinpath(*["d" * 60] * 5) / "closures.csv"
    assert "Windows takes paths of 259 characters" in str(files.write_error(deep, FileNotFoundError(2, "no such path")))
    assert "259" not in str(files.write_error("closures.csv", OSError(28, "no space")))


def test_folders_of_a_disk_without_numbers_are_all_seen(tmp_path, monkeypatch):
    for name in ("a/b", "c"):
        (tmp_path / name).mkdir(parents=True)
    stat = Path.stat
    unnumbered = lambda own, **how: os.stat_result((*(s := stat(own, **how))[:1], 0, *s[2:10]))  # noqa: E731
    monkeypatch.setattr(Path, "stat", unnumbered)
    assert [folder.name for folder in walk_folders(tmp_path)][1:] == ["a", "b", "c"]


def test_names_that_macos_takes_apart_are_the_same_names(tmp_path):
    name = "Район"
    np.savez(tmp_path / f"{unicodedata.normalize('NFC', name)}.npz", depth=np.ones((4, 4)))
    faults = tmp_path / f"{unicodedata.normalize('NFD', name)}_faults.pol"
    faults.write_text("0 0 0\n3 3 0\n999 999 999\n")
    (source,) = find_maps([tmp_path]).sources
    assert source.fault_files == (faults,)
    assert recognise_kind(unicodedata.normalize("NFD", "Чёрно-белый")) == recognise_kind("чёрно-белый") is not None


def test_files_of_this_project_lie_on_any_disk():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git clone")
    names = sorted(name.casefold() for name in listed.stdout.split("\0") if name)
    assert all(one != other for one, other in pairwise(names)) and max(map(len, names)) < 120
    assert all(WINDOWS_NAME.fullmatch(part) for name in names for part in name.split("/"))


@pytest.mark.slow  # it starts Python twice
@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_results_keep_the_letters_of_a_name_in_a_locale_that_lacks_them(tmp_path, locale):
    for name in ("Верх", "Низ"):
        np.savez(tmp_path / f"{name}.npz", depth=100 + np.hypot(*np.mgrid[-5:6, -5:6]))
    tool = [sys.executable, ROOT / "tools" / "closures.py", tmp_path, "--out", tmp_path / "out"]
    said = subprocess.run(tool, env=os.environ | locale, capture_output=True)
    assert said.returncode == 0, said.stderr
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert names == {"Верх", "Низ"} and b"????" in said.stdout


def test_tests_that_windows_cannot_run_are_known():
    module = sys.modules[__name__]
    assert needs_posix(test_a_worker_on_a_system_without_process_groups_ignores_ctrl_c, module)
    assert not needs_posix(test_a_long_name_is_written_like_any_other, module)
