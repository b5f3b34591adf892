#!/usr/bin/env python
"""Command crossval: train one network per fold, choose thresholds out of fold, predict new maps with the ensemble."""

from mtl.commands.crossval import command

if __name__ == "__main__":
    command()
