"""Rank and world size as torchrun and srun set them, and errors of several processes."""

import os

import pytest
import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from mtl.distributed import launch
from mtl.distributed.launch import Process, current_process, report_error_once, require_single_process
from targets.errors import UserError

TORCHRUN = {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}
BATCH = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_NNODES": "2", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
SRUN = BATCH | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_NODEID": "0"}
MACHINE = {"SLURM_NTASKS_PER_NODE": "2"}


@pytest.fixture
def set_environment(monkeypatch):
    """Sets the environment of a process, and nothing else of torchrun or Slurm."""

    def set_variables(variables):
        for name in os.environ:
            if name.startswith(("SLURM_", "TORCHELASTIC_")) or name in TORCHRUN:
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.mark.parametrize(
    ("variables", "rank", "world_size", "nodes"),
    [({}, 0, 1, 1), (TORCHRUN, 3, 4, 2), (BATCH | MACHINE, 0, 1, 1), (SRUN | MACHINE, 1, 4, 2)],
    ids=["alone", "torchrun", "sbatch without srun", "srun"],
)
def test_a_process_knows_its_rank(set_environment, variables, rank, world_size, nodes):
    set_environment(variables)
    process = current_process()
    assert (process.rank, process.world_size, process.num_nodes) == (rank, world_size, nodes)
    devices = process.trainer_arguments("cpu")
    assert devices["devices"] == world_size // nodes and devices.get("num_nodes", 1) == nodes
    process.environment.validate_settings(devices["devices"], nodes)  # Lightning agrees


def test_srun_must_say_how_many_processes_each_machine_has(set_environment):
    set_environment(SRUN)
    with pytest.raises(UserError, match="--ntasks-per-node"):
        current_process()


def test_every_process_needs_a_gpu_that_it_sees(set_environment, monkeypatch):
    set_environment(TORCHRUN)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for accelerator in ("gpu", "auto"):
        with pytest.raises(UserError, match="2 processes on a machine, each of which sees 1 GPUs"):
            current_process().trainer_arguments(accelerator)


def test_work_for_one_process_refuses_several(set_environment):
    set_environment({})
    require_single_process("--find_lr")
    set_environment(TORCHRUN)
    with pytest.raises(UserError, match="--find_lr: 4 processes"):
        require_single_process("--find_lr")


@pytest.mark.parametrize(
    ("variables", "error", "expected"),
    [
        (TORCHRUN, RuntimeError("[../gloo/transport/tcp/pair.cc:544] Connection closed by peer"), "process 3 of 4"),
        (TORCHRUN, RuntimeError("shapes differ"), "shapes differ"),
        ({}, RuntimeError("a gloomy one"), "a gloomy one"),
        (TORCHRUN, UserError("map", "is empty"), "map: is empty"),
    ],
)
def test_the_end_of_another_process_is_one_line_and_a_bug_stays_one(
    set_environment, monkeypatch, variables, error, expected
):
    monkeypatch.setattr(launch, "GRACE_SECONDS", 0)
    set_environment(variables)
    with pytest.raises(Exception, match=expected) as caught, report_error_once():
        raise error
    assert isinstance(caught.value, UserError) == (expected in ("process 3 of 4", "map: is empty"))


def test_torchrun_ends_its_own_report_with_the_line_of_the_error(set_environment, tmp_path):
    file = tmp_path / "error.json"
    set_environment({"TORCHELASTIC_ERROR_FILE": str(file)})
    with pytest.raises(UserError), report_error_once():
        raise UserError("кровля.tif", "damaged")
    failure = ProcessFailure(local_rank=0, pid=1, exitcode=2, error_file=str(file))
    assert ChildFailedError("train.py", {0: failure}).format_msg().count("error: кровля.tif: damaged") == 1


def test_shares_are_alike_and_in_order():
    own = [Process(rank, 3, 1, None).shard(range(7)) for rank in range(3)]
    assert own == [[0, 1, 2], [3, 4], [5, 6]]
