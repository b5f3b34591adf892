#!/usr/bin/env python
"""Command closures: the exact closed structural traps of maps, without a network."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.closures")
