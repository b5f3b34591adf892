#!/usr/bin/env python
"""Command make_maps: synthetic maps, or real grids drawn as interpreters see them, to train and test on."""

from targets.common.process_lifetime import run_command

if __name__ == "__main__":
    run_command("mtl.commands.make_maps")
