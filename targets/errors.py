"""User errors: one line that names the place, what was found, what was expected and a hint."""

from collections.abc import Mapping

MAX_LENGTH = 3000  # characters of a line; what a file holds may be longer
KEPT_END = 800  # of them at its end, where the hint stands


class UserError(Exception):
    """A mistake the user can correct; the command-line tools print it as one line and exit with code 2.

    Parameters
    ----------
    where : object
        The file, folder or option at fault.
    found : str
        What was found there.
    expected : str, default ''
        What was expected instead.
    hint : str, default ''
        What the user can do about it.

    Examples
    --------
    >>> print(UserError("map.yaml", "dx is 0", "a spacing above 0", "see docs/reference/map_folders.md"))
    map.yaml: dx is 0; expected a spacing above 0; see docs/reference/map_folders.md
    """

    def __init__(self, where: object, found: str, expected: str = "", hint: str = "") -> None:
        super().__init__(str(where), found, expected, hint)  # as args, so that the error pickles
        self.where = str(where)
        self.found = found
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.found}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.hint:
            text += f"; {self.hint}"
        text = " ".join(text.split())
        if len(text) > MAX_LENGTH:
            text = f"{text[: MAX_LENGTH - KEPT_END]} … {text[-KEPT_END:]}"
        # What a file holds could else steer the terminal.
        return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def raise_all(errors: Mapping[int, UserError]) -> None:
    """Raise the errors of single maps after all other maps are done: several as one line, none: nothing.

    Parameters
    ----------
    errors : Mapping[int, UserError]
        {place of the map in its list: its error}.

    Raises
    ------
    UserError
        Any error was given; the same error of several maps is reported once.
    """
    distinct = {str(errors[place]): errors[place] for place in sorted(errors)}
    if len(distinct) == 1:
        raise next(iter(distinct.values()))
    if distinct:
        raise UserError(f"{len(errors)} maps failed", " | ".join(distinct))


def lack_of_memory(error: MemoryError, where: object = "memory") -> UserError:
    """The error for work that needs more memory than there is; `where` says what was worked on.

    Examples
    --------
    >>> print(lack_of_memory(MemoryError("Unable to allocate 8 GiB"), "top.tif"))
    top.tif: there is not enough memory (Unable to allocate 8 GiB); a smaller map, fewer --jobs, or a larger machine
    """
    reason = f" ({error})" if str(error) else ""
    return UserError(
        where, f"there is not enough memory{reason}", hint="a smaller map, fewer --jobs, or a larger machine"
    )
