"""Spellings of units in files, and factors of units."""

import pytest

from targets.errors import UserError
from targets.units.names import DEPTH_UNITS, UNITS, XY_UNITS, metres_per_unit, parse_unit, require_unit

SPELLINGS = {
    "m": ["m", "M", "metre", "Metres", "METER", "meters", "m.", "[m]", "(m)", "1 m", "Depth (m)", "Depth_m", "mTVDSS",
          "m TVDSS", "TVDSS m", "Z(m)", "Meters below sea level", "м", "МЕТРЫ", "метры ниже уровня моря", "Глубина, м"],
    "km": ["km", "Kilometers", "КМ", "километры"],
    "cm": ["cm", "centimetres"],
    "ft": ["ft", "FT", "feet", "Foot", "ft.", "Depth [ft]", "ftSS", "feet below MSL 2000", "International feet", "футы",
           "depth in feet below datum"],
    "ftUS": ["ftUS", "us-ft", "US survey foot", "U.S. survey feet", "Foot_US", "US_SURVEY_FOOT", "Feet (US survey)"],
    "ms": ["ms", "MS", "msec", "Milliseconds", "TWT ms", "ms (TWT)", "twt_ms", "msTWT", "мс", "миллисекунды"],
    "s": ["s", "sec", "seconds", "Time in s", "секунды"],
    "degrees": ["degrees", "deg", "Degree", "°", "decimal degrees", "градусы"],
    None: ["", " ", "fathoms", "m/s", "metres per second / 2", "m2", "m²", "ft^2", "100 m", "0.3048 m", "unknown",
           "Driller's depth", "TVDSS", "x" * 500, "1e3 ms"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "unit"), [(text, unit) for unit, texts in SPELLINGS.items() for text in texts], ids=repr
)
def test_spellings_of_files(text: str, unit: str | None) -> None:
    assert parse_unit(text) == unit
    assert parse_unit(f"  {text.upper() if unit else text}\n") == unit


@pytest.mark.parametrize("name", UNITS)
def test_every_name_spells_its_unit(name: str) -> None:
    assert parse_unit(name) == name and parse_unit(UNITS[name].symbol) == name


def test_factors() -> None:
    assert metres_per_unit("ft") == 0.3048 and metres_per_unit("ftUS") == pytest.approx(0.3048006096)
    assert metres_per_unit("ms") is metres_per_unit("degrees") is metres_per_unit(None) is None
    assert metres_per_unit("Indian foot") == pytest.approx(0.3047995)
    assert metres_per_unit("parsec") is None


def test_a_unit_of_another_kind_is_refused() -> None:
    assert require_unit("МЕТРЫ", "depth_unit", DEPTH_UNITS) == "m"
    assert require_unit("Clarke's foot", "xy_unit", XY_UNITS) == "Clarke's foot"
    for text, allowed in (("degrees", DEPTH_UNITS), ("ms", XY_UNITS), ("fathoms of rum", XY_UNITS)):
        with pytest.raises(UserError, match=r"expected one of m, km, ft, ftUS"):
            require_unit(text, "unit", allowed)
