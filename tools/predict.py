#!/usr/bin/env python
"""Command predict: pictures, polygons and tables of what a trained network predicts."""

from mtl.commands.predict import command

if __name__ == "__main__":
    command()
