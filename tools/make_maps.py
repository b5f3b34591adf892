#!/usr/bin/env python
"""Make maps to train and test on: synthetic ones, or real grids drawn as interpreters see them."""

from mtl.commands.make_maps import command

if __name__ == "__main__":
    command()
