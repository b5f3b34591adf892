"""Vector layers of an analysis: polygons have the area of their cells, paths lead to the next closure."""

import numpy as np
import pytest

from targets.analysis.analyse import analyse
from targets.analysis.layers import make_vector_layers
from targets.analysis.options import ClosureOptions
from targets.closure import cells_of, polygonize_closures
from targets.io.outline_files import OutlineOptions
from tests.targets.analysis.maps import GEO, ridge, twins


def _area(ring) -> float:
    row, col = ring.T
    return float((col[:-1] * row[1:] - col[1:] * row[:-1]).sum()) / 2


def test_polygons_have_the_area_of_their_cells_and_the_left_dome_spills_into_the_right() -> None:
    analysis = analyse(ridge())
    outer = analysis.table[analysis.table["parent"] == 0]
    smooth = make_vector_layers(analysis)[0]
    assert len(outer) == 2 == len(smooth.geometries)
    for shape, row in zip(smooth.geometries, outer, strict=True):
        assert sum(_area(ring) for rings in shape for ring in rings) * 1250 == pytest.approx(row["area"], rel=1e-7)
    left, right = sorted(outer, key=lambda row: row["crest_col"])
    assert (left["crest_row"], left["crest_col"]) == (30, 22) and left["spills_into"] == right["id"]
    polygons = make_vector_layers(analysis, OutlineOptions(outlines="cells"))[0]
    assert polygons.name == "closures" and polygons.attributes["id"].tolist() == outer["id"].tolist()
    for shape, row in zip(polygons.geometries, outer, strict=True):
        cells = sum(abs(_area(ring)) * (1 if i == 0 else -1) for rings in shape for i, ring in enumerate(rings))
        assert cells * 1250 == row["area"] == (analysis.closures.labels == row["id"]).sum() * 1250
    catchment = (analysis.catchments == left["id"]).sum() * 1250
    assert left["catchment"] == catchment > left["area"]


def test_paths_lead_from_the_spill_point_to_the_next_closure() -> None:
    analysis = analyse(ridge())
    paths = next(layer for layer in make_vector_layers(analysis) if layer.name == "migration_paths")
    left = next(row for row in analysis.table if row["crest_col"] == 22 and row["parent"] == 0)
    path, row = next((p, r) for p, r in zip(paths.geometries, paths.attributes, strict=True) if r["id"] == left["id"])
    assert tuple(path[0]) == (left["spill_row"], left["spill_col"])
    assert analysis.closures.labels[tuple(path[-1])] == left["spills_into"] == row["spills_into"]
    x, y = GEO.xy(path[:, 0], path[:, 1])
    assert row["length_m"] == pytest.approx(np.hypot(np.diff(x), np.diff(y)).sum())


def test_closures_inside_a_closure_have_their_own_polygons() -> None:
    analysis = analyse(twins(), ClosureOptions(min_area=10, min_height=1))
    nested = analysis.table[analysis.table["parent"] > 0]
    assert len(nested) >= 1 and (analysis.table["parent"] == 0).sum() == 1
    polygons = polygonize_closures(analysis.closures)
    for row in analysis.table:
        cells = np.argwhere(cells_of(analysis.closures, row["id"]))
        assert sum(_area(ring) for rings in polygons[row["id"]] for ring in rings) == len(cells) == row["area"]
        corners = polygons[row["id"]][0][0]
        assert (corners.min(0) >= cells.min(0) - 0.5).all() and (corners.max(0) <= cells.max(0) + 0.5).all()
    assert np.isnan(nested["catchment"]).all()
