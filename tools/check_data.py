#!/usr/bin/env python
"""Command check_data: what a data set holds and what looks wrong with it, as text and as an HTML report."""

from mtl.commands.check_data import command

if __name__ == "__main__":
    command()
