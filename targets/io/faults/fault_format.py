"""Record of a format of fault lines, and what its reader gives."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from targets.errors import UserError
from targets.io.text_tables.encoding import detect_encoding
from targets.surface.rasterize_faults import FaultLine

HEAD_SIZE = 2**16  # bytes by which a format is recognised
MAX_BYTES = 2**28  # of a file: some five million points in text
UNICODE = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@dataclass(frozen=True, eq=False)
class FaultFile:
    """What a file of faults holds.

    Attributes
    ----------
    lines : list[FaultLine]
        In the file's order, in its coordinates.
    is_named : bool
        Whether the names stand in the file; False: they are numbers that the reader gave.
    notes : tuple[str, ...], default ()
        What the reader had to assume, one sentence each.
    crs : str | None, default None
        Coordinate system, where the file names one.
    format : str, default ''
        Name of the file's format; the registry fills it in.
    z_unit : str | None, default None
        Unit of z, a key of `targets.units.names.UNITS`, where the file names one.
    """

    lines: list[FaultLine]
    is_named: bool
    notes: tuple[str, ...] = ()
    crs: str | None = None
    format: str = ""
    z_unit: str | None = None


@dataclass(frozen=True)
class FaultFormat:
    """One format of fault polygons, traces or sticks: how its files are recognised and read.

    A new format is one such record in a file of its own in `targets.io.faults.formats`, where the registry finds it.

    Attributes
    ----------
    name : str
        The format's name, as messages spell it.
    recognise : Callable[[bytes], bool]
        Whether the first `HEAD_SIZE` bytes of a file are those of this format.
    read : Callable[[Path], FaultFile]
        Reads a file. It may raise anything on a damaged file.
    catch_all : bool, default False
        It recognises files that other formats recognise better: it is tried after them.
    """

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[[Path], FaultFile]
    catch_all: bool = False


def check_file(path: Path) -> None:
    """Refuse what is no plain file, and a file too large to be read at once.

    Raises
    ------
    UserError
        It is missing, a folder or a device, or larger than `MAX_BYTES`.
    """
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(path, f"cannot be read ({reason})", "a file of fault lines", "check the path") from error
    if not stat.S_ISREG(state.st_mode):
        raise UserError(path, "no plain file", "a file of fault lines")
    if state.st_size > MAX_BYTES:
        raise UserError(path, f"{state.st_size:,} bytes", f"at most {MAX_BYTES:,}", "leave out faults beyond the map")


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Read a text file in whatever encoding it has; no two different names become one.

    Parameters
    ----------
    path : Path
        A file that `check_file` lets pass.

    Returns
    -------
    text : str
        Its lines end with ``\\n``.
    notes : tuple[str, ...]
        Names the encoding if it had to be guessed.

    Raises
    ------
    UserError
        The file is no text, or damaged.
    """
    data = path.read_bytes()
    encoding = detect_encoding(data)
    if encoding is None:
        raise UserError(path, f"no text (it begins with {data[:8]!r})", "columns of text, or a vector file")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(path, f"neither UTF-8 nor {encoding} (byte {error.start + 1:,} is {data[error.start]:#04x})",
                        "text", "save it as UTF-8") from error  # fmt: skip
    notes = () if encoding in UNICODE else (f"no UTF-8: its names are read as {encoding}; save it as UTF-8 if they "
                                            "look wrong",)  # fmt: skip
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""), notes


def head_text(head: bytes) -> str:
    """The first line of a text that is neither blank nor a comment; "" if the bytes are no text.

    Parameters
    ----------
    head : bytes
        The beginning of a file; comments start with ``!`` or ``#``.
    """
    encoding = detect_encoding(head)
    if encoding is None:
        return ""
    lines = (line.strip("\ufeff \t\r") for line in head.decode(encoding, "ignore").split("\n"))
    return next((line for line in lines if line and line[0] not in "!#"), "")
