"""Late import of the libraries that an extra of the package brings, with the command that installs them."""

import importlib
from typing import Any

from targets.errors import UserError


def import_optional(name: str, where: object, extra: str = "geo", otherwise: str = "") -> Any:
    """Import a library that need not be installed.

    Parameters
    ----------
    name : str
        The library's name, or the name of one of its modules.
    where : object
        The file or option that needs it; an error names it.
    extra : str, default 'geo'
        The extra of ``pyproject.toml`` that brings the library.
    otherwise : str, default ''
        What the user can do without the library, such as "ask for GeoJSON".

    Returns
    -------
    module : Any
        The imported module.

    Raises
    ------
    UserError
        The library is not installed.

    Examples
    --------
    >>> import_optional("no_such_library", "top.gri")
    Traceback (most recent call last):
    targets.errors.UserError: top.gri: this needs the library no_such_library; pip install 'trapmtl[geo]'
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        hint = f"pip install 'trapmtl[{extra}]'" + (f", or {otherwise}" if otherwise else "")
        raise UserError(where, f"this needs the library {name.partition('.')[0]}", hint=hint) from error
