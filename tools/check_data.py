#!/usr/bin/env python
"""What is in a data set, and what looks wrong with it? Prints it, and writes a page that can be sent."""

from mtl.commands.check_data import command

if __name__ == "__main__":
    command()
