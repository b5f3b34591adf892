"""The stacking is judged on maps that it was not fitted to."""

import numpy as np
import pytest

from mtl.config import LoopConfig
from mtl.models.stacking import Stacking
from mtl.training.callbacks.validation_fits import StackingFit
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.run import fit
from targets.common.cli import Names
from tests.conftest import dome_scene, tiny_config


@pytest.mark.parametrize("groups", [["a", "a", "b", "b"], ["", "", "", ""], ["a", "a", "a", "a"], ["a"]])
def test_no_map_judges_a_stacking_that_was_fitted_to_it_or_to_its_group(tmp_path, monkeypatch, groups):
    fitted, judged = {}, []
    real_fit, real_call, real_end = Stacking.fit, Stacking.forward, StackingFit.on_validation_epoch_end

    def spy_fit(self, maps):
        fitted[id(self)] = [id(one.target) for one in maps]
        kept.append(self)  # so that no other has its id
        real_fit(self, maps)

    def spy_end(self, *arguments):
        self.metrics.add = lambda output, prediction, target, valid, sides: judged.append((last[-1], id(target)))
        kept.extend(self._maps)
        real_end(self, *arguments)

    def spy_call(self, *arguments):
        last.append(id(self))
        return real_call(self, *arguments)

    kept, last = [], []
    monkeypatch.setattr(Stacking, "fit", spy_fit)
    monkeypatch.setattr(Stacking, "forward", spy_call)
    monkeypatch.setattr(StackingFit, "on_validation_epoch_end", spy_end)
    monkeypatch.setattr(ValidationMetrics, "compute", lambda *_: {"iou": 0.0})
    validation = [
        dome_scene(f"v{i}", group=group or f"v{i}", crest=(0.4, 0.4 + 0.05 * i)) for i, group in enumerate(groups)
    ]
    loop = LoopConfig(epochs=1, batch_size=2, logger="csv", monitor="fusion/iou")
    fit(tiny_config(heads=Names("trap,depth"), loop=loop), tmp_path, [dome_scene("t")], validation)
    of_map = {id(one.target): one.group for one in kept if hasattr(one, "target")}
    assert len(judged) == len(groups)
    for stacking, target in judged:
        used = {of_map[other] for other in fitted[stacking]}
        assert used and (target in fitted[stacking]) == (len(groups) == 1)
        assert of_map[target] not in used or set(groups) == {"a"}  # one group: its maps are halved
    assert sorted(map(len, fitted.values())) == ([2, 2, 4] if len(groups) == 4 else [1])


def test_the_halves_of_a_run_without_traps_are_predicted_by_the_mean(tmp_path):
    flat = [dome_scene(f"f{i}").replace(traps=np.zeros((64, 64), bool)) for i in range(2)]
    loop = LoopConfig(epochs=1, batch_size=2, logger="csv")
    metrics = fit(tiny_config(heads=Names("trap,depth"), loop=loop), tmp_path, [dome_scene("t")], flat)
    assert "fusion/iou" in metrics
