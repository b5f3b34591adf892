"""Charge of a map: where the volume comes from, and how far it fills each closure of the table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from targets.analysis.analyse import Analysis
from targets.closure import (
    Filling,
    FillingOrder,
    catchment_charge,
    fill_closures,
    grow_charge_tree,
    order_of_filling,
    point_charge,
    uniform_charge,
)
from targets.closure.charge import lie_on_map
from targets.errors import UserError
from targets.io.grids.grid_format import normalise_orientation
from targets.io.grids.registry import is_grid_file, require_format
from targets.io.nulls import undefine_nulls
from targets.io.read_options import DEFAULT_READING, ReadOptions
from targets.io.text_tables.headings import Role, parse_heading
from targets.io.text_tables.small_table import read_small_table
from targets.prospects.scenarios.options import parse_charge, refuse_contours
from targets.prospects.scenarios.units import ScenarioUnits
from targets.units.names import unit_kind

SAME_PLACE = 0.01  # cells by which two grids may lie apart
VOLUME_WORDS = ("volume", "vol", "charge", "объем", "объём")


@dataclass(frozen=True, eq=False)
class ChargedMap:
    """How far a charge fills the closures of a map.

    Attributes
    ----------
    analysis : Analysis
        Of the map.
    charge : (H, W) float64
        Volume that starts from each cell: of rock, in the unit of the table's volumes.
    filling : Filling
        What it fills, in the same unit over the depth's.
    order : FillingOrder
        In which order.
    notes : tuple[str, ...]
        What had to be assumed, one sentence each.
    factor : float
        Volume of fluid in one unit of the volumes of `filling`.
    """

    analysis: Analysis
    charge: NDArray[np.float64]
    filling: Filling
    order: FillingOrder
    notes: tuple[str, ...]
    factor: float

    def fluid(self, volume: Any) -> Any:
        """The volume of fluid of a volume of `filling`."""
        return volume * self.factor

    @property
    def table(self) -> NDArray[Any]:
        """(N,) structured array: a row per outermost closure, in the order in which they begin to fill."""
        table, filling = self.analysis.table, self.filling
        rows = np.flatnonzero(table["parent"] == 0)
        given = self.fluid(filling.given)
        area = filling.area / self.analysis.scene.geo.height_factor  # which `charge_map` put into the areas of cells
        columns = {
            "id": table["id"], "crest_x": table["crest_x"], "crest_y": table["crest_y"],
            "crest_depth": table["crest_depth"], "spill_depth": table["spill_depth"],
            "spills_into": table["spills_into"], "capacity_volume": self.fluid(filling.tree.capacity),
            "stored_volume": self.fluid(filling.stored), "filled": filling.share, "contact_depth": filling.contact,
            "column_height": np.nan_to_num(filling.contact - table["crest_depth"]), "filled_area": area,
            "begins_at_volume": self.order.begins * given, "full_at_volume": self.order.full * given,
        }  # fmt: skip
        found = np.zeros(rows.size, [(name, np.asarray(values).dtype) for name, values in columns.items()])
        for name, values in columns.items():
            found[name] = np.asarray(values)[rows]
        return found[np.lexsort((found["full_at_volume"], found["begins_at_volume"]))]


def charge_map(
    analysis: Analysis, charge: str, pore_share: float = 1.0, reading: ReadOptions = DEFAULT_READING
) -> ChargedMap:
    """Charge the closures of a map.

    Parameters
    ----------
    analysis : Analysis
        Of the map, in the spill reading.
    charge : str
        A volume that rises evenly from all of the map, such as "5e8"; or a file: a grid with the volume of each cell,
        or a table of points (x, y, volume) or closures (id, volume). In m³ where the units of the map are known.
    pore_share : float, default 1.0
        Share of the rock that the charge can fill: net-to-gross times porosity times saturation; 1: the charge is a
        volume of rock.
    reading : ReadOptions, default DEFAULT_READING
        How a grid of charge is read.

    Returns
    -------
    ChargedMap

    Raises
    ------
    UserError
        The charge is no volume and no file, does not fit the map, or the map is one of travel times.
    """
    geo, closures = analysis.scene.geo, analysis.closures
    if unit_kind(geo.depth_unit) == "time":
        raise UserError("--charge", f"a map of travel times ({geo.depth_unit})", "a map of depths",
                        "a volume needs depths: convert the map first")  # fmt: skip
    if closures.grid.interval > 0:
        refuse_contours()
    areas = geo.cell_areas(analysis.scene.shape) * geo.height_factor
    tree = grow_charge_tree(closures, areas)
    volumes, notes = _read_charge(charge, analysis, areas, reading)
    rock = volumes / pore_share
    if not geo.units.is_metric:
        notes = (*notes, "the charge is in squared map units times the unit of depth: the map's units are unknown")
    filling, order = fill_closures(tree, rock), order_of_filling(tree, rock)
    if filling.off_map > 0:
        share = filling.off_map / filling.given
        notes = (*notes, f"{share:.1%} of the charge starts off the map or on faults that were taken out: not placed")
    return ChargedMap(analysis, rock, filling, order, notes, pore_share)


def summarise_charge(charged: ChargedMap, units: ScenarioUnits | None = None) -> str:
    """Summarise in one line how far a charge goes; without `units` in those of the map."""
    filling, units = charged.filling, units or ScenarioUnits(charged.analysis.scene.geo.units)
    outer = charged.analysis.table["parent"] == 0
    full = int((filling.stored >= filling.tree.capacity * (1 - 1e-9))[outer].sum())
    some = int((filling.stored[outer] > 0).sum())
    given = filling.given or 1.0
    parts = [f"{filling.stored[outer].sum() / given:.1%} in closures"]
    parts += [f"{filling.elsewhere / given:.1%} in smaller ones"] if filling.elsewhere > 0 else []
    parts += [f"{filling.lost / given:.1%} lost out of the map"] if filling.lost > 0 else []
    parts += [f"{filling.unplaced / given:.1%} beyond what closed parts hold"] if filling.unplaced > 0 else []
    volume = units.format_volume(charged.fluid(filling.given))
    return f"charge of {volume}: {full} of {int(outer.sum())} closures full, {some - full} partly; " + ", ".join(parts)


# Where the charge comes from ------------------------------------------------------------------------------------------


def _read_charge(
    text: str, analysis: Analysis, areas: NDArray[np.float64], reading: ReadOptions
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The charge of every cell, and what was assumed."""
    path = parse_charge(text)
    if not isinstance(path, Path):
        return uniform_charge(analysis.closures, path, areas), ()
    if path.suffix.lower() in (".csv", ".txt") or not is_grid_file(path):
        return _read_table(path, analysis), ()
    return _read_grid(path, analysis, reading)


def _read_grid(path: Path, analysis: Analysis, reading: ReadOptions) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The charge of a grid whose cells are those of the map; its values keep their sign, unlike depths."""
    surface = require_format(path).read(path, reading)
    values = np.asarray(np.ma.filled(surface.values.astype(np.float64), np.nan))
    values, nulls = undefine_nulls(values, reading.nodata, path)
    values, geo = normalise_orientation(values, surface.geo)
    own, shape = analysis.scene.geo, analysis.scene.shape
    if values.shape != shape:
        found = f"{values.shape[0]} x {values.shape[1]} cells"
        raise UserError(path, found, f"{shape[0]} x {shape[1]}, those of the map", "resample it to the map's grid")
    if own.located and geo.located:
        corners = np.array([[0, 0], [shape[0] - 1, shape[1] - 1]], float).T
        row, col = own.rowcol(*geo.xy(*corners))
        if max(np.abs(row - corners[0]).max(), np.abs(col - corners[1]).max()) > SAME_PLACE:
            raise UserError(path, "another location than the map's", "the same cells", "resample it to the map's grid")
    void = int((np.isnan(values) & analysis.scene.map_valid).sum())
    notes = (f"{void} cells of the map have no value in {path.name}: no charge there",) if void else ()
    return values, (*nulls.notes, *notes)


def _read_table(path: Path, analysis: Analysis) -> NDArray[np.float64]:
    """The charge of a table of points or of closures."""
    expected = "columns x, y, volume or id, volume, with headings"
    table = read_small_table(path, "a table of charges", expected)
    names = table.headings
    volume = [k for k, name in enumerate(names) if name.lower().startswith(VOLUME_WORDS)]
    role = {parse_heading(name).role: k for k, name in reversed(list(enumerate(names))) if k not in volume}
    columns: tuple[Role, ...] = ("x", "y") if {"x", "y"} <= role.keys() else ("index",)
    if len(volume) != 1 or not set(columns) <= role.keys():
        raise UserError(path, f"columns {', '.join(names)}"[:200], expected)
    chosen = [*(role[name] for name in columns), *volume]
    read = [[table.dialect.to_number(words[k]) for k in chosen] for _, words in table.rows]
    values = np.array(read, np.float64)  # None, a text, is NaN
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=1) | (values[:, -1] < 0))
    if len(wrong):
        line, words = table.rows[int(wrong[0])]
        raise UserError(path, f"row {int(wrong[0]) + 1} (line {line}): {', '.join(words)}"[:200],
                        "numbers, with a volume of 0 or more")  # fmt: skip
    closures, volumes = analysis.closures, values[:, -1]
    if columns == ("index",):
        ids, place = np.unique(values[:, 0].astype(int), return_inverse=True)
        return catchment_charge(closures, dict(zip(ids.tolist(), np.bincount(place, volumes).tolist(), strict=True)))
    row, col = (np.rint(value).astype(int) for value in analysis.scene.geo.rowcol(values[:, 0], values[:, 1]))
    try:
        return point_charge(closures, row, col, volumes)
    except UserError as error:
        x, y = values[np.flatnonzero(~lie_on_map(closures, row, col))[0], :2]
        raise UserError(path, f"a point at x {x:.10g}, y {y:.10g}", error.expected, error.hint) from error
