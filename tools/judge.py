#!/usr/bin/env python
"""Command judge: benchmark of a model on real surfaces, beside baselines without a network."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.judge")
