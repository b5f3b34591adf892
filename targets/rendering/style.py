"""Style of a drawn map: palette, contours, fault symbols, annotations, scan effects."""

from dataclasses import dataclass, field

from targets.errors import UserError
from targets.rendering.annotations import Annotations
from targets.rendering.fault_symbols import FaultSymbol
from targets.rendering.palettes import BLACK, Colour, palette_stops
from targets.rendering.scan_effects import ScanEffects

BROWN: Colour = (110, 60, 20)


@dataclass(frozen=True)
class Style:
    """How a map is drawn. The default is what most interpreters' exports look like.

    Attributes
    ----------
    palette : str, default 'rainbow'
        Rainbow, jet, spectral, hue, soft or dusk; mpl:viridis and so on; or random:SEED.
    banded : bool, default False
        One flat colour per contour interval instead of a smooth ramp.
    contour_interval : float | None, default None
        In depth units; None takes the map's own, else one that suits its relief.
    contour_base : float, default 0.0
        Depth that one contour passes through.
    density : float, default 1.0
        Number of contours over the usual, where neither style nor map say an interval.
    contour_width : float, default 0.5
        Pixels, in steps of a half; index contours are half a pixel wider. 0 draws none.
    contour_colour : Colour, default BLACK
        Red, green, blue.
    index_every : int, default 5
        Every how many contours one is an index contour; 0: none.
    dashed : bool, default False
        Whether the contours between index contours are dashed.
    labels : bool, default False
        Whether index contours carry their depth; never on small maps, where nobody could read it.
    along : bool, default False
        Labels follow their contours.
    hillshade : float, default 0.0
        0 to 1, how strongly a light from the upper left shades the flanks.
    fault_mark : FaultMark, default 'filled'
        Filled, edged, outline, line or teeth.
    fault_width : int, default 2
        Pixels by which faults are drawn wider than their cells.
    fault_colour : Colour, default BROWN
        Red, green, blue.
    sheet : Sheet
        What lies over the map.
    scan : Scan
        What becomes of the picture.
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
            raise UserError("density, index_every", f"{self.contour_density}, {self.index_every}", "above 0, and 0 or more")
        if self.contour_interval is not None and not self.contour_interval > 0:
            raise UserError("contour_interval", str(self.contour_interval), "a depth step above 0")


DEFAULT_STYLE = Style()
