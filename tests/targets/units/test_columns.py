"""Names of columns with their units, and numbers for people."""

import numpy as np
import pytest

from targets.units.columns import MapUnits, format_number

NAMES = ["id", "crest_x", "area", "height", "volume", "crest_depth", "exact_area", "exact_spill_depth", "area_p10",
         "volume_p90", "catchment", "length", "learned_iou"]  # fmt: skip


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (MapUnits(), NAMES),
        (MapUnits(True, "m"), ["id", "crest_x", "area_m2", "height_m", "volume_m3", "crest_depth_m", "exact_area_m2",
                               "exact_spill_depth_m", "area_p10_m2", "volume_p90_m3", "catchment_m2", "length_m",
                               "learned_iou"]),
        (MapUnits(True, "ft"), ["id", "crest_x", "area_m2", "height_ft", "volume_m3", "crest_depth_ft", "exact_area_m2",
                                "exact_spill_depth_ft", "area_p10_m2", "volume_p90_m3", "catchment_m2", "length_m",
                                "learned_iou"]),
        (MapUnits(True, "ms"), ["id", "crest_x", "area_m2", "height_ms", "crest_depth_ms", "exact_area_m2",
                                "exact_spill_depth_ms", "area_p10_m2", "catchment_m2", "length_m", "learned_iou"]),
        (MapUnits(False, "s"), ["id", "crest_x", "area", "height_s", "crest_depth_s", "exact_area",
                                "exact_spill_depth_s", "area_p10", "catchment", "length", "learned_iou"]),
        (MapUnits(False, "m"), ["id", "crest_x", "area", "height_m", "volume", "crest_depth_m", "exact_area",
                                "exact_spill_depth_m", "area_p10", "volume_p90", "catchment", "length", "learned_iou"]),
        (MapUnits(True, None), ["id", "crest_x", "area_m2", "height", "volume", "crest_depth", "exact_area_m2",
                                "exact_spill_depth", "area_p10_m2", "volume_p90", "catchment_m2", "length_m",
                                "learned_iou"]),
    ],
    ids=["unknown", "m", "ft", "ms", "s on unknown", "m on unknown", "unknown on m"],
)  # fmt: skip
def test_columns_say_their_unit(units: MapUnits, expected: list[str]) -> None:
    table = np.zeros(2, [(name, "f8") for name in NAMES])
    for number, name in enumerate(NAMES):
        table[name] = number
    named = units.named_columns(table)
    assert list(named.dtype.names) == expected
    assert named["learned_iou"].tolist() == [12, 12] and named[expected[2]].tolist() == [2, 2]
    assert table.dtype.names == tuple(NAMES)  # unchanged


def test_numbers_for_people() -> None:
    units = MapUnits(True, "m")
    assert [units.format_area(area) for area in (42.0, 99_999.0, 4.2e6, 1.2345e11)] == [
        "42 m²", "100,000 m²", "4.2 km²", "123,000 km²"]  # fmt: skip
    assert [units.format_volume(v) for v in (42.0, 4.2e6)] == ["42 m³", "4.2 million m³"]
    assert units.format_depth(2123.456) == "2,123 m" and MapUnits().format_depth(2.0) == "2"
    assert MapUnits(True, "ms").format_volume(1e6) == "" and MapUnits().format_volume(1e6) == "1,000,000"
    assert format_number(0.0) == "0" and format_number(1e-7) == "1e-07"
