"""Two processes with unequal shares equal one: any loss, its gradient, batch norm and products of gradients."""

import os
import socket
import sys

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing
from timm.layers import BatchNormAct2d
from torch import nn

from mtl.distributed.batch_norm import SynchronizedBatchNorm
from mtl.distributed.collectives import all_gather_objects, all_reduce, global_batch
from mtl.losses.masked import LOSSES, MaskedTraps, find_loss
from mtl.losses.weighting import gradient_gramian
from mtl.tasks.heads import HEADS

SHARES = (3, 1)  # patches of the processes
RECORDS = LOSSES | {"bce+lovasz": find_loss("bce+lovasz", "binary", "")}


def layers():
    torch.manual_seed(1)
    first, second = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 6, 3, bias=False)  # biases ahead of a norm do nothing
    return nn.Sequential(first, BatchNormAct2d(4), second, nn.BatchNorm2d(6))


def batch(loss):
    """Inputs, target and validity of four patches; the last patch, alone in its process, has few valid cells."""
    generator = torch.Generator().manual_seed(0)
    inputs, raw = torch.rand(4, 3, 10, 10, generator=generator), torch.rand(4, 3, 6, 6, generator=generator)
    classes = torch.nn.functional.one_hot(raw.argmax(1), 3).movedim(-1, 1).float()
    target = classes if "multiclass" in loss.tasks else raw if "regression" in loss.tasks else (raw > 0.7).float()
    valid = (torch.rand(4, 1, 6, 6, generator=generator) > 0.3).float()
    valid[3, :, 1:] = 0
    return inputs, target, valid


def step(loss, rows, synchronize=False):
    """Everything that a step computes from some patches: the loss, products of gradients, gradients, statistics."""
    net = SynchronizedBatchNorm(on_gpu=False).apply(layers()) if synchronize else layers()
    inputs, target, valid = (part[rows] for part in batch(loss))
    shared = net(inputs)
    logits = shared if loss.logits_per_channel == 2 else shared[:, :3]
    if loss.reads_traps:  # of one surface a patch
        drawn = (target[:, :1] > 0.7).float()
        traps = MaskedTraps(torch.cat([drawn, drawn.new_zeros(len(drawn), 3, 6, 6)], 1), valid)
        costs = [loss(logits[:, plane : plane + 1], target, valid, traps) for plane in range(2)]
    else:
        costs = [loss(logits, target, valid), loss(logits.flip(1), target, valid)]
    products = gradient_gramian(costs, shared)
    (costs[0] + 2 * costs[1]).backward()
    statistics = {name: value for name, value in net.named_buffers() if "running" in name}
    return {"costs": torch.stack(costs).detach(), "products": products, **statistics}, dict(net.named_parameters())


def run(rank, port, folder):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=len(SHARES))
    rows = slice(sum(SHARES[:rank]), sum(SHARES[: rank + 1]))
    found = {}
    for name, loss in RECORDS.items():
        with global_batch():
            values, weights = step(loss, rows, synchronize=True)
        for weight in weights.values():  # as DDP does
            dist.all_reduce(weight.grad)
        found[name] = values | {f"gradient of {n}": weight.grad / len(SHARES) for n, weight in weights.items()}
    found["outside"] = {"sum": all_reduce(torch.tensor([rank])), "loss": step(LOSSES["bce"], rows)[0]["costs"]}
    found["gathered"] = all_gather_objects([rank] * (rank + 1))
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    method = "fork" if sys.platform == "linux" else "spawn"  # to fork takes no second import of torch
    torch.multiprocessing.start_processes(run, (port, folder), len(SHARES), start_method=method)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(len(SHARES))]


@pytest.mark.parametrize("name", RECORDS)
def test_two_processes_equal_one_with_all_patches(found, name):
    values, weights = step(RECORDS[name], slice(None))
    expected = values | {f"gradient of {n}": weight.grad for n, weight in weights.items()}
    for own in found:
        assert own[name].keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(
                own[name][key], value, rtol=1e-4, atol=1e-6, msg=lambda said, key=key: key + said
            )


def test_outside_the_block_every_process_is_alone(found):
    for rank, own in enumerate(found):
        assert own["outside"]["sum"].tolist() == [rank]
        rows = slice(sum(SHARES[:rank]), sum(SHARES[: rank + 1]))
        torch.testing.assert_close(own["outside"]["loss"], step(LOSSES["bce"], rows)[0]["costs"])
        assert own["gathered"] == [0, 1, 1]


def test_every_head_is_trained_with_a_loss_that_is_tested_here():
    assert {part for head in HEADS.values() for part in head.loss.name.split("+")} <= set(RECORDS)
