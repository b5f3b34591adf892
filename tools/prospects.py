#!/usr/bin/env python
"""Command prospects: an inventory of closures with contacts, volumes in place, their uncertainty, and a page each."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.prospects")
