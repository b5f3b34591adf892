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
from mtl.evaluation.baselines import baseline_traps
from mtl.evaluation.evaluate import MapScore, predict_with_truth, score_map, write_scores
from mtl.inference.predictor import Predictor
from mtl.metrics.base import add_states
from mtl.metrics.keypoints import MASK_AND_CREST_METRIC
from mtl.prediction.compare_exact import AGREEMENT_COLOURS, agreement_classes
from mtl.prediction.traps import extract_traps
from mtl.tasks.base import Drawing, MaskedValues, Output
from targets.common.atomic_write import atomic_write, safe_file_name
from targets.common.html_report import png_of_figure
from targets.io.catalogue import ReadOptions
from targets.rendering.map import RGB, ensure_picture
from targets.rendering.style_families import with_random_style
from targets.scene import Float, Scene
from targets.synthetic.structure_maps import with_picking_noise
from targets.truth.rasters import trap_mask
from targets.truth.traps import GroundTruth, GroundTruthOptions

MAX_WORST_MAPS = 5  # maps of a row that are drawn
PICKING_NOISE = 0.01  # of the relief, the picking noise of a noisy depth
DEPTH_STEPS = 255  # steps of its 8 bits
TRUTH_OPTIONS = GroundTruthOptions()  # traps of at least 1 % of the relief and 40 cells
TABLE_FILE = "judged.md"


def picture_only(scene: Scene) -> Scene:
    """Nothing but the picture and the outline of the map."""
    nothing = np.zeros(scene.shape, np.bool_)
    return Scene(scene.name, np.zeros(scene.shape, np.float32), nothing, scene.map_valid, nothing, scene.rgb)


def whole_scene(scene: Scene) -> Scene:
    """Picture, faults and depth."""
    return scene


def undisturbed(scene: Scene, rng: np.random.Generator) -> Scene:
    """The surface itself."""
    return scene


def with_noisy_depth(scene: Scene, rng: np.random.Generator) -> Scene:
    """A depth with picking noise, in 8 bits."""
    rough = with_picking_noise(scene, PICKING_NOISE, rng)
    step = (rough.relief[1] - rough.relief[0]) / DEPTH_STEPS or 1.0
    depth = np.round((rough.depth - rough.relief[0]) / step) * step
    return scene.replace(depth=depth.astype(np.float32))


@dataclass(frozen=True)
class BenchmarkCase:
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
    style_family: str
    degrade: Callable[[Scene, np.random.Generator], Scene] = undisturbed
    select: Callable[[Scene], Scene] = whole_scene
    hidden_inputs: frozenset[str] = frozenset()
    baseline: tuple[str, str] | None = None


LEGEND_BASELINE = ("legend", "legend + exact closures")
CASES = (
    BenchmarkCase("rgb, palettes of a known legend", "unseen_legend", select=picture_only, baseline=LEGEND_BASELINE),
    BenchmarkCase("rgb, palettes without one", "unseen", select=picture_only, baseline=LEGEND_BASELINE),
    BenchmarkCase("rgb + fault + depth", "unseen", hidden_inputs=frozenset({"closure"})),
    BenchmarkCase("rgb + fault + depth + closure", "unseen", baseline=("exact", "exact closures of the depth")),
    BenchmarkCase(
        "the same, noisy depth in 8 bits",
        "unseen",
        with_noisy_depth,
        baseline=("exact", "exact closures of the noisy depth"),
    ),
)


def mask_and_crest_planes(labels: NDArray[np.int32], crests: NDArray[np.int64]) -> Float:
    """(2, H, W) 1 in traps, and 1 on their crests."""
    points = np.zeros(labels.shape, np.float32)
    points[tuple(crests.T)] = 1
    return np.stack([(labels > 0).astype(np.float32), points])


def true_mask_and_crests(truth: GroundTruth) -> MaskedValues:
    """`mask_and_crests` of the true traps, known everywhere."""
    return mask_and_crest_planes((trap_mask(truth) > 0).astype(np.int32), truth.crests), truth.scene.map_valid


NETWORK_OUTPUT = Output(
    name="network", channels=2, unit="cells of traps, and crests within 5 cells", target=true_mask_and_crests,
    metric=MASK_AND_CREST_METRIC, drawing=Drawing("viridis"),
)  # fmt: skip
BASELINE_OUTPUT = replace(NETWORK_OUTPUT, name="baseline")


def run_benchmark(predictor: Predictor, surfaces: Sequence[str], out: Path, reading: ReadOptions, seed: int = 0) -> str:
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
    for row in CASES:
        sets = input_sets_for(predictor, row)
        if not sets:
            lines.append(f"| {row.name} | the network needs other inputs | – | – | – | – |")
            continue
        scores, worst = run_case(predictor.known_by(sets), row, surfaces, reading, seed)
        outputs = case_outputs(row)
        folder = out / safe_file_name(row.name)
        write_scores(scores, outputs, folder)
        with atomic_write(folder / "worst.png") as temporary:
            temporary.write_bytes(png_of_figure(draw_worst_maps(row, worst)))
        names = ("network", *([row.baseline[1]] if row.baseline else []))
        for name, output in zip(names, outputs, strict=True):
            figures = output.metric.compute(add_states([own.sums[output.name] for own in scores]))
            shown = [f"{figures[key]:.3f}" for key in ("iou", "crest_hits", "fp_area", "fn_area")]
            lines.append(f"| {row.name if output is NETWORK_OUTPUT else ''} | {name} | {' | '.join(shown)} |")
    text = "\n".join(lines) + "\n"
    with atomic_write(out / TABLE_FILE) as temporary:
        temporary.write_text(text)
    return text


def case_outputs(case: BenchmarkCase) -> tuple[Output, ...]:
    """What is judged of a row."""
    return (NETWORK_OUTPUT,) if case.baseline is None else (NETWORK_OUTPUT, BASELINE_OUTPUT)


def input_sets_for(predictor: Predictor, case: BenchmarkCase) -> list[str]:
    """The sets of inputs by which the network may know what a row hands over; none if it needs more."""
    every = predictor.config.input_sets or [",".join(record.name for record in predictor.inputs)]
    deep = {name for name, record in INPUTS.items() if record.needs_depth}
    kept = case.hidden_inputs | (deep if case.select is picture_only else frozenset())
    return [names for names in every if not kept & set(names.split(","))]


@dataclass(frozen=True, eq=False)
class CaseMap:
    """What is drawn of one map.

    Attributes
    ----------
    wrong : float
        Share of the map's cells that are false or missed.
    sides : dict[str, NDArray[np.uint8]]
        {answer: (H, W) uint8 kinds of `sides.KINDS`}.
    """

    name: str
    error_fraction: float
    picture: RGB
    agreement: dict[str, NDArray[np.uint8]]


def run_case(
    predictor: Predictor, case: BenchmarkCase, surfaces: Sequence[str], reading: ReadOptions, seed: int
) -> tuple[list[MapScore], list[CaseMap]]:
    """What is counted on every map, and the worst of them."""
    outputs = case_outputs(case)
    scores: list[MapScore] = []
    worst: list[CaseMap] = []
    for truth, given in predict_with_truth(partial(make_case_scene, case, seed), TRUTH_OPTIONS, surfaces, reading):
        values = predict_case(predictor, case, given)
        scores.append(score_map(truth, values, outputs))
        worst.append(compare_map(truth, given, values))
        worst = sorted(worst, key=lambda one: -one.error_fraction)[:MAX_WORST_MAPS]
    return scores, worst


def make_case_scene(case: BenchmarkCase, seed: int, surface: Scene) -> Scene:
    """What of a surface network and baseline are given, drawn in a style that seed and name choose."""
    rng = np.random.default_rng([seed, *surface.name.encode()])
    return case.select(with_random_style(case.degrade(surface, rng), rng, case.style_family))


def predict_case(predictor: Predictor, case: BenchmarkCase, given: Scene) -> dict[str, Float]:
    """What network and baseline say of a map."""
    found = extract_traps(given, predictor(given), predictor.outputs, None)
    said = {NETWORK_OUTPUT.name: mask_and_crest_planes(found.labels, found.crests)}
    if case.baseline is not None:
        labels, crests, _ = baseline_traps(case.baseline[0], TRUTH_OPTIONS.traps, given)
        said[BASELINE_OUTPUT.name] = mask_and_crest_planes(labels, crests)
    return said


def compare_map(truth: GroundTruth, given: Scene, values: Mapping[str, Float]) -> CaseMap:
    """What is drawn of one map."""
    true, inside = truth.labels > 0, truth.scene.map_valid
    sides = {name: agreement_classes((planes[0] > 0) & inside, true & inside) for name, planes in values.items()}
    network = sides[NETWORK_OUTPUT.name]
    wrong = float(((network == 1) | (network == 2)).sum() / inside.sum())
    picture = ensure_picture(given).rgb
    assert picture is not None
    return CaseMap(truth.scene.name, wrong, picture, sides)


def draw_worst_maps(case: BenchmarkCase, worst: Sequence[CaseMap]) -> Figure:
    """The worst maps of a row: the picture, and where network and baseline are right and wrong."""
    titles = ["as it is handed over", "network"] + ([case.baseline[1]] if case.baseline else [])
    figure = Figure(figsize=(3.3 * len(titles), 3.0 * len(worst) + 0.9), dpi=90, layout="constrained")
    axes = figure.subplots(len(worst), len(titles), squeeze=False)
    for line, one in zip(axes, worst, strict=True):
        line[0].imshow(one.picture)
        line[0].set_ylabel(f"{one.name}\n{one.error_fraction:.1%} of the cells wrong", fontsize=8)
        for axis, kinds in zip(line[1:], one.agreement.values(), strict=True):
            axis.imshow(overlay_agreement(one.picture, kinds))
        for axis in line:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    names = ("predicted, not true", "true, not predicted", "both")
    colours = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in AGREEMENT_COLOURS.values()]
    marks = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(f"{case.name}: the worst maps", fontsize=10)
    return figure


def overlay_agreement(picture: RGB, kinds: NDArray[np.uint8]) -> RGB:
    """The picture in pale grey, cells in the colours of their kind."""
    pale = np.repeat(255 - (255 - picture.mean(axis=2, keepdims=True)) * 0.4, 3, axis=2)
    colours = np.array([(0, 0, 0), *(rgba[:3] for rgba in AGREEMENT_COLOURS.values())], float)
    told = kinds > 0
    pale[told] = 0.35 * pale[told] + 0.65 * colours[kinds[told]]
    return pale.astype(np.uint8)
