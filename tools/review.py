#!/usr/bin/env python
"""Command review: correct predicted traps on a local web page."""

from mtl.commands.review import command

if __name__ == "__main__":
    command()
