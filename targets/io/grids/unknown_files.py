"""Description of a file that no reader knows, by its first bytes."""

import re
from pathlib import Path

from targets.io.text_tables.encoding import decode_text

SIZE = 2**16  # bytes that are looked at
PREVIEW = 40  # letters of a text's first line
TEXT_ROWS = 50
# The first bytes of files that are sent in place of a grid.
MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"BM", "a picture (BMP)"),
    (b"RIFF", "a picture (WebP) or a recording"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"CDF", "a netCDF file"),
    (b"SQLite format 3", "an SQLite database, such as a GeoPackage"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"PAR1", "a Parquet table"),
    (b"II*\x00", "a TIFF file"),
    (b"MM\x00*", "a TIFF file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
    (b"roff-bin", "a binary ROFF file of RMS"),
    (b"roff-asc", "a ROFF file of RMS"),
    (b"VBS", "a ZGY seismic volume"),
    (b"GOCAD", "a GOCAD object"),
    (b"%!PS", "a PostScript document"),
    (b"~V", "a LAS well log"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
ARCHIVED = ((b"xl/", "an Excel workbook"), (b"word/", "a Word document"), (b"ppt/", "a PowerPoint document"),
            (b"doc.kml", "a KMZ file"), (b".npy", "NumPy arrays (.npz)"), (b"", "a ZIP archive"))  # fmt: skip
SUFFIXES = {".flt": "the values of an Esri float grid, which is named by its .hdr",
            ".pet": "a Petrel project", ".ptd": "a part of a Petrel project", ".sgy": "a SEG-Y seismic volume",
            ".segy": "a SEG-Y seismic volume"}  # fmt: skip
PAGES = ("a PDF document", "a PostScript document", "a PowerPoint document", "a Word document")
PAGE_SUFFIXES = (".pdf", ".svg", ".svgz", ".emf", ".wmf", ".cgm", ".eps", ".ai", ".psd", ".heic", ".avif", ".djvu",
                 ".doc", ".ppt", ".odg", ".odp")  # fmt: skip
SEGY_STARTS = (b"\xc3\x40", b"\xc3\xf1", b"C 1", b"C1 ", b"C01")  # of 3,200 bytes of text, mostly in EBCDIC
NUMBER = re.compile(r'"?[+-]?(\d+([.,]\d*)?|[.,]\d+)([eEdD][+-]?\d+)?"?\Z')


def shows_pages(path: Path, look: str) -> bool:
    """Whether a file shows pages or pictures in a format that is not read; look : what it looks like.

    Examples
    --------
    >>> shows_pages(Path("map.svg"), "text"), shows_pages(Path("map.grd"), "a PDF document")
    (True, True)
    """
    return look in PAGES or path.suffix.lower() in PAGE_SUFFIXES


def describe_unknown_file(path: Path, head: bytes) -> str:
    """Say what a file looks like.

    Parameters
    ----------
    path : Path
        The file; its suffix decides where its bytes do not.
    head : bytes
        Its first `SIZE` bytes, or all of them.

    Returns
    -------
    description : str
        Such as "a PDF document" or "text with 4 columns, such as '1 2 3 4'".

    Examples
    --------
    >>> describe_unknown_file(Path("top.grd"), b"%PDF-1.7")
    'a PDF document'
    >>> describe_unknown_file(Path("top.txt"), b"a;b;c\\n1;2;3\\n4;5;6\\n")
    "text with 3 columns, such as 'a;b;c' and '1;2;3'"
    """
    if not head.strip(b"\x00 \r\n\t\v\f\x1a\x1c\x1d\x1e\x85"):
        return f"{'empty' if not head else 'nothing but zeros and blanks'}"
    if head.startswith(b"PK"):
        return next(text for mark, text in ARCHIVED if mark in head)
    for magic, text in MAGIC:
        if head.startswith(magic) and (len(magic) > 2 or b"\x00" in head[:64]):
            return text
    if path.suffix.lower() in SUFFIXES:
        return SUFFIXES[path.suffix.lower()]
    if len(head) >= 3600 and head.startswith(SEGY_STARTS):
        return "a SEG-Y seismic volume"
    content = decode_text(head)
    return f"binary data that begins with {head[:8].hex(' ')}" if content is None else _describe_text(content)


def table_rows(text: str) -> list[list[str]]:
    """The words of the first lines of a text that hold two numbers or more."""
    rows = [re.split(r"[;\t|,\s]+", line.strip()) for line in text.splitlines()[:TEXT_ROWS] if line.strip()]
    return [words for words in rows if sum(NUMBER.match(word) is not None for word in words) >= 2]


def _describe_text(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [text]
    start = lines[0].lower()
    if start.startswith(("<!doctype html", "<html")):
        return "a web page (HTML), perhaps a page that asks to log in"
    if start.startswith("<"):
        return f"XML that begins with {_preview(lines[0])}"
    if start[:1] in ("{", "["):
        return "JSON, such as GeoJSON" if '"type"' in text[:2000] else "JSON"
    if start.startswith("version https://git-lfs"):
        return "a pointer of Git LFS in place of the file itself"
    rows = table_rows(text)
    if not rows:
        return f"text that begins with {_preview(lines[0])}"
    columns = len(rows[len(rows) // 2])
    sample = [lines[0]] if NUMBER.match(re.split(r"[;\t|,\s]+", lines[0])[0]) else [lines[0], next(
        line for line in lines if len([w for w in re.split(r"[;\t|,\s]+", line) if NUMBER.match(w)]) >= 2)]  # fmt: skip
    return f"text with {columns} columns, such as {' and '.join(_preview(line) for line in dict.fromkeys(sample))}"


def _preview(line: str) -> str:
    return repr(line if len(line) <= PREVIEW else line[:PREVIEW] + "…")
