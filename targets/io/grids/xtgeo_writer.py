"""Writer of IRAP and ZMAP+ grids, by xtgeo."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from targets.io.grids.grid_format import normalise_orientation
from targets.scene import GeoReference


def write_with_xtgeo(
    values: NDArray,
    geo: GeoReference,
    path: Path,
    file_format: Literal["irap_binary", "irap_ascii", "zmap_ascii"],
) -> None:
    """Write a located grid; undefined cells (NaN) get the format's own null value.

    Parameters
    ----------
    values : (H, W)
        Numbers, NaN = undefined.
    geo : GeoReference
        Their location.
    path : Path
        The file.
    file_format : Literal['irap_binary', 'irap_ascii', 'zmap_ascii']
        xtgeo's name of the format.
    """
    import xtgeo

    values, geo = normalise_orientation(values, geo)
    # These formats count from the lower left corner, as all their readers expect.
    upwards, (x0, y0) = values[::-1], geo.xy(values.shape[0] - 1, 0)
    surface = xtgeo.RegularSurface(
        ncol=upwards.shape[1],
        nrow=upwards.shape[0],
        xori=float(x0),
        yori=float(y0),
        xinc=geo.dx,
        yinc=-float(geo.dy or 0),
        rotation=geo.rotation,
        values=np.ma.masked_invalid(upwards.T.astype(np.float64)),
    )
    surface.to_file(path, fformat=file_format)
