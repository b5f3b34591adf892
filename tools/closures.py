#!/usr/bin/env python
"""Command closures: the exact closed structural traps of maps, without a network."""

from mtl.commands.closures import command

if __name__ == "__main__":
    command()
