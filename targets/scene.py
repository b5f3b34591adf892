"""Maps and seismic images: the record `Scene` that readers make and that input channels and heads take."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from targets.errors import UserError
from targets.units.areas import WGS84, Ellipsoid, geodesic_length, geographic_cell_areas
from targets.units.columns import MapUnits
from targets.units.crs import check_crs_is_text, understand_crs
from targets.units.names import DEPTH_UNITS, UNITS, XY_UNITS, metres_per_unit, require_unit, unit_kind

Bool = NDArray[np.bool_]
Float = NDArray[np.float32]
Rows = Callable[[slice], Float]  # reads (C, rows, W) of a map that need not lie in memory as a whole

MAX_COORDINATE = 1e12  # the Earth's circumference is 4e10 mm
MIN_SPACING = 1e-9  # a millimetre is 1e-8 degrees
MAX_DEGREES = (("x0", 720.0), ("y0", 91.0))  # some grids count longitudes up to 360
SAME_UNIT = 1e-5  # a foot of 1959 and one of the US survey differ by 2e-6, and files hardly tell them apart


@dataclass(frozen=True)
class GeoReference:
    """Location and units of a map; each may be unknown (None).

    The node of row r and column c lies at
    ``x = x0 + c*dx*cos(rotation) - r*dy*sin(rotation)``, ``y = y0 + c*dx*sin(rotation) + r*dy*cos(rotation)``.
    Rows run down the picture, so a map that is seen from above (not mirrored) has ``dx > 0`` and ``dy < 0``.

    Attributes
    ----------
    x0 : float | None, default None
        Easting of the first node, in the unit of the coordinate system.
    y0 : float | None, default None
        Northing of the first node.
    dx : float | None, default None
        Spacing of columns.
    dy : float | None, default None
        Spacing of rows, negative where row 0 lies in the north.
    rotation : float, default 0.0
        Degrees counter-clockwise from East.
    crs : str | None, default None
        Coordinate system: a code such as EPSG:23031, a name, WKT, PROJJSON, a URN or URL of OGC, or a PROJ string.
    depth_unit : str | None, default None
        Such as m, ft, ms: a key of `targets.units.names.UNITS`; other spellings are replaced by it.
    depth_range : tuple[float, float] | None, default None
        Shallowest and deepest depth: what 0 and 1 of a normalised depth mean.
    contour_interval : float | None, default None
        In depth units.
    contour_base : float, default 0.0
        A depth that one contour passes through, in depth units.
    xy_unit : str | None, default None
        Unit of x0, y0, dx and dy, such as m, ft or degrees; by default that of the coordinate system.
    first_row : int, default 0
        Of a map without a location: row of its first cell in the picture as it is on disk, whose margin was cropped.
    first_col : int, default 0
        Likewise its column.
    pixels : float, default 1.0
        Likewise, pixels of that picture along a cell: more than 1 where its lines were wide.

    Examples
    --------
    >>> geo = GeoReference(x0=1000.0, y0=5000.0, dx=50.0, dy=-50.0)
    >>> x, y = geo.xy(2, 1)
    >>> float(x), float(y), geo.cell_area
    (1050.0, 4900.0, 2500.0)
    """

    x0: float | None = None
    y0: float | None = None
    dx: float | None = None
    dy: float | None = None
    rotation: float = 0.0
    crs: str | None = None
    depth_unit: str | None = None
    depth_range: tuple[float, float] | None = None
    contour_interval: float | None = None
    contour_base: float = 0.0
    xy_unit: str | None = None
    first_row: int = 0
    first_col: int = 0
    pixels: float = 1.0

    def __post_init__(self) -> None:
        place = {key: getattr(self, key) for key in ("x0", "y0", "dx", "dy", "rotation")}
        for key, value in place.items():
            if value is not None and not abs(value) <= MAX_COORDINATE:  # NaN too
                raise UserError("location", f"{key} is {value}", f"a number of at most {MAX_COORDINATE:g} in size")
        for key in ("dx", "dy"):
            if place[key] is not None and abs(place[key]) < MIN_SPACING:
                raise UserError("location", f"{key} is {place[key]}", f"a spacing of at least {MIN_SPACING:g} in size")
        if self.contour_interval is not None and not 0 < self.contour_interval <= MAX_COORDINATE:
            raise UserError("location", f"contour_interval is {self.contour_interval}", "a depth step above 0")
        if not abs(self.contour_base) <= MAX_COORDINATE:
            raise UserError("location", f"contour_base is {self.contour_base}", "a depth")
        for key, allowed in (("depth_unit", DEPTH_UNITS), ("xy_unit", XY_UNITS)):
            if (unit := getattr(self, key)) is not None:
                object.__setattr__(self, key, require_unit(unit, key, allowed) if unit.strip() else None)
        if self.crs:
            self._complete_from_crs(self.crs)
        if self.is_geographic and any(abs(place[key] or 0) * self._degree_factor > most for key, most in MAX_DEGREES):
            raise UserError("location", f"x0 is {self.x0} and y0 is {self.y0}, in degrees",
                            "a longitude and a latitude", "correct the coordinate system, or the unit")  # fmt: skip

    def _complete_from_crs(self, crs: str) -> None:
        """Take the unit of x and y from the coordinate system, which `xy_unit` must not contradict."""
        check_crs_is_text(crs)
        system = understand_crs(crs)
        unit = None if system is None else system.xy_unit
        if unit is None:
            return
        own, others = metres_per_unit(self.xy_unit), metres_per_unit(unit)
        is_same = self.xy_unit == unit or (own and others and abs(own / others - 1) < SAME_UNIT)
        if self.xy_unit is not None and not is_same:
            raise UserError("location", f"xy_unit is {self.xy_unit}, but {crs[:80]} counts in {unit}", "one unit",
                            "leave one of the two away")  # fmt: skip
        object.__setattr__(self, "xy_unit", unit)

    @property
    def located(self) -> bool:
        """Whether rows and columns can be turned into map coordinates."""
        return None not in (self.x0, self.y0, self.dx, self.dy)

    @property
    def cell_area(self) -> float:
        """Area of one cell in squared map units; 1 when the spacing is unknown."""
        return 1.0 if self.dx is None or self.dy is None else abs(self.dx * self.dy)

    @property
    def is_geographic(self) -> bool:
        """Whether x is a longitude and y a latitude."""
        return unit_kind(self.xy_unit) == "angle"

    @property
    def _degree_factor(self) -> float:
        """How many degrees one unit of x and y is, on a map whose unit is an angle."""
        return UNITS[self.xy_unit or "degrees"].factor

    @property
    def ellipsoid(self) -> Ellipsoid:
        """Semi-axes in metres of a geographic map's ellipsoid; that of WGS 84 where no coordinate system names one."""
        system = understand_crs(self.crs) if self.crs else None
        return WGS84 if system is None or system.ellipsoid is None else system.ellipsoid

    @property
    def units(self) -> MapUnits:
        """Units in which areas, lengths, heights and volumes of the map are given."""
        is_metric = metres_per_unit(self.xy_unit) is not None and None not in (self.dx, self.dy)
        return MapUnits(is_metric or (self.is_geographic and self.located), self.depth_unit)

    def cell_areas(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """Compute the areas of cells: on the ellipsoid where the map lies in degrees.

        Parameters
        ----------
        shape : tuple[int, int]
            Rows and columns of the map.

        Returns
        -------
        (1, 1), (rows, 1) or (rows, columns) float64
            Broadcasts to `shape`. In m² where `units` says so, else in squared map units; 1 without a spacing.

        Examples
        --------
        >>> GeoReference(dx=100.0, dy=-100.0, xy_unit="ft").cell_areas((5, 5)).round(1).tolist()
        [[929.0]]
        >>> GeoReference(2.0, 60.0, 0.001, -0.001, crs="EPSG:4326").cell_areas((2, 5)).round(1).tolist()
        [[6216.8], [6217.0]]
        """
        if self.is_geographic and self.located:
            rows, cols = np.indices(shape if self.rotation else (shape[0], 1), np.float64)
            latitude = self.xy(rows, cols)[1]
            step = self._degree_factor
            return geographic_cell_areas(
                latitude * step, float(self.dy or 0) * step, float(self.dx or 0) * step, self.ellipsoid
            )
        metres = metres_per_unit(self.xy_unit) if None not in (self.dx, self.dy) else None
        return np.full((1, 1), self.cell_area * (metres or 1.0) ** 2)

    def ground_spacing(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Spacing of columns and of rows in the middle of a map.

        Parameters
        ----------
        shape : tuple[int, int]
            Rows and columns of the map.

        Returns
        -------
        dx, dy : float
            Both above 0. In metres where `units` says so, else in map units; 1 without a spacing.
        """
        if self.dx is None or self.dy is None:
            return 1.0, 1.0
        if self.is_geographic and self.located:
            row, col = (shape[0] - 1) / 2, (shape[1] - 1) / 2
            across = self.path_length(np.array([row, row]), np.array([col - 0.5, col + 0.5]))
            return across, self.path_length(np.array([row - 0.5, row + 0.5]), np.array([col, col]))
        metres = metres_per_unit(self.xy_unit) or 1.0
        return abs(self.dx) * metres, abs(self.dy) * metres

    def path_length(self, rows: NDArray, cols: NDArray) -> float:
        """Length of a path over cells (n,): in metres where `units` says so, else in map units or cells."""
        x, y = self.xy(rows, cols)
        if self.is_geographic and self.located:
            return geodesic_length(x * self._degree_factor, y * self._degree_factor, self.ellipsoid)
        metres = metres_per_unit(self.xy_unit) if self.located else None
        return float(np.hypot(np.diff(x), np.diff(y)).sum()) * (metres or 1.0)

    @property
    def height_factor(self) -> float:
        """What a height is multiplied by in a volume: metres in a unit of depth where volumes are in m³, else 1."""
        return (metres_per_unit(self.depth_unit) or 1.0) if self.units.is_metric else 1.0

    def affine(self) -> tuple[float, float, float, float, float, float]:
        """Give the affine transform from columns and rows to map coordinates of cell centres.

        Returns
        -------
        tuple[float, float, float, float, float, float]
            (a, b, c, d, e, f) with ``x = a*col + b*row + c`` and ``y = d*col + e*row + f``. Without a location these
            are pixels of the picture as it is on disk: x = column, y = row.
        """
        if self.x0 is None or self.y0 is None or self.dx is None or self.dy is None:
            size, half = self.pixels, (self.pixels - 1) / 2
            return (size, 0.0, self.first_col + half, 0.0, size, self.first_row + half)
        cos, sin = np.cos(np.radians(self.rotation)), np.sin(np.radians(self.rotation))
        return (self.dx * cos, -self.dy * sin, self.x0, self.dx * sin, self.dy * cos, self.y0)

    def xy(self, row: NDArray | float, col: NDArray | float) -> tuple[NDArray, NDArray]:
        """Convert rows and columns to map coordinates.

        Parameters
        ----------
        row : array or float
            Rows, also fractional ones; cell centres lie at whole numbers.
        col : array or float
            Columns.

        Returns
        -------
        x : float64 array
        y : float64 array
        """
        a, b, c, d, e, f = self.affine()
        row, col = np.asarray(row, float), np.asarray(col, float)
        return a * col + b * row + c, d * col + e * row + f

    def rowcol(self, x: NDArray | float, y: NDArray | float) -> tuple[NDArray, NDArray]:
        """Convert map coordinates to fractional rows and columns: the inverse of `xy`.

        Parameters
        ----------
        x : array or float
            Map coordinates.
        y : array or float
            Likewise.

        Returns
        -------
        row : float64 array
        col : float64 array
        """
        a, b, c, d, e, f = self.affine()
        x, y = np.asarray(x, float) - c, np.asarray(y, float) - f
        det = a * e - b * d
        return (a * y - d * x) / det, (e * x - b * y) / det


@dataclass(frozen=True)
class Provenance:
    """What was understood of the files of a map.

    Attributes
    ----------
    file : str
        Name of the file or folder.
    format : str, default ''
        Name of its format.
    fault_files : tuple[tuple[str, int], ...], default ()
        Name of each fault file that was used, and the number of its faults.
    undefined_share : float, default 0.0
        Share of cells without a value in the file, between 0 and 1.
    notes : tuple[str, ...], default ()
        What had to be assumed, one sentence each.
    is_elevation : bool, default False
        The grid held elevations, positive up; the z of its fault sticks counts upwards, too.
    margin : tuple[int, int, int, int], default (0, 0, 0, 0)
        Pixels of the picture that were cropped at the top, bottom, left and right.
    interpreter : str, default ''
        Who drew its traps, where the files say so.
    path : str, default ''
        The whole path of the file or folder.
    page : object, default None
        What was read of the page of a picture alone: a `targets.pages.page.Page`.
    """

    file: str
    format: str = ""
    fault_files: tuple[tuple[str, int], ...] = ()
    undefined_share: float = 0.0
    notes: tuple[str, ...] = ()
    is_elevation: bool = False
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)
    interpreter: str = ""
    path: str = ""
    page: object = None


@dataclass(frozen=True, eq=False)
class Scene:
    """One map, or one seismic image. All arrays share one shape (H, W) and have row 0 at the top of the picture.

    Attributes
    ----------
    name : str
        The map's name, unique in its data set.
    depth : (H, W) float32
        Positive down, in `geo.depth_unit` if known, else normalised with 1 = deepest. Finite everywhere: voids under
        faults are filled, cells outside the map repeat the nearest cell inside.
    depth_valid : (H, W) bool
        False where the depth was interpolated (voids under faults) and outside the map; False everywhere when the map
        is a picture without a depth.
    map_valid : (H, W) bool
        False outside the map.
    fault : (H, W) bool
        Fault cells.
    rgb : (H, W, 3) uint8, default None
        Picture, or None when there is none (`targets.rendering.map` renders one).
    traps : (H, W) bool, default None
        An interpreter's traps, or None (they are then computed from `depth`).
    geo : GeoReference
        Location and units.
    group : str, default ''
        The larger map this one was cropped from; data splits never separate a group.
    salt : (H, W) bool, default None
        The salt an interpreter drew in a seismic image; None on a map, or where nobody drew any.
    true_depth : (H, W) float32, default None
        The true surface where `depth` is a poor copy of it: traps are computed from it, networks read `depth`. None:
        `depth` itself.
    image_depth : float | None, default None
        Depth at which a seismic image lies, or None where that is unknown or there is a `depth`.
    coarsening : float, default 1.0
        Cells of the map as it was given along one cell: 1, or more on a downsampled map.
    provenance : Provenance, default None
        What was understood of its files; None for a map that was made in code.

    Raises
    ------
    UserError
        The arrays differ in shape or type, the map is empty, or the depth is not finite.

    Examples
    --------
    >>> inside = np.ones((2, 2), bool)
    >>> depth = np.array([[1000, 1010], [1020, 1040]], np.float32)
    >>> scene = Scene("dome", depth, inside, inside, fault=~inside)
    >>> scene.shape, scene.relief, scene.depth_norm().tolist()
    ((2, 2), (1000.0, 1040.0), [[0.0, 0.25], [0.5, 1.0]])
    >>> scene.replace(name="copy").name
    'copy'
    """

    name: str
    depth: Float
    depth_valid: Bool
    map_valid: Bool
    fault: Bool
    rgb: NDArray[np.uint8] | None = None
    traps: Bool | None = None
    geo: GeoReference = field(default_factory=GeoReference)
    group: str = ""
    salt: Bool | None = None
    true_depth: Float | None = None
    image_depth: float | None = None
    coarsening: float = 1.0
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        if self.depth.ndim != 2 or self.depth.size == 0:
            raise UserError(self.name, f"depth has shape {self.depth.shape}", "(H, W) with at least one cell")
        for key in ("depth_valid", "map_valid", "fault", "traps", "salt"):
            self._check(key, getattr(self, key), self.depth.shape, np.bool_, optional=key in ("traps", "salt"))
        self._check("depth", self.depth, self.depth.shape, np.float32)
        self._check("true_depth", self.true_depth, self.depth.shape, np.float32, optional=True)
        self._check("rgb", self.rgb, (*self.depth.shape, 3), np.uint8, optional=True)
        if not self.map_valid.any():
            raise UserError(
                self.name,
                "the map is empty: no cell is valid",
                "some cells inside the map",
                "check that map_mask is white (not black) inside the map and that the depth has values",
            )
        if not np.isfinite([self.depth.min(), self.depth.max()]).all():  # NaN is the least and the most of all
            raise UserError(
                self.name,
                "depth holds NaN or infinite cells",
                "finite depth everywhere",
                "fill holes with targets.surface.fill.fill_holes and mark them in depth_valid",
            )
        if any((row & ~inside).any() for row, inside in zip(self.depth_valid, self.map_valid, strict=True)):
            raise UserError(self.name, "depth_valid has cells outside map_valid", "depth_valid within map_valid")
        object.__setattr__(self, "group", self.group or self.name)

    def _check(
        self, key: str, value: NDArray | None, shape: tuple[int, ...], kind: type, optional: bool = False
    ) -> None:
        if value is None and optional:
            return
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != kind:
            found = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            raise UserError(
                self.name, f"{key} is {found}", f"{np.dtype(kind)} {shape}", "all arrays of a map must share one size"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return self.depth.shape[0], self.depth.shape[1]

    @property
    def cell_sides(self) -> tuple[float, float]:
        """Height and width of a cell on the ground, in cells of the map as it was given: in square ones as large."""
        dx, dy = self.geo.ground_spacing(self.shape)
        oblong = float(np.sqrt(dy / dx))
        return self.coarsening * oblong, self.coarsening / oblong

    @property
    def has_depth(self) -> bool:
        """Whether the map has a depth."""
        return bool(self.depth_valid.any())

    @property
    def interpreted_mask(self) -> Bool | None:
        """(H, W) bool, what an interpreter drew: traps of a map, salt of a seismic image; None if nobody did."""
        return self.traps if self.salt is None else self.salt

    @cached_property
    def relief(self) -> tuple[float, float]:
        """Shallowest and deepest depth inside the map."""
        low = self.depth.min(where=self.map_valid, initial=np.inf)
        return float(low), float(self.depth.max(where=self.map_valid, initial=-np.inf))

    def depth_norm(self, rows: slice = slice(None)) -> Float:
        """Scale the depth by the map's own relief.

        Parameters
        ----------
        rows : slice, default slice(None)
            Rows of the map.

        Returns
        -------
        (rows, W) float32
            0 = shallowest, 1 = deepest cell of the map; 0 outside it.
        """
        low, high = self.relief
        norm = (self.depth[rows] - np.float32(low)) / np.float32(max(high - low, 1e-12))
        return np.where(self.map_valid[rows], norm, 0).astype(np.float32)

    def relative_depth(self, rows: slice = slice(None)) -> Float:
        """Scale the depth by the map's own relief, upwards.

        Parameters
        ----------
        rows : slice, default slice(None)
            Rows of the map.

        Returns
        -------
        (rows, W) float32
            +1 = shallowest, -1 = deepest cell of the map; +1 outside it.
        """
        return 1 - 2 * self.depth_norm(rows)

    def replace(self, **fields: object) -> "Scene":
        """Copy the scene with some fields replaced, as `dataclasses.replace` does."""
        return replace(self, **fields)  # type: ignore[arg-type]
