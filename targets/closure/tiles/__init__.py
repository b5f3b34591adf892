"""Closures of a map beyond memory, tile by tile: steps of `find_closures_tiled`, which is the way in."""
