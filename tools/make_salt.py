#!/usr/bin/env python
"""Command make_salt: seismic images with and without salt to train and test on, in the layout of the TGS challenge."""

from mtl.commands.make_salt import command

if __name__ == "__main__":
    command()
