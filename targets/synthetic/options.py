"""Options of generated structure maps."""

from dataclasses import dataclass

from targets.errors import UserError

Range = tuple[float, float]


@dataclass(frozen=True)
class StructureMapOptions:
    """What the maps may look like; every range is (low, high) and one value is drawn per map or per structure.

    Attributes
    ----------
    extent : Range, default (5000.0, 16000.0)
        Metres, the longer side of the map.
    depth : Range, default (1400.0, 3400.0)
        Metres, mean depth of the surface.
    dip : Range, default (0.0, 1.3)
        Degrees, the regional dip.
    slope : Range, default (0.8, 2.5)
        Degrees, typical slope of the folds.
    folds : Range, default (1.0, 1.0)
        Wavelengths of folds and radii of domes over the usual: 0.3 has three times as many across the map.
    patchy : Range, default (0.0, 0.0)
        How unevenly folds are spread: standard deviation of the logarithm of their height across the map.
    domes : tuple[int, int], default (1, 5)
        Number of domes and basins.
    faults : tuple[int, int], default (2, 10)
        Number of fault zones.
    throw : Range, default (0.008, 0.03)
        Largest throw of a fault per length of its trace (Schlische et al. 1996: about 0.03).
    fault_dip : Range, default (40.0, 65.0)
        Degrees, dip of the fault planes: steeper means narrower heave.
    noise : Range, default (0.1, 2.0)
        Metres, standard deviation of the picking noise.
    rectangles : tuple[int, int], default (1, 5)
        Number of rectangles the outline is a union of; 1 is the full frame.
    contours : Range, default (1.0, 1.0)
        Number of contours, over what is usual for a picture of this size.
    """

    extent: Range = (5000.0, 16000.0)
    depth: Range = (1400.0, 3400.0)
    regional_dip: Range = (0.0, 1.3)
    fold_slope: Range = (0.8, 2.5)
    fold_size: Range = (1.0, 1.0)
    fold_unevenness: Range = (0.0, 0.0)
    domes: tuple[int, int] = (1, 5)
    faults: tuple[int, int] = (2, 10)
    throw_per_length: Range = (0.008, 0.03)
    fault_dip: Range = (40.0, 65.0)
    picking_noise: Range = (0.1, 2.0)
    outline_rectangles: tuple[int, int] = (1, 5)
    contour_density: Range = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name, (low, high) in vars(self).items():
            if not 0 <= low <= high:
                raise UserError(f"synth.{name}", f"({low}, {high})", "(low, high) with 0 <= low <= high")


DEFAULT_STRUCTURES = StructureMapOptions()
