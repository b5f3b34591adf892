"""How tests call a tool: as its command line does, without a process of its own."""

import re
from pathlib import Path

import pytest

from targets.common.cli import run
from targets.common.resume import JOURNAL

TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")  # at which a GeoPackage says it was written


@pytest.fixture
def call(request, capsys):
    """Call the `main` of the test's module; gives exit code, standard output and standard error."""
    main = request.module.main

    def called(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            run(main, [str(word) for word in words])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return called


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of results under a folder, but for the times in it and the order in which maps were finished."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != JOURNAL)
    return {str(path.relative_to(folder)): TIME.sub(b"", path.read_bytes()) for path in files}
