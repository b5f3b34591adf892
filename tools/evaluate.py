#!/usr/bin/env python
"""Command evaluate: metrics of a trained network on maps whose traps are known."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.evaluate")
