"""Folds: shorter ones make more traps, uneven ones steep parts beside flat ones."""

from dataclasses import replace

import numpy as np

from targets.closure import find_closures
from targets.synthetic.options import StructureMapOptions
from targets.synthetic.structure_maps import make_structure_map


def test_shorter_folds_make_more_traps_and_uneven_ones_steep_parts_beside_flat_ones():
    calm = StructureMapOptions(faults=(0, 0), picking_noise=(0, 0), regional_dip=(0, 0), outline_rectangles=(1, 1))

    def measure(options):
        scenes = [make_structure_map(seed, 128, options) for seed in range(5)]
        slopes = [np.hypot(*np.gradient(scene.depth)) for scene in scenes]
        traps = sum(int(find_closures(s.depth, min_height=0.01 * np.ptp(s.depth)).labels.max()) for s in scenes)
        return traps, np.median([np.quantile(slope, 0.95) / np.median(slope) for slope in slopes])

    (few, even), (many, _) = measure(calm), measure(replace(calm, fold_size=(0.3, 0.3)))
    _, uneven = measure(replace(calm, fold_unevenness=(1.0, 1.0)))
    assert many > 1.5 * few and uneven > 1.15 * even
