"""Rank and world size of a training process, read from the environment that torchrun or Slurm's srun sets."""

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments import ClusterEnvironment
from lightning.pytorch.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy

from mtl.distributed.batch_norm import SynchronizedBatchNorm
from targets.errors import UserError

Item = TypeVar("Item")
GRACE_SECONDS = 30.0  # torchrun and srun need less to end the other processes when one has failed


@dataclass(frozen=True)
class Process:
    """One of several processes that train together.

    Attributes
    ----------
    rank : int
        From 0, the main process.
    world_size : int
        Number of processes.
    num_nodes : int
        Number of machines, each with the same number of processes.
    environment : ClusterEnvironment
        Lightning's view of the same facts.

    Examples
    --------
    >>> second_of_three = Process(1, 3, 1, LightningEnvironment())
    >>> second_of_three.shard(["a", "b", "c", "d"]), second_of_three.is_main
    (['c'], False)
    """

    rank: int
    world_size: int
    num_nodes: int
    environment: ClusterEnvironment

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, the only process that logs and writes files."""
        return self.rank == 0

    def shard(self, items: Sequence[Item]) -> list[Item]:
        """The items of this process: contiguous, in the order of ranks, equally many up to one; rank 0 has the most."""
        begin, end = (math.ceil(len(items) * rank / self.world_size) for rank in (self.rank, self.rank + 1))
        return list(items[begin:end])

    def trainer_arguments(self, accelerator: str) -> dict[str, Any]:
        """Arguments of Lightning's Trainer: devices, strategy and plugins.

        Parameters
        ----------
        accelerator : str
            As `loop.accelerator`: auto, cpu, gpu, ...

        Raises
        ------
        UserError
            Fewer GPUs than processes on this machine.
        """
        if self.world_size == 1:
            return {"accelerator": accelerator, "devices": 1, "plugins": [self.environment]}
        own, gpus = self.world_size // self.num_nodes, torch.cuda.device_count()
        if accelerator in ("gpu", "cuda") or (accelerator == "auto" and gpus):
            if gpus < own:
                found = f"{own} processes on a machine, each of which sees {gpus} GPUs"
                expected, hint = "a GPU for every process, all seen by each", "or --loop.accelerator cpu"
                raise UserError("loop.accelerator", found, expected, hint)
            backend = "cpu:gloo,cuda:nccl"  # metrics are summed where they are counted, on the CPU
        else:
            accelerator, backend = "cpu", "gloo"
        # timm's encoders end with layers that segmentation does not use
        strategy = DDPStrategy(process_group_backend=backend, find_unused_parameters=True)
        return {
            "accelerator": accelerator,
            "devices": own,
            "num_nodes": self.num_nodes,
            "strategy": strategy,
            "plugins": [self.environment, SynchronizedBatchNorm(on_gpu=accelerator != "cpu")],
        }


def current_process() -> Process:
    """The process that calls this.

    Raises
    ------
    UserError
        Slurm does not say how many processes each machine has.
    """
    variables = os.environ
    environment: ClusterEnvironment
    if TorchElasticEnvironment.detect():
        environment, nodes = (
            TorchElasticEnvironment(),
            int(variables["WORLD_SIZE"]) // int(variables["LOCAL_WORLD_SIZE"]),
        )
    elif int(variables.get("SLURM_STEP_NUM_TASKS", 1)) > 1:  # srun sets it: a batch script without srun is one process
        if "SLURM_NTASKS_PER_NODE" not in variables:
            hint = "give sbatch or srun --ntasks-per-node in place of --ntasks"
            raise UserError("srun", "no SLURM_NTASKS_PER_NODE", "equally many processes on every machine", hint)
        # requeueing is Lightning's: it would save in the middle of a step when asked to stop
        environment, nodes = SLURMEnvironment(auto_requeue=False), int(variables["SLURM_NNODES"])
    else:
        return Process(0, 1, 1, LightningEnvironment())
    return Process(environment.global_rank(), environment.world_size(), nodes, environment)


def require_single_process(what: str) -> None:
    """Refuse to do something in several processes at once.

    Raises
    ------
    UserError
        torchrun or srun has started several processes.
    """
    if (number := current_process().world_size) > 1:
        raise UserError(what, f"{number} processes", "one", "start it without torchrun or srun")


def _leave_to_torchrun(error: UserError) -> None:
    """Give torchrun the line of an error, with which its own report ends; that begins with a traceback of itself."""
    if file := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        with suppress(OSError):
            content = {"message": f"error: {error}", "timestamp": int(time.time())}
            Path(file).write_text(json.dumps(content), "utf-8")


@contextmanager
def report_error_once() -> Iterator[None]:
    """Let only the process that knows an error report it; the launcher ends the others while they wait.

    Raises
    ------
    UserError
        The error of this process, or another process has ended.
    """
    process = current_process()
    try:
        yield
    except UserError as error:
        if not process.is_main:  # the main process reports the same error, if it has it
            time.sleep(GRACE_SECONDS)
        _leave_to_torchrun(error)
        raise
    except RuntimeError as error:
        if process.world_size == 1 or not (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise
        time.sleep(GRACE_SECONDS)
        found, hint = "another process has ended", "its own message says why; continue with --resume"
        raise UserError(f"process {process.rank} of {process.world_size}", found, "", hint) from error
