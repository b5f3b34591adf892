"""Fault systems: zones keep their distance or belong together."""

import numpy as np
import pytest

from targets.synthetic.fault_systems import random_fault_system
from targets.synthetic.faults import trace_points
from targets.synthetic.options import StructureMapOptions


def test_fault_zones_keep_their_distance_or_belong_together():
    for seed in range(5):
        rng, options = np.random.default_rng(seed), StructureMapOptions(faults=(8, 8))
        faults = random_fault_system(rng, (10000, 10000), 0.5, options)
        assert len(faults) >= 3 and all(fault.length <= 2.2 * 10000 and fault.throw <= 400 for fault in faults)
        tips = [trace_points(fault)[[0, -1]] for fault in faults if fault.parent is None]
        straight_ends = [
            np.hypot(*(ends[1] - ends[0])) / fault.length
            for ends, fault in zip(tips, [f for f in faults if f.parent is None], strict=True)
        ]
        assert straight_ends == pytest.approx([1.0] * len(straight_ends))
