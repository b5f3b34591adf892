#!/usr/bin/env python
"""Command export: a trained network as a file for other programs, ONNX or weights."""

from mtl.commands.export import command

if __name__ == "__main__":
    command()
