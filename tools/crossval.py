#!/usr/bin/env python
"""Train one network per fold, find where masks are best cut, and predict new maps with all folds together."""

from mtl.commands.crossval import command

if __name__ == "__main__":
    command()
