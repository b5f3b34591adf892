"""Prediction of the map on a page: its polarity as the page says, and traps that its picture can carry alone."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.special import expit

from mtl.inference.predictor import Predictor
from mtl.prediction.instances import find_instances, instance_outputs
from mtl.prediction.traps import TrapPrediction
from mtl.tasks.heads import trap_outputs
from mtl.tasks.postprocess import refine_depth
from targets.common.atomic_write import atomic_write
from targets.io.map_folder.results import write_mark
from targets.pages.bar_depth import MIN_LETTERS
from targets.pages.draw_page import draw_page
from targets.pages.page import Page, PageError
from targets.picture_reading.colour_ends import agreement
from targets.picture_reading.contour_removal import detect_dark_lines
from targets.picture_reading.depth_from_colours import depth_from_colours
from targets.picture_reading.light_parts import paint_over_light_lines, tint_white_levels
from targets.scene import Bool, Float, Scene

PAGE_FILE = "read.png"
MIN_RADIUS = 4.0  # cells from a trap's rim to its middle: two lines of three pixels leave no more between them
MIN_CLEAR_SHARE = 0.3  # of a trap's cells that are no lines
MAX_LETTER_SHARE = 0.4  # of a trap's cells that lie under text
# Correlation of the network's guess with the depth that the colours show, below which the reading is in doubt; see
# docs/experiments/picture_reading.md.
MIN_CORRELATION = 0.9
# Share of traps on pages that are right, by the logarithm of their cells, and by the root of the page's confidence; see
# docs/experiments/picture_reading.md. The height above the spill, which decides on the map's own depth, says nothing.
SIZE_OFFSET, SIZE_SLOPE = -3.9, 0.92
WORST_CORRELATION = 0.5  # of which nothing is left of the confidence


@dataclass(frozen=True, eq=False)
class PagePrediction:
    """What was predicted of the map on a page.

    Attributes
    ----------
    values : dict[str, Float]
        {output: (C, H, W) float32}, as of a predictor.
    confidence : float
        Of the reading, 0 to 1: that of traps is as much smaller.
    notes : tuple[str, ...]
        What was assumed, and what is in doubt.
    """

    values: dict[str, Float]
    confidence: float = 1.0
    notes: tuple[str, ...] = ()


def page_of(scene: Scene) -> Page | None:
    """The page that a map was read from; None of any other map."""
    page = None if scene.provenance is None else scene.provenance.page
    return page if isinstance(page, Page) else None


def settle_question(predictor: Predictor, scene: Scene) -> Scene:
    """Ask what a map's page leaves open, unless nothing that a network predicts depends on it.

    Parameters
    ----------
    predictor : Predictor
        Its heads: one that reads depth from colours must know which end of them is high.
    scene : Scene
        The map.

    Returns
    -------
    Scene
        The map, without a question.

    Raises
    ------
    PageError
        The question.
    """
    page = page_of(scene)
    if page is None or page.question is None:
        return scene
    if any(head.postprocess is refine_depth for head in predictor.heads):
        raise PageError(page.question, page)
    assert scene.provenance is not None
    return scene.replace(provenance=replace(scene.provenance, page=replace(page, question=None)))


def predict_scene(predictor: Predictor, scene: Scene) -> PagePrediction:
    """Predict a map, and of one on a page only what the page can tell.

    A depth that was read through a colour bar is predicted as a map with a depth, and the network sees it drawn in a
    palette that it knows. The guess for other pictures is turned over where the page says that it is upside down.
    """
    page = page_of(scene)
    if page is None:
        return PagePrediction(predictor(scene))
    if scene.has_depth:
        found = PagePrediction(predictor(scene.replace(rgb=None)), page.confidence)
    else:
        found = _predict_picture(predictor, scene, page)
    return replace(found, values=without_slivers(predictor, scene, found.values))


def _predict_picture(predictor: Predictor, scene: Scene, page: Page) -> PagePrediction:
    """Predict a picture without a depth in the polarity of its page."""
    assert scene.rgb is not None
    painted, share = paint_over_light_lines(scene.rgb, scene.map_valid)
    scene = scene.replace(rgb=tint_white_levels(painted, scene.map_valid))
    assert scene.rgb is not None
    recorder = _Recorder()
    heads = tuple(replace(head, postprocess=recorder) if head.postprocess is refine_depth else head
                  for head in predictor.heads)  # fmt: skip
    values = replace(predictor, heads=heads)(scene)
    notes = [f"light lines on {share:.1%} of the map are painted over"] if share else []
    if recorder.guess is None or page.high is None:
        return PagePrediction(values, page.confidence, tuple(notes))
    inside = scene.map_valid
    clear = inside & ~detect_dark_lines(scene.rgb)
    clear = clear if clear.any() else inside
    guess = recorder.guess
    if agreement(scene.rgb, clear, guess, page.high) < 0:
        notes.append(f"the network took the other end of the colours to be high: its guess is turned over, {page.high} "
                     "is high")  # fmt: skip
        height = refine_depth(-guess[None], scene, 1.0)[0]
        depth = np.where(inside, -height, 0).astype(np.float32)
        values = predictor(scene.replace(rgb=None, depth=depth, depth_valid=inside))
    reading = depth_from_colours(scene.rgb, guess, inside)
    correlation = 0.0 if reading is None else float(np.corrcoef(reading.depth[clear], guess[clear])[0, 1])
    if correlation < MIN_CORRELATION:
        by = f"follow the network's guess of the depth by {correlation:.2f} only"
        what = "tell no depth" if reading is None else by
        notes.append(f"doubtful: the colours {what} (sure maps: above {MIN_CORRELATION:g})")
    share = (correlation - WORST_CORRELATION) / (MIN_CORRELATION - WORST_CORRELATION)
    confidence = page.confidence * float(np.clip(share, 0.05, 1.0))
    return PagePrediction(values, confidence, tuple(notes))


class _Recorder:
    """Postprocessing of a depth that keeps what the network guessed."""

    def __init__(self) -> None:
        self.guess: Float | None = None

    def __call__(self, values: Float, scene: Scene, coarsening: float) -> Float:
        self.guess = np.nan_to_num(values[0])
        return refine_depth(values, scene, coarsening)


def without_slivers(predictor: Predictor, scene: Scene, values: dict[str, Float]) -> dict[str, Float]:
    """The values without the traps that are thinner than the lines of a picture stand apart, or lie on its lines.

    Parameters
    ----------
    predictor : Predictor
        Whose outputs they are.
    scene : Scene
        The map with its picture.
    values : dict[str, Float]
        {output: (C, H, W) float32}.
    """
    if not instance_outputs(predictor.outputs) or scene.rgb is None:
        return values
    labels, _ = find_instances(values, predictor.outputs, scene.cell_sides)
    if not labels.any():
        return values
    numbers = np.arange(1, labels.max() + 1)
    # Traps that touch are parted by a line of one cell, which is no rim of either.
    radius = ndimage.maximum(ndimage.distance_transform_edt(np.pad(labels > 0, 1))[1:-1, 1:-1], labels, numbers)
    clear = ndimage.mean(~detect_dark_lines(scene.rgb), labels, numbers)
    is_sliver = (np.asarray(radius) < MIN_RADIUS) | (np.asarray(clear) < MIN_CLEAR_SHARE)
    if (page := page_of(scene)) is not None:
        is_sliver |= np.asarray(ndimage.mean(_letters(page), labels, numbers)) > MAX_LETTER_SHARE
    thin = np.append(False, is_sliver)[labels]
    if not thin.any():
        return values
    masks = {output.name for output in trap_outputs(predictor.outputs)}
    return {name: np.where(thin, np.float32(0), planes) if name in masks else planes for name, planes in values.items()}


def _letters(page: Page) -> Bool:
    """(H, W) bool: cells of the page's map under its text."""
    letters = np.zeros(page.inside.shape, np.bool_)
    for text in page.texts:
        if text.score >= MIN_LETTERS:
            row0, col0, row1, col1 = text.box
            letters[row0:row1, col0:col1] = True
    rows, cols = np.flatnonzero(page.inside.any(axis=1)), np.flatnonzero(page.inside.any(axis=0))
    return letters[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]


def with_page_confidence(prediction: TrapPrediction | None, confidence: float) -> TrapPrediction | None:
    """The traps with the confidence that those on pages have: the share that is right of traps of their size.

    Parameters
    ----------
    prediction : TrapPrediction | None
        Traps of the map on a page; None without any.
    confidence : float
        Of the page's reading: a doubtful page makes them all doubtful.
    """
    if prediction is None:
        return None
    largest = prediction.measure.maximum
    shares = [np.sqrt(confidence) * expit(SIZE_OFFSET + SIZE_SLOPE * np.log(trap.cells)) for trap in prediction.traps]
    traps = [replace(trap, confidence=float(share), uncertainty=float(largest - share * (largest - trap.uncertainty)))
             for trap, share in zip(prediction.traps, shares, strict=True)]  # fmt: skip
    return replace(prediction, traps=traps)


def write_page(page: Page, folder: Path) -> None:
    """Write what was read of a page as read.png into the folder of its map."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = draw_page(page)
    with atomic_write(folder / PAGE_FILE) as temporary:
        figure.savefig(temporary)


def write_refused_page(error: PageError, name: str, folder: Path) -> None:
    """Write what was looked at on a page that is refused, into the folder that its results would have."""
    if error.page is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_mark({"made_by": "predict", "map": name, "not_read": error.found}, folder)
        write_page(error.page, folder)
