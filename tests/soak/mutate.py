"""Damage to valid files: single changes, and random sequences of them."""

import gzip
import io
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

NUMBERS = (b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"-1", b"0", b"1", b"2147483648", b"4294967295",
           b"18446744073709551616", b"1000000", b"99999", b"9" * 400, b"0x10", b"1_0", b"+", b"", b"1e30", b"999",
           b"-996")  # fmt: skip
WORDS = (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[2J", b"\r", b"\n", b"\n\n", b" ", b",", b"\t", b"#", b"!", b"@",
         b"->", b'"', b"'",
         b": ", b"- ", b"{", b"[" * 3000, b"&a", b"*a", b"<<: *a", b"!!python/object/apply:os.system [id]",
         b"!!binary x",
         b"2001-99-99", b"1:99:99", b".nan", b".inf", b"~", b"true", b"=1+1", b"../../x", b"x" * 20000, b"%s%n{0}",
         b"$x^{$",
         b"999 999 999\n", b"\xc3\x28", "\u2028\u202e".encode())  # fmt: skip
INTEGERS = (-1, 0, 1, 2, 255, 65535, 40000, 2**31 - 1, -(2**31), -8, -4, 2**27)
FLOATS = (float("nan"), float("inf"), -1.0, 0.0, 1e30, -3e38, 1e-40)
BINARY = (
    *(struct.pack(f"{order}i", value) for order in "<>" for value in INTEGERS),
    *(struct.pack(f"{order}q", value) for order in "<>" for value in (*INTEGERS, 2**63 - 1, 2**40)),
    *(struct.pack(f"{order}{kind}", value) for order in "<>" for kind in "fd" for value in FLOATS),
    *(struct.pack(f"{order}H", value) for order in "<>" for value in (0, 1, 2, 7, 32768, 65535)),
)
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
WORD = re.compile(rb"[^\s,]+")
CODES = ("utf-16", "utf-32", "utf-8-sig", "utf-7")


@dataclass(frozen=True)
class Step:
    """One change; place, size and pick are taken modulo the number of choices."""

    kind: str
    place: int
    size: int
    pick: int


def changed(data: bytes, step: Step) -> bytes:
    """The data after one step; where there is nothing to change, as it was."""
    return CHANGES[step.kind](data, step)


def _flip(data: bytes, step: Step) -> bytes:
    i = step.place % max(len(data), 1)
    return data[:i] + bytes(byte ^ (1 << step.pick % 8) for byte in data[i : i + 1]) + data[i + 1 :]


def _byte(data: bytes, step: Step) -> bytes:
    i = step.place % max(len(data), 1)
    return data[:i] + bytes([step.pick % 256]) + data[i + 1 :]


def _cut(data: bytes, step: Step) -> bytes:
    return data[: step.place % (len(data) + 1)]


def _drop(data: bytes, step: Step) -> bytes:
    i = step.place % (len(data) + 1)
    return data[:i] + data[i + step.size :]


def _repeat(data: bytes, step: Step) -> bytes:
    i = step.place % (len(data) + 1)
    return data[:i] + data[i : i + step.size] * (1 + step.pick % 40) + data[i + step.size :]


def _insert(data: bytes, step: Step) -> bytes:
    i = step.place % (len(data) + 1)
    return data[:i] + WORDS[step.pick % len(WORDS)] + data[i:]


def _number(data: bytes, step: Step) -> bytes:
    return _replaced(data, NUMBER, step, NUMBERS[step.pick % len(NUMBERS)])


def _word(data: bytes, step: Step) -> bytes:
    return _replaced(data, WORD, step, WORDS[step.pick % len(WORDS)])


def _replaced(data: bytes, what: re.Pattern[bytes], step: Step, new: bytes) -> bytes:
    found = list(what.finditer(data))
    if not found:
        return data
    # Heads come first and decide most: half of all changes fall on the first twenty.
    here = found[step.place % (min(len(found), 20) if step.size % 2 else len(found))]
    return data[: here.start()] + new + data[here.end() :]


def _swap(data: bytes, step: Step) -> bytes:
    found = list(WORD.finditer(data))
    if len(found) < 2:
        return data
    pair = found[step.place % len(found)], found[step.pick % min(len(found), 40)]
    a, b = sorted(pair, key=lambda word: word.start())
    if a == b:
        return data
    return data[: a.start()] + b[0] + data[a.end() : b.start()] + a[0] + data[b.end() :]


def _binary(data: bytes, step: Step) -> bytes:
    new = BINARY[step.pick % len(BINARY)]
    i = step.place % max(min(len(data), 400) if step.size % 2 else len(data), 1)
    return data[:i] + new + data[i + len(new) :]


def _line(data: bytes, step: Step) -> bytes:
    """A line that is left out, comes twice, or comes elsewhere."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    line = lines.pop(step.place % len(lines))
    for _ in range(step.pick % 3):
        lines.insert(step.size % (len(lines) + 1), line)
    return b"".join(lines)


def _code(data: bytes, step: Step) -> bytes:
    return data.decode("latin-1").encode(CODES[step.pick % len(CODES)])


def _ends(data: bytes, step: Step) -> bytes:
    return data.replace(b"\n", (b"\r\n", b"\r", b" ", b"\n\n", b"\x85")[step.pick % 5])


def _gzip(data: bytes, step: Step) -> bytes:
    packed = gzip.compress(data * (1 + step.size % 3), mtime=0)
    return packed[: len(packed) - step.pick % 12]


CHANGES: dict[str, Callable[[bytes, Step], bytes]] = {
    "number": _number,
    "binary": _binary,
    "flip": _flip,
    "byte": _byte,
    "word": _word,
    "insert": _insert,
    "swap": _swap,
    "line": _line,
    "drop": _drop,
    "repeat": _repeat,
    "cut": _cut,
    "code": _code,
    "ends": _ends,
    "gzip": _gzip,
}
STEPS = st.builds(
    Step,
    st.sampled_from(list(CHANGES)),
    st.integers(0, 2**16 - 1),
    st.one_of(st.integers(0, 16), st.integers(0, 2**12)),
    st.integers(0, 2**10 - 1),
)
CHANGED = st.tuples(st.lists(STEPS, min_size=1, max_size=4), st.integers(0, 7))


def mutated(data: bytes, steps: Sequence[Step], inside: int) -> bytes:
    """The data after all steps.

    Parameters
    ----------
    data : bytes
        A valid file.
    steps : Sequence[Step]
        The changes, one after the other.
    inside : int
        Above 2 the steps change one part of a PNG, zip or gzip file (which one, the first step says), and checksums
        and lengths are corrected, so that the readers behind them are reached.
    """
    parts = _parts(data) if inside > 2 and steps else None
    if parts is None:
        for step in steps:
            data = changed(data, step)
        return data[:MOST]
    pieces, join = parts
    which = steps[0].size % len(pieces)
    for step in steps:
        pieces[which] = changed(pieces[which], step)
    return join(pieces)[:MOST]


MOST = 2**22  # bytes of a mutated file

Parts = tuple[list[bytes], Callable[[list[bytes]], bytes]]


def _parts(data: bytes) -> Parts | None:
    if data.startswith(b"\x89PNG"):
        return _png(data)
    if data.startswith(b"PK"):
        return _zip(data)
    if data.startswith(b"\x1f\x8b"):
        return [gzip.decompress(data)], lambda pieces: gzip.compress(pieces[0], mtime=0)
    return None


def _png(data: bytes) -> Parts:
    """The chunks' contents, that of pixels unpacked."""
    kinds, pieces, at = [], [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8])
        pieces.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    packed = [kind == b"IDAT" for kind in kinds]
    pieces = [zlib.decompress(piece) if own else piece for piece, own in zip(pieces, packed, strict=True)]

    def join(pieces: list[bytes]) -> bytes:
        out = data[:8]
        for kind, piece, own in zip(kinds, pieces, packed, strict=True):
            piece = zlib.compress(piece) if own else piece
            out += len(piece).to_bytes(4, "big") + kind + piece + zlib.crc32(kind + piece).to_bytes(4, "big")
        return out

    return pieces, join


def _zip(data: bytes) -> Parts:
    """The files of an archive, and last their names, one in a line."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        pieces = [archive.read(name) for name in names]

    def join(pieces: list[bytes]) -> bytes:
        out = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
            warnings.simplefilter("ignore")  # of one name twice
            names = pieces[-1].decode("latin-1").split("\n")
            for name, piece in zip(names, pieces[:-1], strict=False):
                archive.writestr(zipfile.ZipInfo(name or "x"), piece)
        return out.getvalue()

    return [*pieces, "\n".join(names).encode("latin-1")], join
