#!/usr/bin/env python
"""Command train: train a multi-head network on a folder of maps."""

from mtl.commands.train import command

if __name__ == "__main__":
    command()
