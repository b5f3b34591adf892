#!/usr/bin/env python
"""Write a trained network as a file: its weights, or ONNX."""

from mtl.commands.export import command

if __name__ == "__main__":
    command()
