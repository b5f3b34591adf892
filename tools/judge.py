#!/usr/bin/env python
"""Command judge: benchmark of a model on real surfaces, beside baselines without a network."""

from mtl.commands.judge import command

if __name__ == "__main__":
    command()
