"""The Colab notebook runs from its first cell to its last, and goes on after a disconnect."""

import os
import signal
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def executed(tmp_path, monkeypatch):
    """A function that runs the notebook in a folder, as a new session does, and gives what its cells printed.

    It may stop behind the first cell that holds some words.
    """
    for name, value in {"SOURCE": ROOT, "WORK": tmp_path / "work", "TINY": 1}.items():
        monkeypatch.setenv(f"TRAPMTL_{name}", str(value))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where TensorBoard notes which servers run

    def execute(until=""):
        notebook = nbformat.read(ROOT / "notebooks" / "colab.ipynb", as_version=4)
        if until:
            last = next(number for number, cell in enumerate(notebook.cells) if until in cell.source)
            del notebook.cells[last + 1 :]
        nbclient.NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
        outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
        return "".join(out.text for out in outputs if out.output_type == "stream"), outputs

    yield execute
    for note in (tmp_path / ".tensorboard-info").glob("pid-*.info"):
        os.kill(int(note.stem.removeprefix("pid-")), signal.SIGTERM)


@pytest.mark.slow
def test_the_notebook_runs_and_a_second_session_repeats_no_training(executed, tmp_path):
    said, outputs = executed()
    work = tmp_path / "work"
    assert "trap Dice on the two maps:" in said and "run folder" in said and "traps.zip" in said
    pictures = [out for out in outputs if out.output_type == "display_data" and "image/png" in out.data]
    assert len(pictures) == 4  # two sheets of maps, two overlays
    assert any("tensorboard" in str(out.get("data", "")).lower() for out in outputs)
    assert (work / "traps.zip").stat().st_size > 1000 and (work / "check" / "check.html").exists()
    (work / "runs" / "mine" / "finished").unlink()  # as after a disconnect
    config = work / "runs" / "mine" / "config.yaml"
    config.write_text(config.read_text().replace("epochs: 1", "epochs: 2"))
    before = (work / "runs" / "overfit" / "last.ckpt").stat().st_mtime_ns
    executed(until='train("mine"')
    epochs = (work / "runs" / "mine" / "metrics.csv").read_text().splitlines()
    assert len(epochs) == 3  # a header, the epoch of the first session, that of the second
    assert (work / "runs" / "overfit" / "last.ckpt").stat().st_mtime_ns == before


def test_the_notebook_is_stored_without_outputs():
    notebook = nbformat.read(ROOT / "notebooks" / "colab.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
