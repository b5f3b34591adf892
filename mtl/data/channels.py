"""The input channels of the network, one record each: unit, fill value, how it is built from a scene.

Adding an input channel adds one record.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from einops import rearrange

from targets.errors import UserError
from targets.picture_reading.contour_removal import picture_without_contours
from targets.rendering.map import contour_spacing, ensure_picture, rasterize_contours
from targets.scene import Float, Rows, Scene
from targets.surface.gradient import central_differences, gradient_magnitude
from targets.truth.criteria import TrapCriteria
from targets.truth.rasters import root_share_of_relief
from targets.truth.traps import compute_traps

DEFAULT_CRITERIA = TrapCriteria()


@dataclass(frozen=True)
class StoredPicture:
    """How a channel follows from an 8-bit picture of a map folder: gain · byte / 255 + offset.

    Attributes
    ----------
    file : str
        Name of the picture in the folder.
    gain, offset : float
        Of the channel's values over the bytes / 255.
    """

    file: str
    gain: float
    offset: float


@dataclass(frozen=True)
class InputChannel:
    """One named input of one or several planes.

    Attributes
    ----------
    name : str
        Name in `--inputs`.
    channels : int
        Number of planes C.
    unit : str
        What the numbers mean.
    build : Callable[[Scene, TrapCriteria], Rows]
        (whole scene, which of its closures count as traps) -> a function from a slice of rows to these rows, (C, rows,
        W) float32, roughly within -2..2. Whatever can be computed row by row waits until it is asked for.
    fill_value : float, default 0.0
        Value outside the map and in the padding of a patch.
    is_picture : bool, default False
        It is the map's picture: brightness and contrast may be varied in training, and with three planes it keeps the
        pretrained RGB weights of the first layer.
    needs_depth : bool, default False
        It is computed from the map's depth, which a picture alone does not have.
    shows_depth : bool, default False
        It is the map's depth itself, from which postprocessing may take detail.
    noise : float, default 0.0
        Standard deviation of the Gaussian noise added in training, in its unit.
    missing_value : float | None, default None
        Value inside the map where the network does not see the input: one that no map has, or a missing input would
        look like an answer. None: `fill_value`, which the input never has inside a map.
    is_base : bool, default False
        It is a mask that a head starts from (`Head.residual_of`); the rest of the network does not see it.
    stored : StoredPicture | None, default None
        The picture that it is, cell by cell, for programs that read nothing but pictures; None: it takes more than
        that.
    """

    name: str
    channels: int
    unit: str
    build: Callable[[Scene, TrapCriteria], Rows]
    fill_value: float = 0.0
    is_picture: bool = False
    needs_depth: bool = False
    shows_depth: bool = False
    noise: float = 0.0
    missing_value: float | None = None
    is_base: bool = False
    stored: StoredPicture | None = None

    def row_reader(self, scene: Scene, criteria: TrapCriteria) -> Rows:
        """A function from a slice of rows to these rows (C, rows, W) float32.

        Raises
        ------
        UserError
            The channel is computed from depth, and the map is a picture without one.
        """
        if self.needs_depth and not scene.has_depth:
            raise UserError(
                scene.name,
                "the map has no depth channel",
                f"a depth for the input {self.name!r}",
                "use a network trained with --inputs rgb, or add depth_norm.png",
            )
        return self.build(scene, criteria)

    def compute(self, scene: Scene, criteria: TrapCriteria = DEFAULT_CRITERIA) -> Float:
        """(C, H, W) float32 of a whole map; raises as `row_reader` does.

        Examples
        --------
        >>> depth = np.array([[1000.0, 1010.0, 1020.0]], np.float32)
        >>> inside = np.ones((1, 3), bool)
        >>> INPUTS["depth"].compute(Scene("slope", depth, inside, inside, ~inside)).tolist()
        [[[1.0, 0.0, -1.0]]]
        """
        return self.row_reader(scene, criteria)(slice(None))

    @property
    def value_if_missing(self) -> np.float32:
        """Value inside the map where the network does not see the input."""
        return np.float32(self.fill_value if self.missing_value is None else self.missing_value)


WHITE = 2.0  # what white is after `scale_grey_levels`: paper, as outside the map


def scale_grey_levels(rgb: np.ndarray) -> Float:
    """(H, W, 3) uint8 -> (3, H, W) float32; grey 50 % is 0 and white is 2, close to ImageNet's mean and spread."""
    return rearrange((rgb.astype(np.float32) - 127.5) / (127.5 / WHITE), "h w c -> c h w")


def picture_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """The coloured map; a scene without a picture is rendered.

    Returns
    -------
    Rows
        A slice of rows -> (3, rows, W) float32, grey levels with 0 = 50 %.
    """
    rgb = ensure_picture(scene).rgb
    assert rgb is not None
    return lambda rows: scale_grey_levels(rgb[rows])


def plain_picture_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """The coloured map without its contours: rendered without them, or inpainted in a given picture.

    Returns
    -------
    Rows
        A slice of rows -> (3, rows, W) float32, grey levels with 0 = 50 %.
    """
    rgb = picture_without_contours(scene)
    return lambda rows: scale_grey_levels(rgb[rows])


def fault_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """1 on fault cells.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, 0 or 1.
    """
    return lambda rows: scene.fault[None, rows].astype(np.float32)


def inside_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """1 inside the map.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, 0 or 1.
    """
    return lambda rows: scene.map_valid[None, rows].astype(np.float32)


def depth_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """The depth scaled by the map's own relief: +1 = shallowest, -1 = deepest.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, -1 to 1.
    """
    return lambda rows: scene.relative_depth(rows)[None]


def contour_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """The contours that `targets.rendering.map` draws for this depth, whatever the picture shows; none on faults.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, 0 to 1.
    """
    ink = rasterize_contours(scene, *contour_spacing(scene))
    ink[scene.fault] = 0
    return lambda rows: ink[None, rows].astype(np.float32) / np.float32(255)


def gradient_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """Gradient magnitude on a logarithmic scale: log(1 + s) - 1 with s in reliefs of the map per longer side.

    Relief and side are the map's, so a cell has one value in every patch, and nearly the same in a downsampled map. -1
    is flat, a flank about 0, and faults, whose s reaches the hundreds, do not dominate the rest.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, -1 and more.
    """
    s = gradient_magnitude(scene.depth_norm(), scene.map_valid) * np.float32(max(scene.shape))
    s = np.log1p(s, out=s)
    return lambda rows: s[None, rows] - 1


def ramp_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """How far down the map a cell's row lies: 0 = first row of the map, 1 = last.

    A cell keeps its value whatever patch it is in. The symmetries of training transform this channel together with all
    others, so a network then sees which way was down, but that way may point anywhere; where down must stay down,
    train with `--augment.symmetry mirror`.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, 0 to 1.
    """
    down = np.linspace(0, 1, scene.shape[0], dtype=np.float32)[:, None]
    return lambda rows: np.broadcast_to(down[rows], (1, len(down[rows]), scene.shape[1]))


def salt_depth_abs_rows(scene: Scene, criteria: TrapCriteria) -> Rows:
    """Three planes of a seismic image: grey, |Δrow + Δcol| of it by central differences, and grey times the ramp.

    Returns
    -------
    Rows
        A slice of rows -> (3, rows, W) float32, 0 to 1.
    """
    grey = cv2.cvtColor(ensure_picture(scene).rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    down, across = central_differences(grey)
    planes = np.stack([grey, np.abs(down + across), grey * ramp_rows(scene, criteria)(slice(None))[0]])
    return lambda rows: planes[:, rows]


def image_depth_rows(scene: Scene, _: TrapCriteria) -> Rows:
    """Depth of a seismic image, one value in all its cells, in thousands of metres; 0.05 to 0.96 in the TGS set.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, thousands of metres.

    Raises
    ------
    UserError
        The depth of the image is not known.
    """
    if scene.image_depth is None:
        raise UserError(scene.name, "its depth is not known", "a depth for the input 'true_depth'",
                        "use other inputs, or add the image to depths.csv")  # fmt: skip
    plane = np.broadcast_to(np.float32(scene.image_depth / 1000), (1, *scene.shape))
    return lambda rows: plane[:, rows]


def closure_rows(scene: Scene, criteria: TrapCriteria) -> Rows:
    """√(height above spill / relief of the map), 0 outside exact closures: a network learns what a person changes.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, 0 to 1.
    """
    _, _, height = compute_traps(scene, criteria)
    root = root_share_of_relief(height, scene)
    return lambda rows: root[None, rows]


def rule_rows(scene: Scene, criteria: TrapCriteria) -> Rows:
    """1 inside the traps of the depth by the rules of the run, outlines smoothed as these say.

    Returns
    -------
    Rows
        A slice of rows -> (1, rows, W) float32, 0 or 1.
    """
    labels, _, _ = compute_traps(scene, criteria)
    return lambda rows: (labels[None, rows] > 0).astype(np.float32)


# Beside the inputs of a run whose trap head starts from its rules (`TrainConfig.trap_base`); nobody names it.
RULE_TRAPS = InputChannel(
    name="rules",
    channels=1,
    unit="1 = trap by the rules of the run",
    build=rule_rows,
    needs_depth=True,
    missing_value=-1.0,
    is_base=True,
)


INPUTS = {
    record.name: record
    for record in (
        InputChannel(
            name="rgb",
            channels=3,
            unit="grey levels, 0 = 50 %",
            build=picture_rows,
            fill_value=WHITE,
            is_picture=True,
            noise=0.02,
            stored=StoredPicture("rgb.png", 2 * WHITE, -WHITE),
        ),
        InputChannel(
            name="rgb_plain",
            channels=3,
            unit="grey levels, 0 = 50 %",
            build=plain_picture_rows,
            fill_value=WHITE,
            is_picture=True,
            noise=0.02,
        ),
        InputChannel(
            name="fault",
            channels=1,
            unit="1 = fault",
            build=fault_rows,
            missing_value=-1.0,
            stored=StoredPicture("fault_mask.png", -1, 1),
        ),
        InputChannel(
            name="depth",
            channels=1,
            unit="+1 shallowest .. -1 deepest",
            build=depth_rows,
            fill_value=-1.5,  # outside lies deeper than everything: at an open border a trap leaks
            needs_depth=True,
            shows_depth=True,
            noise=0.01,
            stored=StoredPicture("depth_norm.png", 2, -1),
        ),
        InputChannel(
            name="isolines", channels=1, unit="1 = contour", build=contour_rows, needs_depth=True, missing_value=-1.0
        ),
        InputChannel(
            name="gradient",
            channels=1,
            unit="log(1 + reliefs per map side) - 1",
            build=gradient_rows,
            fill_value=-1.0,
            missing_value=-2.0,
            needs_depth=True,
            noise=0.01,
        ),
        InputChannel(
            name="closure",
            channels=1,
            unit="√(height above spill / relief)",
            build=closure_rows,
            needs_depth=True,
            missing_value=-1.0,  # a map may have no closure: 0 everywhere is an answer
        ),
        InputChannel(
            name="map",
            channels=1,
            unit="1 = inside the map",
            build=inside_rows,
            missing_value=-1.0,
            stored=StoredPicture("map_mask.png", 1, 0),
        ),
        InputChannel(name="ramp", channels=1, unit="0 first row .. 1 last row", build=ramp_rows, missing_value=-1.0),
        InputChannel(
            name="salt_depth_abs",
            channels=3,
            unit="0 black .. 1 white, its gradient, times the row",
            build=salt_depth_abs_rows,
            missing_value=-1.0,
        ),
        InputChannel(
            name="true_depth", channels=1, unit="thousands of metres", build=image_depth_rows, missing_value=-1.0
        ),
    )
}
