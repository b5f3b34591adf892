"""The Colab notebooks run from first cell to last, with pictures on the way, and go on after a disconnect."""

import os
import signal
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A function that runs a notebook in a folder, as a new session does, and gives what its cells printed and showed.

    It may stop behind the first cell that holds some words.
    """
    for name, value in {"WORK": tmp_path / "work", "TINY": 1}.items():
        monkeypatch.setenv(f"TRAPMTL_{name}", str(value))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where TensorBoard notes which servers run

    def execute(name, until=""):
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        if until:
            last = next(number for number, cell in enumerate(notebook.cells) if until in cell.source)
            del notebook.cells[last + 1 :]
        nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
        outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
        pictures = [out for out in outputs if "image/png" in out.get("data", {})]
        return "".join(out.text for out in outputs if out.output_type == "stream"), pictures

    yield execute
    for note in (tmp_path / ".tensorboard-info").glob("pid-*.info"):
        os.kill(int(note.stem.removeprefix("pid-")), signal.SIGTERM)


@pytest.mark.long
def test_a_picture_is_predicted(executed, tmp_path):
    said, pictures = executed("predict")
    assert "colour bar: depths" in said and "traps.gpkg" in said and "Error" not in said
    assert len(pictures) == 3  # the page, what was read of it, its traps
    assert (tmp_path / "traps.zip").stat().st_size > 1000


@pytest.mark.long
def test_a_network_is_trained_and_a_second_session_repeats_no_training(executed, tmp_path):
    said, pictures = executed("train")
    run = tmp_path / "work" / "runs" / "mine"
    assert "run folder" in said and "traps.zip" in said and "rules:" in said
    assert len(pictures) == 5  # maps, the map that fits worst, curves, two overlays
    assert (tmp_path / "work" / "traps.zip").stat().st_size > 1000
    (run / "finished").unlink()  # as after a disconnect
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("epochs: 1", "epochs: 2"))
    executed("train", until='trapmtl("train"')
    epochs = (run / "metrics.csv").read_text().splitlines()
    assert len(epochs) == 3  # a header, the epoch of the first session, that of the second


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_short_and_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) <= 10 and not any(cell.outputs or cell.execution_count for cell in code)
