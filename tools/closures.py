#!/usr/bin/env python
"""Find the closed structural traps of maps exactly, without a network."""

from mtl.commands.closures import command

if __name__ == "__main__":
    command()
