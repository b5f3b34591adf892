#!/usr/bin/env python
"""Command export: a trained network as a file for other programs, ONNX or weights."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.export")
