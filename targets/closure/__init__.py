"""Closed structural traps of a depth map, exactly: `find_closures` and what can be asked of its answer."""

from targets.closure.find import ROW, Closures, find_closures

__all__ = ["ROW", "Closures", "find_closures"]
