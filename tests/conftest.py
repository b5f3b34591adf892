"""What the tests share: where the real surfaces lie, and small scenes whose answer is known."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from mtl.config import LoopConfig, NetConfig, PatchConfig, TrainConfig
from targets.io.map_folder.writer import write_map_folder
from targets.rendering.map import render
from targets.scene import GeoReference, Scene
from targets.synthetic.structure_maps import make_structure_map
from tests.browser import browser  # noqa: F401 (a fixture)
from tests.posix import pytest_collection_modifyitems  # noqa: F401 (a hook of pytest)
from tests.skips import SkipReason, pytest_sessionfinish, pytest_terminal_summary  # noqa: F401 (hooks of pytest)

# A shell lets what it starts in the background ignore Ctrl-C, and so would whatever the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

torch.set_num_threads(1)  # tests run side by side, one process a core; threads that wait for each other cost most


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real surfaces beside the checkout; their licences keep them out of the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{SkipReason.NO_SHARED_DATA} ({folder}); this test runs where they are")
    return folder


def dome_scene(name: str = "dome", size: int = 64, group: str = "", crest: tuple[float, float] = (0.5, 0.5)) -> Scene:
    """A dome of 100 m on a flat floor at 2100 m, in the middle of a map without faults: one trap, its crest known."""
    rows, cols = np.indices((size, size), np.float32)
    away = np.hypot(rows - round(crest[0] * size), cols - round(crest[1] * size)) / (size * 0.35)
    depth = (2100 - 100 * np.clip(1 - away**2, 0, None)).astype(np.float32)
    inside = np.ones((size, size), bool)
    scene = Scene(
        name, depth, inside, inside, ~inside, geo=GeoReference(0.0, 0.0, 50.0, -50.0, depth_unit="m"), group=group
    )
    return scene.replace(rgb=render(scene))


@pytest.fixture
def dome() -> Scene:
    """One dome, 64 × 64 cells."""
    return dome_scene()


@pytest.fixture(scope="session")
def dome_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of six small dome maps on disk."""
    folder = tmp_path_factory.mktemp("maps")
    for i in range(6):
        scene = dome_scene(f"dome{i}", crest=(0.35 + 0.06 * i, 0.6 - 0.04 * i))
        write_map_folder(scene, folder / scene.name)
    return folder


@pytest.fixture(scope="session")
def two_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic faulted maps on disk."""
    folder = tmp_path_factory.mktemp("two_maps")
    for seed in (3, 5):
        scene = make_structure_map(seed, 96)
        write_map_folder(scene, folder / scene.name)
    return folder


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes (`--jobs`) are forked from this one, which takes no second import of torch, seconds each.

    The tests of `predict`, `make_maps` and `map_unordered` spawn theirs, as users do.
    """
    if sys.platform == "linux":
        monkeypatch.setattr("targets.common.parallel.get_context", lambda method: get_context("fork"))


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may become larger than so many bytes: to whoever writes one, the disk is full."""
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


SMALL_ENCODER = "timm-mobilenetv3_small_minimal_100"
TINY = [
    *("--net.arch", "unet", "--net.encoder", SMALL_ENCODER, "--net.encoder_weights", "none"),
    *("--net.decoder_channels", "[16,16,8,8,8]", "--patches.size", "64", "--patches.stride", "64"),
    *("--predict.stride", "32", "--loop.epochs", "1", "--loop.batch_size", "2", "--loop.logger", "csv"),
]  # a run of one epoch, as it is typed


def tiny_config(**fields: object) -> TrainConfig:
    """A run of a second: one small patch a map, a small network of random weights, no pictures for TensorBoard."""
    config = TrainConfig(
        net=NetConfig("unet", SMALL_ENCODER, "none", decoder_channels=[16, 16, 8, 8, 8]),
        patches=PatchConfig(size=64, stride=64),
        loop=LoopConfig(epochs=2, batch_size=2, logger="csv"),
    )
    return replace(config, **fields)  # type: ignore[arg-type]
