"""What a user's mistake looks like: one line that names the file, the finding, the expectation and the mend."""

from collections.abc import Mapping

MOST = 3000  # characters of a line; what a file holds may be longer
END = 800  # of them at its end, where the mend stands


class UserError(Exception):
    """A mistake the user can mend; the command-line tools print it as one line and exit with code 2.

    Parameters
    ----------
    where
        The file, folder or option at fault.
    found
        What was found there.
    expected
        What was expected instead (may be empty).
    mend
        What the user can do about it (may be empty).
    """

    def __init__(self, where: object, found: str, expected: str = "", mend: str = "") -> None:
        super().__init__(str(where), found, expected, mend)

    def __str__(self) -> str:
        where, found, expected, mend = self.args
        text = f"{where}: {found}"
        if expected:
            text += f"; expected {expected}"
        if mend:
            text += f"; {mend}"
        text = " ".join(text.split())
        if len(text) > MOST:
            text = f"{text[: MOST - END]} … {text[-END:]}"
        # What a file holds could else steer the terminal.
        return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def raise_together(mistakes: Mapping[int, UserError]) -> None:
    """Raise what went wrong with maps, the others of which are done, {place: mistake}: several as one line."""
    told = {str(mistakes[place]): mistakes[place] for place in sorted(mistakes)}  # one wrong option is told once
    if len(told) == 1:
        raise next(iter(told.values()))
    if told:
        raise UserError(f"{len(mistakes)} maps failed", " | ".join(told))
