#!/usr/bin/env python
"""Command make_maps: synthetic maps, or real grids drawn as interpreters see them, to train and test on."""

from mtl.commands.make_maps import command

if __name__ == "__main__":
    command()
