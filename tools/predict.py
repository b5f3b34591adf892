#!/usr/bin/env python
"""Predict maps with a trained network."""

from mtl.commands.predict import command

if __name__ == "__main__":
    command()
