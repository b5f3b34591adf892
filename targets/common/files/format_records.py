"""Records of file formats, collected from the modules of a package: a new format is a new file there."""

from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType
from typing import Any, TypeVar

Format = TypeVar("Format", bound=Any)  # with a field `catch_all`


def collect_formats(package: ModuleType, kind: type[Format]) -> tuple[Format, ...]:
    """The records of one kind in all modules of a package and its subpackages.

    Parameters
    ----------
    package : ModuleType
        The package.
    kind : type[Format]
        What a format's record is an instance of.

    Returns
    -------
    formats : tuple[Format, ...]
        By the names of their modules; those that catch all tables come last.
    """
    names = sorted(module.name for module in walk_packages(package.__path__, f"{package.__name__}."))
    values = [value for name in names for value in vars(import_module(name)).values() if isinstance(value, kind)]
    return tuple(sorted({id(value): value for value in values}.values(), key=lambda fmt: fmt.catch_all))
