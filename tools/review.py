#!/usr/bin/env python
"""Command review: correct predicted traps on a local web page."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.review")
