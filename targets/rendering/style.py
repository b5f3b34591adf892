"""Style of a drawn map: palette, contours, fault symbols, annotations, scan effects."""

from dataclasses import dataclass, field

from targets.errors import UserError
from targets.rendering.annotations import Annotations
from targets.rendering.fault_symbols import FaultSymbol
from targets.rendering.palettes import BLACK, Colour, palette_stops
from targets.rendering.scan_effects import ScanEffects

BROWN: Colour = (110, 60, 20)  # of faults on structure maps


@dataclass(frozen=True)
class Style:
    """How a map is drawn. The default is what most interpreters' exports look like.

    Attributes
    ----------
    palette : str, default 'rainbow'
        Name of the palette: rainbow, jet, spectral, hue, soft or dusk; mpl:viridis and so on; or random:SEED.
    banded : bool, default False
        Whether each contour interval has one flat colour, instead of a smooth ramp.
    contour_interval : float | None, default None
        Contour interval in depth units; None takes the map's own, else one that suits its relief.
    contour_base : float, default 0.0
        Depth, in depth units, of one contour; the others lie at multiples of the interval from it.
    contour_density : float, default 1.0
        Number of contours as a multiple of the usual one, where neither style nor map give an interval.
    contour_width : float, default 0.5
        Width of contours in pixels, in steps of a half; index contours are half a pixel wider. 0 draws none.
    contour_colour : Colour, default BLACK
        Colour of contours: red, green, blue from 0 to 255.
    index_every : int, default 5
        Every how many contours one is an index contour; 0: none.
    dashed_contours : bool, default False
        Whether the contours between index contours are dashed.
    contour_labels : bool, default False
        Whether index contours carry their depth; never on small maps, where nobody could read it.
    align_labels : bool, default False
        Whether contour labels are turned along their contours.
    hillshade : float, default 0.0
        Strength, 0 to 1, of the shading of flanks by a light from the upper left.
    fault_symbol : FaultSymbol, default 'filled'
        How faults are drawn: filled, edged, outline, line or teeth.
    fault_width : int, default 2
        Pixels by which faults are drawn wider than their cells.
    fault_colour : Colour, default BROWN
        Colour of faults: red, green, blue from 0 to 255.
    annotations : Annotations
        What is drawn over the map: grid, wells, names, legend and so on.
    scan : ScanEffects
        What copying and scanning do to the picture.

    Raises
    ------
    UserError
        An unknown palette, or a number out of its range.
    """

    palette: str = "rainbow"
    banded: bool = False
    contour_interval: float | None = None
    contour_base: float = 0.0
    contour_density: float = 1.0
    contour_width: float = 0.5
    contour_colour: Colour = BLACK
    index_every: int = 5
    dashed_contours: bool = False
    contour_labels: bool = False
    align_labels: bool = False
    hillshade: float = 0.0
    fault_symbol: FaultSymbol = "filled"
    fault_width: int = 2
    fault_colour: Colour = BROWN
    annotations: Annotations = field(default_factory=Annotations)
    scan: ScanEffects = field(default_factory=ScanEffects)

    def __post_init__(self) -> None:
        palette_stops(self.palette)
        if not self.contour_density > 0 or self.index_every < 0:
            found = f"{self.contour_density}, {self.index_every}"
            raise UserError("contour_density, index_every", found, "above 0, and 0 or more")
        if self.contour_interval is not None and not self.contour_interval > 0:
            raise UserError("contour_interval", str(self.contour_interval), "a depth step above 0")


DEFAULT_STYLE = Style()
