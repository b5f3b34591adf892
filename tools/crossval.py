#!/usr/bin/env python
"""Command crossval: train one network per fold, choose thresholds out of fold, predict new maps with the ensemble."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.crossval")
