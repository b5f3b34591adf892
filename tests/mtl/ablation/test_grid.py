"""Every ablation that is shipped can run: its settings exist, its networks can be built, its outputs exist."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import mtl.models.safetensors_io
from mtl.ablation.grid import MAX_RUNS, expand_grid, find_test_sets
from mtl.ablation.options import Ablation
from mtl.config import OptimConfig, TrainConfig, changed_settings, fingerprint
from mtl.models.checkpoint import build_net
from mtl.models.safetensors_io import write_weights
from targets.common.cli import Names, read_record
from targets.errors import UserError

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(path for path in (ROOT / "configs" / "ablations").glob("*.yaml") if not path.name.startswith("base"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model with the network of base.yaml."""
    config = read_record(TrainConfig, ["--config", str(ROOT / "configs" / "ablations" / "base.yaml")], "tools/train.py")
    net, _, _ = build_net(config, pretrained=False)
    path = tmp_path_factory.mktemp("model") / "default.safetensors"
    write_weights(config, {f"net.{name}": value for name, value in net.state_dict().items()}, path)
    return path


@pytest.mark.long
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_ablation_can_run(path, tmp_path, monkeypatch, model):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(mtl.models.safetensors_io, "BUNDLED_MODEL", model)  # where rows start from the package's model
    ablation = read_record(Ablation, ["--config", str(path)], "tools/ablate.py")
    assert ablation.name == path.stem and path.read_text().startswith("# ")
    runs = expand_grid(ablation, tmp_path)
    networks = [run for run in runs if run.baseline is None]
    assert len({run.fingerprint for run in networks}) == len(networks)  # no two rows are the same
    for net in {str(run.config.net): run.config for run in networks}.values():
        with torch.device("meta"):  # shapes only
            build_net(net, pretrained=False)


def test_the_fingerprint_follows_what_was_set_and_not_what_is_default():
    one = fingerprint(TrainConfig(), None)
    other = TrainConfig(optim=OptimConfig(loss_weights={"dist": 0.5}))
    assert fingerprint(TrainConfig(optim=OptimConfig(lr=OptimConfig.lr)), None) == one
    assert len({one, fingerprint(other, None), fingerprint(other, "exact")}) == 3
    defaults = TrainConfig().as_dict()
    assert changed_settings(other.as_dict(), defaults) == {"optim": {"loss_weights": {"dist": 0.5}}}
    assert changed_settings({"new": 1} | defaults, defaults | {"new": 1}) == {}  # a later version's default


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "..", ".", "", "a/b", "a\0b"])
def test_a_name_does_not_lead_out_of_the_output_folder(name, tmp_path):
    rows = {"a": {}}
    with pytest.raises(UserError, match="the name"):
        expand_grid(Ablation(name, rows, {}), tmp_path)
    with pytest.raises(UserError, match="the name"):
        find_test_sets(Ablation("x", rows, {name: [str(tmp_path)]}))
    for run in expand_grid(
        Ablation("x", {f"{name}b": {}}, {}, base=str(ROOT / "configs" / "ablations" / "base.yaml")), tmp_path
    ):
        assert run.folder.resolve().is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    ("rows", "conditions", "seeds"), [(1, 1, 10**9), (1, 1, MAX_RUNS + 1), (200, 60, 1), (1, 4000, 3)]
)
def test_more_runs_than_anybody_can_make_are_refused_before_any_is_looked_at(rows, conditions, seeds, tmp_path):
    unknown = {"no such setting": 1}  # looking at a single row would say this instead
    grid = {f"row {i}": unknown for i in range(rows)}, {}, {f"condition {i}": {} for i in range(conditions)}, seeds
    with pytest.raises(UserError, match=f"{rows * conditions * seeds:,} runs.*at most {MAX_RUNS:,}"):
        expand_grid(Ablation("much", *grid), tmp_path)


@pytest.mark.parametrize(
    "lines",
    ["rows: {a: {}}\nseeds:", "rows: {a: {}}\nmetrics:", "rows: {a: {}, b: {no such setting: 1}}"],
)
def test_what_is_null_or_unknown_is_one_line(lines, tmp_path):
    """Found by the soak: null passed for every type, and a setting was looked up before it was known."""
    path = tmp_path / "grid.yaml"
    path.write_text(f"name: a\ntests: {{t: maps}}\n{lines}\n")
    with pytest.raises(UserError, match=r"null|no such setting"):
        expand_grid(read_record(Ablation, ["--config", str(path)], "tools/ablate.py"), tmp_path)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"metrics": Names("iou,boundary_f2")}, "metrics: boundary_f2; .*boundary_f1"),
        ({"metrics": Names("mae")}, "metrics: mae; .*iou"),
        ({"outputs": Names("trap,crust")}, "outputs: crust; .*some of trap"),
    ],
)
def test_columns_that_would_stay_empty_are_refused_before_anything_is_trained(named, words, tmp_path):
    ablation = Ablation("x", {"a": {}}, {}, base=str(ROOT / "configs" / "ablations" / "base.yaml"), **named)
    with pytest.raises(UserError, match=words):
        expand_grid(ablation, tmp_path)


def test_one_ablation_serves_several_folders_of_maps(tmp_path):
    conditions = {"own": {"data": "train", "split.val_data": "chosen"}, "elsewhere": {"data": str(tmp_path / "maps")}}
    base = str(ROOT / "configs" / "ablations" / "base.yaml")
    given = Ablation("x", {"a": {}}, {"test": "test"}, conditions, 1, base, data_root=str(tmp_path / "b"))
    own, elsewhere = expand_grid(given, tmp_path)
    assert own.config.data == str(tmp_path / "b" / "train") and elsewhere.config.data == str(tmp_path / "maps")
    assert own.config.split.val_data == str(tmp_path / "b" / "chosen")
    (tmp_path / "b" / "test").mkdir(parents=True)
    assert find_test_sets(given) == {"test": {"": [str(tmp_path / "b" / "test")]}}
    plain = replace(given, data_root="")
    assert [run.config.data for run in expand_grid(plain, tmp_path)] == ["train", str(tmp_path / "maps")]
