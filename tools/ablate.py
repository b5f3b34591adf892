#!/usr/bin/env python
"""Compare settings: a grid of rows × seeds is trained and scored, and every row is held against the first."""

from mtl.commands.ablate import command

if __name__ == "__main__":
    command()
