#!/usr/bin/env python
"""Command ablate: train and score a grid of settings, and compare every row with the first."""

from mtl.commands.ablate import command

if __name__ == "__main__":
    command()
