"""Benchmark of a model on real surfaces: with picture or depth, beside baselines without a network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mtl.data.channels import INPUTS
from mtl.evaluation.baselines import NOISE_LEFT_OUT, baseline_traps
from mtl.evaluation.evaluate import MapScore, predict_map_with_truth, score_map, write_scores
from mtl.evaluation.pages import judge_pages
from mtl.inference.predictor import Predictor
from mtl.metrics.base import add_states
from mtl.metrics.keypoints import MASK_AND_CREST_METRIC
from mtl.prediction.compare_exact import AGREEMENT_COLOURS, agreement_classes
from mtl.prediction.traps import extract_traps
from mtl.tasks.base import Drawing, MaskedValues, Output
from targets.common.atomic_write import atomic_write, safe_file_name
from targets.common.html_report import png_of_figure
from targets.errors import UserError, raise_all
from targets.io.catalogue import MapSource, read_map
from targets.io.describe import MapDescription, describe_map, describe_maps, print_lines, report_maps
from targets.io.read_options import ReadOptions
from targets.rendering.map import ensure_picture
from targets.rendering.palettes import RGB
from targets.rendering.style_families import with_random_style
from targets.scene import Float, Scene
from targets.synthetic.structure_maps import with_picking_noise
from targets.truth.criteria import GroundTruthOptions
from targets.truth.rasters import trap_mask
from targets.truth.traps import GroundTruth

MAX_WORST_MAPS = 5  # maps of a case that are drawn
PICKING_NOISE = 0.01  # of the relief: noise of a noisy depth
DEPTH_STEPS = 255  # of the relief: resolution of a noisy depth, 8 bits
METRICS = ("iou", "crest_hits", "fp_area", "fn_area")
TRUTH_OPTIONS = GroundTruthOptions()  # traps of at least 1 % of the relief and 40 cells
TABLE_FILE = "judged.md"


def picture_only(scene: Scene) -> Scene:
    """The map reduced to its picture and outline."""
    nothing = np.zeros(scene.shape, np.bool_)
    return Scene(scene.name, np.zeros(scene.shape, np.float32), nothing, scene.map_valid, nothing, scene.rgb)


def whole_scene(scene: Scene) -> Scene:
    """The map with picture, faults and depth."""
    return scene


def undisturbed(scene: Scene, rng: np.random.Generator) -> Scene:
    """The surface as it is."""
    return scene


def with_noisy_depth(scene: Scene, rng: np.random.Generator) -> Scene:
    """The surface with picking noise in its depth, rounded to 8 bits."""
    noisy = with_picking_noise(scene, PICKING_NOISE, rng)
    step = (noisy.relief[1] - noisy.relief[0]) / DEPTH_STEPS or 1.0
    depth = np.round((noisy.depth - noisy.relief[0]) / step) * step
    return scene.replace(depth=depth.astype(np.float32))


@dataclass(frozen=True)
class BenchmarkCase:
    """What a network is given in one row of the benchmark.

    Attributes
    ----------
    name : str
        What the network is given, in words.
    style_family : str
        Family of `targets.rendering.style_families` in which pictures are drawn.
    degrade : Callable[[Scene, np.random.Generator], Scene], default undisturbed
        (surface, random numbers) -> the surface as it is known, from which the picture is drawn.
    select : Callable[[Scene], Scene], default whole_scene
        Map -> the part of it that network and baseline are given.
    hidden_inputs : frozenset[str]
        Input channels that the network is not given.
    baselines : tuple[tuple[str, str], ...], default ()
        Keys of `mtl.evaluation.baselines.BASELINES`, each with its name in the table.
    """

    name: str
    style_family: str
    degrade: Callable[[Scene, np.random.Generator], Scene] = undisturbed
    select: Callable[[Scene], Scene] = whole_scene
    hidden_inputs: frozenset[str] = frozenset()
    baselines: tuple[tuple[str, str], ...] = ()


LEGEND_BASELINE = (("legend", "legend + exact closures"),)
NOISE_BASELINE = (NOISE_LEFT_OUT, "the same, noise left out")
CASES = (
    BenchmarkCase("rgb, palettes of a known legend", "unseen_legend", select=picture_only, baselines=LEGEND_BASELINE),
    BenchmarkCase("rgb, palettes without one", "unseen", select=picture_only, baselines=LEGEND_BASELINE),
    BenchmarkCase("rgb + fault + depth", "unseen", hidden_inputs=frozenset({"closure"})),
    BenchmarkCase(
        "rgb + fault + depth + closure",
        "unseen",
        baselines=(("exact", "exact closures of the depth"), NOISE_BASELINE),
    ),
    BenchmarkCase(
        "the same, noisy depth in 8 bits",
        "unseen",
        with_noisy_depth,
        baselines=(("exact", "exact closures of the noisy depth"), NOISE_BASELINE),
    ),
)


def mask_and_crest_planes(labels: NDArray[np.int32], crests: NDArray[np.int64]) -> Float:
    """Planes (2, H, W) float32 of traps: 1 in their cells, and 1 on their crests."""
    points = np.zeros(labels.shape, np.float32)
    points[tuple(crests.T)] = 1
    return np.stack([(labels > 0).astype(np.float32), points])


def true_mask_and_crests(truth: GroundTruth) -> MaskedValues:
    """`mask_and_crest_planes` of the true traps, valid in the whole map."""
    return mask_and_crest_planes((trap_mask(truth) > 0).astype(np.int32), truth.crests), truth.scene.map_valid


NETWORK_OUTPUT = Output(
    name="network", channels=2, unit="cells of traps, and crests within 5 cells", target=true_mask_and_crests,
    metric=MASK_AND_CREST_METRIC, drawing=Drawing("viridis"),
)  # fmt: skip


def run_benchmark(
    predictor: Predictor, surfaces: Sequence[str], out: Path, reading: ReadOptions, seed: int = 0, pages: bool = False
) -> tuple[str, dict[int, UserError]]:
    """Run every case of the benchmark; one bad surface does not stop the others.

    Leaves judged.md, and for each case a folder with metrics.csv, metrics.md and worst.png.

    Parameters
    ----------
    predictor : Predictor
        The model.
    surfaces : Sequence[str]
        Grids, map folders, or folders of them; pictures are drawn for them.
    out : Path
        Folder of the results.
    reading : ReadOptions
        How surfaces are read.
    seed : int, default 0
        Seed of styles and noise.
    pages : bool, default False
        Whether the surfaces are drawn as pages, too, and these are read.

    Returns
    -------
    text : str
        Text of judged.md.
    failed : dict[int, UserError]
        {place of the surface in its list: why it cannot be judged}.

    Raises
    ------
    UserError
        There are no surfaces, or none can be judged.
    """
    sources, failed = dict(enumerate(report_maps(surfaces, reading))), dict[int, UserError]()
    said = reading
    lines = ["| given to the network | | trap IoU | crests within 5 cells | FP area | FN area |",
             "|---|---|---:|---:|---:|---:|"]  # fmt: skip
    for case in CASES:
        input_sets = input_sets_for(predictor, case)
        if not input_sets:
            lines.append(f"| {case.name} | the network needs other inputs | – | – | – | – |")
            continue
        run = run_case(predictor.with_input_sets(input_sets), case, sources, reading, seed)
        print_lines(describe_maps(run.descriptions), said)
        said = replace(reading, quiet=True)  # the other cases read the same surfaces
        failed |= run.failed
        sources = {place: source for place, source in sources.items() if place not in failed}
        if not sources:
            raise_all(failed)
        scores, worst = run.scores, run.worst
        outputs = case_outputs(case)
        folder = out / safe_file_name(case.name)
        write_scores(scores, outputs, folder)
        with atomic_write(folder / "worst.png") as temporary:
            temporary.write_bytes(png_of_figure(draw_worst_maps(case, worst)))
        names = ("network", *(name for _, name in case.baselines))
        for name, output in zip(names, outputs, strict=True):
            metrics = output.metric.compute(add_states([score.states[output.name] for score in scores]))
            cells = " | ".join(f"{metrics[metric]:.3f}" for metric in METRICS)
            lines.append(f"| {case.name if output is NETWORK_OUTPUT else ''} | {name} | {cells} |")
    text = "\n".join(lines) + "\n"
    if pages and (input_sets := input_sets_for(predictor, CASES[0])):
        drawn = (read_map(source, said) for source in sources.values())
        text += "\n" + judge_pages(predictor.with_input_sets(input_sets), drawn, TRUTH_OPTIONS, said, seed)
    with atomic_write(out / TABLE_FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return text, failed


def case_outputs(case: BenchmarkCase) -> tuple[Output, ...]:
    """The outputs that are scored in a case: of the network, and of each baseline."""
    names = [f"baseline_{number}" if number > 1 else "baseline" for number in range(1, len(case.baselines) + 1)]
    return (NETWORK_OUTPUT, *(replace(NETWORK_OUTPUT, name=name) for name in names))


def input_sets_for(predictor: Predictor, case: BenchmarkCase) -> list[str]:
    """Input sets of a model that a case allows; none if all of them need hidden inputs."""
    input_sets = predictor.config.input_sets or [",".join(record.name for record in predictor.inputs)]
    from_depth = {name for name, record in INPUTS.items() if record.needs_depth}
    hidden = case.hidden_inputs | (from_depth if case.select is picture_only else frozenset())
    return [names for names in input_sets if not hidden & set(names.split(","))]


@dataclass(frozen=True, eq=False)
class CaseMap:
    """One map of a case, as it is drawn among the worst.

    Attributes
    ----------
    name : str
        Name of the map.
    error_fraction : float
        Fraction of the map's cells that the network gets wrong.
    picture : (H, W, 3) uint8
        Picture of the map.
    agreement : dict[str, NDArray[np.uint8]]
        {output: (H, W) `agreement_classes` of its mask and the true one}.
    """

    name: str
    error_fraction: float
    picture: RGB
    agreement: dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class CaseRun:
    """Results of one case.

    Attributes
    ----------
    scores : list[MapScore]
        Of all surfaces that could be judged.
    worst : list[CaseMap]
        The worst of them.
    descriptions : list[MapDescription]
        What was understood of their files.
    failed : dict[int, UserError]
        {place of the surface: why it could not be judged}.
    """

    scores: list[MapScore]
    worst: list[CaseMap]
    descriptions: list[MapDescription]
    failed: dict[int, UserError]


def run_case(
    predictor: Predictor, case: BenchmarkCase, sources: Mapping[int, MapSource], reading: ReadOptions, seed: int
) -> CaseRun:
    """Score a model on all maps of a case, {place: source}."""
    outputs = case_outputs(case)
    run = CaseRun([], [], [], {})
    for place, source in sources.items():
        try:
            truth, scene = predict_map_with_truth(partial(make_case_scene, case, seed), TRUTH_OPTIONS, source, reading)
            values = predict_case(predictor, case, scene)
        except UserError as error:
            run.failed[place] = error
            continue
        run.descriptions.append(describe_map(truth.scene))
        run.scores.append(score_map(truth, values, outputs))
        run.worst.append(compare_map(truth, scene, values))
        run.worst.sort(key=lambda one: -one.error_fraction)
        del run.worst[MAX_WORST_MAPS:]
    return run


def make_case_scene(case: BenchmarkCase, seed: int, surface: Scene) -> Scene:
    """Make the map that network and baseline are given; seed and name of the surface choose style and noise."""
    rng = np.random.default_rng([seed, *surface.name.encode()])
    return case.select(with_random_style(case.degrade(surface, rng), rng, case.style_family))


def predict_case(predictor: Predictor, case: BenchmarkCase, scene: Scene) -> dict[str, Float]:
    """Predict a map with the network and with the case's baselines: {output: `mask_and_crest_planes`}."""
    prediction = extract_traps(scene, predictor(scene), predictor.outputs, None)
    values = {NETWORK_OUTPUT.name: mask_and_crest_planes(prediction.labels, prediction.crests)}
    for output, (key, _) in zip(case_outputs(case)[1:], case.baselines, strict=True):
        labels, crests, _ = baseline_traps(key, TRUTH_OPTIONS.traps, scene)
        values[output.name] = mask_and_crest_planes(labels, crests)
    return values


def compare_map(truth: GroundTruth, scene: Scene, values: Mapping[str, Float]) -> CaseMap:
    """Compare the predictions of a map with its truth."""
    true, inside = truth.labels > 0, truth.scene.map_valid
    agreement = {name: agreement_classes((planes[0] > 0) & inside, true & inside) for name, planes in values.items()}
    network = agreement[NETWORK_OUTPUT.name]
    error_fraction = float(((network == 1) | (network == 2)).sum() / inside.sum())
    picture = ensure_picture(scene).rgb
    assert picture is not None
    return CaseMap(truth.scene.name, error_fraction, picture, agreement)


def draw_worst_maps(case: BenchmarkCase, worst: Sequence[CaseMap]) -> Figure:
    """Draw the worst maps of a case: the picture, and where network and baseline are right and wrong."""
    titles = ["picture of the map", "network", *(name for _, name in case.baselines)]
    figure = Figure(figsize=(3.3 * len(titles), 3.0 * len(worst) + 0.9), dpi=90, layout="constrained")
    axes = figure.subplots(len(worst), len(titles), squeeze=False)
    for row, case_map in zip(axes, worst, strict=True):
        row[0].imshow(case_map.picture)
        row[0].set_ylabel(f"{case_map.name}\n{case_map.error_fraction:.1%} of the cells wrong", fontsize=8)
        for axis, agreement in zip(row[1:], case_map.agreement.values(), strict=True):
            axis.imshow(overlay_agreement(case_map.picture, agreement))
        for axis in row:
            axis.set(xticks=[], yticks=[])
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    names = ("predicted, not true", "true, not predicted", "both")
    colours = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in AGREEMENT_COLOURS.values()]
    marks = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(f"{case.name}: the worst maps", fontsize=10)
    return figure


def overlay_agreement(picture: RGB, agreement: NDArray[np.uint8]) -> RGB:
    """Tint the cells of a pale grey picture (H, W, 3) by their agreement class (H, W)."""
    pale = np.repeat(255 - (255 - picture.mean(axis=2, keepdims=True)) * 0.4, 3, axis=2)
    colours = np.array([(0, 0, 0), *(rgba[:3] for rgba in AGREEMENT_COLOURS.values())], float)
    tinted = agreement > 0
    pale[tinted] = 0.35 * pale[tinted] + 0.65 * colours[agreement[tinted]]
    return pale.astype(np.uint8)
