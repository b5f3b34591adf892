"""Tools that write a folder over a long time refuse one that another program works in, before they do any work."""

import subprocess
import sys

import pytest

from mtl.commands import ablate, crossval, evaluate, train
from targets.common.cli import run
from targets.errors import UserError
from tests.targets.common.test_folder_lock import HOLD


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (train.main, ["--data", "."]),
        (crossval.main, ["--data", ".", "--split.folds", "2"]),
        (ablate.main, ["--config", "configs/ablations/smoke.yaml"]),
    ],
    ids=["train", "crossval", "ablate"],
)
def test_a_folder_in_use_is_refused(tmp_path, capsys, main, words):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "out"], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(SystemExit) as ended:
            run(main, [*words, "--out", str(tmp_path / "out")])
        holder.kill()
    assert ended.value.code == 2 and f"in use by process {holder.pid}" in capsys.readouterr().err


def test_the_table_of_a_run_is_not_replaced_by_that_of_its_evaluation(tmp_path):
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(UserError, match=r"a run folder, which has a metrics\.csv of its own"):
        evaluate.main(data=("maps",), out=str(tmp_path))
