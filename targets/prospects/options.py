"""Options of prospects: their contacts, their reservoir, and how results are shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from targets.errors import UserError
from targets.prospects.contacts import Contact
from targets.prospects.ranges import Range

SHARES = ("net_to_gross", "porosity", "water_saturation")
FLUIDS = ("oil_factor", "gas_factor", "co2_density")
MAX_DRAWS = 1_000_000
# {option: (smallest, largest) value that has a meaning, and a hint}; shares may be typed in per cent
LIMITS = {
    "thickness": (0.0, 1e5, "in the unit of depth"),
    "net_to_gross": (0.0, 1.0, "a share; 65 % is 0.65 or 65%"),
    "porosity": (0.0, 1.0, "a share; 20 % is 0.2 or 20%"),
    "water_saturation": (0.0, 1.0, "a share; 30 % is 0.3 or 30%"),
    "oil_factor": (0.9, 10.0, "volume in the reservoir over volume at the surface (Bo), such as 1.3"),
    "gas_factor": (1e-5, 1.0, "volume in the reservoir over volume at the surface (Bg); an expansion of 250 is 0.004"),
    "co2_density": (1.0, 1500.0, "kg/m3 in the reservoir, such as 650"),
}


@dataclass(frozen=True)
class ProspectOptions:
    """What is assumed of every closure; a range in place of a number is drawn at random.

    Ranges are a..b (all values alike) or a..b..c (triangular, b the likeliest); shares may be typed as 20%.

    Attributes
    ----------
    contact : Contact | None, default None
        The deepest hydrocarbon or CO2: a depth such as 1650 (positive down, in depth units), crest+30, spill-10, 60%
        (of the height, from the crest) or spill, which is the default.
    gas_oil : Contact | None, default None
        The contact of gas above oil, in the same ways.
    contacts : Path | None, default None
        A table (CSV) of contacts of single closures: a column id, or x and y, or name; contact, and perhaps gas_oil,
        name and map. The other closures follow --contact.
    names : Path | None, default None
        Wells or places after which closures are named: a table with the headings x, y and name, or points of a GIS.
    thickness : Range | None, default None
        Gross vertical thickness of the reservoir, in depth units; by default it reaches below every contact.
    net_to_gross : Range | None, default None
        Share of the rock that is reservoir.
    porosity : Range | None, default None
        Share of the reservoir that is pores.
    water_saturation : Range | None, default None
        Share of the pores that stays water.
    oil_factor : Range | None, default None
        Formation volume factor of oil (Bo), such as 1.2..1.4; gives oil in place.
    gas_factor : Range | None, default None
        Formation volume factor of gas (Bg), such as 0.004; gives gas in place.
    co2_density : Range | None, default None
        Density of CO2 in the reservoir, in kg/m3; gives the mass of CO2.
    draws : int, default 10000
        Number of random draws, where something is uncertain.
    units : Literal['metric', 'field'], default 'metric'
        Units of tables and pages: metric (m, km2, million m3) or field (ft, acres, acre-ft, MMbbl, bcf).
    pages : int, default 20
        Number of prospects, the first ones of the ranking, that get a page each.
    """

    contact: Contact | None = None
    gas_oil: Contact | None = None
    contacts: Path | None = None
    names: Path | None = None
    thickness: Range | None = None
    net_to_gross: Range | None = None
    porosity: Range | None = None
    water_saturation: Range | None = None
    oil_factor: Range | None = None
    gas_factor: Range | None = None
    co2_density: Range | None = None
    draws: int = 10_000
    units: Literal["metric", "field"] = "metric"
    pages: int = 20

    def __post_init__(self) -> None:
        for name, (low, high, hint) in LIMITS.items():
            value: Range | None = getattr(self, name)
            if value is not None and not low <= value.numbers[0] <= value.numbers[-1] <= high:
                raise UserError(f"--{name}", str(value), f"{low:g} to {high:g}", hint)
        if self.thickness is not None and self.thickness.numbers[0] == 0:
            raise UserError("--thickness", str(self.thickness), "a thickness above 0")
        if not 1 <= self.draws <= MAX_DRAWS:
            raise UserError("--draws", f"{self.draws}", f"1 to {MAX_DRAWS:,}")
        if self.pages < 0:
            raise UserError("--pages", f"{self.pages}", "0 or more")
        self._check_fluids()

    def _check_fluids(self) -> None:
        """Refuse parameters that do not say what is in place."""
        fluids = [name for name in FLUIDS if getattr(self, name) is not None]
        shares = [name for name in SHARES if getattr(self, name) is not None]
        if not fluids and not shares:
            return
        missing = [f"--{name}" for name in SHARES if name not in shares]
        if not fluids:
            missing.append("--oil_factor, --gas_factor or --co2_density")
        if missing:
            given = ", ".join(f"--{name}" for name in (*shares, *fluids))
            raise UserError(given, "given without the others", f"also {', '.join(missing)}",
                            "or none of them: rock volumes need no reservoir")  # fmt: skip
        if len(fluids) > 1 and (fluids != ["oil_factor", "gas_factor"] or not self.may_hold_gas_and_oil):
            given = " and ".join(f"--{name}" for name in fluids)
            raise UserError(given, "given together", "one of them, or --gas_oil with --oil_factor and --gas_factor",
                            "only the contact between gas and oil says how much is which")  # fmt: skip
        if self.gas_oil is not None and fluids != ["oil_factor", "gas_factor"]:
            raise UserError("--gas_oil", f"given with --{fluids[0]} alone", "--oil_factor and --gas_factor")

    @property
    def may_hold_gas_and_oil(self) -> bool:
        """Whether a contact between gas and oil is given here, or perhaps in the table of contacts."""
        return self.gas_oil is not None or self.contacts is not None

    @property
    def reservoir(self) -> dict[str, Range]:
        """The parameters of the reservoir that are given, {name: range}."""
        given = {name: getattr(self, name) for name in LIMITS}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def main_quantity(self) -> str:
        """The quantity that prospects are ranked by: oil, gas, co2, pore (gas and oil), or rock."""
        fluids = [name for name in FLUIDS if getattr(self, name) is not None]
        if len(fluids) > 1:
            return "pore"
        return {"oil_factor": "oil", "gas_factor": "gas", "co2_density": "co2"}[fluids[0]] if fluids else "rock"


DEFAULT_PROSPECTS = ProspectOptions()
