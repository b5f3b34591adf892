#!/usr/bin/env python
"""Command predict: pictures, polygons and tables of what a trained network predicts."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.predict")
