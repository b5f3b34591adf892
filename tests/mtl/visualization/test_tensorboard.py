"""A running TensorBoard serves every page and picture of a small ablation."""

import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from urllib.request import Request, urlopen

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from mtl.ablation.grid import expand_grid
from mtl.ablation.options import Ablation
from mtl.ablation.report import write_report
from mtl.ablation.results import read_results
from mtl.ablation.runner import run_ablation
from mtl.data.channels import INPUTS
from mtl.data.dataset import prepare_sample
from mtl.tasks.heads import HEADS, collect_outputs
from mtl.visualization.panels import keypoint_panel
from mtl.visualization.tensorboard import report_event_errors_once, scalar_layout
from targets.io.map_folder.writer import write_map_folder
from targets.truth.criteria import GroundTruthOptions
from tests.browser import look_at_report, open_page
from tests.conftest import SMALL_ENCODER, dome_scene, full_disk

HEADS_OF = {"trap alone": ["trap"], "all kinds": ["trap", "crest", "dist", "depth"]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two rows, one seed, one epoch on five domes of 32 × 32 cells, and the report of both."""
    folder = tmp_path_factory.mktemp("board")
    for i in range(5):
        scene = dome_scene(f"dome{i}", size=32, crest=(0.35 + 0.06 * i, 0.6 - 0.04 * i))
        write_map_folder(scene, folder / "maps" / scene.name)
    (folder / "base.yaml").write_text(
        json.dumps(
            {
                "net": {"arch": "unet", "encoder": SMALL_ENCODER, "weights": "none", "decoder_channels": [8, 8]},
                "patches": {"size": 32, "stride": 32},
                "predict": {"stride": 32},
                "loop": {"epochs": 1, "batch": 4, "workers": 0},
                "data": str(folder / "maps"),
            }
        )
    )
    rows = {name: {"heads": heads} for name, heads in HEADS_OF.items()}
    ablation = Ablation("board", rows, {"same": str(folder / "maps")}, seeds=1, base=str(folder / "base.yaml"))
    out = folder / "runs"
    assert run_ablation(ablation, out) == []
    for _ in range(2):  # a report that is made again replaces its page
        write_report(ablation, expand_grid(ablation, out), read_results(out), out)
    return out


@pytest.fixture(scope="module")
def board(runs):
    """The address of a running TensorBoard."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(runs), "--port", "0", "--load_fast", "false"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def ask(board):
    """What a running TensorBoard answers: ask(path under /data, JSON to post) -> JSON."""

    def answer(path, post=None):
        body = None if post is None else json.dumps(post).encode()
        request = Request(f"{board}data/{path}", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as reply:
            return json.load(reply)

    until = time.monotonic() + 60
    while "summary" not in answer("plugin/text/tags") and time.monotonic() < until:  # read in the background
        time.sleep(0.2)
    return answer


RUN = "all_kinds/all/0"


OUTPUTS = ("trap", "crest", "dist", "depth", "depth_traps", "fusion")


@pytest.mark.long
@pytest.mark.usefixtures("ask")  # which waits until all is read
def test_a_browser_shows_every_output(board, browser):
    says = ("Three.js",)  # a warning of TensorBoard's own
    with open_page(browser, f"{board}#custom_scalars", may_say=says, may_ask=board) as page:
        for name in ("summary", *OUTPUTS, "training"):
            page.locator("tf-category-paginated-view .category-name", has_text=re.compile(f"^{name}$")).wait_for()
    with open_page(browser, f"{board}#images&tagFilter=%2Fpanel%24", may_say=says, may_ask=board) as page:
        for name in OUTPUTS:
            picture = page.locator("tf-image-loader", has_text=f"{name}/panel").first.locator("img")
            picture.wait_for()
            assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


@pytest.mark.slow
def test_a_browser_shows_the_report_of_the_ablation(runs, browser):
    page = (runs / "report.html").read_text("utf-8")
    assert page.count("<img") == 2  # the comparison, and some maps
    look_at_report(browser, runs / "report.html", pictures=2)


def test_every_output_has_its_pictures(ask):
    pictures = set(ask("plugin/images/tags")[RUN])
    outputs = ("trap", "crest", "dist", "depth", "depth_traps", "fusion")
    expected = {f"{name}/panel" for name in outputs} | {"crest/keypoints"}
    expected |= {f"{name}/curves" for name in ("trap", "depth_traps", "fusion")} | {"dist/errors", "depth/errors"}
    assert pictures >= expected
    assert not {"trap/errors", "dist/curves", "trap/keypoints"} & pictures


def test_the_layout_has_a_page_per_output_and_every_chart_has_its_values(ask):
    scalars = ask("plugin/scalars/tags")
    layout = ask("plugin/custom_scalars/layout")["category"]
    names = [page["title"] for page in layout]
    outputs = {"trap", "crest", "dist", "depth", "depth_traps", "fusion"}
    assert names[0] == "summary" and names[-1] == "training" and set(names[1:-1]) == outputs
    for page in layout:
        for chart in page["chart"]:
            for pattern in chart["multiline"]["tag"]:
                assert [tag for tag in scalars[RUN] if re.match(pattern, tag)], pattern
    trap = next(page for page in layout if page["title"] == "trap")
    titles = [chart["title"] for chart in trap["chart"]]
    assert titles[0] == "iou, dice" and "average_precision, calibration_error" in titles


def test_hparams_list_every_run_of_an_ablation(ask):
    experiment = ask("plugin/hparams/experiment", {})
    assert {info["name"] for info in experiment["hparamInfos"]} >= {"row", "condition", "seed", "heads"}
    request = {
        "startIndex": 0,
        "sliceSize": 10,
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [],
    }
    groups = ask("plugin/hparams/session_groups", request)["sessionGroups"]
    assert {group["hparams"]["row"] for group in groups} == set(HEADS_OF)
    for group in groups:
        values = {value["name"]["tag"]: value["value"] for value in group["metricValues"]}
        assert {"same/trap/iou", "same/trap/boundary_f1"} <= set(values)


def test_the_comparison_of_rows_stands_beside_the_runs(ask, runs):
    assert len(list((runs / "summary").glob("events.out.*"))) == 1
    assert ask("plugin/text/tags")["summary"] == ["comparison/text_summary"]
    assert set(ask("plugin/images/tags")["summary"]) == {"comparison/same", "comparison/same, all, examples"}
    text = ask("plugin/text/text?run=summary&tag=comparison%2Ftext_summary")[0]["text"]
    assert "<table>" in text and "all kinds" in text


def test_pages_name_no_chart_twice():
    for page in scalar_layout(collect_outputs(list(HEADS.values()))).values():
        assert all(chart[0] == "Multiline" and len(chart[1]) == len(set(chart[1])) for chart in page.values())


def test_a_keypoint_panel_counts_hits_misses_and_false_alarms():
    head = HEADS["crest"]
    sample = prepare_sample(dome_scene(size=64), [INPUTS["rgb"]], [head], GroundTruthOptions())
    there, nothing = sample.targets["crest"], np.zeros((1, 64, 64), np.float32)
    nowhere = replace(sample, targets={"crest": nothing})
    cases = [(sample, there), (sample, np.roll(there, 20, 1)), (sample, nothing), (nowhere, nothing)]
    predictions = [{"crest": heat} for _, heat in cases]
    figure = keypoint_panel(head, head.match_points, [one for one, _ in cases], predictions)
    figure.canvas.draw()
    titles = [axis.get_title().split(": ")[1] for axis in figure.axes]
    assert titles == [
        "1 of 1 found, 0 false",
        "0 of 1 found, 1 false",
        "0 of 1 found, 0 false",
        "0 of 0 found, 0 false",
    ]


def test_a_full_disk_under_the_events_is_reported_once_by_the_call_that_writes(tmp_path, capfd):
    with pytest.raises(OSError, match="File too large"), report_event_errors_once(), full_disk(4096):
        writer = SummaryWriter(str(tmp_path))
        writer.add_text("long", "x" * 8192)
        writer.flush()
    assert capfd.readouterr() == ("", "")
