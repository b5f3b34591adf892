#!/usr/bin/env python
"""Make seismic images with and without salt to train and test on, in the layout of the TGS challenge."""

from mtl.commands.make_salt import command

if __name__ == "__main__":
    command()
