"""Options of scenarios: a finite charge, and other rules of faults."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScenarioOptions:
    """What else is asked of the closures of a map.

    Attributes
    ----------
    charge : str | None, default None
        What fills the closures one after the other: a volume that rises evenly from all of the map, such as 5e8; or a
        file: a grid with the volume of each cell, a table (CSV) of points (x, y, volume) or of closures (id, volume).
        In m3 at reservoir conditions where the units of the map are known; volumes of rock without --porosity.
    fault_scenarios : bool, default False
        Which closures change, and by how much, when all faults seal, leak or do nothing, and each fault by itself; the
        depths on both sides along each fault.
    """

    charge: str | None = None
    fault_scenarios: bool = False


NO_SCENARIOS = ScenarioOptions()
