"""Output files: names that every system takes, and writing that never leaves a file half-written.

A file is written under a temporary name beside its place, flushed to the disk, and then renamed, which a file system
does in one step. The name is random: threads, processes, containers and machines that share a folder never meet in it.
"""

import hashlib
import locale
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from time import sleep

from targets.errors import UserError

IS_WINDOWS = os.name == "nt"
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)  # devices of Windows
MAX_NAME_BYTES = 200  # in UTF-8; systems take 255, and suffixes are added
MAX_PATH = 259  # characters, on a Windows whose long paths are not switched on
PAUSES = (0.05, 0.2, 1.0)  # seconds before a file that another program holds open is tried again
HALF_WRITTEN = re.compile(r"\..+\.[0-9a-f]+\.part(\.[\w-]+)?")  # the temporary names, and SQLite's journals of them


def portable_name(text: str, allowed: str = "_.-", ends: str = "_.-") -> str:
    """A file or folder name that Linux, macOS and Windows take, made of any text.

    Parameters
    ----------
    text : str
        Such as the name of a map's file; bytes in it that are no UTF-8 are read in the locale's encoding.
    allowed : str, default '_.-'
        What may stand in the name beside letters of any script, their marks and digits; all else becomes ``_``.
    ends : str, default '_.-'
        What is left out at both ends; Windows takes no dot at the end.

    Returns
    -------
    str
        In composed letters (NFC), no name of a device, and of at most `MAX_NAME_BYTES`; empty if nothing is left.

    Examples
    --------
    >>> portable_name("Верхний юрский: кровля."), portable_name("aux"), portable_name("con.v2")
    ('Верхний_юрский_кровля', 'aux_', 'con_.v2')
    """
    text = unicodedata.normalize("NFC", _in_letters(text))
    kept = "".join(c if c.isalnum() or c in allowed or unicodedata.category(c)[0] == "M" else " " for c in text)
    name = re.sub(" +", "_", kept).strip(ends)
    if RESERVED.fullmatch(name):
        stem, dot, rest = name.partition(".")
        name = f"{stem}_{dot}{rest}"
    if len(whole := name.encode("utf-8")) > MAX_NAME_BYTES:
        number = hashlib.sha256(whole).hexdigest()[:8]
        name = f"{whole[: MAX_NAME_BYTES - 9].decode('utf-8', 'ignore')}_{number}"
    return name


def _in_letters(text: str) -> str:
    """A name from the disk whose undecoded bytes are letters of the locale's encoding, or else written as numbers."""
    if not any("\udc80" <= c <= "\udcff" for c in text):
        return text
    for encoding in ("utf-8", locale.getencoding()):
        with suppress(UnicodeError, LookupError):
            found = text.encode("utf-8", "surrogateescape").decode(encoding)
            os.fsencode(found)  # or it could not be written
            return found
    return "".join(f"x{ord(c) & 0xFF:02X}" if "\udc80" <= c <= "\udcff" else c for c in text)


def safe_file_name(text: str) -> str:
    """A file or folder name in lower case, made of any text, as `portable_name` does.

    Parameters
    ----------
    text : str
        Such as the name of a row of an ablation.

    Returns
    -------
    str
        Letters, digits and ``_ . + -``.

    Examples
    --------
    >>> safe_file_name("Adam, 3e-4 / all heads")
    'adam_3e-4_all_heads'
    """
    return portable_name(text, allowed="_.+-", ends="_.").lower()


def remove_half_written(folder: Path) -> None:
    """Remove the temporary files of killed programs from a folder that no other program may be using."""
    for path in folder.glob(".*"):
        if HALF_WRITTEN.fullmatch(path.name):
            with suppress(OSError):  # Windows removes no file that a program holds open
                path.unlink(missing_ok=True)


def write_error(where: object, reason: object) -> UserError:
    """The error for a file or folder that the system, or a library, cannot write."""
    hint = ""
    if IS_WINDOWS and isinstance(reason, PermissionError):
        hint = "close it in the program that has it open, such as a spreadsheet or a GIS"
    elif IS_WINDOWS and len(os.path.abspath(str(where))) > MAX_PATH - 24:  # noqa: PTH100
        hint = f"Windows takes paths of {MAX_PATH} characters: a shorter --out, or switch long paths on"
    return UserError(where, f"cannot be written ({reason})", "a writable folder with free space", hint)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes the name `path` only if the block succeeds.

    Parameters
    ----------
    path : str | Path
        The file to write; missing folders are made.

    Yields
    ------
    Path
        The temporary path. It keeps the suffix, because writers choose the format by it.

    Raises
    ------
    UserError
        The folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(8)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        flush(temporary)
        rename(temporary, path)
        flush(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):  # no folder, or a disk that is gone
            temporary.unlink(missing_ok=True)


def rename(path: Path, target: Path) -> None:
    """Give a file or folder the name of another one, which it replaces.

    Windows refuses it while a program holds the other file open, if only for a moment, as virus scanners do: it is
    tried again.

    Raises
    ------
    OSError
        The system refuses it.
    """
    for pause in PAUSES:
        try:
            path.replace(target)
            return
        except PermissionError:
            if not IS_WINDOWS:
                raise
            sleep(pause)
    path.replace(target)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, lie on the disk.

    Raises
    ------
    OSError
        The disk is full or fails. Of a folder it is overlooked: Windows opens none, and some network disks flush none.
    """
    is_folder = path.is_dir()
    with suppress(OSError) if is_folder else nullcontext():
        handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
