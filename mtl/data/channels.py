"""Which channels a network can be fed, and how each is made from a scene: add a channel by adding one record."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from targets.errors import UserError
from targets.picture_reading.contour_removal import picture_without_contours
from targets.rendering.map import rasterize_contours, contour_spacing, ensure_picture
from targets.scene import Float, Rows, Scene
from targets.surface.gradient import gradient_magnitude
from targets.truth.rasters import root_share_of_relief
from targets.truth.traps import TrapCriteria, compute_traps

DEFAULT_RULES = TrapCriteria()


@dataclass(frozen=True)
class Bytes:
    """How a channel follows from an 8-bit picture of a map folder: gain · byte / 255 + offset."""

    file: str
    gain: float
    offset: float


@dataclass(frozen=True)
class InputChannel:
    """One named input.

    Attributes
    ----------
    name : str
        What the user types.
    channels : int
        Number of planes C.
    unit : str
        What the numbers mean.
    make : Callable[[Scene, TrapRules], Rows]
        (whole scene, rules by which its closures count as traps) -> a function from a slice of rows to these rows, (C,
        rows, W) float32, roughly within -2..2. Whatever can be told row by row waits until it is asked for.
    outside : float, default 0.0
        The value outside the map and in the padding of a patch.
    picture : bool, default False
        It is the map's picture: brightness and contrast may be varied in training.
    from_depth : bool, default False
        It is made from the map's depth, which a picture alone does not have.
    hidden : float | None, default None
        The value inside the map where the input is not shown; None: as outside, which no input could mean there.
    noise : float, default 0.0
        Standard deviation of the Gaussian noise added in training.
    stored : Bytes | None, default None
        The picture it can be made from cell by cell, for programs that know nothing but pictures; None: it takes more
        than that.
    """

    name: str
    channels: int
    unit: str
    make: Callable[[Scene, TrapCriteria], Rows]
    fill_value: float = 0.0
    picture: bool = False
    from_depth: bool = False
    noise: float = 0.0
    missing_value: float | None = None
    stored: Bytes | None = None

    def rows(self, scene: Scene, rules: TrapCriteria) -> Rows:
        """A function from a slice of rows to these rows (C, rows, W).

        Raises
        ------
        UserError
            The channel is made from depth, and the map is a picture without one.
        """
        if self.from_depth and not scene.has_depth:
            raise UserError(
                scene.name,
                "the map has no depth channel",
                f"a depth for the input {self.name!r}",
                "use a network trained with --inputs rgb, or add depth_norm.png",
            )
        return self.make(scene, rules)

    def from_scene(self, scene: Scene, rules: TrapCriteria = DEFAULT_RULES) -> Float:
        """(C, H, W) float32 of a whole map; raises as `rows` does."""
        return self.rows(scene, rules)(slice(None))

    @property
    def blank(self) -> np.float32:
        """The value inside the map where the input is not shown."""
        return np.float32(self.fill_value if self.missing_value is None else self.missing_value)


WHITE = 2.0  # what white is after `_scaled`: paper, as outside the map


def picture(scene: Scene, _: TrapCriteria) -> Rows:
    """The coloured map; a scene without a picture is rendered."""
    rgb = ensure_picture(scene).rgb
    assert rgb is not None
    return lambda rows: _scaled(rgb[rows])


def picture_without_contours(scene: Scene, _: TrapCriteria) -> Rows:
    """The coloured map without its contours: drawn without them, or painted over in a given picture."""
    rgb = picture_without_contours(scene)
    return lambda rows: _scaled(rgb[rows])


def fault(scene: Scene, _: TrapCriteria) -> Rows:
    """1 on fault cells."""
    return lambda rows: scene.fault[None, rows].astype(np.float32)


def inside(scene: Scene, _: TrapCriteria) -> Rows:
    """1 inside the map."""
    return lambda rows: scene.map_valid[None, rows].astype(np.float32)


def depth(scene: Scene, _: TrapCriteria) -> Rows:
    """The depth scaled by the map's own relief: +1 = shallowest, -1 = deepest."""
    return lambda rows: scene.relative_depth(rows)[None]


def isolines(scene: Scene, _: TrapCriteria) -> Rows:
    """The contours that `targets.rendering.map` draws for this depth, whatever the picture shows; none on faults."""
    ink = rasterize_contours(scene, *contour_spacing(scene))
    ink[scene.fault] = 0
    return lambda rows: ink[None, rows].astype(np.float32) / np.float32(255)


def gradient(scene: Scene, _: TrapCriteria) -> Rows:
    """Steepness on a logarithmic scale: log(1 + s) - 1 with s in reliefs of the map per longer side of the map.

    Relief and side are the map's, so a cell has one value in every patch, and nearly the same in a coarsened map. -1
    is flat, a flank about 0, and faults, whose s reaches the hundreds, do not drown the rest.
    """
    s = gradient_magnitude(scene.depth_norm(), scene.map_valid) * np.float32(max(scene.shape))
    s = np.log1p(s, out=s)
    return lambda rows: s[None, rows] - 1


def ramp(scene: Scene, _: TrapCriteria) -> Rows:
    """How far down the map a cell's row lies: 0 = first row of the map, 1 = last.

    A cell keeps its value whatever patch it is in. The symmetries of training turn this channel together with all
    others, so a network then sees which way was down, but that way may point anywhere; where down must stay down,
    train with `--augment.symmetry mirror`.
    """
    down = np.linspace(0, 1, scene.shape[0], dtype=np.float32)[:, None]
    return lambda rows: np.broadcast_to(down[rows], (1, len(down[rows]), scene.shape[1]))


def salt_depth_abs(scene: Scene, rules: TrapCriteria) -> Rows:
    """Three planes of a seismic image: grey, |Δrow + Δcol| of it by central differences, and grey times `ramp`."""
    grey = cv2.cvtColor(ensure_picture(scene).rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    down, across = np.gradient(grey)
    planes = np.stack([grey, np.abs(down + across), grey * ramp(scene, rules)(slice(None))[0]])
    return lambda rows: planes[:, rows]


def true_depth(scene: Scene, _: TrapCriteria) -> Rows:
    """How deep a seismic image lies, one value in all its cells; in the TGS set 0.05 to 0.96."""
    if scene.image_depth is None:
        raise UserError(scene.name, "nobody says how deep it lies", "a depth for the input 'true_depth'",
                        "use other inputs, or add the image to depths.csv")  # fmt: skip
    plane = np.broadcast_to(np.float32(scene.image_depth / 1000), (1, *scene.shape))
    return lambda rows: plane[:, rows]


def closure(scene: Scene, rules: TrapCriteria) -> Rows:
    """√(height above spill / relief of the map), 0 outside exact closures: a network learns what a person changes."""
    _, _, height = compute_traps(scene, rules)
    root = root_share_of_relief(height, scene)
    return lambda rows: root[None, rows]


INPUTS = {
    record.name: record
    for record in (
        InputChannel(
            "rgb",
            3,
            "grey levels, 0 = 50 %",
            picture,
            fill_value=WHITE,
            picture=True,
            noise=0.02,
            stored=Bytes("rgb.png", 2 * WHITE, -WHITE),
        ),
        InputChannel(
            "rgb_plain", 3, "grey levels, 0 = 50 %", picture_without_contours, fill_value=WHITE, picture=True, noise=0.02
        ),
        InputChannel("fault", 1, "1 = fault", fault, stored=Bytes("fault_mask.png", -1, 1)),
        # Outside lies deeper than everything: at an open border a trap leaks.
        InputChannel(
            "depth",
            1,
            "+1 shallowest .. -1 deepest",
            depth,
            fill_value=-1.5,
            from_depth=True,
            noise=0.01,
            stored=Bytes("depth_norm.png", 2, -1),
        ),
        InputChannel("isolines", 1, "1 = contour", isolines, from_depth=True),
        InputChannel(
            "gradient", 1, "log(1 + reliefs per map side) - 1", gradient, fill_value=-1.0, noise=0.01, from_depth=True
        ),
        # A map may have no closure: 0 everywhere is an answer.
        InputChannel("closure", 1, "√(height above spill / relief)", closure, missing_value=-1.0, from_depth=True),
        InputChannel("map", 1, "1 = inside the map", inside, stored=Bytes("map_mask.png", 1, 0)),
        InputChannel("ramp", 1, "0 first row .. 1 last row", ramp),
        InputChannel("salt_depth_abs", 3, "0 black .. 1 white, its gradient, times the row", salt_depth_abs),
        InputChannel("true_depth", 1, "thousands of metres", true_depth),
    )
}


def _scaled(rgb: np.ndarray) -> Float:
    """A picture as (3, H, W); grey 50 % is 0 and white is 2, close to ImageNet's mean and spread."""
    return np.moveaxis((rgb.astype(np.float32) - 127.5) / (127.5 / WHITE), -1, 0)
