#!/usr/bin/env python
"""Command fit_rules: the rules of closure that explain the traps an interpreter drew, as a sentence and a file."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.fit_rules")
