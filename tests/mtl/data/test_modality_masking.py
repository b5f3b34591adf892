"""Input sets: what the network does not see of a map is not there for postprocessing either."""

from dataclasses import replace

import pytest

from mtl.data.channels import INPUTS
from mtl.data.modality_masking import picture_visible, visible_scene

RECORDS = [INPUTS["rgb"], INPUTS["fault"], INPUTS["depth"]]


@pytest.mark.parametrize(
    ("visible", "depth", "picture"),
    [(("rgb", "fault", "depth"), True, False), (("rgb", "fault"), False, True), (("fault",), False, False)],
)
def test_a_scene_keeps_the_depth_or_else_the_picture_that_the_network_sees(dome, visible, depth, picture):
    seen = visible_scene(dome.replace(rgb=None), RECORDS, visible)
    assert (seen.has_depth, seen.rgb is not None) == (depth, picture)
    assert picture_visible(RECORDS, visible) == ("rgb" in visible)


def test_records_say_what_shows_the_depth_whatever_their_name(dome):
    renamed = replace(INPUTS["depth"], name="elevation")
    assert visible_scene(dome, [renamed], ("elevation",)).has_depth
    assert not visible_scene(dome, [INPUTS["gradient"]], ("gradient",)).has_depth
