"""One known set of faults, written in every dialect in which people send such files."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from targets.surface.rasterize_faults import FaultLine


def _line(name: str, *points: tuple[float, float, float]) -> FaultLine:
    return FaultLine(name, np.array(points))


# Two polygons and two traces; two lines share a name, and all of them lie apart.
FAULTS = (
    _line("North", (460400.5, 5933500.25, 1950), (460430.5, 5933500.25, 1951), (460280.5, 5933200.25, 1952.5),
          (460250.5, 5933200.25, 1953), (460400.5, 5933500.25, 1950)),
    _line("F2", (460600.5, 5933500.5, 1960), (460750, 5933200.5, 1961), (460720, 5933200, 1962),
          (460570, 5933500, 1963), (460600.5, 5933500.5, 1960)),
    _line("F2", (461900.5, 5931500.5, 2000), (461990.5, 5931560.5, 2001), (462080.5, 5931610.5, 2002),
          (462190.5, 5931640.5, 2003)),
    _line("Сброс Б", (459000.5, 5936500.5, 2100.5), (459090.5, 5936440.5, 2101), (459190, 5936390, 2102)),
)  # fmt: skip
ASCII_NAMES = {"Сброс Б": "South 1"}

Rows = Iterator[tuple[int, FaultLine, int, tuple[float, ...]]]


class Sample(NamedTuple):
    """A file of the known faults.

    Attributes
    ----------
    title : str
        What is special about it.
    data : bytes
        Its content.
    names : tuple[str, ...] | None
        The names that it holds, one a line; None: it holds none.
    has_z : bool
        Whether it holds z.
    """

    title: str
    data: bytes
    names: tuple[str, ...] | None
    has_z: bool = True


def rows(faults: Iterable[FaultLine] = FAULTS) -> Rows:
    """(number of the line, line, number of the point, x y z) of every point."""
    for i, line in enumerate(faults):
        for j, point in enumerate(line.points.tolist()):
            yield i, line, j, tuple(point)


def fault_names() -> tuple[str, ...]:
    return tuple(line.name for line in FAULTS)


def numbers(count: int = len(FAULTS), first: int = 0) -> tuple[str, ...]:
    return tuple(str(first + i) for i in range(count))


def _number(value: float, decimal: str = ".") -> str:
    return f"{value:.3f}".replace(".", decimal)


# {title: (heading, cells of a row)}
Cells = Callable[[int, FaultLine, int, list[str]], list[str]]
HEADED: dict[str, tuple[list[str], Cells]] = {
    "x y z name": (["X", "Y", "Z", "Name"], lambda i, line, j, xyz: [*xyz, line.name]),
    "id first": (["fault", "Easting", "Northing", "Depth (m)"], lambda i, line, j, xyz: [line.name, *xyz]),
    "xtgeo": (["X_UTME", "Y_UTMN", "Z_TVDSS", "POLY_ID", "NAME"], lambda i, line, j, xyz: [*xyz, str(i), line.name]),
    "units": (["X (m)", "Y (m)", "Z (m)", "Fault name", "Segment"],
              lambda i, line, j, xyz: [*xyz, line.name, str(i)]),
    "attributes": (["fid", "name", "x", "y", "z", "throw", "colour", "vertex_index"],
                   lambda i, line, j, xyz: [str(10 * i + j), line.name, *xyz, str(7 * j % 5), "red", str(j)]),
    "russian": (["Разлом", "Восток", "Север", "Глубина"], lambda i, line, j, xyz: [line.name, *xyz]),
}  # fmt: skip
HEADLESS: dict[str, Cells] = {
    "x y z id": lambda i, line, j, xyz: [*xyz, str(i)],
    "x y z id number": lambda i, line, j, xyz: [*xyz, str(i), str(j)],
    "x y z number id": lambda i, line, j, xyz: [*xyz, str(j), str(i)],
    "id x y z": lambda i, line, j, xyz: [str(i + 1), *xyz],
    "name x y z": lambda i, line, j, xyz: [f"F{i}", *xyz],
    "x y z name part": lambda i, line, j, xyz: [*xyz, "F", str(i)],
    "x y id": lambda i, line, j, xyz: [*xyz[:2], str(i)],
}
NEWLINES = ("\n", "\r\n", "\r")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1251", "cp866", "koi8-r")
SEPARATORS = ((",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", "."), (" ", "."), (" ", ","))


def headed_samples() -> Iterator[Sample]:
    """Tables with headings: every kind of columns in every dialect."""
    ways = [(separator, "\n", "utf-8") for separator in SEPARATORS]
    ways += [((";", ","), newline, encoding) for newline, encoding in product(NEWLINES, ENCODINGS)]
    for (title, (heading, cells)), ((separator, decimal), newline, encoding) in product(HEADED.items(), ways):
        if separator == " " and any(" " in word for word in heading):
            continue
        table = [heading] + [
            cells(i, line, j, [_number(value, decimal) for value in point]) for i, line, j, point in rows()
        ]
        if separator == " ":
            table = [[f'"{cell}"' if " " in cell else cell for cell in row] for row in table]
        text = newline.join(separator.join(row) for row in table) + newline
        title = f"{title}, {separator!r} {decimal!r} {newline!r} {encoding}"
        yield Sample(title, text.encode(encoding), fault_names())


def headless_samples() -> Iterator[Sample]:
    for (title, cells), (separator, decimal) in product(HEADLESS.items(), SEPARATORS):
        lines = [separator.join(cells(i, line, j, [_number(value, decimal) for value in point]))
                 for i, line, j, point in rows()]  # fmt: skip
        names = {
            "id x y z": numbers(first=1),
            "name x y z": tuple(f"F{i}" for i in range(4)),
            "x y z name part": ("F",) * 4,
        }
        text = "\n".join(lines)
        yield Sample(
            f"{title}, {separator!r} {decimal!r}", text.encode(), names.get(title, numbers()), title != "x y id"
        )


def separated_samples() -> Iterator[Sample]:
    """Blocks of x y z: what stands between them, in front of the first and behind the last."""
    marks = {
        "999": "999.000000 999.000000 999.000000", "whole 999": "999 999 999", "9999": "9999.0 9999.0 9999.0",
        "1e30": "1e30 1e30 1e30", "1E+30": "0.1E+31 0.1E+31 0.1E+31", "blank": "", "blanks": "\n \n", "gmt": ">",
        "dashes": "-----", "nan": "NaN NaN NaN", "comment": "# next", "null": "-999.25 -999.25 -999.25", "end": "END",
    }  # fmt: skip
    for (title, mark), ends in product(marks.items(), (False, True)):
        blocks = [
            "\n".join(" ".join(_number(value) for value in point) for point in line.points.tolist()) for line in FAULTS
        ]
        text = f"\n{mark}\n".join(blocks) + "\n" + (f"{mark}\n" if ends else "")
        yield Sample(f"{title}{' at the end' * ends}", text.encode(), None)
        for separator, decimal in ((";", ","), ("\t", "."), (",", ".")):
            if mark.lstrip("-")[:1].isdigit():
                plain = text.replace(" ", separator).replace(".", decimal)
                yield Sample(f"{title}, {separator!r} {decimal!r}", plain.encode(), None)
    flat = [
        "\n".join(" ".join(_number(value) for value in point[:2]) for point in line.points.tolist()) for line in FAULTS
    ]
    yield Sample("x y, blank lines", "\n\n".join(flat).encode(), None, has_z=False)
    yield Sample("x y, 999", "\n999.0 999.0\n".join(flat).encode(), None, has_z=False)


def program_samples() -> Iterator[Sample]:
    """Formats of programs, as they write them."""
    blocks = ["\n".join(" ".join(_number(v) for v in point) for point in line.points.tolist()) for line in FAULTS]
    head = "FFASCI 0 1 COMPUTED 0 1E+30\nFFATTR 3 1\n"
    yield Sample("CPS-3", (head + "".join(f"->\n{block}\n" for block in blocks)).encode(), None)
    named = [f"->{line.name}\n{block}\n" for line, block in zip(FAULTS, blocks, strict=True)]
    yield Sample("CPS-3 with names", (f"! by somebody\n{head}" + "".join(named)).encode(), fault_names())
    fields = ["X (EASTING), 1, 1, 1, 1, 20,,1.0E+30,,,4,0", "Y (NORTHING), 2, 2, 1, 21, 40,,1.0E+30,,,4,0"]
    z, segment = "Z VALUE, {0}, 3, 1, {1}, {2},,1.0E+30,,,4,0", "SEG I.D., {0}, 35, 1, {1}, {2},,1.0E+30,,,0,0"
    for kind in ("FAULT , FAULT", "FREE POINT , DATA", "POLY , POLYGON"):
        faults = FAULTS if "POLYGON" not in kind else FAULTS[:2]
        three = [*fields, segment.format(3, 41, 60)]
        body = [f"{x:20.4f}{y:20.4f}{i:20d}" for i, _, _, (x, y, _) in rows(faults)]
        text = "\n".join([f"@{kind}, 80, 1", *three, "@", *body])
        yield Sample(f"Z-MAP {kind}, 3 columns", text.encode(), numbers(len(faults)), has_z=False)
        four = [*fields, z.format(3, 41, 60), segment.format(4, 61, 70)]
        body = [f"{x:20.4f}{y:20.4f}{d:20.4f}{i:10d}" for i, _, _, (x, y, d) in rows(faults)]
        yield Sample(f"Z-MAP {kind}, 4 columns", "\r\n".join(["! RMS", f"@{kind}, 80, 1", *four, "@", *body]).encode(),
                     numbers(len(faults)))  # fmt: skip
        wrapped = [*fields, z.format(3, 41, 60), segment.format(4, 1, 10).replace("35, 1", "35, 2")]
        body = [f"{x:20.4f}{y:20.4f}{d:20.4f}\n{i:10d}" for i, _, _, (x, y, d) in rows(faults)]
        yield Sample(f"Z-MAP {kind}, wrapped", "\n".join([f"@{kind}, 80, 2", *wrapped, "@", *body]).encode(),
                     numbers(len(faults)))  # fmt: skip
        unclosed = [row for row in rows(faults) if row[2] < 4 or "POLYGON" not in kind]
        body = [f"{x:20.4f}{y:20.4f}{d:20.4f}{i:10d}" for i, _, _, (x, y, d) in unclosed]
        text = "\n".join([f"@{kind}, 80, 1", *four, "@", *body])
        yield Sample(f"Z-MAP {kind}, polygons without their end", text.encode(), numbers(len(faults)))  # fmt: skip
    picks = ["dTect V6.6\nPick Set Group\nFri Jan 5 2024\n"]
    for line, block in zip(FAULTS, blocks, strict=True):
        closed = line.is_polygon
        rest = block.rsplit("\n", 1)[0] if closed else block
        picks.append(
            f"Ref: {line.name}\nColor: 255`255`0`0\nSize: 3\nConnect: {'Close' if closed else 'Open'}\n!\n{rest}\n"
        )
    yield Sample("OpendTect", "!\n".join(picks).encode(), fault_names())
    columns = ["X", "Y", "Z", "STRING,Name", "FLOAT,Throw"]
    petrel = [
        "# Petrel Points with attributes",
        "# Unit in depth: m",
        "VERSION 1",
        "BEGIN HEADER",
        *columns,
        "END HEADER",
    ]
    petrel += [f'{x} {y} {d} "{line.name}" {j}.5' for _, line, j, (x, y, d) in rows()]
    yield Sample("Petrel points with attributes", "\n".join(petrel).encode(), fault_names())
    ev = [
        "# Type: scattered data",
        "# Version: 6",
        "# Field: 1 x",
        "# Field: 2 y",
        "# Field: 3 z meters",
        "# Field: 4 seg_id",
    ]
    ev += [f"{x} {y} {d} {i}" for i, _, _, (x, y, d) in rows()]
    yield Sample("EarthVision", "\n".join(ev).encode(), numbers())
    quoted = [f'"{line.name}"\t{x}\t{y}\t{d}' for _, line, _, (x, y, d) in rows()]
    yield Sample("names in quotes first", "\n".join(quoted).encode(), fault_names())
    gmt = [
        f"> -Z{i} {ASCII_NAMES.get(line.name, line.name)}\n{block}"
        for i, (line, block) in enumerate(zip(FAULTS, blocks, strict=True))
    ]
    yield Sample(
        "GMT with names", "\n".join(gmt).encode(), tuple(ASCII_NAMES.get(name, name) for name in fault_names())
    )
    blanking = [
        f'{len(line.points)},1,"{line.name}"\n' + "\n".join(f"{x:.3f},{y:.3f}" for x, y, _ in line.points.tolist())
        for line in FAULTS
    ]
    yield Sample("Surfer blanking file", "\n".join(blanking).encode(), fault_names(), has_z=False)
    ungenerated = [
        f"{i}\n" + "\n".join(f"{x:.3f},{y:.3f}" for x, y, _ in line.points.tolist()) + "\nEND"
        for i, line in enumerate(FAULTS)
    ]
    yield Sample("ArcInfo generate", "\n".join([*ungenerated, "END"]).encode(), numbers(), has_z=False)
    titled = [f"Fault {i}\n{block}" for i, block in enumerate(blocks)]
    yield Sample("a title above each line", "\n".join(titled).encode(), tuple(f"Fault {i}" for i in range(len(FAULTS))))
    flat = ["\n".join(f"{x} {y}" for x, y, _ in line.points.tolist()) for line in FAULTS]
    titled = [f"Fault {i}\n{block}\nEND" for i, block in enumerate(flat)]
    yield Sample(
        "a title above each line of x y",
        "\n".join(titled).encode(),
        tuple(f"Fault {i}" for i in range(len(FAULTS))),
        has_z=False,
    )
    footer = "\n".join(f"{line.name};{x};{y};{d}" for _, line, _, (x, y, d) in rows())
    footer = f"Fault;X;Y;Z\n{footer}\nExported by A. N. Other on 5 January 2024\n"
    yield Sample("a line behind the points", footer.encode(), fault_names())
    thousands = "\n".join(f"{line.name};{x:,.1f};{y:,.1f};{d:,.1f}" for _, line, _, (x, y, d) in rows())
    yield Sample("thousands", f"Fault;X;Y;Z\n{thousands}\n".encode(), fault_names())


def all_samples() -> list[Sample]:
    return [*headed_samples(), *headless_samples(), *separated_samples(), *program_samples()]
