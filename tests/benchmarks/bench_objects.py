#!/usr/bin/env python
"""What each head adds to traps as objects, if heads were right but blurred: panoptic quality, AP50, splits, mergers.

bench_objects.py [GRIDS...]     of grids; without any, of 60 generated maps
"""

import sys
from collections.abc import Iterator, Mapping

import numpy as np
from scipy import ndimage

from mtl.metrics.base import State, add_states
from mtl.metrics.instances import instance_metrics
from mtl.prediction.instances import INSTANCES, instance_planes
from mtl.tasks.heads import HEADS
from targets.io.catalogue import list_maps, read_map
from targets.scene import Float, Scene
from targets.synthetic.structure_maps import make_structure_map
from targets.truth.criteria import GroundTruthOptions
from targets.truth.traps import GroundTruth, build_ground_truth

MAPS, SIZE = range(700_000, 700_060), 128
BLUR = (0.0, 1.0, 2.0, 4.0)  # cells, σ of a Gaussian
WAYS = (
    ("trap",),
    ("trap", "crest", "boundary"),
    ("trap", "crest", "dist"),
    ("trap", "crest", "boundary", "dist"),
    ("boundary",),
    ("boundary", "crest"),
)


def main(grids: list[str]) -> None:
    """Print a table per blur."""
    truths = [build_ground_truth(scene, GroundTruthOptions()) for scene in scenes(grids)]
    print(f"{len(truths)} maps, {sum(int(truth.labels.max()) for truth in truths)} traps")
    for sigma in BLUR:
        counted: dict[tuple[str, ...], list[State]] = {way: [] for way in WAYS}
        for truth in truths:
            maps = blurred(truth, sigma)
            for way, sums in counted.items():
                planes = instance_planes(maps, [HEADS[name] for name in way])
                sums.append(INSTANCES.metric.update(planes, *INSTANCES.target(truth)))
        print(f"\nheads blurred by {sigma:g} cells")
        for way, sums in counted.items():
            figures = instance_metrics(add_states(sums))
            told = " ".join(f"{name} {figures[name]:.3f}" for name in ("pq", "sq", "rq", "ap50"))
            counts = " ".join(f"{name} {figures[name]:3.0f}" for name in ("splits", "merges", "missed", "false"))
            print(f"  {' + '.join(way):32s} {told}  {counts}")


def scenes(grids: list[str]) -> Iterator[Scene]:
    """Maps of grids, or generated ones."""
    if grids:
        yield from (read_map(source) for source in list_maps(grids))
    else:
        yield from (make_structure_map(seed, SIZE) for seed in MAPS)


def blurred(truth: GroundTruth, sigma: float) -> Mapping[str, Float]:
    """{head: (1, H, W)} targets as an unsure network would answer them."""
    maps = {}
    for name in ("trap", "boundary", "crest", "dist"):
        values, valid = HEADS[name].target(truth)
        nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
        known = values[0][tuple(nearest)] if valid.any() else values[0]
        plane = ndimage.gaussian_filter(known, sigma)
        maps[name] = np.where(truth.scene.map_valid, plane, np.nan)[None].astype(np.float32)
    return maps


if __name__ == "__main__":
    main(sys.argv[1:])
