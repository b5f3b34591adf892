"""Words of file names that say what a file of a map shows: its kind, in English and Russian.

A kind may be written in any case, as one word or several, with any separators: ``structuralBlackWhite``,
``structural_black-white``, ``BW`` and ``чёрно-белая`` all name the depth as a grey picture.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

# * stands for the endings of a Russian word.
WORDS = {
    "picture": "structural structure struct colour color coloured colored rgb image images img picture pictures pic "
    "структурн* цвет* изображени* картинк* рисун*",
    "map": "map maps карт*",
    "depth": "depth depths tvd tvdss глубин*",
    "grey": "blackwhite blackandwhite bw grey gray greyscale grayscale norm normalised normalized "
    "чб чернобел* полутон*",
    "fault": "fault faults разлом* сброс* нарушени*",
    "trap": "trap traps closure closures target targets ловуш* цел*",
    "line": "isoline isolines contour contours isohypse isohypses isobath isobaths изолини* изогипс* контур*",
    "no": "no without без",
    "with": "with с со",
    "mask": "mask masks label labels маск* метк*",
    "outline": "polygon polygons poly trace traces outline outlines line lines полигон* лини*",
}
# A kind is recognised by words of all of the first classes, and of no others than these and the second ones.
KIND_WORDS = (
    ("depth_mask", {"depth", "mask"}, set[str]()),
    ("map_mask", {"map", "mask"}, set[str]()),
    ("fault_mask", {"fault"}, {"map", "mask", "grey", "outline"}),
    ("traps", {"trap"}, {"map", "mask", "grey", "outline"}),
    ("depth_norm", {"depth"}, {"picture", "map", "grey", "line", "no"}),
    ("depth_norm", {"grey"}, {"picture", "map", "line", "no"}),
    ("rgb", {"picture"}, {"map", "line", "no", "with"}),
    ("rgb", {"map"}, {"line", "no", "with"}),
    ("mask", {"mask"}, set[str]()),
)
MAX_ENDING = 3  # letters
MAX_LENGTH = 60  # letters of a kind; longer texts are names
_CLASSES = {word: name for name, words in WORDS.items() for word in words.split()}
_PATTERNS = [
    (re.compile(word.replace("*", f"[а-я]{{0,{MAX_ENDING}}}")), name)
    for word, name in sorted(_CLASSES.items(), key=lambda item: -len(item[0]))
]


@dataclass(frozen=True)
class KindWord:
    """What a file shows, as far as a word of its name says it.

    Attributes
    ----------
    kind : str
        A field of `targets.io.map_folder.layout.Layout`; or ``mask``, of which only other files say what it marks.
    lines : bool | None, default None
        Whether contour lines are drawn on it; None: the word says nothing of them.
    """

    kind: str
    lines: bool | None = None

    @property
    def rank(self) -> int:
        """Of several files of one kind that with the lowest rank is read: without lines the colours are undisturbed."""
        return {False: 1, None: 2, True: 3}[self.lines]


@cache
def recognise_kind(text: str) -> KindWord | None:
    """Recognise what a file shows by a part of its name.

    Parameters
    ----------
    text : str
        One word or several, in any case, with any separators.

    Returns
    -------
    kind : KindWord | None
        None if some of its letters form no word of `WORDS`, or its words contradict each other.

    Examples
    --------
    >>> recognise_kind("structuralBlackWhite")
    KindWord(kind='depth_norm', lines=None)
    >>> recognise_kind("structuralNOisoline")
    KindWord(kind='rgb', lines=False)
    >>> recognise_kind("Карта разломов").kind, recognise_kind("north")
    ('fault_mask', None)
    """
    letters = re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", text).casefold()).replace("ё", "е")
    if not 0 < len(letters) <= MAX_LENGTH:
        return None
    for classes in _readings(letters):
        lines = "no" not in classes if "line" in classes else None
        if "line" not in classes and classes & {"no", "with"}:
            continue
        for kind, needed, allowed in KIND_WORDS:
            if needed <= classes <= needed | allowed:
                return KindWord(kind, lines)
    return None


def _readings(letters: str, start: int = 0) -> Iterator[frozenset[str]]:
    """The classes of words that the letters from `start` on are made of, longest words first."""
    if start == len(letters):
        yield frozenset()
        return
    for pattern, name in _PATTERNS:
        longest = pattern.match(letters, start)
        for end in range(longest.end() if longest else start, start, -1):
            if pattern.fullmatch(letters, start, end):
                for rest in _readings(letters, end):
                    yield rest | {name}
