"""Learning: scenes to inputs, one shared network, many heads; losses, metrics, tiling and logging."""
