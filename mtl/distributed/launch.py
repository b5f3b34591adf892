"""Which process this is of those that train together: what `torchrun` and Slurm's `srun` say in the environment."""

import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments import ClusterEnvironment
from lightning.pytorch.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy

from targets.errors import UserError

Item = TypeVar("Item")
GRACE_SECONDS = 30.0  # seconds in which torchrun and srun end the other processes of one that failed


@dataclass(frozen=True)
class Process:
    """One of several processes that train together.

    Attributes
    ----------
    rank : int
        0 is the first, which alone writes files and talks.
    number : int
        Of processes, the same number on each of `nodes` machines.
    environment : ClusterEnvironment
        What tells Lightning the same.
    """

    rank: int
    world_size: int
    num_nodes: int
    environment: ClusterEnvironment

    @property
    def is_main(self) -> bool:
        """Whether it is the one that writes files and talks."""
        return self.rank == 0

    def shard(self, items: Sequence[Item]) -> list[Item]:
        """Its own of some items: shares differ by one at most, stand in the order of the ranks, and one item is the
        first one's."""
        begin, end = (math.ceil(len(items) * rank / self.world_size) for rank in (self.rank, self.rank + 1))
        return list(items[begin:end])

    def trainer_arguments(self, accelerator: str) -> dict[str, Any]:
        """What Lightning's Trainer is to run on.

        Raises
        ------
        UserError
            Fewer GPUs than processes on this machine.
        """
        if self.world_size == 1:
            return {"accelerator": accelerator, "devices": 1}
        own, gpus = self.world_size // self.num_nodes, torch.cuda.device_count()
        if accelerator in ("gpu", "cuda") or (accelerator == "auto" and gpus):
            if gpus < own:
                found, mend = (
                    f"{own} processes on a machine, each of which sees {gpus} GPUs",
                    "or --loop.accelerator cpu",
                )
                raise UserError("loop.accelerator", found, "a GPU for every process, all seen by each", mend)
            backend = "cpu:gloo,cuda:nccl"  # scores are summed where they are counted, on the CPU
        else:
            accelerator, backend = "cpu", "gloo"
        # timm's encoders end with layers that segmentation does not use
        strategy = DDPStrategy(process_group_backend=backend, find_unused_parameters=True)
        return {
            "accelerator": accelerator,
            "devices": own,
            "num_nodes": self.num_nodes,
            "strategy": strategy,
        }


def current_process() -> Process:
    """The process that asks.

    Raises
    ------
    UserError
        Slurm does not say how many processes each machine has.
    """
    told = os.environ
    environment: ClusterEnvironment
    if TorchElasticEnvironment.detect():
        environment, nodes = TorchElasticEnvironment(), int(told["WORLD_SIZE"]) // int(told["LOCAL_WORLD_SIZE"])
    elif int(told.get("SLURM_STEP_NUM_TASKS", 1)) > 1:  # srun sets it: a batch script without srun is one process
        if "SLURM_NTASKS_PER_NODE" not in told:
            mend = "give sbatch or srun --ntasks-per-node in place of --ntasks"
            raise UserError("srun", "the processes of each machine are not told", "as many on each", mend)
        # requeueing is Lightning's: it would save in the middle of a step when asked to stop
        environment, nodes = SLURMEnvironment(auto_requeue=False), int(told["SLURM_NNODES"])
    else:
        return Process(0, 1, 1, LightningEnvironment())
    return Process(environment.global_rank(), environment.world_size(), nodes, environment)


def require_single_process(what: str) -> None:
    """Refuse to do something in several processes at once."""
    if (number := current_process().world_size) > 1:
        raise UserError(what, f"{number} processes", "one", "start it without torchrun or srun")


@contextmanager
def report_error_once() -> Iterator[None]:
    """Let the process speak that knows what went wrong, and let what ended it end the others before they do."""
    process = current_process()
    try:
        yield
    except UserError:
        if not process.is_main:  # the first one says the same, if it knows it
            time.sleep(GRACE_SECONDS)
        raise
    except RuntimeError as error:
        if process.world_size == 1 or not (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise
        time.sleep(GRACE_SECONDS)
        found, mend = "another process has ended", "its own message says why; go on with --resume"
        raise UserError(f"process {process.rank} of {process.world_size}", found, "", mend) from error
