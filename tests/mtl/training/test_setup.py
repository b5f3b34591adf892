"""Set-up of a run: the size of its patches."""

from mtl.config import PatchConfig
from mtl.training.setup import fitting_patch_size
from tests.conftest import dome_scene, tiny_config

SCENES = [dome_scene(f"d{i}", crest=(0.4 + 0.05 * i, 0.5)) for i in range(4)]


def test_patches_are_no_larger_than_the_largest_map():
    assert fitting_patch_size(tiny_config(patches=PatchConfig(size=256)), SCENES) == 64
    assert fitting_patch_size(tiny_config(patches=PatchConfig(size=256)), [dome_scene(size=70)]) == 96
    assert fitting_patch_size(tiny_config(patches=PatchConfig(size=32)), SCENES) == 32
