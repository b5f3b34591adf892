#!/usr/bin/env python
"""Judge a model on real surfaces, beside what needs no network: one table, and pictures of the worst maps."""

from mtl.commands.judge import command

if __name__ == "__main__":
    command()
