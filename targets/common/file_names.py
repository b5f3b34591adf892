"""File and folder names made of any text."""

import re


def folder_name(name: str) -> str:
    """A row's or condition's name as a folder's."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("_.").lower()
