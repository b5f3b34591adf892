"""Compiled passes over the grid that find every closure, one module a pass; callers import from the modules.

Cells are ordered by (depth, index), so no two are equal and plateaus need no special code; a cell *precedes* another
when it comes first in this order, that is when it is shallower. A cell that no neighbour precedes is a peak; every
other cell has a *receiver* among the neighbours that precede it, and the cells whose receivers lead to one peak are
its basin. Two basins can only meet at a cell whose preceding neighbours fall into separate runs, or at a cell beside an
open border, where the basin of the outside (number 0) is met. These saddles are the edges of the *basin graph*.
Joining basins at the saddles from the shallowest to the deepest with union-find is Kruskal's algorithm for the minimum
spanning tree of the basin graph; each join is a node of the *join tree*, and what joins the outside is no longer
closed. Closures that share a crest lie one around the other; they are a *branch* of the tree's branch decomposition.

==============  =========================================================================================
`codes`         what a cell is, and which way it sends what rises through it; `Grid` and `Cells`
`compiled`      numba with a cache on disk
`sorting`       radix sort of depths and cells
`neighbours`    pass 1: which neighbours precede each cell
`basins`        pass 2: the basin of each cell; pass 6: its label and height
`saddles`       pass 3: edges of the basin graph
`merge`         pass 4: Kruskal's algorithm, the join tree, and which of its nodes are closures
`outlets`       pass 4: the saddle by which each high leaks
`branches`      pass 5: branch decomposition, and the search for the innermost closure around a cell
`properties`    pass 5: area, volume and contact with faults
`table`         pass 5: the table
`routing`       where what rises from a cell ends: receivers of leaks, catchments, migration paths
`charge`        how far a volume fills closures, spills and merges
==============  =========================================================================================

The grid is processed in strips of rows by threads; passes that follow pointers across strips write the same final
value whoever comes first.

References
----------
Barnes, Callaghan & Wickert (2020), Computing water flow through complex landscapes - Part 2: Finding hierarchies in
depressions and morphological segmentations. Earth Surf. Dynam. 8, 431-445. The tree is their depression hierarchy,
upside down; joining only at saddles in place of a priority queue over all cells makes it linear but for the sort of
saddles.

Cordonnier, Bovy & Braun (2019), A versatile, linear complexity algorithm for flow routing in topographies with
depressions. Earth Surf. Dynam. 7, 549-562. The basin graph and its minimum spanning tree.

Carr, Snoeyink & Axen (2003), Computing contour trees in all dimensions. Comput. Geom. 24, 75-94. The join tree.

Pascucci, Cole-McLaughlin & Scorzelli (2004), Multi-resolution computation and presentation of contour trees. Proc.
IASTED Visualization, Imaging and Image Processing. Branch decomposition.
"""
