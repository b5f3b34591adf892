"""Configuration files that come with TrapMTL: found by name in a clone and in an installed package."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "configs", ROOT / "trapmtl" / "configs")  # of a clone, of an installed package


def find_config(name: str | Path) -> Path:
    """The file that a person means by a configuration's name.

    Parameters
    ----------
    name : path or str
        A file; or the name of one that comes with TrapMTL, with or without `configs/` and `.yaml`.

    Returns
    -------
    Path
        The file itself if there is one of this name, else the one that comes with TrapMTL, else the name as given.

    Examples
    --------
    >>> find_config("traps").name, find_config("configs/ablations/heads.yaml").name, find_config("mine.yaml").name
    ('traps.yaml', 'heads.yaml', 'mine.yaml')
    """
    given = Path(name)
    if given.is_file():
        return given
    inside = Path(*given.parts[1:]) if given.parts[:1] == ("configs",) else given
    for folder in FOLDERS:
        for file in (folder / inside, folder / f"{inside}.yaml"):
            if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
                return file
    return given
