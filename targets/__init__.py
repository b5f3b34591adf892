"""Maps and geology, exact and without torch: scenes in, closures and training targets out."""
