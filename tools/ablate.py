#!/usr/bin/env python
"""Command ablate: train and score a grid of settings, and compare every row with the first."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.ablate")
