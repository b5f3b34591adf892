"""How tests call a tool: as its command line does, without a process of its own."""

import pytest

from targets.cli import run


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
