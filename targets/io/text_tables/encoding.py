"""Encoding of a text file: UTF-8, UTF-16, or the eight-bit code page under which most of its headings make sense."""

import codecs
import re

from targets.io.text_tables.headings import parse_heading

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}  # in this order: the mark of UTF-32 begins with that of UTF-16
UTF16_BLOCKS = {0x00, 0x04, 0x20, 0x21}  # upper bytes of Latin and Cyrillic letters, of dashes, and of the sign for No
CODE_PAGES = ("cp1252", "cp1251", "cp866", "koi8-r")
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")  # in no text; 1A ends texts of DOS
WORD = re.compile(r"[^\W\d_]{2,}")


def detect_encoding(head: bytes) -> str | None:
    """Find the encoding of a text.

    Parameters
    ----------
    head : bytes
        The beginning of the file.

    Returns
    -------
    str | None
        A codec of Python; None if the file is no text.

    Examples
    --------
    >>> [detect_encoding(head) for head in ("Глубина".encode("cp1251"), "x y".encode("utf-16"), b"PK\\3\\4")]
    ['cp1251', 'utf-16', None]
    """
    for mark, codec in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return codec
    for codec, high, low in (("utf-16-le", head[1:400:2], head[:400:2]), ("utf-16-be", head[:400:2], head[1:400:2])):
        if high.count(0) > len(high) / 2 and set(high) <= UTF16_BLOCKS and all(low):
            return codec
    if CONTROL.search(head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        return max(CODE_PAGES, key=lambda codec: (_known_words(head[:8192], codec), _plain_words(head[:8192], codec)))


def _known_words(head: bytes, codec: str) -> int:
    """How many words beyond ASCII are headings under a code page."""
    words = {word for word in WORD.findall(head.decode(codec, "replace")) if not word.isascii()}
    return sum(parse_heading(word).role != "other" for word in words)


def _plain_words(head: bytes, codec: str) -> float:
    """Share of the words beyond ASCII that are written as words are: one script, small letters behind the first."""
    words = [word for word in WORD.findall(head.decode(codec, "replace")) if not word.isascii()]
    text = [letter for letter in head.decode(codec, "replace") if not letter.isascii()]
    good = 0
    for word in words:
        cyrillic = sum("\u0400" <= letter <= "\u04ff" for letter in word)
        is_one_script = cyrillic == len(word) or (cyrillic == 0 and any(map(str.isascii, word)))
        good += is_one_script and (word[1:].islower() or word.isupper())
    marks = sum(not letter.isalpha() and letter not in "«»–—“”’№° \xa0" for letter in text)
    return good / max(len(words), 1) - marks / max(len(text), 1)


def decode_text(head: bytes) -> str | None:
    """The text of the beginning of a file in whatever encoding it has; None if the file is no text."""
    codec = detect_encoding(head)
    return None if codec is None else decode_head(head, codec)


def decode_head(head: bytes, codec: str) -> str:
    """The text of the beginning of a file; a last character that was cut is left out."""
    return codecs.getincrementaldecoder(codec)("replace").decode(head)
