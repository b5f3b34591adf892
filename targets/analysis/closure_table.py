"""Table of the closures of a map: properties in map units, fault share, catchment, and probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.closure import ClosureProbability, Closures, areas_of_labels, fault_share, in_map_units
from targets.common.csv_tables import write_csv
from targets.scene import Scene
from targets.units.columns import MapUnits

PERCENTILES = ("p90", "p50", "p10")


def make_closure_table(
    closures: Closures, scene: Scene, catchments: NDArray[np.int32], probability: ClosureProbability | None = None
) -> NDArray[Any]:
    """Collect all that is known of each closure.

    Parameters
    ----------
    closures : Closures
        Of the map, nested ones too.
    scene : Scene
        The map.
    catchments : (H, W) int32
        As `targets.closure.catchments` gives them.
    probability : ClosureProbability | None, default None
        Of the outermost closures.

    Returns
    -------
    (N,) structured array
        The columns of `targets.closure.in_map_units`; `fault_share` of the outline; `catchment`, its area; with a
        probability also `probability`, and area, height and volume in the cases p90, p50 and p10. Nested closures have
        NaN in the last ones. Units are those of `scene.geo.units`.
    """
    plain = in_map_units(closures, scene.geo)
    count = len(plain)
    columns: dict[str, NDArray] = {
        "fault_share": fault_share(closures, scene.fault),
        "catchment": areas_of_labels(catchments, scene.geo.cell_areas(scene.shape), count),
    }
    outermost = closures.table["parent"] == 0
    columns["catchment"] = np.where(outermost, columns["catchment"], np.nan)
    if probability is not None:
        cell_area = (plain["area"] / closures.table["area"])[outermost]  # on the ellipsoid it differs from row to row
        scale = {"area": cell_area, "height": 1.0, "volume": cell_area * scene.geo.height_factor}
        columns["probability"] = _outermost_only(outermost, probability.exists)
        for name, factor in scale.items():
            for k, case in enumerate(PERCENTILES):
                columns[f"{name}_{case}"] = _outermost_only(outermost, getattr(probability, name)[:, k] * factor)
    columns_type = plain.dtype.descr + [(name, "f8") for name in columns]
    table = np.zeros(count, columns_type)
    for name in plain.dtype.names or ():
        table[name] = plain[name]
    for name, values in columns.items():
        table[name] = values
    return table


def _outermost_only(outermost: NDArray[np.bool_], values: NDArray) -> NDArray[np.float64]:
    """A column with the values of outermost closures; nested ones have none."""
    column = np.full(outermost.size, np.nan)
    column[outermost] = values
    return column


def write_closure_table(table: NDArray[Any], path: Path, units: MapUnits) -> None:
    """Write a table of closures as CSV, one row per closure, with the units in the names of its columns.

    Parameters
    ----------
    table : (N,) structured array
        Of `make_closure_table`, or any other.
    path : Path
        The file; what is unknown is empty in it.
    units : MapUnits
        Units of the map.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    table = units.named_columns(table)
    write_csv(path, table.dtype.names or (), ([_cell(value) for value in row] for row in table.tolist()))


def _cell(value: Any) -> Any:
    """A value as it is written: numbers with ten digits, NaN as nothing."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.10g}"
    return value
