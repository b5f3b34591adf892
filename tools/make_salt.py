#!/usr/bin/env python
"""Command make_salt: seismic images with and without salt to train and test on, in the layout of the TGS challenge."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.make_salt")
