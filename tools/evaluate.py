#!/usr/bin/env python
"""Command evaluate: metrics of a trained network on maps whose traps are known."""

from mtl.commands.evaluate import command

if __name__ == "__main__":
    command()
