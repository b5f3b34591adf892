"""Hostile checkpoints, settings and run folders: weights without memory, huge sizes, bombs, tables by a spreadsheet."""

import io
import json
import pickle
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import torch
import yaml

from mtl.models.checkpoint import CONFIG_KEY
from tests.soak.attack import Attack, Budget, Ended, Kind, refused, run_tool, try_attacks
from tests.soak.kinds.samples import TINY_RUN, write_maps

VALUES: tuple[Any, ...] = (
    -3, 0, 16384, 2**31, 2**70, 1e308, float("nan"), float("inf"), "", "x" * 10_000, "../../etc/passwd", None, True, [],
    [[]], {}, {"a": {}}, [1] * 5000, "${HOME}", "!!python/object:os.system", b"x", [20000, 16000, 32, 16, 16],
)  # fmt: skip
Content = dict[str, Any]


@cache
def trained_run() -> Path:
    """A run folder of one epoch, and the maps it was trained on beside it."""
    folder = Path(tempfile.mkdtemp(prefix="soak_run_"))
    write_maps(folder / "maps", 4)
    ended = run_tool(("train", "--data", "maps", "--out", "run", *TINY_RUN, "--loop.epochs", "1"), folder)
    assert ended.code == 0, ended.err
    return folder


def leaves(settings: Any, name: str = "") -> Iterator[str]:
    """The dotted names of settings, sections included."""
    for key, value in settings.items():
        yield f"{name}{key}"
        if isinstance(value, dict):
            yield from leaves(value, f"{name}{key}.")


def with_setting(name: str, value: Any, content: Content) -> Content:
    """A checkpoint with another setting."""
    settings = json.loads(json.dumps(content[CONFIG_KEY]))
    *sections, last = name.split(".")
    place = settings
    for section in sections:
        place = place[section]
    place[last] = value
    return content | {CONFIG_KEY: settings}


def with_weights(change: Callable[[str, torch.Tensor], Any], content: Content) -> Content:
    """A checkpoint with other weights."""
    return content | {"state_dict": {name: change(name, value) for name, value in content["state_dict"].items()}}


class Command:
    """An object that runs a program when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("touch executed",)


def weights(random: Random) -> Iterator[tuple[str, Callable[[Content], Content]]]:
    """Changes of weights and of the whole checkpoint."""
    some = random.randrange(50)
    yield "weights of one number each", partial(with_weights, lambda n, v: torch.zeros((1,) * v.ndim).expand(v.shape))
    for side in (2**20, 2**33):
        yield (
            f"weights with a side of {side}",
            partial(with_weights, lambda n, v, side=side: torch.zeros(1).expand(side) if v.ndim else v),
        )
    for name, change in {
        "NaN": lambda n, v: v * float("nan"), "infinite": lambda n, v: v + float("inf"), "complex": lambda n, v: v + 0j,
        "transposed": lambda n, v: v.T if v.ndim == 2 else v.transpose(0, -1), "bool": lambda n, v: v.bool(),
        "in 16 bits": lambda n, v: v.half(), "whole": lambda n, v: v.long(), "texts": lambda n, v: "x",
        "lists": lambda n, v: v.tolist(), "sparse": lambda n, v: v.to_sparse(), "without cells": lambda n, v: v[:0],
        "scalars": lambda n, v: torch.tensor(1.0), "on no device": lambda n, v: v.to("meta"),
        "negative": lambda n, v: -v,
        "none": lambda n, v: None, "views": lambda n, v: torch.zeros(2**22)[: v.numel()].reshape(v.shape),
    }.items():  # fmt: skip
        yield f"weights: {name}", partial(with_weights, change)
    yield "no weights", lambda content: content | {"state_dict": {}}
    yield "one weight less", lambda content: content | {"state_dict": dict(list(content["state_dict"].items())[some:])}
    yield "weights by number", lambda content: content | {"state_dict": dict(enumerate(content["state_dict"].values()))}
    yield (
        "100,000 weights more",
        lambda content: (
            content | {"state_dict": content["state_dict"] | {f"net.x{i}": torch.zeros(1) for i in range(100_000)}}
        ),
    )
    yield "settings that are a list", lambda content: content | {CONFIG_KEY: [1, 2]}
    yield "settings that are a text", lambda content: content | {CONFIG_KEY: "config: /etc/passwd"}
    yield (
        "settings in settings",
        lambda content: content | {CONFIG_KEY: content[CONFIG_KEY] | {"config": "/etc/passwd"}},
    )
    yield "settings nested 500 deep", lambda content: content | {CONFIG_KEY: nest(500)}
    yield "a million settings", lambda content: content | {CONFIG_KEY: {f"k{i}": i for i in range(10**6)}}
    yield "a program as settings", lambda content: content | {CONFIG_KEY: Command()}
    yield "a list in place of all", lambda content: [content]  # type: ignore[return-value, list-item]
    yield "a tensor in place of all", lambda content: torch.zeros(3)  # type: ignore[return-value]
    for key in ("optimizer_states", "lr_schedulers", "callbacks", "loops", "epoch", "global_step", "position", "maps",
                "random", "state_dict", CONFIG_KEY, "pytorch-lightning_version"):  # fmt: skip
        yield f"without {key}", lambda content, key=key: {k: v for k, v in content.items() if k != key}
        yield f"a text as {key}", lambda content, key=key: content | {key: "text"}
        yield f"a negative {key}", lambda content, key=key: content | {key: -(10**12)}


def nest(levels: int) -> Content:
    """Mappings in mappings."""
    found: Content = {}
    for _ in range(levels):
        found = {"a": found}
    return found


def make_checkpoint(change: Callable[[Content], Content], words: Sequence[str], folder: Path) -> Sequence[str]:
    """A trained run with a damaged best.ckpt and last.ckpt."""
    shutil.copytree(trained_run(), folder, dirs_exist_ok=True)
    for name in ("best.ckpt", "last.ckpt"):
        content = torch.load(folder / "run" / name, weights_only=True)
        torch.save(change(content), folder / "run" / name)
    return words


def make_bytes(name: str, content: bytes, words: Sequence[str], folder: Path) -> Sequence[str]:
    """A trained run with other bytes as one of its files."""
    shutil.copytree(trained_run(), folder, dirs_exist_ok=True)
    (folder / "run" / name).write_bytes(content)
    return words


PREDICT = ("predict", "maps", "--out", "out", "--checkpoint", "run/best.ckpt", "--tta", "none", "--backend", "torch")
RESUME = ("train", "--resume", "--data", "maps", "--out", "run", "--loop.epochs", "2")
USERS: tuple[Sequence[str], ...] = (
    PREDICT,
    RESUME,
    ("train", "--data", "maps", "--out", "new", "--init", "run/best.ckpt", "--loop.epochs", "1"),
    ("export", "--checkpoint", "run/best.ckpt", "--out", "out.safetensors"),
    ("export", "--checkpoint", "run/best.ckpt", "--out", "out.onnx"),
    (
        "evaluate",
        "--data",
        "maps",
        "--checkpoint",
        "run/best.ckpt",
        "--out",
        "out",
        "--tta",
        "none",
        "--backend",
        "torch",
    ),
)


def nothing_ran(folder: Path, ended: Ended) -> str:
    """No code of a file was run, and no other file's content was printed."""
    if (folder / "executed").exists():
        return "code of the file was run"
    return "the content of another file was printed" if "root:" in ended.out + ended.err else ""


def bombs() -> Iterator[tuple[str, str, bytes, Sequence[str]]]:
    """(what, file of the run folder, its bytes, command)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": {}}))
        with archive.open("archive/data/0", "w", force_zip64=True) as file:
            for _ in range(2**12):
                file.write(bytes(2**20))
    for name, words in (("best.ckpt", PREDICT), ("last.ckpt", RESUME)):
        yield "a packed bomb", name, out.getvalue(), words
        yield "a program", name, pickle.dumps(Command()), words
        yield "a text", name, b"not a checkpoint", words
        yield "nothing", name, b"", words
    weights = [*PREDICT]
    weights[weights.index("run/best.ckpt")] = "run/model.safetensors"
    tensor = {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    heads = {
        "a head of 2^60 bytes": struct.pack("<Q", 2**60), "a head of nothing": struct.pack("<Q", 2) + b"{}",
        "a tensor beyond the file": safetensors(tensor), "a nested head": safetensors(nest(400)),
        "a text head": struct.pack("<Q", 5) + b"hello", "negative offsets": safetensors(
            {"x": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}
        ),
    }  # fmt: skip
    for what, content in heads.items():
        yield what, "model.safetensors", content, weights
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )
    texts = {
        "a bomb": bomb, "a file of its own": "config: config.yaml\n", "another file": "config: /etc/passwd\n",
        "nested lists": "heads: " + "[" * 5000, "a date": "heads: 2001-99-99\n", "an object": "heads: !!python/none\n",
        "a key twice": "heads: trap\nheads: dist\n", "a text": "hello", "a number": "1", "bytes": "heads: !!binary x\n",
        "endless digits": "loop: {seed: " + "9" * 100_000 + "}\n",
        "a million keys": "a: 1\n" * 10**5, "NaN": ".nan: 1\n",
        "sexagesimals": "loop: {epochs: 1:99:99}\n", "a merge of itself": "a: &a\n  <<: *a\n", "null keys": "~: ~\n",
        "numbers as sections": "loop: 3\nnet: []\n", "tabs": "\tloop: 3\n", "two documents": "a: 1\n---\nb: 2\n",
    }  # fmt: skip
    for what, text in texts.items():
        for command in (
            RESUME,
            ("train", "--data", "maps", "--out", "new", "--config", "run/config.yaml", "--loop.epochs", "1"),
        ):
            yield f"{what} as settings", "config.yaml", text.encode(), command


def safetensors(head: Content) -> bytes:
    """A file of a head alone."""
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text


def checkpoints(budget: Budget) -> Iterator[Attack]:
    """Settings, weights and bombs, by every tool that reads them."""
    for what, name, bytes_, words in bombs():
        yield Attack(f"{words[0]}: {what} as {name}", partial(make_bytes, name, bytes_, words), nothing_ran)
    random = Random(budget.seed)
    content = torch.load(trained_run() / "run" / "best.ckpt", weights_only=True)
    changes = [*weights(random)]
    settings = [*leaves(content[CONFIG_KEY])]
    changes += [
        (f"{name}={str(value)[:30]}", partial(with_setting, name, value))
        for name, value in ((random.choice(settings), random.choice(VALUES)) for _ in range(budget.count))
    ]
    random.shuffle(changes)
    for number, (what, change) in enumerate(changes[: budget.count]):
        words = USERS[number % len(USERS)]
        yield Attack(f"{words[0]} {words[-1]}: {what}", partial(make_checkpoint, change, words), nothing_ran)


# -- tables that a spreadsheet saved -------------------------------------------------------------------------------


def tables(table: str) -> dict[str, bytes]:
    """{what: metrics.csv}."""
    head, *rows = table.splitlines()
    semicolons = table.replace(".", "§").replace(",", ";").replace("§", ",")
    return {
        "semicolons and commas": semicolons.encode(), "tabs": table.replace(",", "\t").encode(),
        "a mark": b"\xef\xbb\xbf" + table.encode(), "UTF-16": table.encode("utf-16"), "CRLF": table.replace("\n",
        "\r\n").encode(),
        "an empty row": table.encode() + b",,,,\n\n",
        "a remark in cp1251": table.encode() + "Итог,,\n".encode("cp1251"),
        "quoted": "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in (head, *rows)).encode(),
        "sep=": b"sep=;\n" + semicolons.encode(), "no rows": head.encode() + b"\n", "nothing": b"",
        "zeros": bytes(1000),
        "no head": "\n".join(rows).encode(), "epochs as decimals": table.replace("\n0,", "\n0.0,").encode(),
        "a text as epoch": table.replace("\n0,", "\nfirst,").encode(), "a negative epoch": table.replace("\n0,",
        "\n-1,").encode(),
        "a huge epoch": table.replace("\n0,", "\n1e300,").encode(), "NaN as epoch": table.replace("\n0,",
        "\nnan,").encode(),
        "an open quote": table.encode() + b'"0,1\n', "one column": b"epoch\n0\n",
        "columns twice": f"{head},{head}\n".encode(),
        "a long line": b"epoch," + b"x" * 200_000 + b"\n0,1\n", "old Mac": table.replace("\n", "\r").encode(),
        "a row that is longer": table.encode() + b"0" + b",1" * 200 + b"\n",
        "rows in another order": table.encode() + rows[0].encode(),
        "a null byte": table.replace("0.", "0\0.").encode(), "dates": table.replace(",0.", ",Jan ").encode(),
    }  # fmt: skip


def both_epochs(folder: Path, ended: Ended) -> str:
    """A resumed run that ended well has both epochs in its table."""
    if ended.code:
        return ""
    text = (folder / "run" / "metrics.csv").read_bytes().decode("utf-8", "replace")
    epochs = {line.split(",")[0] for line in text.splitlines()[1:]}
    return "" if "1" in epochs else f"no row of the second epoch: {text[-200:]!r}"


def resumed(budget: Budget) -> Iterator[Attack]:
    """Tables and parts of a run folder that are gone or other files."""
    table = (trained_run() / "run" / "metrics.csv").read_text()
    for what, content in tables(table).items():
        yield Attack(f"metrics.csv: {what}", partial(make_bytes, "metrics.csv", content, RESUME), both_epochs)
    for name in ("config.yaml", "best.ckpt", "last.ckpt", "metrics.csv"):
        yield Attack(f"{name} is gone", partial(make_gone, name), both_epochs)
        yield Attack(f"{name} is cut off", partial(make_cut, name), both_epochs)
    config = yaml.safe_load((trained_run() / "run" / "config.yaml").read_text())
    for what, change in {
        "heads": {"heads": ["dist"]},
        "version": {"version": 99},
        "maps": {"data": "elsewhere"},
    }.items():
        content = yaml.safe_dump(config | change).encode()
        yield Attack(f"config.yaml: other {what}", partial(make_bytes, "config.yaml", content, RESUME), refused)


def make_gone(name: str, folder: Path) -> Sequence[str]:
    """A run folder without one of its files."""
    shutil.copytree(trained_run(), folder, dirs_exist_ok=True)
    (folder / "run" / name).unlink()
    return RESUME


def make_cut(name: str, folder: Path) -> Sequence[str]:
    """A run folder with half of one of its files."""
    content = (trained_run() / "run" / name).read_bytes()
    return make_bytes(name, content[: len(content) // 2], RESUME, folder)


CHECKPOINTS = Kind(
    "checkpoints and settings",
    "an answer or one line, within 3 GiB; no code runs",
    partial(try_attacks, checkpoints),
    400,
)
RESUMED = Kind(
    "extremes of resume", "both epochs in the table, or one line before training", partial(try_attacks, resumed), 100
)
