"""One known surface as a table of points in any dialect: separators, headings, orders, encodings, nulls, columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from targets.io.grids.registry import load_surface
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.io.surface_file import Surface
from targets.scene import GeoReference

ROWS, COLS = 9, 12
STRAIGHT = GeoReference(461000.0, 5932000.0, 25.0, -12.5)
TURNED = GeoReference(461000.5, 5932000.25, 25.0, -50.0, 33.0)
WHOLE = GeoReference(1000.0, 5000.0, 50.0, -25.0)
DEGREES = GeoReference(2.125, 60.5, 0.0625, -0.03125)


def known_depth(whole: bool = False) -> NDArray[np.float64]:
    """(ROWS, COLS) a dome with some nodes undefined, different in all others."""
    r, c = np.mgrid[:ROWS, :COLS]
    depth = 2000 + 3 * (r - 4) ** 2 + 2.25 * (c - 5.0) ** 2 + 0.5 * r
    if whole:
        depth = np.round(depth)
    depth[0, 0] = depth[5, 6] = depth[8, 11] = np.nan
    return depth


@dataclass(frozen=True)
class Dialect:
    """How the table is written; the default is x, y and z with spaces."""

    geo: GeoReference = STRAIGHT
    separator: str = " "
    decimal: str = "."
    columns: tuple[str, ...] = ("x", "y", "z")  # and line, trace, id, text, attribute, empty
    names: tuple[str, ...] = ()  # headings, in the order of the columns
    before_names: str = ""
    preamble: str = ""
    footer: str = ""
    null: str | None = None  # None: undefined nodes are left out
    encoding: str = "utf-8"
    newline: str = "\n"
    order: str = "rows"  # of the points: rows, columns, back, snake, shuffled
    indent: str = ""
    trailing: str = ""  # behind each row
    blank_lines: bool = False
    whole: bool = False  # depths are whole numbers
    digits: int = 2
    floats: bool = False  # line numbers are written as 7.0


def write_table(path: Path, dialect: Dialect) -> None:
    """Write the surface."""
    depth = known_depth(dialect.whole)
    lines = [_row(dialect, depth, r, c, i) for i, (r, c) in enumerate(_ordered_nodes(dialect, depth))]
    head = dialect.preamble.splitlines()
    if dialect.names:
        head.append(
            dialect.before_names + (dialect.separator if dialect.separator.strip() else "\t").join(dialect.names)
        )
    foot = dialect.footer.splitlines()
    text = [
        line + ("\n" if dialect.blank_lines and i % 7 == 0 else "") for i, line in enumerate([*head, *lines, *foot])
    ]
    path.write_bytes(("\n".join(text) + "\n").replace("\n", dialect.newline).encode(dialect.encoding))


def _ordered_nodes(dialect: Dialect, depth: NDArray[np.float64]) -> Sequence[tuple[int, int]]:
    nodes = [(r, c) for r in range(ROWS) for c in range(COLS)]
    if dialect.order == "columns":
        nodes.sort(key=lambda node: node[::-1])
    elif dialect.order == "back":
        nodes.reverse()
    elif dialect.order == "snake":
        nodes.sort(key=lambda node: (node[0], node[1] if node[0] % 2 else -node[1]))
    elif dialect.order == "shuffled":
        nodes = [nodes[i] for i in np.random.default_rng(1).permutation(len(nodes))]
    return [node for node in nodes if dialect.null is not None or np.isfinite(depth[node])]


def _row(dialect: Dialect, depth: NDArray[np.float64], r: int, c: int, number: int) -> str:
    x, y = (float(value) for value in dialect.geo.xy(r, c))
    digits = dialect.digits
    z = (dialect.null or "") if np.isnan(depth[r, c]) else f"{depth[r, c]:.{0 if dialect.whole else 3}f}"
    line, trace = (f"{value:.1f}" if dialect.floats else str(value) for value in (1300 + 2 * r, 2040 + c))
    cells = {
        "x": f"{x:.{digits}f}", "y": f"{y:.{digits}f}", "z": z, "line": line, "trace": trace, "id": f"{number + 1}",
        "text": f"Top {'ABC'[c % 3]}", "attribute": f"{np.sin(r * c + 1.0):.4f}", "empty": "",
    }  # fmt: skip
    kept = {"text": cells["text"], "z": cells["z"]} if cells["z"] == dialect.null else {"text": cells["text"]}
    cells = {key: cell.replace(".", dialect.decimal) for key, cell in cells.items()} | kept
    words = [cells[column] for column in dialect.columns]
    if dialect.separator.isspace() and dialect.separator != "\t":
        words = [f'"{word}"' if " " in word else word for word in words]
    else:
        words = [f'"{word}"' if dialect.separator in word else word for word in words]
    return dialect.indent + dialect.separator.join(words) + dialect.trailing


def read_dialect(folder: Path, dialect: Dialect, reading: ReadOptions = DEFAULT_READING) -> Surface:
    """Write the surface and read it again."""
    write_table(folder / "table", dialect)
    return load_surface(folder / "table", reading)


def assert_is_known(surface: Surface, dialect: Dialect) -> None:
    """Every node has its depth at its place; the reader may have turned rows into columns."""
    depth = known_depth(dialect.whole)
    r, c = np.nonzero(np.isfinite(surface.values))
    x, y = surface.geo.xy(r, c)
    rows, cols = dialect.geo.rowcol(x, y)
    tolerance = 0.6 * 10.0**-dialect.digits / min(abs(dialect.geo.dx or 1), abs(dialect.geo.dy or 1)) + 1e-6
    np.testing.assert_allclose(rows, np.round(rows), rtol=0, atol=tolerance)
    np.testing.assert_allclose(cols, np.round(cols), rtol=0, atol=tolerance)
    back = np.full(depth.shape, np.nan)
    back[np.round(rows).astype(int), np.round(cols).astype(int)] = surface.values[r, c]
    np.testing.assert_array_equal(back, depth.astype(np.float32))
    assert (surface.geo.dx or 0) > 0 > (surface.geo.dy or 0)
