"""Numbers and quantities as pages write them."""

import pytest

from targets.pages.numbers import name_quantity, read_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500", 1500), ("−1500", -1500), ("– 1500", -1500), ("--1500", -1500), ("1500-", 1500), ("1 500", 1500),
        ("1'500", 1500), ("1,500", 1500), ("1.500,5", 1500.5), ("1,500.5", 1500.5), ("6.788", 6.788), ("0,25", 0.25),
        ("1500 m", 1500), ("2000ft", 2000), ("450000E", 450000), ("1.5e3", 1500), ("1.5×10^3", 1500), ("98D", 980),
        ("10O", 100), ("20:00", 2000), ("à", 0), ("-1,800 ms", -1800),
    ],
)  # fmt: skip
def test_a_number_is_read_whatever_its_form(text, value):
    assert read_numbers(text)[0] == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "Depth", "A", "Top Reservoir", "10-15", "12.04.2021", "1200 - 1250", "Well 3"])
def test_words_ranges_and_dates_are_no_numbers(text):
    assert read_numbers(text) == ()


@pytest.mark.parametrize(
    ("words", "unit", "grows", "is_other"),
    [
        ("Depth (ft)", "ft", "down", False), ("m TVDSS", "m", "down", False), ("TWT [ms]", "ms", "down", False),
        ("Two-way time (s)", "s", "down", False), ("Elevation, m", "m", "up", False), ("m asl", "m", "up", False),
        ("Thickness (m)", "m", None, True), ("Water Saturation Map", None, None, True),
        ("Top Brent", None, None, False), ("Top Permian", None, None, False), ("Planet Field", None, None, False),
        ("Depth error (m)", "m", None, True), ("Time thickness [ms]", "ms", None, True), ("counts", None, None, True),
    ],
)  # fmt: skip
def test_words_name_unit_and_direction(words, unit, grows, is_other):
    found = name_quantity(words)
    assert (found.unit, found.grows, found.is_other) == (unit, grows, is_other)
