#!/usr/bin/env python
"""Command train: train a multi-head network on a folder of maps."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.train")
