"""How good a model is on real surfaces it never saw, beside what needs no network: one table, and the worst maps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mtl.data.channels import INPUTS
from mtl.evaluation.baselines import traps_without_network
from mtl.evaluation.evaluate import MapScore, answered, score, write_scores
from mtl.inference.predictor import Predictor
from mtl.metrics.base import pool
from mtl.metrics.keypoints import TRAPS_AND_CRESTS_SCORE
from mtl.prediction.compare_exact import KINDS, disagreement
from mtl.prediction.traps import find_traps
from mtl.tasks.base import Drawing, Output, Values
from targets.common.atomic_write import written_whole
from targets.common.file_names import folder_name
from targets.common.html_report import drawing
from targets.io.catalogue import Reading
from targets.rendering.map import RGB, with_picture
from targets.rendering.style_families import redrawn
from targets.scene import Float, Scene
from targets.synthetic.structure_maps import with_poor_picks
from targets.truth.rasters import trap_mask
from targets.truth.traps import Truth, TruthOptions

WORST = 5  # maps of a row that are drawn
NOISE = 0.01  # of the relief, the picking noise of a noisy depth
LEVELS = 255  # steps of its 8 bits
RULES = TruthOptions()  # traps of at least 1 % of the relief and 40 cells
TABLE = "judged.md"


def picture_alone(scene: Scene) -> Scene:
    """Nothing but the picture and the outline of the map."""
    nothing = np.zeros(scene.shape, np.bool_)
    return Scene(scene.name, np.zeros(scene.shape, np.float32), nothing, scene.map_valid, nothing, scene.rgb)


def all_of_it(scene: Scene) -> Scene:
    """Picture, faults and depth."""
    return scene


def as_it_is(scene: Scene, rng: np.random.Generator) -> Scene:
    """The surface itself."""
    return scene


def noisy(scene: Scene, rng: np.random.Generator) -> Scene:
    """A depth with picking noise, in 8 bits."""
    rough = with_poor_picks(scene, NOISE, rng)
    step = (rough.relief[1] - rough.relief[0]) / LEVELS or 1.0
    depth = np.round((rough.depth - rough.relief[0]) / step) * step
    return scene.with_(depth=depth.astype(np.float32))


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name : str
        What the network may be shown.
    styles : str
        Family of `targets.rendering.style_families` in which pictures are drawn.
    spoil : Callable[[Scene, np.random.Generator], Scene], default as_it_is
        (surface, random numbers) -> the surface as it is known, which is then drawn.
    handed : Callable[[Scene], Scene], default all_of_it
        Map -> what of it is handed over.
    hidden : frozenset[str]
        Inputs that are not shown.
    baseline : tuple[str, str] | None, default None
        What stands beside it, of `mtl.evaluation.baselines`, and what that is called.
    """

    name: str
    styles: str
    spoil: Callable[[Scene, np.random.Generator], Scene] = as_it_is
    handed: Callable[[Scene], Scene] = all_of_it
    hidden: frozenset[str] = frozenset()
    baseline: tuple[str, str] | None = None


LEGEND = ("legend", "legend + exact closures")
ROWS = (
    Row("rgb, palettes of a known legend", "unseen_legend", handed=picture_alone, baseline=LEGEND),
    Row("rgb, palettes without one", "unseen", handed=picture_alone, baseline=LEGEND),
    Row("rgb + fault + depth", "unseen", hidden=frozenset({"closure"})),
    Row("rgb + fault + depth + closure", "unseen", baseline=("exact", "exact closures of the depth")),
    Row("the same, noisy depth in 8 bits", "unseen", noisy, baseline=("exact", "exact closures of the noisy depth")),
)


def mask_and_crests(labels: NDArray[np.int32], crests: NDArray[np.int64]) -> Float:
    """(2, H, W) 1 in traps, and 1 on their crests."""
    points = np.zeros(labels.shape, np.float32)
    points[tuple(crests.T)] = 1
    return np.stack([(labels > 0).astype(np.float32), points])


def true_traps(truth: Truth) -> Values:
    """`mask_and_crests` of the true traps, known everywhere."""
    return mask_and_crests((trap_mask(truth) > 0).astype(np.int32), truth.crests), truth.scene.map_valid


NETWORK = Output(
    name="network", channels=2, unit="cells of traps, and crests within 5 cells", target=true_traps,
    score=TRAPS_AND_CRESTS_SCORE, drawing=Drawing("viridis"),
)  # fmt: skip
BASELINE = replace(NETWORK, name="baseline")


def judge(predictor: Predictor, surfaces: Sequence[str], out: Path, how: Reading, seed: int = 0) -> str:
    """Write judged.md, ROW/metrics.csv and .md, and ROW/worst.png; returns the table.

    Parameters
    ----------
    surfaces : Sequence[str]
        Grids, map folders, or folders of them; their pictures are drawn anew.
    seed : int, default 0
        Of styles and noise.
    """
    lines = ["| the network may be shown | | trap IoU | crests within 5 cells | FP area | FN area |",
             "|---|---|---:|---:|---:|---:|"]  # fmt: skip
    for row in ROWS:
        sets = sets_for(predictor, row)
        if not sets:
            lines.append(f"| {row.name} | the network needs other inputs | – | – | – | – |")
            continue
        scores, worst = judge_row(predictor.known_by(sets), row, surfaces, how, seed)
        outputs = outputs_of(row)
        folder = out / folder_name(row.name)
        write_scores(scores, outputs, folder)
        with written_whole(folder / "worst.png") as temporary:
            temporary.write_bytes(drawing(draw_worst(row, worst)))
        names = ("network", *([row.baseline[1]] if row.baseline else []))
        for name, output in zip(names, outputs, strict=True):
            figures = output.score.ratios(pool([own.sums[output.name] for own in scores]))
            shown = [f"{figures[key]:.3f}" for key in ("iou", "crest_hits", "fp_area", "fn_area")]
            lines.append(f"| {row.name if output is NETWORK else ''} | {name} | {' | '.join(shown)} |")
    text = "\n".join(lines) + "\n"
    with written_whole(out / TABLE) as temporary:
        temporary.write_text(text)
    return text


def outputs_of(row: Row) -> tuple[Output, ...]:
    """What is judged of a row."""
    return (NETWORK,) if row.baseline is None else (NETWORK, BASELINE)


def sets_for(predictor: Predictor, row: Row) -> list[str]:
    """The sets of inputs by which the network may know what a row hands over; none if it needs more."""
    every = predictor.config.shown or [",".join(record.name for record in predictor.inputs)]
    deep = {name for name, record in INPUTS.items() if record.from_depth}
    kept = row.hidden | (deep if row.handed is picture_alone else frozenset())
    return [names for names in every if not kept & set(names.split(","))]


@dataclass(frozen=True, eq=False)
class Shown:
    """What is drawn of one map.

    Attributes
    ----------
    wrong : float
        Share of the map's cells that are false or missed.
    sides : dict[str, NDArray[np.uint8]]
        {answer: (H, W) uint8 kinds of `sides.KINDS`}.
    """

    name: str
    wrong: float
    picture: RGB
    sides: dict[str, NDArray[np.uint8]]


def judge_row(
    predictor: Predictor, row: Row, surfaces: Sequence[str], how: Reading, seed: int
) -> tuple[list[MapScore], list[Shown]]:
    """What is counted on every map, and the worst of them."""
    outputs = outputs_of(row)
    scores: list[MapScore] = []
    worst: list[Shown] = []
    for truth, given in answered(partial(handed_over, row, seed), RULES, surfaces, how):
        values = answers(predictor, row, given)
        scores.append(score(truth, values, outputs))
        worst.append(shown(truth, given, values))
        worst = sorted(worst, key=lambda one: -one.wrong)[:WORST]
    return scores, worst


def handed_over(row: Row, seed: int, surface: Scene) -> Scene:
    """What of a surface network and baseline are given, drawn in a style that seed and name choose."""
    rng = np.random.default_rng([seed, *surface.name.encode()])
    return row.handed(redrawn(row.spoil(surface, rng), rng, row.styles))


def answers(predictor: Predictor, row: Row, given: Scene) -> dict[str, Float]:
    """What network and baseline say of a map."""
    found = find_traps(given, predictor(given), predictor.outputs, None)
    said = {NETWORK.name: mask_and_crests(found.labels, found.crests)}
    if row.baseline is not None:
        labels, crests, _ = traps_without_network(row.baseline[0], RULES.traps, given)
        said[BASELINE.name] = mask_and_crests(labels, crests)
    return said


def shown(truth: Truth, given: Scene, values: Mapping[str, Float]) -> Shown:
    """What is drawn of one map."""
    true, inside = truth.labels > 0, truth.scene.map_valid
    sides = {name: disagreement((planes[0] > 0) & inside, true & inside) for name, planes in values.items()}
    network = sides[NETWORK.name]
    wrong = float(((network == 1) | (network == 2)).sum() / inside.sum())
    picture = with_picture(given).rgb
    assert picture is not None
    return Shown(truth.scene.name, wrong, picture, sides)


def draw_worst(row: Row, worst: Sequence[Shown]) -> Figure:
    """The worst maps of a row: the picture, and where network and baseline are right and wrong."""
    titles = ["as it is handed over", "network"] + ([row.baseline[1]] if row.baseline else [])
    figure = Figure(figsize=(3.3 * len(titles), 3.0 * len(worst) + 0.9), dpi=90, layout="constrained")
    axes = figure.subplots(len(worst), len(titles), squeeze=False)
    for line, one in zip(axes, worst, strict=True):
        line[0].imshow(one.picture)
        line[0].set_ylabel(f"{one.name}\n{one.wrong:.1%} of the cells wrong", fontsize=8)
        for axis, kinds in zip(line[1:], one.sides.values(), strict=True):
            axis.imshow(coloured(one.picture, kinds))
        for axis in line:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    names = ("predicted, not true", "true, not predicted", "both")
    colours = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in KINDS.values()]
    marks = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(f"{row.name}: the worst maps", fontsize=10)
    return figure


def coloured(picture: RGB, kinds: NDArray[np.uint8]) -> RGB:
    """The picture in pale grey, cells in the colours of their kind."""
    pale = np.repeat(255 - (255 - picture.mean(axis=2, keepdims=True)) * 0.4, 3, axis=2)
    colours = np.array([(0, 0, 0), *(rgba[:3] for rgba in KINDS.values())], float)
    told = kinds > 0
    pale[told] = 0.35 * pale[told] + 0.65 * colours[kinds[told]]
    return pale.astype(np.uint8)
