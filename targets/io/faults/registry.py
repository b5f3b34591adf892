"""Registry of formats of fault lines: a file of polygons, traces or sticks is read by its content."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from targets.common.files.format_records import collect_formats
from targets.errors import UserError
from targets.io.faults import formats
from targets.io.faults.fault_format import HEAD_SIZE, FaultFile, FaultFormat, check_file
from targets.io.faults.splitting import close_rings
from targets.scene import MAX_COORDINATE
from targets.surface.rasterize_faults import FaultLine

FORMATS = collect_formats(formats, FaultFormat)


def read_fault_lines(path: str | Path) -> list[FaultLine]:
    """Read a file of fault polygons, traces or sticks.

    Parameters
    ----------
    path : str | Path
        The file; its format is recognised by its content, the suffix does not matter.

    Returns
    -------
    lines : list[FaultLine]
        In the file's order, in map units; lines of one fault share its name.

    Raises
    ------
    UserError
        The file is missing, of no known format, or holds no line of two points or more.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "faults.csv"
    ...     _ = path.write_text("fault,x,y\\nF1,0,0\\nF1,100,50\\n")
    ...     [(line.name, line.points[:, :2].tolist()) for line in read_fault_lines(path)]
    [('F1', [[0.0, 0.0], [100.0, 50.0]])]
    """
    return read_fault_file(path).lines


def read_fault_file(path: str | Path) -> FaultFile:
    """Read a file of faults with what was assumed to read it.

    Parameters
    ----------
    path : str | Path
        As of `read_fault_lines`.

    Returns
    -------
    file : FaultFile
        Polygons repeat their first point.

    Raises
    ------
    UserError
        As `read_fault_lines`.
    """
    path = Path(path)
    check_file(path)
    try:
        with path.open("rb") as opened:
            head = opened.read(HEAD_SIZE)
    except OSError as error:
        raise UserError(
            path, f"cannot be read ({error.strerror})", "a file of fault lines", "check the path"
        ) from error
    fmt = next(fmt for fmt in FORMATS if fmt.recognise(head))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries, about what is not used
            found = fmt.read(path)
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(path, "does not fit into memory", "a smaller file of faults") from error
    except Exception as error:  # whatever a reading library raises on a damaged file
        raise UserError(path, f"damaged, cut off or no {fmt.name} ({type(error).__name__}: {error})",
                        "fault polygons, traces or sticks", "export or copy it again") from error  # fmt: skip
    if not all((np.abs(line.points[:, :2]) <= MAX_COORDINATE).all() for line in found.lines):
        raise UserError(path, "x or y is missing in some rows, or too large", f"numbers up to {MAX_COORDINATE:g}")
    lines = [line for line in found.lines if len(line.points) > 1]
    if not lines:
        raise UserError(path, "holds no line of two points or more", "fault polygons or traces")
    lines, closed = close_rings(lines)
    if all(np.isnan(line.points[:, 2]).all() for line in lines):
        lines = [FaultLine(line.name, line.points[:, :2]) for line in lines]
    notes = found.notes
    if closed == 1:
        notes = (*notes, "a line that ends within a step of its start is closed to a polygon")
    elif closed:
        notes = (*notes, f"{closed} lines that end within a step of their start are closed to polygons")
    return replace(found, lines=lines, notes=notes, format=fmt.name)
