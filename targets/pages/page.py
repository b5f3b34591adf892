"""Reading of a page: ground, panels, map, text, colour bar and axes, each with a measured confidence and a sentence."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from targets.errors import UserError
from targets.pages.axes import PageAxes, name_other_view, read_axes
from targets.pages.bar_depth import depth_from_bar
from targets.pages.colour_bar import ColourBar, colour_bar_between, find_colour_bar, find_named_ends
from targets.pages.ground import find_ground
from targets.pages.labels import read_labels, values_around_labels
from targets.pages.map_body import (
    MAX_RAGGEDNESS,
    MIN_PAGE_SHARE,
    MIN_PART_SHARE,
    Box,
    Part,
    Traits,
    clip_to_frame,
    find_parts,
    measure_traits,
)
from targets.pages.panels import Panel, choose_panel, list_panels
from targets.pages.text import TextBox, can_read_text, read_text
from targets.picture_reading.colour_ends import (
    ColourEnds,
    agreement,
    find_colour_ends,
    find_high_end,
    surrounds_warm_end,
)
from targets.picture_reading.colour_order import order_agreement
from targets.picture_reading.contour_removal import detect_dark_lines
from targets.picture_reading.resolution import reduced, reduction_of
from targets.rendering.palettes import RGB, HighEnd
from targets.scene import Bool, Float
from targets.surface.outline import inside_of_map

MIN_MARGIN = 12  # pixels beside the map, in which numbers can stand
MAX_CANDIDATES = 40  # parts that are looked at
MIN_OWN_COLOURS = 0.6  # of a part's cells in colours of the map, of a block of it
COLOUR_STEP = 32  # grey levels of the cubes in which colours are compared
MIN_BAR_ASPECT, MIN_BAR_FILL = 4.0, 0.75  # length over width of a bar, and the share of its bounding box that it fills
BAR_MARGIN = 3  # pixels around a bar, that its letters and outlines touch
MAX_TEXT_SIDE = 4000  # pixels, of a picture whose text is read as it is
GOOD_SHARE, GOOD_DISTANCE = 0.7, 12.0  # of the map read through its bar, and grey levels from its colours: sure
UNUSED_CONFIDENCE = 0.3  # of a page whose bar was found and cannot be used
USUAL_CONFIDENCE = 0.8  # of a warm end that is high by convention and by the shape of the map
# Rank correlation of depths by the bar with the order of the map's own colours: below it they are in doubt, and at the
# least nothing is left of the confidence.
MIN_FOLLOWED, LEAST_FOLLOWED = 0.9, 0.5
LABEL_CONFIDENCE, WORD_CONFIDENCE = 0.9, 0.9  # of contour labels and of words at a bar's ends, that tell which is high


@dataclass(frozen=True)
class PageOptions:
    """What a user says of a page.

    Attributes
    ----------
    high : HighEnd | None, default None
        The end of the colours that is high.
    is_inverted : bool | None, default None
        Whether the usual end is low.
    panel : str | None, default None
        Number or title of the panel to read.
    map_box : tuple[int, int, int, int] | None, default None
        Left, top, right and bottom of the map, in pixels of the picture.
    said_by : str, default 'as asked'
        Who says which end is high, for the sentence about it.
    is_map : bool, default False
        Whether the picture is known to show a map, whatever its colours look like.
    colour_bar : tuple[float, float, float, float, float, float] | None, default None
        Column and row of one place on the colour bar and of another, in pixels of the picture, and the numbers there.
    """

    high: HighEnd | None = None
    is_inverted: bool | None = None
    panel: str | None = None
    map_box: tuple[int, int, int, int] | None = None
    said_by: str = "as asked"
    is_map: bool = False
    colour_bar: tuple[float, float, float, float, float, float] | None = None


@dataclass(frozen=True)
class Stage:
    """What one stage of the reading found.

    Attributes
    ----------
    name : str
        The stage.
    confidence : float
        0 to 1.
    sentence : str
        What was found, or why nothing was; empty where there is nothing to say.
    """

    name: str
    confidence: float
    sentence: str = ""


@dataclass(frozen=True, eq=False)
class Page:
    """What was read of a page; all arrays and boxes count in cells, `reduction` pixels of the picture each.

    Attributes
    ----------
    picture : (H, W, 3) uint8
        The page, reduced where its lines were wide.
    shape : tuple[int, int]
        Rows and columns of the picture on disk.
    reduction : float
        Pixels of the picture along one cell.
    ground : (H, W) bool
        Its ground.
    inside : (H, W) bool
        The map that was taken; nowhere without one.
    panels : tuple[Panel, ...]
        All maps on the page, in reading order.
    panel : Panel | None
        The one that was taken.
    texts : tuple[TextBox, ...]
        Its text; none where it was not read.
    bar : ColourBar | None
        Its colour bar.
    axes : PageAxes | None
        Its axes.
    depth : (H, W) float32 | None
        Positive down, NaN where the bar says nothing; None without a bar.
    ends : ColourEnds | None
        Of the map's colours.
    high : HighEnd | None
        The end of the colours that is high, as the user says or by labels and words; None with a depth.
    stages : tuple[Stage, ...]
        Each stage's confidence and sentence.
    problem : UserError | None
        Why the page cannot be read.
    question : UserError | None
        What must be said before traps can be found on it: which end of its colours is high.
    """

    picture: RGB
    shape: tuple[int, int]
    reduction: float
    ground: Bool
    inside: Bool
    panels: tuple[Panel, ...] = ()
    panel: Panel | None = None
    texts: tuple[TextBox, ...] = ()
    bar: ColourBar | None = None
    axes: PageAxes | None = None
    depth: Float | None = None
    ends: ColourEnds | None = None
    high: HighEnd | None = None
    stages: tuple[Stage, ...] = field(default_factory=tuple)
    problem: UserError | None = None
    question: UserError | None = None

    @property
    def confidence(self) -> float:
        """The least confidence of all stages."""
        return min((stage.confidence for stage in self.stages), default=0.0)

    def stage(self, name: str) -> Stage | None:
        """The stage of this name, None where the reading did not come so far."""
        return next((stage for stage in self.stages if stage.name == name), None)


class PageError(UserError):
    """The problem of a page, with all that was read of it until then.

    Parameters
    ----------
    problem : UserError
        What is wrong.
    page : Page
        The page; it is lost where the error goes to another process.
    """

    def __init__(self, problem: UserError, page: Page | None = None) -> None:
        super().__init__(problem.where, problem.found, problem.expected, problem.hint)
        self.page = page

    def __reduce__(self) -> tuple[type[UserError], tuple[str, ...]]:
        return UserError, (self.where, self.found, self.expected, self.hint)


DEFAULT_OPTIONS = PageOptions()


def read_page(rgb: RGB, options: PageOptions = DEFAULT_OPTIONS, where: object = "page", lossy: bool = False) -> Page:
    """Read a page as a person does: its map, its numbers, and which end of its colours is high.

    Parameters
    ----------
    rgb : (H, W, 3) uint8
        The picture of the page.
    options : PageOptions, default DEFAULT_OPTIONS
        What the user says of it.
    where : object, default 'page'
        Its name, for errors.
    lossy : bool, default False
        Whether the file has blurred its colours (JPEG).

    Returns
    -------
    Page
        With a `problem` where there is no map on it or which one is meant has to be said, and a `question` where it has
        to be said which end of its colours is high.
    """
    factor = reduction_of(rgb)
    picture = reduced(rgb, factor)
    ground = find_ground(picture, lossy)
    found = Page(picture, (rgb.shape[0], rgb.shape[1]), factor, ground, np.zeros(ground.shape, np.bool_))
    if factor > 1:
        sentence = f"reduced {factor:.3g} times, to lines of about three pixels"
        found = _with_stage(found, Stage("resolution", 1.0, sentence))
    graded = _graded_parts(found, options, where)
    if isinstance(graded, UserError):
        return _with_stage(replace(found, problem=graded), Stage("map", 0.0, graded.found))
    maps, traits = [part for part, _ in graded], [own for _, own in graded]
    found = _with_text(found, rgb, maps[0])
    panels = tuple(list_panels(ground, maps, found.texts))
    found = replace(found, panels=panels)
    try:
        panel, sentence = choose_panel(panels, options.panel)
    except UserError as error:
        problem = UserError(where if error.where == "page" else error.where, *error.args[1:])
        return _with_stage(replace(found, problem=problem), Stage("panel", 0.0, error.found))
    if sentence:
        found = _with_stage(found, Stage("panel", 1.0, sentence))
    own = next(own for part, own in zip(maps, traits, strict=True) if part is panel.part)
    found = _with_stage(replace(found, panel=panel), Stage("map", 1.0 if own is None else own.confidence))
    found = replace(found, inside=_inside(found, options.map_box is not None))
    if options.map_box is None and not options.is_map and (view := name_other_view(found.texts, found.inside)):
        problem = UserError(where, view, "a map seen from above", "--map_box [left,top,right,bottom] in pixels reads a "
                            "part of the picture in any case")  # fmt: skip
        found = replace(found, problem=problem, inside=np.zeros(found.ground.shape, np.bool_))
        return _with_stage(found, Stage("map", 0.0, view))
    return _with_polarity(_with_numbers(found, options), options, where)


def _with_stage(page: Page, stage: Stage) -> Page:
    return replace(page, stages=(*page.stages, stage))


def _graded_parts(page: Page, options: PageOptions, where: object) -> list[tuple[Part, Traits | None]] | UserError:
    """The parts that show maps with their traits, the largest first, or why there are none."""
    height, width = page.ground.shape
    if options.map_box is not None:
        left, top, right, bottom = (round(side / page.reduction) for side in options.map_box)
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            size = f"{round(width * page.reduction)} x {round(height * page.reduction)}"
            return UserError("--map_box", " ".join(map(str, options.map_box)), "left, top, right and bottom in pixels "
                             f"of the picture, which has {size}")  # fmt: skip
        part = Part((top, left, bottom, right), ~page.ground[top:bottom, left:right])
        return [(part, None)] if part.mask.any() else UserError(where, "nothing but ground in --map_box", "a map")
    parts = find_parts(page.ground)[:MAX_CANDIDATES]
    large = [clip_to_frame(page.picture, part) for part in parts if part.cells >= MIN_PAGE_SHARE * page.ground.size]
    graded = [(part, measure_traits(page.picture, part)) for part in large]
    ragged = [part.box for part, own in graded[:1] if own.raggedness > MAX_RAGGEDNESS]  # dots fall into several parts
    maps: list[tuple[Part, Traits | None]] = [
        (part, own) for part, own in graded if own.is_map and not any(_overlap(part.box, box) for box in ragged)
    ]
    if options.is_map and not maps:
        maps = [(part, None) for part in large[:1]]
    if maps:
        return maps
    reasons = f"{graded[0][1].lack} in the largest part" if graded else "no broad coloured part"
    return UserError(where, f"no coloured map found ({reasons})", "a map whose colours show depth",
                     "look at read.png; --map_box [left,top,right,bottom] in pixels reads a part of the picture in "
                     "any case")  # fmt: skip


def _with_text(page: Page, rgb: RGB, largest: Part) -> Page:
    """The page with its text, where something stands beside its map."""
    top, left, bottom, right = largest.box
    height, width = page.ground.shape
    beside = ~page.ground
    beside[max(0, top - 3) : bottom + 3, max(0, left - 3) : right + 3] = False
    if max(top, left, height - bottom, width - right) < MIN_MARGIN or not beside.any():
        return page
    if not can_read_text():
        return _with_stage(page, Stage("text", 1.0, "its text is not read: pip install 'trapmtl[pictures]'"))
    factor = page.reduction if max(rgb.shape) <= MAX_TEXT_SIDE else 1.0
    texts = read_text(rgb if factor > 1 else page.picture)
    return replace(page, texts=tuple(_scaled(text, 1 / factor) for text in texts))


def _scaled(text: TextBox, factor: float) -> TextBox:
    row0, col0, row1, col1 = (round(side * factor) for side in text.box)
    return replace(text, box=(row0, col0, max(row1, row0 + 1), max(col1, col0 + 1)))


def _inside(page: Page, is_asked: bool) -> Bool:
    """The cells of the panel's map, and of the blocks beside it that have its colours."""
    assert page.panel is not None
    part, inside = page.panel.part, np.zeros(page.ground.shape, np.bool_)
    _paste(inside, part)
    if is_asked:
        top, left, bottom, right = part.box
        inside[top:bottom, left:right] = inside_of_map(part.mask)
        return inside
    own = np.zeros(8**3, np.bool_)
    cubes = (page.picture // COLOUR_STEP).astype(np.int64) @ np.array([64, 8, 1])
    own[np.unique(cubes[inside])] = True
    others = [panel.frame for panel in page.panels if panel is not page.panel]
    frame = page.panel.frame
    for block in find_parts(page.ground):
        top, left, bottom, right = block.box
        beyond = frame != part.box and not _overlap(block.box, frame)
        is_part = inside[top:bottom, left:right][block.mask].any()
        if is_part or beyond or _is_bar(block) or any(_overlap(block.box, other) for other in others):
            continue
        has_own_colours = own[cubes[top:bottom, left:right][block.mask]].mean() >= MIN_OWN_COLOURS
        if block.cells >= MIN_PART_SHARE * part.cells and has_own_colours:
            _paste(inside, block)
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    inside[box] = inside_of_map(inside[box])
    return inside


def _paste(mask: Bool, part: Part) -> None:
    top, left, bottom, right = part.box
    mask[top:bottom, left:right] |= part.mask


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _is_bar(part: Part) -> bool:
    height, width = part.mask.shape
    is_long = max(height, width) >= MIN_BAR_ASPECT * min(height, width)
    return bool(is_long and part.mask.mean() >= MIN_BAR_FILL)


def _with_numbers(page: Page, options: PageOptions) -> Page:
    """The page with what its colour bar and axes say; a bar in the map is taken out of it."""
    assert page.panel is not None
    if not page.texts and options.colour_bar is None:
        return page
    bar = _own_bar(page, page.panel) if options.colour_bar is None else _asked_bar(page, options.colour_bar)
    shared = [panel.frame for panel in page.panels if panel is not page.panel]
    axes = read_axes(page.picture, page.panel.frame, page.texts, bar, shared)
    if axes is not None:
        page = _with_stage(replace(page, axes=axes), Stage("axes", 1.0, axes.sentence))
    if bar is None:
        return page
    inside = _without_bar(page, bar)
    page = replace(page, bar=bar, inside=inside)
    if bar.problem:
        return _with_stage(page, Stage("colour bar", UNUSED_CONFIDENCE, f"{bar.sentence}: not used"))
    asked = _asked_end(page, options)
    if asked is not None and options.colour_bar is not None:
        bar = _grown_towards(page, bar, asked)
    elif bar.grows is None or bar.quantity.is_other:
        if asked is None:
            return page
        bar = _grown_towards(page, bar, asked)
    try:
        read = depth_from_bar(page.picture, bar, inside, page.texts)
    except UserError as error:
        if options.colour_bar is not None:
            raise UserError("--colour_bar", *error.args[1:]) from error
        return _with_stage(page, Stage("colour bar", UNUSED_CONFIDENCE, f"{bar.sentence}; not used: {error.found}"))
    sentence = f"{bar.sentence}; read on {read.share:.0%} of the map"
    fit = float(np.clip(read.share / GOOD_SHARE, 0, 1) * np.clip(GOOD_DISTANCE / max(read.distance, 1e-6), 0, 1))
    follows = order_agreement(page.picture, _clear(page) & inside & np.isfinite(read.depth), read.depth)
    if follows < MIN_FOLLOWED:
        fit *= float(np.clip((follows - LEAST_FOLLOWED) / (MIN_FOLLOWED - LEAST_FOLLOWED), 0.05, 1))
        sentence += f"; doubtful: these depths follow the order of the map's own colours by {follows:.2f} only"
    return _with_stage(replace(page, bar=bar, depth=read.depth), Stage("colour bar", fit, sentence))


def _without_bar(page: Page, bar: ColourBar) -> Bool:
    """The map without its colour bar, and without letters and outlines that hang on a bar beside it."""
    assert page.panel is not None
    row0, col0, row1, col1 = bar.box
    inside, own = page.inside.copy(), np.zeros(page.inside.shape, np.bool_)
    inside[row0:row1, col0:col1] = False
    _paste(own, page.panel.part)
    _, parts = cv2.connectedComponents(inside.astype(np.uint8), connectivity=8)
    around = parts[max(0, row0 - BAR_MARGIN) : row1 + BAR_MARGIN, max(0, col0 - BAR_MARGIN) : col1 + BAR_MARGIN]
    hanging = np.setdiff1d(around, parts[own & inside])
    return inside & ~np.isin(parts, hanging)


def _asked_bar(page: Page, places: tuple[float, float, float, float, float, float]) -> ColourBar:
    """The colour bar at two places that the user names, in pixels of the picture."""
    assert page.panel is not None
    (x, y, other_x, other_y), numbers = (round(side / page.reduction) for side in places[:4]), places[4:]
    return colour_bar_between(page.picture, ((x, y), (other_x, other_y)), numbers, page.panel.frame, page.texts)


def _own_bar(page: Page, panel: Panel) -> ColourBar | None:
    """The colour bar of a panel, looked for up to the frames of the others."""
    top, left, bottom, right = panel.frame
    others = [other.frame for other in page.panels if other is not panel]
    height, width = page.ground.shape
    row0 = max((box[2] for box in others if box[2] <= top), default=0)
    col0 = max((box[3] for box in others if box[3] <= left), default=0)
    row1 = min((box[0] for box in others if box[0] >= bottom), default=height)
    col1 = min((box[1] for box in others if box[1] >= right), default=width)
    texts = [_moved(text, -row0, -col0) for text in page.texts
             if row0 <= text.centre[0] < row1 and col0 <= text.centre[1] < col1]  # fmt: skip
    frame = (top - row0, left - col0, bottom - row0, right - col0)
    bar = find_colour_bar(page.picture[row0:row1, col0:col1], frame, texts)
    if bar is None:
        return None
    a, b, c, d = bar.box
    numbers = tuple((e + row0, f + col0, g + row0, h + col0) for e, f, g, h in bar.numbers)
    return replace(bar, box=(a + row0, b + col0, c + row0, d + col0), numbers=numbers)


def _moved(text: TextBox, rows: int, cols: int) -> TextBox:
    a, b, c, d = text.box
    return replace(text, box=(a + rows, b + cols, c + rows, d + cols))


def _grown_towards(page: Page, bar: ColourBar, high: HighEnd) -> ColourBar:
    """The bar with the direction of its numbers that makes the asked end of its colours high."""
    strip, everywhere = np.rint(bar.colours).astype(np.uint8)[None], np.ones((1, len(bar.values)), np.bool_)
    rises = agreement(strip, everywhere, bar.values[None].astype(np.float32), high) > 0
    return replace(bar, grows="up" if rises else "down", reason=f"{high} is high, as asked")


def _asked_end(page: Page, options: PageOptions) -> HighEnd | None:
    """The end of the colours that is high, as the user says."""
    if options.high is not None or options.is_inverted is None:
        return options.high
    ends = _ends(page)
    if ends.is_rainbow or not ends.is_sequential:
        return "blue" if options.is_inverted else "red"
    return "dark" if options.is_inverted else "light"


def _ends(page: Page) -> ColourEnds:
    return find_colour_ends(page.picture, _clear(page))


def _with_polarity(page: Page, options: PageOptions, where: object) -> Page:
    """The page with the end of its colours that is high: as asked, or by its numbers or words; else a question."""
    ends, asked = _ends(page), _asked_end(page, options)
    page = replace(page, ends=ends)
    if page.depth is not None:
        by_bar = asked is None or agreement(page.picture, np.isfinite(page.depth) & page.inside, -page.depth, asked) > 0
        if by_bar:
            return page
        sentence = f"{asked} is high, {options.said_by}; the colour bar says otherwise and is not used"
        return _with_stage(replace(page, depth=None, high=asked), Stage("polarity", 0.5, sentence))
    if asked is not None:
        return _with_stage(replace(page, high=asked), Stage("polarity", 1.0, f"{asked} is high, {options.said_by}"))
    other = _other_quantity(page)
    if other:
        question = UserError(where, f"it is a map of {other!r}, which is no depth", "a map of depth, elevation or time",
                             f"to find what closes in its colours in any case say {ends.choices}")  # fmt: skip
    else:
        for found in (_end_by_labels(page, ends), _end_by_words(page, ends), _end_by_convention(page, ends)):
            if found is not None:
                return found
        question = UserError(where, f"which end of its colours is high is not known: {_why_unknown(page)}",
                             "a colour bar with numbers and the word depth or elevation beside the map",
                             f"say it: {ends.choices}, or high in map.yaml")  # fmt: skip
    return _with_stage(replace(page, question=question), Stage("polarity", 0.0, question.found))


def _other_quantity(page: Page) -> str:
    """What the words of a page name that is no depth; empty where they name none."""
    assert page.panel is not None
    if page.bar is not None and (page.bar.quantity.is_other or page.bar.grows is not None):
        return page.bar.quantity.words if page.bar.quantity.is_other else ""
    return page.panel.title if page.panel.shows_depth is False else ""


def _end_by_convention(page: Page, ends: ColourEnds) -> Page | None:
    """The page with its warm end high where that is usual and its colours close round it; None else."""
    is_told = page.bar is None or page.bar.grows is not None
    if not (ends.is_rainbow and is_told and surrounds_warm_end(page.picture, page.inside, _clear(page))):
        return None
    sentence = (
        f"red is taken to be high: the colours close round their warm end, and no numbers say so ({ends.choices})"
    )
    return _with_stage(replace(page, high="red"), Stage("polarity", USUAL_CONFIDENCE, sentence))


def _clear(page: Page) -> Bool:
    """The cells of a page's map without lines."""
    clear = page.inside & ~detect_dark_lines(page.picture)
    return clear if clear.any() else page.inside


def _why_unknown(page: Page) -> str:
    """Why nothing says which end of a map's colours is high."""
    if page.bar is not None and page.bar.grows is None and not page.bar.problem:
        return f"{page.bar.reason} on the colour bar"
    unread = page.stage("text")
    return "no numbers were read, and maps are drawn either way round" if unread is None else unread.sentence


def _end_by_labels(page: Page, ends: ColourEnds) -> Page | None:
    """The page with the end that its contour labels say is high; None where they say nothing."""
    assert page.panel is not None
    labels = read_labels(page.panel.frame, page.texts)
    if labels is None:
        return None
    numbers = values_around_labels(labels, page.inside)
    height = numbers if max(labels.values) <= 0 else -numbers
    found = find_high_end(page.picture, np.isfinite(height), height, ends)
    if found is None:
        return None
    high, correlation = found
    sentence = f"{high} is high by the {labels.sentence} (correlation {correlation:.2f})"
    return _with_stage(replace(page, high=high), Stage("polarity", LABEL_CONFIDENCE, sentence))


def _end_by_words(page: Page, ends: ColourEnds) -> Page | None:
    """The page with the end that words at the ends of a colour bar say is high; None without such words."""
    assert page.panel is not None
    found = find_named_ends(page.picture, page.panel.frame, page.texts)
    if found is None:
        return None
    strip = np.rint(found.colours).astype(np.uint8)[None]
    end = find_high_end(strip, np.ones(strip.shape[:2], np.bool_), found.height[None].astype(np.float32), ends)
    if end is None:
        return None
    sentence = f"{end[0]} is high by the words {found.words} at the ends of its colour bar"
    return _with_stage(replace(page, high=end[0]), Stage("polarity", WORD_CONFIDENCE, sentence))
