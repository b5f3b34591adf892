#!/usr/bin/env python
"""Command check_data: what a data set holds and what looks wrong with it, as text and as an HTML report."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.check_data")
