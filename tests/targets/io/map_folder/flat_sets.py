"""Flat sets of pieces of one known map, as people name and draw them: the generator of the tests' dialects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from tests.targets.io.map_folder.samples import picture

PIECE = (36, 52)
WORDS = {"rgb": "structuralNOisoline", "depth": "structuralBlackWhite", "fault": "faults", "trap": "traps"}


@dataclass(frozen=True)
class Piece:
    """What one piece shows: a dome with a fault beside it, on a slope; a trap on the dome."""

    depth: np.ndarray  # (H, W), 0 = highest, 1 = deepest of the whole map
    fault: np.ndarray
    trap: np.ndarray
    rgb: np.ndarray


@dataclass(frozen=True)
class Dialect:
    """How a set of pieces is named and drawn."""

    name: Callable[[str, str, str], str]  # (number, side, word) -> path without suffix
    words: Mapping[str, str] = field(default_factory=lambda: WORDS)
    suffixes: Mapping[str, str] = field(default_factory=dict)
    black_marks: bool = True
    black_is_highest: bool = True
    encode_mask: Callable[[np.ndarray], Image.Image] = lambda white: Image.fromarray(white.astype(np.uint8) * 255)


def make_pieces(rows: int = 2, cols: int = 3) -> list[Piece]:
    """Pieces of one large map, row by row; each holds one trap and one fault."""
    height, width = PIECE
    r, c = np.mgrid[: rows * height, : cols * width].astype(float)
    depth = 0.004 * r + 0.006 * c + 0.3
    fault = np.zeros(r.shape, bool)
    trap = np.zeros(r.shape, bool)
    for i in range(rows):
        for j in range(cols):
            away = np.hypot(r - (i + 0.45) * height, c - (j + 0.4 + 0.03 * i) * width)
            depth -= 0.45 * np.exp(-((away / 8) ** 2))
            trap |= away < 7
            fault |= (abs(c - (j + 0.9) * width) < 1.5) & (abs(r - (i + 0.5) * height) < 12)
    depth = (depth - depth.min()) / np.ptp(depth)
    rgb = picture(depth, np.ones(depth.shape, bool), fault)
    corners = [(i * height, j * width) for i in range(rows) for j in range(cols)]
    boxes = [np.s_[top : top + height, left : left + width] for top, left in corners]
    return [Piece(depth[box], fault[box], trap[box], rgb[box]) for box in boxes]


def write_set(folder: Path, dialect: Dialect, pieces: list[Piece] | None = None) -> list[Piece]:
    """Write pieces as a set of a dialect; the pieces."""
    pieces = make_pieces() if pieces is None else pieces
    for number, piece in enumerate(pieces, start=1):
        grey = piece.depth if dialect.black_is_highest else 1 - piece.depth
        images = {
            "rgb": Image.fromarray(piece.rgb),
            "depth": Image.fromarray((grey * 255).round().astype(np.uint8)),
            "fault": dialect.encode_mask(piece.fault ^ dialect.black_marks),
            "trap": dialect.encode_mask(piece.trap ^ dialect.black_marks),
        }
        for kind, word in dialect.words.items():
            base = kind.split("+")[0]
            path = folder / (dialect.name(f"{number:02}", "y" if base == "trap" else "x", word)
                             + dialect.suffixes.get(base, ".png"))  # fmt: skip
            path.parent.mkdir(parents=True, exist_ok=True)
            image = images[base]
            if kind == "rgb+lines":
                pixels = np.asarray(image).copy()
                pixels[(piece.depth * 12 % 1) < 0.15] = 0
                image = Image.fromarray(pixels)
            image.save(path)
    return pieces


def classic(number: str, side: str, word: str) -> str:
    """01_x_faults_reek."""
    return f"{number}_{side}_{word}_reek"
