"""Benchmark on pages: surfaces drawn as pages of a report, read as any picture is, and traps found on them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates

from mtl.inference.predictor import Predictor
from mtl.prediction.pages import page_of, predict_scene, settle_question
from mtl.prediction.picture_depth import with_depth_in_units
from mtl.prediction.traps import extract_traps
from targets.errors import UserError
from targets.io.catalogue import list_maps, read_map
from targets.io.read_options import ReadOptions
from targets.pages.crop import PageMap, crop_to_map
from targets.pages.text import can_read_text
from targets.rendering.palettes import RGB, HighEnd
from targets.scene import Bool, Float, Scene
from targets.truth.criteria import GroundTruthOptions
from targets.truth.rasters import trap_mask
from targets.truth.traps import build_ground_truth

# Palettes of matplotlib with the end that is high where small numbers have the first colour.
PALETTES: dict[str, HighEnd] = {
    "jet": "blue", "jet_r": "red", "turbo_r": "red", "Spectral": "red", "RdYlBu": "red", "rainbow": "blue",
    "viridis": "dark", "viridis_r": "light", "plasma": "dark", "cividis_r": "light", "gist_earth": "dark",
}  # fmt: skip
GROUNDS = ("white", "white", "black", "#e5e5e5")
BAR_PLACES = ("right", "bottom", "left", "top")
LABELS = ("Depth (m)", "m TVDSS", "Depth [m]")
RESOLUTIONS = (80, 100, 150)  # dots per inch
SIZE = (7.0, 5.5)  # inches
JPEG_QUALITY = 75


@dataclass(frozen=True)
class PageStyle:
    """How a surface is drawn as a page.

    Attributes
    ----------
    palette : str
        Of `PALETTES`; the shallowest depth has its first colour.
    ground : str
        Colour of the page.
    bar : str | None
        Side of the map on which the colour bar stands; None for a page without one and without axes.
    bands : int
        Number of bands of colour; 0 for continuous colours.
    is_elevation : bool
        Whether its numbers are negative.
    has_panel : bool
        Whether a second map, of a thickness, stands beside the map.
    resolution : int
        Dots per inch.
    is_jpeg : bool
        Whether it is saved as JPEG.
    label : str
        Words at the colour bar.
    """

    palette: str
    ground: str
    bar: str | None
    bands: int
    is_elevation: bool
    has_panel: bool
    resolution: int
    is_jpeg: bool
    label: str

    @property
    def high(self) -> HighEnd:
        """The end of its colours that is high."""
        return PALETTES[self.palette]


@dataclass(frozen=True, eq=False)
class DrawnPage:
    """A page and what it shows.

    Attributes
    ----------
    picture : (H, W, 3) uint8
        The page.
    depth : (H, W) float32
        Depth in metres, positive down, of each of its pixels; NaN beside the map.
    """

    picture: RGB
    depth: Float


@dataclass(frozen=True)
class PageScore:
    """What was made of one page.

    Attributes
    ----------
    outcome : str
        read, asked (which end of the colours is high) or refused.
    both, either : int
        Pixels that are traps in truth and in the prediction, and in either of them.
    depth_error : float, default nan
        Root mean square error of the depth over the range of the true one; NaN without a depth in units.
    is_upright : bool, default True
        Whether what is high on the page was taken to be high.
    """

    outcome: str
    both: int
    either: int
    depth_error: float = float("nan")
    is_upright: bool = True


def random_page_style(rng: np.random.Generator, has_bar: bool) -> PageStyle:
    """Draw a style by chance, with a colour bar and axes or without."""
    return PageStyle(
        palette=str(rng.choice(list(PALETTES))), ground=str(rng.choice(GROUNDS)),
        bar=str(rng.choice(BAR_PLACES)) if has_bar else None, bands=int(rng.choice([0, 0, 10, 20])),
        is_elevation=bool(rng.random() < 0.3), has_panel=bool(has_bar and rng.random() < 0.25),
        resolution=int(rng.choice(RESOLUTIONS)), is_jpeg=bool(rng.random() < 0.3), label=str(rng.choice(LABELS)),
    )  # fmt: skip


def draw_page(surface: Scene, style: PageStyle) -> DrawnPage:
    """Draw a surface as a page.

    Parameters
    ----------
    surface : Scene
        With a depth.
    style : PageStyle
        How it is drawn.
    """
    ink = "white" if style.ground == "black" else "black"
    figure = Figure(SIZE, dpi=style.resolution, facecolor=style.ground, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = np.ravel(figure.subplots(1, 2 if style.has_panel else 1, squeeze=False))
    depth = np.where(surface.map_valid, surface.depth, np.nan).astype(np.float64)
    shown, palette = (-depth, _reversed(style.palette)) if style.is_elevation else (depth, style.palette)
    height, width = depth.shape
    cell = 25.0
    extent = (450_000.0, 450_000 + cell * width, 6_780_000.0, 6_780_000 + cell * height)
    if style.bands:
        edges = np.linspace(np.nanmin(shown), np.nanmax(shown), style.bands + 1)
        middle = (extent[0] + cell / 2, extent[1] - cell / 2, extent[2] + cell / 2, extent[3] - cell / 2)
        image = axes[0].contourf(np.flipud(shown), edges, cmap=palette, extent=middle)
        axes[0].contour(np.flipud(shown), edges, colors="black", linewidths=0.6, extent=middle)
        axes[0].set(xlim=extent[:2], ylim=extent[2:])
    else:
        image = axes[0].imshow(shown, cmap=palette, extent=extent)
    axes[0].set_aspect("equal")
    axes[0].set_facecolor(style.ground)
    axes[0].set_title("Depth structure", color=ink)
    axes[0].ticklabel_format(useOffset=False, style="plain")
    axes[0].locator_params(nbins=4)
    axes[0].tick_params(colors=ink, labelsize=8)
    if style.bar is None:
        axes[0].set_axis_off()
    else:
        label = style.label.replace("Depth", "Elevation") if style.is_elevation else style.label
        bar = figure.colorbar(image, ax=axes[0], location=style.bar, shrink=0.8)
        bar.set_label(label, color=ink)
        bar.ax.tick_params(colors=ink)
    if style.has_panel:
        axes[1].imshow(np.abs(np.gradient(np.nan_to_num(depth, nan=float(np.nanmean(depth))))[0]), cmap="magma")
        axes[1].set_title("Thickness", color=ink)
        axes[1].set_axis_off()
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return DrawnPage(picture, _depth_of_pixels(axes[0], depth, extent, (picture.shape[0], picture.shape[1])))


def _reversed(palette: str) -> str:
    return palette.removesuffix("_r") if palette.endswith("_r") else f"{palette}_r"


def _depth_of_pixels(axis, depth: NDArray[np.float64], extent: Sequence[float], shape: tuple[int, int]) -> Float:  # type: ignore[no-untyped-def]  # of matplotlib
    """Depth (H, W) of the pixels of a page, NaN beside the map."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    points = np.stack([cols.ravel() + 0.5, shape[0] - rows.ravel() - 0.5], axis=1)
    x, y = axis.transData.inverted().transform(points).T
    row = (extent[3] - y) / (extent[3] - extent[2]) * depth.shape[0] - 0.5
    col = (x - extent[0]) / (extent[1] - extent[0]) * depth.shape[1] - 0.5
    found = map_coordinates(depth, [row, col], order=1, mode="constant", cval=np.nan)
    return found.reshape(shape).astype(np.float32)


def score_page(
    predictor: Predictor, page: DrawnPage, style: PageStyle, rules: GroundTruthOptions, reading: ReadOptions
) -> PageScore:
    """Read a page from a file, find its traps, and compare both with what the page shows.

    Parameters
    ----------
    predictor : Predictor
        A network that can be given a picture.
    page : DrawnPage
        The page.
    style : PageStyle
        How it was drawn.
    rules : GroundTruthOptions
        What a trap is.
    reading : ReadOptions
        How pictures are read.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / ("page.jpg" if style.is_jpeg else "page.png")
        Image.fromarray(page.picture).save(file, quality=JPEG_QUALITY)
        try:
            found = read_map(list_maps([file], reading)[0], reading)
            scene = settle_question(predictor, found)
        except UserError as error:
            outcome = "asked" if "--high" in error.hint else "refused"
            return PageScore(outcome, 0, 0)
    own = page_of(scene)
    assert own is not None
    place = crop_to_map(own)
    true = _in_cells(page.depth, place, own.reduction)
    values = predict_scene(predictor, scene).values
    labels = extract_traps(scene, values, predictor.outputs, None).labels > 0
    traps = _true_traps(true, rules)
    scene = with_depth_in_units(scene, values, predictor.outputs)
    read = place.inside & np.isfinite(true)
    height = next((values[output.name][0] for output in predictor.outputs if output.role == "elevation"), None)
    depth_error, is_upright = float("nan"), True
    if scene.has_depth and own.depth is not None:
        read &= scene.depth_valid
        depth_error = float(np.sqrt(np.mean((scene.depth[read] - true[read]) ** 2)) / np.ptp(true[read]))
        is_upright = float(np.corrcoef(scene.depth[read], true[read])[0, 1]) > 0
    elif height is not None:
        is_upright = float(np.corrcoef(np.nan_to_num(height[read]), true[read])[0, 1]) < 0
    return PageScore("read", int((labels & traps).sum()), int((labels | traps).sum()), depth_error, is_upright)


def _in_cells(depth: Float, place: PageMap, reduction: float) -> Float:
    """Depth (h, w) of the cells of a page's map."""
    rows, cols = (np.rint((first + np.arange(side) + 0.5) * reduction - 0.5).astype(int)
                  for first, side in zip(place.first, place.inside.shape, strict=True))  # fmt: skip
    return depth[np.ix_(np.clip(rows, 0, depth.shape[0] - 1), np.clip(cols, 0, depth.shape[1] - 1))]


def _true_traps(depth: Float, rules: GroundTruthOptions) -> Bool:
    """(H, W) bool: traps of a depth that is NaN beside the map."""
    inside = np.isfinite(depth)
    scene = Scene("page", np.nan_to_num(depth), inside, inside, np.zeros(inside.shape, np.bool_))
    return np.asarray(trap_mask(build_ground_truth(scene, rules)) > 0)


def judge_pages(
    predictor: Predictor, surfaces: Iterable[Scene], rules: GroundTruthOptions, reading: ReadOptions, seed: int
) -> str:
    """Judge a network on surfaces drawn as pages: a table in Markdown.

    Parameters
    ----------
    predictor : Predictor
        A network that can be given a picture.
    surfaces : Iterable[Scene]
        With depths.
    rules : GroundTruthOptions
        What a trap is.
    reading : ReadOptions
        How pictures are read.
    seed : int
        Of the styles.
    """
    heads = ["drawn as a page", "pages", "read", "asked", "refused", "upside down", "trap IoU of those read",
             "depth RMSE over range"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    kinds = [("without numbers, `--high` given", False)]
    if can_read_text():
        kinds.insert(0, ("with axes and a colour bar", True))
    scores: dict[str, list[PageScore]] = {name: [] for name, _ in kinds}
    for surface in surfaces:
        for name, has_bar in kinds:
            style = random_page_style(np.random.default_rng([seed, has_bar, *surface.name.encode()]), has_bar)
            said = ReadOptions(high=None if has_bar else style.high, quiet=reading.quiet)
            scores[name].append(score_page(predictor, draw_page(surface, style), style, rules, said))
    lines += [f"| {name} | {_row(own)} |" for name, own in scores.items()]
    if len(kinds) == 1:
        lines.append("| with axes and a colour bar: text is not read (pip install 'trapmtl[pictures]') |" + " – |" * 7)
    return "\n".join(lines) + "\n"


def _row(scores: Sequence[PageScore]) -> str:
    """The cells of a row of the table."""
    outcomes = [score.outcome for score in scores]
    counts = [len(scores), *(outcomes.count(name) for name in ("read", "asked", "refused"))]
    overlap = sum(score.both for score in scores) / max(1, sum(score.either for score in scores))
    errors = [score.depth_error for score in scores if np.isfinite(score.depth_error)]
    upside_down = sum(not score.is_upright for score in scores)
    error = f"{np.mean(errors):.1%}" if errors else "–"
    return " | ".join([*map(str, counts), str(upside_down), f"{overlap:.3f}", error])
