"""Record of a gridded surface as its file holds it."""

from dataclasses import dataclass

from numpy.typing import NDArray

from targets.scene import Bool, GeoReference


@dataclass(frozen=True, eq=False)
class Surface:
    """Values of a grid file, their location, and what was assumed to read them.

    A reader makes undefined what its file declares undefined, and nothing else: it keeps the sign, and it keeps values
    that merely look undefined (-9999, 1e30, 0), in tables of points too. `targets.io.grids.registry` finds those by one
    rule for all formats (`targets.io.nulls`), and then decides about the sign (`targets.io.sign`).

    Attributes
    ----------
    values : (H, W) of any number type
        In the unit and sign of the file; undefined cells NaN (or masked).
    geo : GeoReference
        Location and units, as far as the file says them.
    notes : tuple[str, ...], default ()
        What the reader had to assume, one sentence each, such as "12 nodes hold two depths, up to 70 m apart; the
        shallower one is taken (--duplicates)".
    fault : (H, W) bool, default None
        Cells that the file itself marks as faults; None: it marks none.
    is_depth : bool, default False
        The file itself says that its values are positive down: they are not taken for elevations, whatever their sign.
    is_elevation : bool, default False
        From a reader: the file says that its values are elevations, positive up. From the registry: the values of the
        file were elevations, and `values` are their negative.
    format : str, default ''
        Name of the file's format; the registry fills it in.
    """

    values: NDArray
    geo: GeoReference
    notes: tuple[str, ...] = ()
    fault: Bool | None = None
    is_depth: bool = False
    is_elevation: bool = False
    format: str = ""
