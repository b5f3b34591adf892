"""Options of generated structure maps and seismic salt images."""

from dataclasses import dataclass

from targets.errors import UserError

Range = tuple[float, float]


@dataclass(frozen=True)
class StructureMapOptions:
    """What structure maps may look like; every range is (low, high), and values are drawn from it by chance.

    Attributes
    ----------
    extent : Range, default (5000.0, 16000.0)
        Range of the map's longer side, in metres.
    depth : Range, default (1400.0, 3400.0)
        Range of the mean depth of the surface, in metres.
    regional_dip : Range, default (0.0, 1.3)
        Range of the regional dip, in degrees.
    fold_slope : Range, default (0.8, 2.5)
        Range of the typical slope of the folds, in degrees.
    fold_size : Range, default (1.0, 1.0)
        Range of the size of folds and domes as a multiple of the usual one: 0.3 has three times as many across the map.
    fold_unevenness : Range, default (0.0, 0.0)
        Range of the standard deviation, across the map, of the logarithm of the folds' height; 0: evenly spread folds.
    domes : tuple[int, int], default (1, 5)
        Fewest and most domes and basins.
    faults : tuple[int, int], default (2, 10)
        Fewest and most fault zones.
    throw_per_length : Range, default (0.008, 0.03)
        Range of the largest throw of a fault per length of its trace (Schlische et al. 1996: about 0.03).
    fault_dip : Range, default (40.0, 65.0)
        Range of the dip of fault planes, in degrees: steeper means narrower heave.
    picking_noise : Range, default (0.1, 2.0)
        Range of the standard deviation of the picking noise, in metres.
    outline_rectangles : tuple[int, int], default (1, 5)
        Fewest and most rectangles whose union is the map's outline; 1 is the full frame.
    contour_density : Range, default (1.0, 1.0)
        Range of the number of contours as a multiple of the usual one for a picture of this size.

    Raises
    ------
    UserError
        A range that is not 0 <= low <= high.
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


@dataclass(frozen=True)
class SaltImageOptions:
    """What seismic salt images may look like; every range is (low, high), and one value is drawn per image.

    Attributes
    ----------
    empty_share : float, default 0.39
        Share of images without salt (0.3905 in the TGS training set).
    full_share : float, default 0.08
        Share of images with salt that show nothing else.
    layer_dip : Range, default (-0.25, 0.25)
        Range of the regional dip of the layers, in cells per cell.
    wavelet_period : Range, default (6.0, 15.0)
        Main period of the wavelet in shallow and in deep images, in cells.
    noise : Range, default (0.1, 0.4)
        Range of the noise as a share of the layers' amplitude.
    multiples : Range, default (0.05, 0.35)
        Range of the strength of multiples as a share of the reflections that they repeat.

    Raises
    ------
    UserError
        A share that is not between 0 and 1.
    """

    empty_share: float = 0.39
    full_share: float = 0.08
    layer_dip: Range = (-0.25, 0.25)
    wavelet_period: Range = (6.0, 15.0)
    noise: Range = (0.1, 0.4)
    multiples: Range = (0.05, 0.35)

    def __post_init__(self) -> None:
        if not (0 <= self.empty_share <= 1 and 0 <= self.full_share <= 1):
            found = f"{self.empty_share}, {self.full_share}"
            raise UserError("seismic.empty_share, seismic.full_share", found, "shares between 0 and 1")


DEFAULT_SALT = SaltImageOptions()
