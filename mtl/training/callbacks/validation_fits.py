"""Decisions by the maps that validate: whether changes of rules are accepted, and the fit of the stacked output."""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from mtl.config import THRESHOLD
from mtl.data.channels import RULE_TRAPS
from mtl.data.sample import JudgedMap, Sample
from mtl.distributed.collectives import all_gather_objects
from mtl.models.multi_head_net import MultiHeadNet
from mtl.models.stacking import LabelledMap, Stacking, halves_of
from mtl.tasks.base import Output
from mtl.tasks.heads import FUSION, HEADS, OBJECTS, trap_outputs
from mtl.tasks.objects import (
    NUMBERS,
    KnownObjects,
    MapObjects,
    choose,
    fit_choice,
    fit_out_of_fold,
    known_objects,
    map_objects,
    with_head,
)
from mtl.tasks.postprocess import mask_probability
from mtl.training.callbacks.validation_metrics import ValidationMetrics
from mtl.training.lightning_module import MultiTaskModule, ValidatedMap
from mtl.training.trap_rules import ACCEPTED, CHANGED_IOU, RULES_IOU, MapComparison, accepts_changes, pooled_iou
from targets.rules.drawn_maps import has_drawn_traps
from targets.scene import Bool, Float, Scene
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import build_ground_truth

MOST_FITTED = 40  # maps that train and tell of closures: more would not change a dozen numbers


class ChangeAcceptance(Callback):
    """Accepts what a head changes of the traps by rules only if the maps that validate get better by it.

    Else the head answers with the traps by rules, in the metrics of this validation and in the checkpoints, until
    another epoch does better. Maps whose depth the network does not see have no part in it. It has to come before all
    callbacks that look at predictions when a validation ends.

    Parameters
    ----------
    output : Output
        The head.
    net : MultiHeadNet
        The network of the run, which keeps what is decided.
    metrics : ValidationMetrics
        Gets the predictions of the head, which it leaves to this callback.
    """

    def __init__(self, output: Output, net: MultiHeadNet, metrics: ValidationMetrics) -> None:
        self.output, self.metrics = output, metrics
        self._residual = net.residuals[output.name]
        self._maps: list[tuple[Sample, Float, Float | None]] = []  # prediction (1, H, W), and traps by rules
        self._masks: dict[str, Float] = {}
        self.state: dict[str, float] = {}

    def state_dict(self) -> dict[str, Any]:
        """What the last validation said, kept in checkpoints."""
        return self.state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.state = dict(state_dict)

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._maps = []

    def on_validation_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Show the changes; a moving average has taken the place of the weights by now."""
        self._residual.get_buffer("accepted").fill_(1)

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: MultiTaskModule,  # type: ignore[override]
        outputs: ValidatedMap | None,  # type: ignore[override]
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if outputs is None:
            return
        sample, mask = outputs.sample, None
        if RULE_TRAPS.name in sample.input_sets[0]:
            name, scene = sample.scene.name, sample.judged.scene
            if name not in self._masks:
                self._masks[name] = RULE_TRAPS.compute(scene, pl_module.config.targets.traps)
            mask = self._masks[name]
        self._maps.append((sample, outputs.predictions[self.output.name], mask))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        own = [
            compare_masks(sample.scene.group, sample.judged, mask[0] > THRESHOLD, prediction[0] > THRESHOLD)
            for sample, prediction, mask in self._maps
            if mask is not None
        ]
        compared = all_gather_objects(own)
        if len({one.group for one in compared}) == 1:  # pieces of one map: each stands for itself
            compared = [one._replace(group=str(number)) for number, one in enumerate(compared)]
        is_accepted = accepts_changes(compared)
        self._residual.get_buffer("accepted").fill_(float(is_accepted))
        for sample, prediction, mask in self._maps:
            if mask is not None and not is_accepted:  # in place: other callbacks look at the same array
                np.copyto(prediction, mask_probability(mask), where=sample.judged.scene.map_valid)
            judged = sample.judged
            self.metrics.add(self.output, prediction, *judged.target_of(self.output), judged.scene.cell_sides)
        self.state, self._maps = {}, []
        if compared:
            rules, changed = (pooled_iou([getattr(one, name) for one in compared]) for name in ("rules", "changed"))
            self.state = {RULES_IOU: rules, CHANGED_IOU: changed, ACCEPTED: float(is_accepted)}
        for name, value in self.state.items():
            pl_module.log(f"{self.output.name}/{name}", value)


def compare_masks(group: str, judged: Sample | JudgedMap, rules: Bool, changed: Bool) -> MapComparison:
    """Count the cells of one map: traps by rules (H, W), and what was made of them."""
    target, valid = judged.target_of(FUSION)
    truth = target[0][valid] > THRESHOLD

    def counts(own: Bool) -> tuple[int, int]:
        return int(np.count_nonzero(own & truth)), int(np.count_nonzero(own | truth))

    return MapComparison(group, counts(rules[valid]), counts(changed[valid]))


class ObjectFit(Callback):
    """Fits the choice of closures to the drawn maps of a run, and judges it on maps that it was not fitted to.

    Maps that train tell of closures alone, since the network has learned from them; maps that validate also of what the
    trap head says. The prediction of a map that validates is by a choice fitted without its group, and the choice is
    taken only if these predictions are better than the traps by rules (`accepts_changes`). It has to come after
    `ChangeAcceptance`, and before all callbacks that look at predictions when a validation ends.

    Parameters
    ----------
    net : MultiHeadNet
        The network of the run, which keeps the numbers of the choice.
    training : Sequence[Scene]
        Maps that train.
    options : GroundTruthOptions
        With the rules of the run.
    metrics : ValidationMetrics
        Gets the predictions.
    """

    def __init__(
        self, net: MultiHeadNet, training: Sequence[Scene], options: GroundTruthOptions, metrics: ValidationMetrics
    ) -> None:
        self.net, self.training, self.options, self.metrics = net, training, options, metrics
        self._known: list[KnownObjects] | None = None  # of maps that train
        self._found: dict[str, MapObjects] = {}  # of maps that validate, by name
        self._maps: list[tuple[Sample, Mapping[str, Float], MapObjects | None]] = []

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._maps = []
        if self._known is None:
            drawn = [scene for scene in self.training if has_drawn_traps(scene)][:MOST_FITTED]
            truths = [build_ground_truth(scene, self.options) for scene in drawn]
            self._known = [known_objects(map_objects(t.scene, self.options.traps), t.labels, "") for t in truths]

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: MultiTaskModule,  # type: ignore[override]
        outputs: ValidatedMap | None,  # type: ignore[override]
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if outputs is None:
            return
        sample, name, objects = outputs.sample, outputs.sample.scene.name, None
        if RULE_TRAPS.name in sample.input_sets[0]:
            if name not in self._found:
                self._found[name] = map_objects(sample.judged.scene, self.options.traps)
            objects = self._found[name]
        predictions = {output: outputs.predictions[output] for output in (HEADS["trap"].name, OBJECTS.name)}
        self._maps.append((sample, predictions, objects))

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        shown = [(s, p, with_head(o, p[HEADS["trap"].name][0])) for s, p, o in self._maps if o is not None]
        one_group = len(set(all_gather_objects([sample.scene.group for sample, _, _ in shown]))) == 1
        known = [
            known_objects(o, s.judged.truth.labels, s.scene.name if one_group else s.scene.group) for s, _, o in shown
        ]
        everywhere, others = all_gather_objects(known), self._known or []
        by_group = fit_out_of_fold(everywhere, others)
        compared, answers = [], []
        for one, (sample, _, objects) in zip(known, shown, strict=True):
            answers.append(choose(objects, by_group[one.group], self.options.traps.smoothing))
            compared.append(compare_masks(one.group, sample.judged, objects.rules > 0, answers[-1] > THRESHOLD))
        is_accepted = accepts_changes(all_gather_objects(compared))
        numbers = fit_choice([*others, *everywhere]) if is_accepted else np.zeros(NUMBERS)
        assert self.net.object_numbers is not None
        self.net.object_numbers.copy_(torch.from_numpy(numbers))
        for (_, predictions, objects), answer in zip(shown, answers, strict=True):
            own = answer if is_accepted else choose(objects, numbers)
            np.copyto(predictions[OBJECTS.name], own)  # in place: other callbacks look at the same array
        for sample, predictions, _ in self._maps:
            judged = sample.judged
            self.metrics.add(OBJECTS, predictions[OBJECTS.name], *judged.target_of(OBJECTS), judged.scene.cell_sides)
        self._maps = []


class StackingFit(Callback):
    """Fits the weights of a `Stacking` to this epoch's maps, and judges a fit to each half of them on the other half.

    So its metrics are of maps that had no part in the fit, where there are several groups of maps (or, of one group,
    several maps); those of a single map are of the map itself. It has to come before the callbacks that log metrics or
    draw pictures.

    Parameters
    ----------
    stacking : Stacking
        Of the run's network; fitted in place.
    metrics : ValidationMetrics
        Gets the predictions of the stacked output.
    """

    def __init__(self, stacking: Stacking, metrics: ValidationMetrics) -> None:
        self.stacking, self.metrics = stacking, metrics
        self._maps: list[LabelledMap] = []
        self._names: list[str] = []

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._maps, self._names = [], []

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: MultiTaskModule,  # type: ignore[override]
        outputs: ValidatedMap | None,  # type: ignore[override]
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if outputs is None:
            return
        sample, members = outputs.sample, trap_outputs(pl_module.outputs)
        predictions = {output.name: outputs.predictions[output.name] for output in members}
        target, valid = sample.judged.target_of(FUSION)
        sides = sample.judged.scene.cell_sides
        self._maps.append(LabelledMap(sample.input_sets[0], predictions, target, valid, sample.scene.group, sides))
        self._names.append(sample.scene.name)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        groups = all_gather_objects([one.group for one in self._maps])
        if len(set(groups)) == 1:  # pieces of one map
            self._maps = [one._replace(group=name) for one, name in zip(self._maps, self._names, strict=True)]
            groups = all_gather_objects(self._names)
        halves = halves_of(groups)
        self.stacking.fit(self._maps)
        for half in sorted(set(halves.values())):
            judge = self.stacking
            if len(halves) > 1:
                judge = self.stacking.unfitted_copy()
                judge.fit([one for one in self._maps if halves[one.group] != half])
            for visible, predictions, target, valid, group, sides in self._maps:
                if halves[group] == half:
                    self.metrics.add(FUSION, judge(predictions, visible), target, valid, sides)
        self._maps, self._names = [], []
