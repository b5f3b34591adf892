"""One map of 2 rows and 3 columns in every text format, and what the tests of all formats share."""

import io

import numpy as np

from targets.scene import GeoReference

# One map in every format: 2 rows and 3 columns of 100 m x 50 m, the upper left node at (1000, 2050), no value in the
# lower right one. Row 0 is the upper one.
DEPTH = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, np.nan]])

GEO = GeoReference(1000.0, 2050.0, 100.0, -50.0)

IRAP = """-996 2 100.0 50.0
1000.0 1200.0 2000.0 2050.0
3 0.0 1000.0 2000.0
0 0 0 0 0 0 0
40 50 9999900.0 10 20 30
"""

ZMAP = """! exported
@TOP HEADER, GRID, 2
15, 0.1000000E+31, , 4, 1
2, 3, 1000.0, 1200.0, 2000.0, 2050.0
0.0, 0.0, 0.0
@
 10.0 40.0
 20.0 50.0
 30.0 0.1000000E+31
"""

CPS3 = """! a comment
FSASCI 0 1 "Computed" 0 0.1E+31 0
FSATTR 0 0
FSLIMI 1000.0 1200.0 2000.0 2050.0 10.0 50.0
FSNROW 2 3
FSXINC 100.0 50.0
->Top
10.0 40.0 20.0 50.0
30.0 0.1E+31
"""

CPS3_BARE = CPS3.removeprefix("! a comment\n").replace("->Top\n", "").replace("0.1E+31", "-999.25")

# Fields of full width stand without a space between them, and the null may be given as text.
ZMAP_FULL = """@TOP HEADER, GRID, 2
8, , -9999.00, 4, 1,
2, 3, 1000.0, 1200.0, 2000.0, 2050.0,
0.0, 0.0, 0.0,
@
  10.000  40.000
  20.000  50.000
30.00000-9999.00
"""

GXF = """! a comment
Free text
#POINTS
3
#ROWS
2
#PTSEPARATION
100.0
#RWSEPARATION
50.0
#XORIGIN
1000.0
#YORIGIN
2000.0
#ROTATION
0.0
#DUMMY
9999999.0
##XMAX
1200.0
#GRID
40.0 50.0 9999999.0
10.0 20.0 30.0
"""

XYZ = "".join(f"{1000 + 100 * c} {2050 - 50 * r} {DEPTH[r, c]}\n" for c in (2, 0, 1) for r in (1, 0) if r * c < 2)

XYZ_NULL = "X Y Z\n" + XYZ + "1200 2000 1E30\n"

NODES = [(r, c) for r in (0, 1) for c in (0, 1, 2) if r * c < 2]

XYZ_LINES = "# 1: X\n# 2: Y\n# 3: Inline\n# 4: Crossline\n# 5: Z\n" + "".join(
    f"{1000 + 100 * c}.00 {2050 - 50 * r}.00 {r + 7} {c + 9} {DEPTH[r, c]}\n" for r, c in NODES
)

IJXYZ = "".join(f"{r + 7} {c + 9} {1000.5 + 100 * c} {2050.5 - 50 * r} {DEPTH[r, c] + 0.5}\n" for r, c in NODES)

CSV = "x,y,depth,quality\n" + "".join(line.replace(" ", ",").replace("\n", ",3\n") for line in XYZ.splitlines(True))

TEXTS = {
    "IRAP/RMS ASCII": [IRAP],
    "ZMAP+": [ZMAP, ZMAP_FULL],
    "CPS-3": [CPS3, CPS3_BARE],
    "GXF": [GXF],
    "XYZ points": [XYZ, XYZ_NULL, CSV],
    "OpendTect horizon": [XYZ_LINES],
}


def assert_places(geo: GeoReference, expected: GeoReference, shape: tuple[int, int], atol: float = 1e-6) -> None:
    r, c = np.indices(shape)
    np.testing.assert_allclose(geo.xy(r, c), expected.xy(r, c), rtol=0, atol=atol)


def npy(array: np.ndarray) -> bytes:
    """An array as np.save writes it."""
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()
